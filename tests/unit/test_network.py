"""The network: its loss is the likelihood, it starts as the GLM, segments and dropout do what they say."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models import build_model, cell_names
from neurodecode.nn.loss import poisson_loss
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.sequences import Sequences

torch.set_num_threads(1)


def test_loss_is_the_twin_of_the_likelihood():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 2, (4, 30, 3)).astype(np.uint8)  # 0/1: log n! is 0
    log_mean = rng.normal(-2, 1, counts.shape)
    mask = rng.random((4, 30, 1)) < 0.8
    twin = poisson_loss(torch.from_numpy(log_mean), torch.from_numpy(counts.astype(float)), torch.from_numpy(mask))
    ours = trial_log_likelihood(counts, np.exp(log_mean) / 0.01, 0.01, mask).sum()
    assert_allclose(-twin.item(), ours, rtol=1e-12)


def test_masked_bins_give_no_gradient_even_if_infinite():
    log_mean = torch.tensor([[[0.0], [200.0]]], requires_grad=True)
    mask = torch.tensor([[[True], [False]]])
    poisson_loss(log_mean, torch.ones(1, 2, 1), mask).backward()
    assert_allclose(log_mean.grad.numpy().ravel(), [0.0, 0.0])


@pytest.mark.parametrize("cell", cell_names())
def test_untrained_network_is_its_offset(cell):
    network = RateNetwork(cell, 5, 8, 2, dropout=0.3)
    offset = torch.randn(3, 20, 2)
    out, _ = network(torch.randn(3, 25, 5), offset)
    assert_array_equal(out.detach().numpy(), offset.numpy())


@pytest.mark.parametrize("cell", cell_names())
def test_steps_equal_the_whole(cell):
    network = RateNetwork(cell, 5, 8, 2, dropout=0.3).eval()
    torch.nn.init.normal_(network.readout.weight)
    inputs, offset = torch.randn(3, 40, 5), torch.randn(3, 40, 2)
    whole, _ = network(inputs, offset)
    state, steps = None, []
    for t in range(40):
        out, state = network(inputs[:, t : t + 1], offset[:, t : t + 1], state)
        steps.append(out)
    # float32 through 40 steps of a contracting cell
    assert_allclose(torch.cat(steps, 1).detach().numpy(), whole.detach().numpy(), atol=1e-5)


def test_dropout_keeps_one_mask_for_a_whole_sequence():
    network = RateNetwork("lstm", 5, 8, 2, dropout=0.5).train()
    dropped = network._dropped(torch.ones(6, 50, 5))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(network.eval()._dropped(torch.ones(2, 3, 5)), torch.ones(2, 3, 5))


def _sequences(n_trials: int, n_bins: int, burn_in: int) -> Sequences:
    steps = np.arange(n_bins + burn_in, dtype=np.float32) - burn_in
    inputs = np.broadcast_to(steps[None, :, None], (n_trials, len(steps), 1))
    bins = np.broadcast_to(np.arange(n_bins)[None, :, None], (n_trials, n_bins, 1))
    mask = np.ones((n_trials, n_bins, 1), bool)
    return Sequences(lambda t: inputs[t], burn_in, bins.astype(np.uint8), mask, bins.astype(np.float32))


def test_segments_cover_every_bin_and_carry_their_burn_in():
    sequences = _sequences(2, 25, burn_in=4)
    segments = sequences.segments(10)
    covered = {(t, b) for t, start in segments for b in range(start, start + 10)}
    assert covered == {(t, b) for t in range(2) for b in range(25)}
    batch = sequences.batch(segments, 10, torch.device("cpu"))
    assert batch.inputs.shape == (6, 14, 1)
    # inputs hold the bin number; the last ten are those of the counts and of the offset
    assert torch.equal(batch.inputs[:, 4:], batch.counts)
    assert torch.equal(batch.inputs[:, 4:], batch.offset)


def test_shuffled_batches_hold_each_segment_once():
    sequences = _sequences(5, 20, burn_in=3)
    batches = list(sequences.shuffled(10, 4, np.random.default_rng(0), torch.device("cpu")))
    assert len(batches) == 4
    starts = sorted(int(s) for batch in batches for s in batch.counts[:, 0, 0])
    assert starts == [0] * 5 + [10] * 5


@pytest.mark.parametrize("cell", cell_names())
def test_hidden_bursts_are_learnt_beyond_the_glm(cell):
    """A renewal train with a preferred interval: the nonlinear state beats log-linear history, on new trials."""
    rng = np.random.default_rng(5)
    counts = np.zeros((120, 150, 1), int)
    for trial in range(120):
        t = rng.integers(0, 12)
        while t < 150:
            counts[trial, t] = 1
            t += rng.choice([3, 11])  # two intervals only: nothing in between or after
    trials = Trials.from_counts(counts, 0.005, lead=50)
    model = build_model(cell, hidden=16, seeds=1, epochs=30, batches_per_epoch=8, longest_s=0.1, device="cpu")
    fitted = model.fit(trials.select(np.arange(80)), trials.select(np.arange(80, 100)), rng)
    test = trials.select(np.arange(100, 120))
    spikes = test.window_counts.sum()
    gain = (fitted.log_likelihood(test) - fitted.inputs.glm.log_likelihood(test)).sum() / np.log(2) / spikes
    assert gain > 0.05
