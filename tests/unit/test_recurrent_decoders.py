"""Recurrent decoders: what memory is for, streaming, seeds, files, and what is said where there is nothing."""

from importlib import import_module

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score

from neurodecode.data.trials import Trials
from neurodecode.decoders import (
    LSTMClassDecoder,
    LSTMDecoder,
    LSTMValueDecoder,
    decoder_types,
    example,
    load_decoder,
)
from neurodecode.errors import ConfigError, DataError
from neurodecode.models import cell_names

torch.set_num_threads(1)
CELLS = cell_names()
GATED = ["lstm", "gru"]  # what others learn in as few epochs depends on their time constants
SMALL = example("lstm")
STEADY = {
    "batches_per_epoch": 16,
    "learning_rate": 5e-3,
    "weight_decay": 1.0,
    "input_dropout": 0.3,
    "dropout": 0.1,
}
QUICK = STEADY | {"weight_decay": 0.01, "input_dropout": 0.0, "dropout": 0.0}


def ordered_spikes(n_trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Two units with one spike each, somewhere in 12 bins: the class is which of them came first."""
    rng = np.random.default_rng(5)
    counts, first = np.zeros((n_trials, 12, 2), np.uint8), rng.integers(0, 2, n_trials)
    for trial, unit in enumerate(first):
        early, late = np.sort(rng.choice(12, 2, replace=False))
        counts[trial, early, unit] = counts[trial, late, 1 - unit] = 1
    return counts, first


def delayed_sum(n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """A signal that is made of the counts four and two bins before."""
    counts = np.random.default_rng(6).poisson(1.0, (n_bins, 3))
    signal = np.zeros((n_bins, 2))
    signal[4:, 0] = counts[:-4, 0] - counts[:-4, 1]
    signal[2:, 1] = counts[:-2, 2]
    return counts, signal


@pytest.mark.parametrize("cell", GATED)
def test_order_of_spikes_is_decoded_where_counts_say_nothing(cell):
    counts, first = ordered_spikes(200)
    decoder = decoder_types(cell)[1](hidden=16, seeds=1, **QUICK)
    decoder.fit(counts[:150], first[:150])
    summed = LogisticRegression().fit(counts[:150].sum(axis=1), first[:150])
    assert decoder.score(counts[150:], first[150:]) > 0.9
    assert summed.score(counts[150:].sum(axis=1), first[150:]) < 0.7


@pytest.mark.parametrize("cell", GATED)
def test_delayed_counts_are_decoded_where_the_present_bin_says_nothing(cell):
    counts, signal = delayed_sum(1600)
    decoder = decoder_types(cell)[0](hidden=32, seeds=1, input_dropout=0.0, dropout=0.0, weight_decay=0.01)
    decoder.fit(counts[:1200], signal[:1200])
    assert decoder.score(counts[1200:], signal[1200:]) > 0.9
    present = LinearRegression().fit(counts[:1200], signal[:1200])
    assert present.score(counts[1200:], signal[1200:]) < 0.05


@pytest.mark.parametrize("cell", sorted(set(CELLS) - set(GATED)))
def test_cells_without_gates_decode_delayed_counts_better_than_the_present_bin_does(cell):
    counts, signal = delayed_sum(1200)
    settings = {"hidden": 32, "seeds": 1, "bin_size_s": 0.005}
    decoder = decoder_types(cell)[0](**settings, **QUICK).fit(counts[:900], signal[:900])
    present = LinearRegression().fit(counts[:900], signal[:900])
    assert decoder.score(counts[900:], signal[900:]) > present.score(counts[900:], signal[900:]) + 0.1


def test_what_comes_later_is_known_to_bidirectional_decoders_alone():
    counts = np.random.default_rng(7).poisson(1.0, (60, 15, 2))
    later = np.zeros((60, 15, 1))
    later[:, :-3, 0] = counts[:, 3:, 0]
    scores = {}
    for bidirectional in (False, True):
        decoder = LSTMDecoder(
            hidden=16, seeds=1, bidirectional=bidirectional, input_dropout=0.0, weight_decay=0.01
        )
        scores[bidirectional] = decoder.fit(counts[:45], later[:45]).score(counts[45:], later[45:])
        assert decoder.causal is not bidirectional
    assert scores[False] < 0.2
    assert scores[True] > 0.8


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["signal", "class", "value"])
def test_streamed_outputs_are_those_of_the_batch(cell, kind, toy_trials):
    decoder = decoder_types(cell)[kind](**SMALL)
    target = ["drive", None, np.arange(24.0)][kind]
    decoder.fit(toy_trials, target)
    batch = [lambda d: d.predict, lambda d: d.predict_proba_bins, lambda d: d.predict_bins][kind](decoder)(
        toy_trials
    )
    series = decoder.series(toy_trials)
    for trial in (0, 3, 5):  # 3 and 5 were in part not observed
        counts = np.where(series.mask[trial], series.counts[trial], np.nan)
        stream = decoder.stream()
        steps = np.array([stream.step(now) for now in counts])[series.lead :]
        assert_allclose(steps.reshape(batch[trial].shape), batch[trial], atol=1e-5)  # float32 in other orders


def test_bidirectional_decoders_do_not_stream(toy_trials):
    decoder = LSTMDecoder(bidirectional=True, **SMALL).fit(toy_trials, "drive")
    with pytest.raises(ConfigError, match="not causal"):
        decoder.stream()


def test_same_seed_same_decoder_and_the_callers_random_numbers_stay(toy_trials):
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first, again, other = (LSTMClassDecoder(random_state=seed, **SMALL).fit(toy_trials) for seed in (3, 3, 4))
    assert_array_equal(torch.rand(1), expected)
    assert_array_equal(first.predict_proba(toy_trials), again.predict_proba(toy_trials))
    assert (first.networks_["0.cell.weight_ih_l0"] != other.networks_["0.cell.weight_ih_l0"]).any()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_loaded_decoders_decode_the_same(toy_trials, tmp_path, bidirectional):
    decoder = LSTMClassDecoder(bidirectional=bidirectional, **SMALL).fit(toy_trials)
    decoder.save(tmp_path / "decoder.safetensors")
    loaded = load_decoder(tmp_path / "decoder.safetensors")
    assert_array_equal(loaded.predict_proba_bins(toy_trials), decoder.predict_proba_bins(toy_trials))
    assert_array_equal(loaded.predict(toy_trials), decoder.predict(toy_trials))


def test_in_cross_validation():
    counts, first = ordered_spikes(40)
    scores = cross_val_score(LSTMClassDecoder(**SMALL), counts, first, cv=3)
    assert scores.shape == (3,)
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("cell", CELLS)
def test_classes_are_found_by_their_names(cell):
    for kind in decoder_types(cell):  # other processes of a cross-validation are told nothing else
        assert getattr(import_module(kind.__module__), kind.__name__) is kind


def test_where_nothing_can_be_decoded_the_aggregate_is_said():
    rng = np.random.default_rng(8)
    counts, labels, values = rng.poisson(2.0, (90, 20, 4)), rng.integers(0, 3, 90), rng.normal(size=90)
    probability = LSTMClassDecoder(epochs=15, **STEADY).fit(counts[:60], labels[:60]).predict_proba(counts[60:])
    loss = -np.log(probability[np.arange(30), labels[60:]]).mean()
    assert loss < np.log(3) + 0.05
    assert LSTMValueDecoder(epochs=15).fit(counts[:60], values[:60]).score(counts[60:], values[60:]) > -0.1


def test_bins_without_a_known_signal_are_left_out():
    counts, signal = delayed_sum(400)
    wild = signal.copy()
    wild[50:80] = np.nan
    decoder = LSTMDecoder(**SMALL).fit(counts, wild)
    assert np.isfinite(decoder.predict(counts)).all()
    signal[50:80] = np.nan
    assert_array_equal(decoder.predict(counts), LSTMDecoder(**SMALL).fit(counts, signal).predict(counts))


def test_trials_in_fine_bins_are_summed_for_classes():
    fine = np.random.default_rng(9).integers(0, 2, (20, 440, 2))
    trials = Trials.from_counts(fine, 0.001, lead=40, condition=np.arange(20) % 2)
    decoder = LSTMClassDecoder(**SMALL).fit(trials)
    assert decoder.bin_size_s_ == pytest.approx(0.008)
    assert decoder.predict_proba_bins(trials).shape == (20, 50, 2)
    assert decoder.series(trials).lead == 5
    assert LSTMClassDecoder(bin_size_s=0.02, **SMALL).fit(trials).predict_proba_bins(trials).shape == (20, 20, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 0},
        {"seeds": 0},
        {"dropout": 1.0},
        {"learning_rate": 0.0},
        {"weight_decay": -1.0},
        {"device": "tpu"},
    ],
)
def test_impossible_hyperparameters_are_refused_by_fit(wrong):
    counts, first = ordered_spikes(10)
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LSTMClassDecoder(**wrong).fit(counts, first)


def test_other_counts_than_it_was_fitted_to_are_refused(toy_trials):
    decoder = LSTMDecoder(**SMALL).fit(toy_trials, "drive")
    with pytest.raises(DataError, match="2 units"):
        decoder.predict(np.ones((5, 3)))
    for wrong in (np.ones(3), np.array([1.0, -1.0]), np.array([1.0, np.inf])):
        with pytest.raises(DataError, match=r"units|counts"):
            decoder.stream().step(wrong)


def test_constant_targets_are_refused():
    counts, first = ordered_spikes(10)
    with pytest.raises(DataError, match="constant"):
        LSTMDecoder(**SMALL).fit(counts, np.ones((10, 12, 1)))
    with pytest.raises(DataError, match="nothing to tell apart"):
        LSTMClassDecoder(**SMALL).fit(counts, np.zeros(10))
    with pytest.raises(DataError, match="all the same"):
        LSTMValueDecoder(**SMALL).fit(counts, first * 0.0)
