"""Fits and predictions that are made a piece at a time are those made at once, and hold less."""

import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data import batches
from neurodecode.data.splits import make_splits
from neurodecode.data.trials import Trials
from neurodecode.data.written_rows import WrittenRows
from neurodecode.evaluation import folds
from neurodecode.evaluation.folds import out_of_fold_intensity, out_of_fold_samples, save_intensity
from neurodecode.evaluation.predictions import StoredPredictions
from neurodecode.evaluation.scores import score_session
from neurodecode.models import _glm_fit, _network_inputs, _network_share, glm, psth
from neurodecode.models._glm_rows import Rows, shared_source_history, window_log_aggregate
from neurodecode.models._grid import Grid
from neurodecode.models._network_inputs import NetworkInputs
from neurodecode.models._recurrent import recurrent_type
from neurodecode.models.constant import Constant
from neurodecode.models.glm import SpikeHistoryGLM
from neurodecode.models.psth import PSTH, fit_psth

BIN_S = 0.005


@pytest.fixture(scope="module")
def population() -> Trials:
    """40 trials of 5 units and 2 conditions, 20 steps of lead and 60 bins; each unit has holes of its own."""
    rng = np.random.default_rng(3)
    mask = rng.random((40, 80, 5)) < 0.97
    rate = 0.1 + 0.08 * np.sin(np.arange(80) / 9.0)[:, None] * np.arange(1, 6) / 5
    return Trials.from_counts(
        rng.poisson(rate, (40, 80, 5)),
        BIN_S,
        lead=20,
        mask=mask,
        condition=np.arange(40) % 2,
        covariates={"drive": rng.normal(size=(40, 80))},
    )


def split_and_fitted(trials: Trials, model: object) -> tuple:
    splits = make_splits(trials.condition, trials.condition_names, 3, np.random.default_rng(0))[:2]
    return model.fit_folds(trials, splits, np.random.SeedSequence(0).spawn(2)), splits


@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_rows_in_any_order_make_the_file_that_numpy_writes(dtype):
    whole = (np.random.default_rng(0).random((6, 3, 4)) * 1000).astype(dtype)
    whole[[1, 4]] = 7
    expected, written = io.BytesIO(), io.BytesIO()
    np.save(expected, whole)
    rows = WrittenRows(written, whole.shape, dtype)
    for some in ([5, 0], [3], [2]):
        rows.put(np.array(some), whole[some].astype(np.float64))
    rows.fill_others(7.0)
    assert written.getvalue() == expected.getvalue()


@pytest.mark.parametrize("model", [PSTH(n_groups=3), SpikeHistoryGLM(longest_s=0.1)], ids=["psth", "glm"])
def test_predictions_of_some_trials_at_a_time_are_those_of_all(population, model, tmp_path, monkeypatch):
    fitted, splits = split_and_fitted(population, model)
    together = out_of_fold_intensity(fitted, population, splits)
    monkeypatch.setattr(folds, "_COUNTS_AT_ONCE", 3 * population.n_steps * population.n_units)
    save_intensity(tmp_path / "predictions.npy", fitted, population, splits)
    apart = np.load(tmp_path / "predictions.npy")
    assert_array_equal(apart, together)
    untested = np.setdiff1d(np.arange(40), np.concatenate([split.test for split in splits]))
    assert untested.size
    assert np.isnan(apart[untested]).all()
    assert_array_equal(np.isnan(apart[splits[1].test]), ~population.window_mask[splits[1].test])


