"""Scheduled sampling: what is drawn enters the past of later bins, all else stays what the recording says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.models import build_model, example
from neurodecode.models._network_inputs import NetworkInputs
from neurodecode.models._scheduled_sampling import OwnPast
from neurodecode.nn.cells.lstm import LSTMCell
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.scheduled_sampling import ramp, with_own_draws
from neurodecode.nn.sequences import Batch

torch.set_num_threads(1)

CERTAIN = 5.0  # log of an expected count that is drawn as a spike in every bin of 0/1 counts
LENGTH, BURN_IN = 15, 8
SEGMENTS = np.array([[1, 0], [4, 20], [4, 45], [0, 7]])


@pytest.fixture(scope="module")
def inputs(toy_trials) -> NetworkInputs:
    glm = (
        example("lstm").glm().fit_training(toy_trials.select(np.arange(18)), toy_trials.select(np.arange(18, 24)))
    )
    return NetworkInputs.measured(glm, toy_trials.select(np.arange(18)), burn_in=BURN_IN)


@pytest.fixture(scope="module")
def training(toy_trials):
    return toy_trials.select(np.arange(18))


@pytest.fixture(scope="module")
def sequences(inputs, training):
    return inputs.sequences(training, leave_out=True).cached()


@pytest.fixture(scope="module")
def own_past(inputs, training, sequences) -> OwnPast:
    due = inputs.drive(training, leave_out=True).due
    return OwnPast.of(training, inputs.glm, inputs.history, due, sequences.offset)


@pytest.fixture(scope="module")
def batch(sequences):
    rows = [
        sequences.batch(np.array([trial]), int(start), LENGTH, torch.device("cpu")) for trial, start in SEGMENTS
    ]
    parts = (torch.cat([getattr(row, part) for row in rows]) for part in ("inputs", "offset", "counts", "mask"))
    return Batch(*parts, SEGMENTS)


def remade(own_past, batch, log_mean: float, share: float, seed: int = 0):
    predicted = np.full(batch.offset.shape, log_mean, np.float32)
    rng = np.random.default_rng(seed)
    return own_past(batch.segments, batch.inputs.numpy(), predicted, share, rng)


def test_the_share_rises_linearly_from_none():
    assert [ramp(0.5, epoch, 5) for epoch in (1, 2, 3, 4, 5)] == [0.0, 0.125, 0.25, 0.375, 0.5]
    assert ramp(0.5, 1, 1) == 0.0


def test_no_share_is_the_recorded_past(own_past, batch):
    made, offset = remade(own_past, batch, CERTAIN, share=0.0)
    assert_array_equal(made, batch.inputs.numpy())
    # float32 sums in another order
    assert_allclose(offset, batch.offset.numpy(), atol=2e-6)


def test_a_whole_share_is_the_past_of_trials_that_hold_the_draws(own_past, batch, inputs, training):
    """Beside the aggregate, which leaves the recorded trial out: what it was before."""
    made, offset = remade(own_past, batch, CERTAIN, share=0.999999)
    _, recorded = remade(own_past, batch, CERTAIN, share=0.0)
    for row, (trial, start) in enumerate(SEGMENTS):
        counts = training.window_counts[[trial]].copy()
        counts[:, start : start + LENGTH] = 1
        drawn = training.select(np.array([trial])).with_window_counts(counts)
        steps, bins = slice(start, start + BURN_IN + LENGTH), slice(start, start + LENGTH)
        history = inputs.history(drawn, inputs.drive(training, leave_out=True).due[[trial]])[0, steps]
        assert_array_equal(made[row, :, : history.shape[1]], history)
        assert_array_equal(made[row, :, history.shape[1] :], batch.inputs[row, :, history.shape[1] :].numpy())
        change = inputs.glm.history_log_mean(drawn) - inputs.glm.history_log_mean(
            training.select(np.array([trial]))
        )
        assert_allclose(offset[row] - recorded[row], change[0, bins], atol=2e-6)
        assert np.abs(change[0, bins]).max() > 0.1, "draws in every bin must move the GLM"


def test_a_draw_is_seen_by_later_bins_only(own_past, batch):
    made, offset = remade(own_past, batch, CERTAIN, share=0.999999)
    seen, before = batch.inputs.numpy(), batch.offset.numpy()
    first = BURN_IN  # the first bin of the segment: its own draw is not its past
    assert_array_equal(made[:, : first + 1], seen[:, : first + 1])
    assert_allclose(offset[:, 0], before[:, 0], atol=2e-6)
    assert (made[:, first + 1] != seen[:, first + 1]).any()


def test_a_coin_decides_for_all_units_of_a_bin(own_past, training):
    segments = np.repeat(SEGMENTS, 50, axis=0)
    log_mean = np.full((len(segments), LENGTH, 2), CERTAIN, np.float32)
    # One spike in every bin is drawn; the recording is given none, so that each bin shows where it came from.
    silent = replace(own_past, trials=training.with_window_counts(np.zeros_like(training.window_counts)))
    bins, counts = silent.mixed(segments, log_mean, 0.3, np.random.default_rng(1))
    taken = np.take_along_axis(counts, bins[..., None], axis=1)
    assert_array_equal(taken[..., 0], taken[..., 1])
    assert_allclose(taken.mean(), 0.3, atol=4 * np.sqrt(0.21 / (len(segments) * LENGTH)))
    assert counts.sum() == taken.sum(), "bins outside the segments stay recorded"


def test_draws_follow_what_was_predicted(own_past):
    segments = np.repeat(SEGMENTS, 100, axis=0)
    log_mean = np.log(np.broadcast_to([0.05, 0.4], (len(segments), LENGTH, 2))).astype(np.float32)
    bins, counts = own_past.mixed(segments, log_mean, 0.999999, np.random.default_rng(2))
    drawn = np.take_along_axis(counts, bins[..., None], axis=1).mean(axis=(0, 1))
    assert_allclose(drawn, [0.05, 0.4], atol=4 * np.sqrt(0.24 / (len(segments) * LENGTH)))


def test_the_network_draws_without_dropout_and_is_trained_on_the_recording(batch):
    network = RateNetwork(LSTMCell(), batch.inputs.shape[2], 4, 2, dropout=0.9, bin_size_s=0.005).train()
    torch.nn.init.normal_(network.population.readout.weight)
    predicted = []

    def remake(segments, made, log_mean, share, rng):
        assert_array_equal(segments, SEGMENTS)
        predicted.append(log_mean)
        return made + 1.0, np.zeros_like(log_mean)

    mixed = with_own_draws(network, batch, None, remake, 0.5, np.random.default_rng(0))
    assert network.training
    assert torch.equal(mixed.inputs, batch.inputs + 1.0)
    assert torch.equal(mixed.offset, torch.zeros_like(batch.offset))
    assert mixed.counts is batch.counts
    with torch.inference_mode():
        at_rest, _ = network.eval()(batch.inputs, batch.offset)
    assert_array_equal(predicted[0], at_rest.numpy())


def test_the_first_epoch_is_teacher_forced_and_later_ones_are_not(toy_trials):
    curves = []
    for share in (0.0, 0.8):
        model = build_model(
            "gru", hidden=4, seeds=1, epochs=3, batches_per_epoch=3, longest_s=0.1, scheduled_sampling=share
        )
        fitted = model.fit(
            toy_trials.select(np.arange(18)), toy_trials.select(np.arange(18, 24)), np.random.default_rng(0)
        )
        curves.append(fitted.curves[0])
    assert curves[0]["train"][:2] == curves[1]["train"][:2]
    assert curves[0]["train"][2] != curves[1]["train"][2]
    assert curves[0]["validation"][0] == curves[1]["validation"][0]
