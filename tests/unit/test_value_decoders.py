"""Numbers of trials: ridge against scikit-learn's and against leaving trials out; means of conditions by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from neurodecode.data.trials import Trials
from neurodecode.decoders.mean import MeanSignalDecoder, MeanValueDecoder
from neurodecode.decoders.ridge import RidgeValueDecoder
from neurodecode.errors import ConfigError, DataError
from neurodecode.metrics.regression import r2


@pytest.fixture(scope="module")
def trials() -> Trials:
    """60 trials of 3 units and 20 bins; the value grows with unit 0 late in the trial, and by condition."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.6, (60, 24, 3))
    condition = np.arange(60) % 3
    late = np.sqrt(counts[:, 14:, 0].sum(axis=1))
    value = 0.3 + 0.05 * late + 0.02 * np.array([-1.0, 0.0, 1.0])[condition] + 0.01 * rng.normal(size=60)
    return Trials.from_counts(
        counts, 0.05, lead=4, condition=condition, condition_names=["a", "b", "c"], columns={"rt": value}
    )


def roots_of_halves(trials: Trials) -> np.ndarray:
    counts = trials.counts[:, trials.lead :].astype(float)
    return np.sqrt(np.column_stack([counts[:, :10].sum(axis=1), counts[:, 10:].sum(axis=1)]))


def test_it_is_scikit_learns_ridge_on_root_counts_of_stretches(trials):
    fitted = RidgeValueDecoder(n_stretches=(2,), penalties=(0.1,)).fit(trials, "rt")
    raw = roots_of_halves(trials)
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    by_sklearn = Ridge(alpha=0.1 * 60).fit(scaled, trials.columns["rt"])
    assert_allclose(fitted.predict(trials), by_sklearn.predict(scaled), atol=1e-10)


def test_its_error_is_that_of_trials_left_out(trials):
    fitted = RidgeValueDecoder(n_stretches=(2,), penalties=(0.1,)).fit(trials, "rt")
    raw = roots_of_halves(trials)
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    left_out = cross_val_predict(Ridge(alpha=0.1 * 60), scaled, trials.columns["rt"], cv=LeaveOneOut())
    expected = np.square(left_out - trials.columns["rt"]).mean()
    # the closed form is of features about the mean of all trials
    assert fitted.choice_["mean_squared_error_left_out"] == pytest.approx(expected, rel=2e-3)


def test_it_finds_the_stretch_and_beats_the_mean_of_conditions(trials):
    train, test = trials.select(np.arange(40)), trials.select(np.arange(40, 60))
    fitted = RidgeValueDecoder().fit(train, "rt")
    assert fitted.choice_["n_stretches"] > 1
    assert fitted.score(test, "rt") > MeanValueDecoder().fit(train, "rt").score(test, "rt")


def test_what_says_nothing_gets_a_penalty_that_leaves_the_mean(trials):
    value = np.random.default_rng(2).normal(size=60)
    fitted = RidgeValueDecoder().fit(trials, value)
    assert fitted.choice_["penalty"] >= 10.0
    assert np.ptp(fitted.predict(trials)) < 0.4 * value.std()


def test_validation_trials_are_fitted_too(trials):
    parts = trials.select(np.arange(45)), trials.select(np.arange(45, 60))
    for decoder in (RidgeValueDecoder(), MeanValueDecoder()):
        given = decoder.fit(parts[0], "rt", validation=(parts[1], "rt")).predict(trials)
        assert_allclose(given, type(decoder)().fit(trials, "rt").predict(trials))


def test_a_stretch_that_was_not_observed_counts_as_the_mean(trials):
    fitted = RidgeValueDecoder(n_stretches=(2,), penalties=(0.1,)).fit(trials, "rt")
    mask = np.ones((60, 24, 1), bool)
    mask[7, 14:] = False
    holed = replace(trials, mask=mask, counts=np.where(mask, trials.counts, 0).astype(np.uint8))
    early = (roots_of_halves(trials)[7, :3] - fitted.mean_[:3]) / fitted.scale_[:3]
    assert fitted.predict(holed)[7] == pytest.approx(fitted.intercept_[0] + early @ fitted.coef_[:3])
    again = RidgeValueDecoder(n_stretches=(2,), penalties=(0.1,)).fit(holed, "rt")
    assert_allclose(again.coef_, fitted.coef_, atol=0.02 * np.ptp(trials.columns["rt"]))


def test_means_of_conditions_are_shrunk_as_far_as_they_do_not_differ():
    rng = np.random.default_rng(3)
    condition = np.arange(4000) % 4
    counts = np.ones((4000, 2, 1), int)
    given = {"bin_size_s": 0.1, "condition": condition, "condition_names": ["a", "b", "c", "d", "never"]}
    true = np.array([1.0, 2.0, 3.0, 4.0])
    apart = Trials.from_counts(counts, **given, columns={"v": true[condition] + rng.normal(size=4000)})
    found = MeanValueDecoder().fit(apart, "v")
    own = [apart.columns["v"][condition == c].mean() for c in range(4)]
    assert_allclose(found.predict(apart)[:4], own, atol=0.002)
    assert found.condition_means_[4] == pytest.approx(apart.columns["v"].mean())
    alike = rng.normal(size=4000)
    spread = [alike[condition == c].mean() for c in range(4)]
    shrunk = MeanValueDecoder().fit(apart, alike).predict(apart)[:4]
    assert np.ptp(shrunk) < 0.6 * np.ptp(spread)


def test_shrinkage_by_hand():
    """Two conditions of two trials: means 1 and 5, variance within of 2."""
    values, condition = np.array([0.0, 2.0, 4.0, 6.0]), np.array([0, 0, 1, 1])
    trials = Trials.from_counts(np.ones((4, 1, 1), int), 0.1, condition=condition)
    # weights 2 / 2 = 1 each; Q = 4 + 4 = 8; tau^2 = (8 - 1) / (2 - 1) = 7; factor 7 / (7 + 2 / 2) = 0.875
    assert_allclose(MeanValueDecoder().fit(trials, values).predict(trials), 3.0 + 0.875 * np.array([-2, -2, 2, 2]))


def test_the_mean_of_arrays_is_one_number():
    counts, value = np.ones((6, 4, 2), int), np.arange(6.0)
    assert_allclose(MeanValueDecoder().fit(counts, value).predict(counts), 2.5)


def test_the_mean_of_a_signal_scores_zero(trials):
    rng = np.random.default_rng(4)
    signal = rng.normal([3.0, -1.0], 1.0, (60, 20, 2))
    X = trials.window_counts
    fitted = MeanSignalDecoder().fit(X, signal)
    assert_allclose(fitted.predict(X)[3, 7], signal.mean(axis=(0, 1)))
    assert_allclose(r2(signal, fitted.predict(X)), 0.0, atol=1e-12)
    signal[:, 3] = np.nan
    assert np.isfinite(MeanSignalDecoder().fit(X, signal).predict(X)).all()
    assert_allclose(fitted.stream().step(np.ones(3)), fitted.mean_)


@pytest.mark.parametrize("bad", [{"n_stretches": (0,)}, {"penalties": (0.0,)}, {"penalties": ()}])
def test_hyper_parameters_that_cannot_work_are_refused(trials, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        RidgeValueDecoder(**bad).fit(trials, "rt")


def test_other_windows_are_refused(trials):
    fitted = RidgeValueDecoder().fit(trials, "rt")
    with pytest.raises(DataError, match="bins"):
        fitted.predict(trials.window_counts[:, :10])