def test_predictions_are_written_without_all_being_held(tmp_path, monkeypatch):
    trials = Trials.from_counts(np.random.default_rng(0).poisson(0.1, (120, 500, 20)), 0.001)
    fitted, splits = split_and_fitted(trials, Constant())
    monkeypatch.setattr(folds, "_COUNTS_AT_ONCE", 2 * trials.n_steps * trials.n_units)
    tracemalloc.start()
    try:
        save_intensity(tmp_path / "predictions.npy", fitted, trials, splits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (tmp_path / "predictions.npy").stat().st_size / 4


def test_samples_of_some_trials_at_a_time_are_drawn_once_for_each_trial(population, monkeypatch):
    busy = replace(population, counts=(population.counts * 100).astype(np.uint16))
    fitted, splits = split_and_fitted(busy, Constant())
    monkeypatch.setattr(folds, "_COUNTS_AT_ONCE", 1)
    counts = out_of_fold_samples(fitted, busy, splits, [np.random.default_rng(1), np.random.default_rng(2)])
    assert counts.dtype == np.uint8
    seen = np.broadcast_to(busy.window_mask, counts.shape)
    tested = np.concatenate([split.test for split in splits])
    assert_allclose(counts[tested][seen[tested]].mean(), busy.window_counts[seen].mean(), rtol=0.1)
    assert not np.array_equal(counts[tested[0]], counts[tested[1]])


def test_samples_beyond_a_byte_are_kept_whole(population, monkeypatch):
    busy = replace(population, counts=(population.counts.astype(np.uint16) * 4000))
    fitted, splits = split_and_fitted(busy, Constant())
    rngs = [[np.random.default_rng(seed) for seed in (1, 2)] for _ in range(2)]
    monkeypatch.setattr(folds, "_COUNTS_AT_ONCE", 1)
    counts = out_of_fold_samples(fitted, busy, splits, rngs[0])
    assert counts.dtype == np.uint16
    drawn = fitted[0].sample(busy.select(splits[0].test[:1]), rngs[1][0]).window_counts
    assert drawn.max() > 255
    assert_array_equal(counts[splits[0].test[:1]], drawn)


def test_a_psth_whose_smoothed_sums_are_not_kept_says_the_same(population, monkeypatch):
    kept = fit_psth(population)
    rates, left_out = kept.condition_rates_hz, kept.leave_one_out(population)
    monkeypatch.setattr(psth, "_KEPT_VALUES", 0)
    anew = fit_psth(population)
    assert_array_equal(anew.condition_rates_hz, rates)
    assert_array_equal(anew.leave_one_out(population), left_out)
    assert "_units" in vars(kept)
    assert "_units" not in vars(anew)


def test_counts_are_binary_whatever_stands_where_nothing_was_observed(population):
    counts = np.minimum(population.counts, 1)
    hidden = np.where(population.mask, counts, 5).astype(np.uint8)
    assert Grid.of(replace(population, counts=hidden)).binary
    counts[-1][population.mask[-1]] = 2
    assert not Grid.of(replace(population, counts=counts)).binary


@pytest.mark.parametrize("coupling", ["mean", "own"])
def test_histories_that_units_share_are_made_once(population, coupling):
    design = SpikeHistoryGLM(coupling=coupling, longest_s=0.1)._design(population)
    aggregate = window_log_aggregate(design, population, leave_out=True)
    sources = shared_source_history(design, population)
    assert sources is not None
    units = np.array([3, 1])
    made, given = (Rows.of(design, population, units, aggregate, some) for some in (None, sources))
    for one, other in zip(made.blocks, given.blocks, strict=True):
        assert_array_equal(one.shared, other.shared)
        assert_array_equal(one.own, other.own)
    assert given.columns.n_sources == (coupling == "mean")


def test_units_that_are_sources_each_share_no_histories(population):
    assert shared_source_history(SpikeHistoryGLM(coupling="units")._design(population), population) is None


def test_units_coupled_to_the_mean_are_fitted_alike_in_batches_and_together(population, monkeypatch):
    model = SpikeHistoryGLM(coupling="mean", longest_s=0.1)
    fitted = model.fit_training(population, population.select(np.arange(8)))
    together = _glm_fit.refit(fitted.design, population, fitted.weights).arrays()
    monkeypatch.setattr(_glm_fit, "_MOST_VALUES", 1.0)
    for name, values in _glm_fit.refit(fitted.design, population, fitted.weights).arrays().items():
        # As in test_glm_regressions.py: both stop below 1e-7 nats, at curvatures of 10 and more.
        assert_allclose(values, together[name], atol=2e-4, err_msg=name)


def test_a_narrow_log_mean_is_the_log_mean_in_float32(population, monkeypatch):
    model = SpikeHistoryGLM(coupling="mean", longest_s=0.1)
    fitted = model.fit_training(population, population.select(np.arange(8)))
    for leave_out in (True, False):
        monkeypatch.setattr(batches, "BATCH_VALUES", 2e7)
        whole = fitted.log_mean(population, leave_out=leave_out).astype(np.float32)
        monkeypatch.setattr(batches, "BATCH_VALUES", 3.0 * fitted.design.own_values(population))
        monkeypatch.setattr(glm, "_TRIALS_AT_ONCE", 7)
        assert_allclose(fitted.narrow_log_mean(population, leave_out=leave_out), whole, rtol=1e-6)


def test_inputs_of_networks_are_the_same_in_pieces(population, monkeypatch):
    fitted = SpikeHistoryGLM(coupling="mean", longest_s=0.1).fit_training(
        population, population.select(np.arange(8))
    )
    inputs = NetworkInputs.measured(fitted, population, burn_in=10)
    whole = inputs.make(population, inputs.drive(population, leave_out=True))
    monkeypatch.setattr(_network_inputs, "_TRIALS_AT_ONCE", 3)
    monkeypatch.setattr(batches, "BATCH_VALUES", 2.0 * whole[0].size)
    again = NetworkInputs.measured(fitted, population, burn_in=10)
    assert_array_equal(again.mean, inputs.mean)
    assert_array_equal(again.make(population, again.drive(population, leave_out=True)), whole)
    assert np.ascontiguousarray(whole.swapaxes(0, 1)).base is whole.base  # goes to a network without a copy


def test_the_gain_of_trials_is_the_same_in_pieces(population, monkeypatch):
    rng = np.random.default_rng(0)
    log_mean, added = np.log(0.1) + rng.normal(0, 0.3, (2, *population.window_counts.shape)).astype(np.float32)
    given = population.window_counts, population.window_mask, log_mean, added - log_mean
    together = _network_share._gain_of_trials(*given)
    monkeypatch.setattr(batches, "BATCH_VALUES", 1.0)
    assert_allclose(_network_share._gain_of_trials(*given), together, rtol=1e-6)


def test_the_benchmarks_batch_has_the_columns_of_real_inputs():
    torch = pytest.importorskip("torch")
    from benchmarks._large_batch import BIN_S, made_batch, usual_paths
    from benchmarks._large_recording import RecordingSize

    size = RecordingSize(n_units=3, n_trials=40, n_bins=70)
    trials = Trials.from_counts(np.random.default_rng(0).poisson(0.1, (8, 120, 3)), BIN_S, lead=50)
    model = recurrent_type("lstm")()
    fitted = model.glm().fit_training(trials, trials.select(np.arange(2)))
    real = model.ladder(NetworkInputs.measured(fitted, trials, burn_in=50))[0]
    made = usual_paths(model, 3)
    assert (made.n_inputs, made.n_units, made.hidden) == (real.n_inputs, 3, real.hidden)
    assert_array_equal(made.gain_columns, real.gain_columns)
    assert_array_equal(np.sort(made.own_columns, axis=1), np.sort(real.own_columns, axis=1))
    batch = made_batch(model, made, size)
    assert batch.inputs.shape == (3, 170, real.n_inputs)  # 28 trials of training in ten batches; 100 of burn-in
    assert torch.isfinite(model.network(made)(batch.inputs, batch.offset)[0]).all()


def test_scores_are_reckoned_without_predictions_being_held(tmp_path):
    trials = Trials.from_counts(np.random.default_rng(0).poisson(0.01, (240, 500, 20)), 0.001)
    fitted, splits = split_and_fitted(trials, Constant())
    save_intensity(tmp_path / "psth.npy", fitted, trials, splits)
    predictions = StoredPredictions({"psth": tmp_path / "psth.npy"})
    about = {
        "session": "large",
        "control": "",
        "n_bootstrap": 0,
        "seed": 0,
        "samples": {"psth": trials.window_counts},
    }
    tracemalloc.start()
    try:
        score_session(trials=trials, splits=splits, predictions=predictions, **about)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.8 * predictions["psth"].nbytes
