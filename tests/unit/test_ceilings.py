"""Ceilings of the mean response against populations whose mean response is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.data.splits import make_splits
from neurodecode.data.trials import Trials
from neurodecode.evaluation.scores import score_session
from neurodecode.metrics.jackknife import jackknife_interval
from neurodecode.metrics.mean_response import excess_nats, fano, mean_response_nats
from neurodecode.metrics.reliability import WindowCounts, dealt_halves, reached_correlation
from neurodecode.models.psth import fit_psth

BIN_S, N_BINS = 0.004, 200


def mean_counts(*, per_bin: float, depth: float) -> np.ndarray:
    """(2 conditions, bins): expected counts, smooth over 20 ms."""
    steps = np.arange(N_BINS)
    return per_bin * np.exp(depth * np.stack([np.sin(steps / 25), np.cos(steps / 40)]))


def drawn(mean: np.ndarray, n_trials: int, n_units: int, seed: int, gain_sd: float = 0.0):
    """Windows of Poisson counts, each trial under a gain of its own; condition; true bits/spike."""
    rng = np.random.default_rng(seed)
    condition = np.arange(n_trials) % 2
    gain = np.exp(gain_sd * rng.normal(size=(n_trials, 1, n_units)) - gain_sd**2 / 2)
    counts = rng.poisson(mean[condition][..., None] * gain)
    windows = WindowCounts.of(counts.astype(np.uint8), np.ones((n_trials, N_BINS, 1), bool), BIN_S)
    truth = (mean * np.log(mean / mean.mean())).sum() / mean.sum() / np.log(2)
    return windows, condition, truth


def bits(windows: WindowCounts, condition: np.ndarray) -> np.ndarray:
    return mean_response_nats(windows, condition) / windows.spikes.sum(axis=(0, 1)) / np.log(2)


@pytest.mark.parametrize(
    ("per_bin", "depth", "n_trials", "gain_sd"),
    [(0.05, 1.0, 20, 0.0), (0.4, 0.5, 20, 0.0), (0.1, 0.5, 100, 0.0), (0.1, 0.0, 40, 0.0), (0.4, 0.5, 60, 0.5)],
    ids=["few spikes", "many", "many trials", "no response", "gain"],
)
def test_the_ceiling_in_bits_is_what_the_true_mean_response_tells(per_bin, depth, n_trials, gain_sd):
    windows, condition, truth = drawn(mean_counts(per_bin=per_bin, depth=depth), n_trials, 150, 1, gain_sd)
    found = bits(windows, condition)
    # The mean over 150 units: three standard errors, and 2 percent for what windows of 20 ms do not resolve.
    assert found.mean() == pytest.approx(truth, abs=3 * found.std() / np.sqrt(150) + 0.02 * truth + 5e-4)


def test_intervals_hold_the_truth_as_often_as_they_say():
    windows, condition, truth = drawn(mean_counts(per_bin=0.1, depth=0.7), 60, 200, 2)
    value, low, high = jackknife_interval(lambda kept: bits(windows.select(kept), condition[kept]), condition)
    assert_allclose(value, bits(windows, condition))
    # 95 of 100; 200 units leave a standard error of 1.5 percent, and the spread is itself estimated.
    assert 0.90 <= np.mean((low <= truth) & (truth <= high)) <= 0.99


def test_the_true_response_reaches_all_that_can_be_explained_and_a_wrong_one_less():
    mean = mean_counts(per_bin=0.3, depth=0.5)
    windows, condition, _ = drawn(mean, 60, 150, 3)
    fold = np.arange(60) // 2 % 5
    halves = dealt_halves(condition, np.random.default_rng(0), n_splits=20)

    def reached(predicted: np.ndarray) -> np.ndarray:
        whole = np.broadcast_to(predicted[condition][..., None], (60, N_BINS, 150))
        sides = WindowCounts.of(whole, np.ones((60, N_BINS, 1), bool), BIN_S)
        found, ceiling = reached_correlation(windows, sides, condition, fold, halves)
        assert ceiling.mean() < 0.95, "means of six trials are noisy"
        return found / ceiling

    assert np.mean(reached(mean)) == pytest.approx(1.0, abs=0.02)
    late = np.roll(mean, 60, axis=1)
    assert np.mean(reached(late)) == pytest.approx(np.corrcoef(mean.ravel(), late.ravel())[0, 1], abs=0.05)


def test_scores_hold_the_ceilings_beside_the_psth_that_stays_below():
    rng = np.random.default_rng(5)
    mean, condition = mean_counts(per_bin=0.08, depth=1.0), np.arange(30) % 2
    truth = (mean * np.log(mean / mean.mean())).sum() / mean.sum() / np.log(2)
    trials = Trials.from_counts(rng.poisson(mean[condition][..., None] * np.ones(4)), BIN_S, condition=condition)
    splits = make_splits(condition, trials.condition_names, 3, rng)
    psth = np.empty(trials.counts.shape)
    for split in splits:
        fitted = fit_psth(trials.select(np.concatenate([split.train, split.validation])))
        psth[split.test] = fitted.intensity(trials.select(split.test))
    given = {"trials": trials, "splits": splits, "predictions": {"psth": psth}, "samples": {}}
    scores = score_session(**given, session="s", control="", n_bootstrap=20, seed=1)
    pooled = scores[(scores.unit == "all") & (scores.fold == "all")].set_index(["model", "metric"])
    ceiling = pooled.loc[("recording", "psth_ceiling")]
    assert ceiling.low < truth < ceiling.high
    assert pooled.loc[("psth", "bits_per_spike_nlb")].value < truth
    reached, known = (
        pooled.loc[key] for key in (("psth", "mean_response_reached"), ("recording", "noise_ceiling"))
    )
    assert reached.low < reached.value < reached.high
    assert 0.8 < reached.value < 1.1
    assert 0.5 < known.value < 1.0
    assert set(scores[scores.metric == "psth_ceiling"].unit) == {*trials.unit_names, "all"}
    again = score_session(**given, session="s", control="", n_bootstrap=0, seed=1)
    assert again[again.metric == "psth_ceiling"].low.isna().all()


def test_silent_units_and_masked_counts():
    counts = np.random.default_rng(0).poisson(0.3, (10, N_BINS, 2)).astype(np.uint8)
    counts[..., 1] = 0
    mask = np.ones((10, N_BINS, 1), bool)
    mask[3, 50:120] = False
    condition = np.zeros(10, int)
    found = mean_response_nats(WindowCounts.of(counts, mask, BIN_S), condition)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
    edited = np.where(mask, counts, 9).astype(np.uint8)
    assert_allclose(mean_response_nats(WindowCounts.of(edited, mask, BIN_S), condition), found)


def test_the_excess_of_a_fitted_poisson_mean_by_drawing():
    rng = np.random.default_rng(1)
    for mu in (0.05, 0.7, 4.0, 150.0):
        n = rng.poisson(mu, 400_000)
        own = n * np.log(np.maximum(n, 1) / mu)
        # E[n - mu] is 0: taken off, it leaves the same mean and a tenth of the spread.
        expected = np.mean(own - (n - mu))
        assert excess_nats(np.array([mu]))[0] == pytest.approx(expected, abs=5e-3)
    assert excess_nats(np.array([0.0, 1e6])) == pytest.approx([0.0, 0.5], abs=5e-3)


def test_variance_over_mean_is_one_for_poisson_and_more_under_a_gain():
    mean = mean_counts(per_bin=0.4, depth=0.5)
    for gain_sd, expected in ((0.0, 1.0), (0.5, None)):
        windows, condition, _ = drawn(mean, 60, 100, 4, gain_sd)
        found = fano(windows, condition).mean()
        assert found == pytest.approx(expected, abs=0.01) if expected else found > 1.3


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=(20, 1))
    strata = np.zeros(20, int)
    value, low, high = jackknife_interval(lambda kept: values[kept].mean(axis=0), strata)
    assert_allclose(value, values.mean())
    assert_allclose(high - low, 2 * 2.093024 * values.std(ddof=1) / np.sqrt(20), rtol=1e-6)  # t of 19 degrees
    few = jackknife_interval(lambda kept: values[:1][kept].mean(axis=0), strata[:1])
    assert np.isnan(few[1]).all()
