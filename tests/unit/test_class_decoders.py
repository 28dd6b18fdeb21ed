"""Naive Bayes, logistic regression and LDA against other implementations, and what each makes of its choices."""

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter1d
from scipy.special import softmax
from scipy.stats import poisson
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from neurodecode.data.trials import Trials
from neurodecode.decoders import lda
from neurodecode.decoders._class_parts import class_parts, held_out_trials
from neurodecode.decoders._linear import stretch_counts
from neurodecode.decoders._series import Series
from neurodecode.decoders._templates import Sums
from neurodecode.decoders.lda import LDADecoder
from neurodecode.decoders.logistic import LogisticDecoder
from neurodecode.decoders.naive_bayes import NaiveBayesDecoder
from neurodecode.errors import ConfigError, DataError
from neurodecode.metrics.classification import class_prior


@pytest.fixture(scope="module")
def counts() -> tuple[np.ndarray, np.ndarray]:
    """90 trials of 16 bins and 3 units in three classes, told apart by when and how much units fire."""
    rng = np.random.default_rng(0)
    rate = np.exp(rng.normal(size=(3, 4, 3)) * 0.5).repeat(4, axis=1)
    y = np.resize([2, 0, 1], 90)
    return rng.poisson(rate[y]), y


def as_trials(X: np.ndarray, y: np.ndarray, mask: np.ndarray | None = None) -> Trials:
    return Trials.from_counts(X, 0.01, condition=y, condition_names=["a", "b", "c"], mask=mask)


# -- naive Bayes --------------------------------------------------------------------------------------------------


def test_it_is_bayes_rule_for_poisson_counts(counts):
    """Against scipy's Poisson, bin by bin and unit by unit."""
    X, y = counts
    fitted = NaiveBayesDecoder(tempered=False).fit(X, y)
    mu = np.exp(fitted.log_template_)
    log_p = poisson.logpmf(X[:, None], mu[None]).sum(axis=(2, 3)) + np.log(class_prior(y, 3))
    assert_allclose(fitted.predict_proba(X), softmax(log_p, axis=1), atol=1e-10)


def test_templates_are_smoothed_averages_shrunk_toward_that_of_all_classes(counts):
    """Against scipy's filter; 0.05 trials of the level above keep every rate above 0."""
    X, y = counts
    sums = Sums.of(Series.of(X), y, 3)
    found = {pair[:2]: pair[2] for pair in sums.templates([np.inf, 2.0], [0.0, 8.0])}

    def smooth(values: np.ndarray) -> np.ndarray:
        return gaussian_filter1d(values, 2.0, axis=-2, mode="constant", truncate=20.0)

    n, seen = (smooth(np.broadcast_to(values, sums.counts.shape)) for values in (sums.counts, sums.observed))
    mean = (X.sum(axis=(0, 1)) + 0.5) / X[..., 0].size
    everyone = (n.sum(axis=0) + 0.05 * mean) / (seen.sum(axis=0) + 0.05)
    assert_allclose(found[2.0, 8.0], (n + 8.05 * everyone) / (seen + 8.05), rtol=1e-8)
    level = np.stack([X[y == code].mean(axis=(0, 1)) for code in range(3)])
    assert_allclose(found[np.inf, 0.0], np.broadcast_to(level[:, None], (3, 16, 3)), rtol=0.005)


def test_smoothing_follows_how_fast_rates_change():
    """A unit of fast changes is smoothed less than one of slow ones, a flat one most."""
    rng = np.random.default_rng(1)
    bins, y = np.arange(64), np.arange(200) % 2
    courses = np.stack([np.where(bins // 2 % 2, 3.0, 0.3), 1.5 + np.sin(bins / 10.0), np.full(64, 1.0)], axis=1)
    fitted = NaiveBayesDecoder().fit(rng.poisson(np.broadcast_to(courses, (200, 64, 3))), y)
    fast, slow, flat = fitted.bandwidths_
    assert fast < 1.5 < slow < flat


def test_classes_that_a_unit_does_not_tell_apart_share_their_template():
    rng = np.random.default_rng(2)
    y = np.arange(120) % 2
    rate = np.stack([np.where(y, 2.0, 0.5), np.ones(120)], axis=1)[:, None]
    fitted = NaiveBayesDecoder().fit(rng.poisson(np.broadcast_to(rate, (120, 20, 2))), y)
    told, untold = fitted.shrinkage_trials_
    assert told <= 1.0 < untold


def test_a_trial_that_was_not_observed_is_known_by_its_prior(counts):
    X, y = counts
    mask = np.ones((90, 16, 1), bool)
    mask[-1] = False
    trials = as_trials(X, y, mask)
    fitted = NaiveBayesDecoder().fit(trials.select(np.arange(80)))
    assert_allclose(fitted.predict_proba(trials)[-1], np.exp(fitted.log_prior_))


def test_evidence_gathers_over_the_trial(counts):
    X, y = counts
    each = NaiveBayesDecoder().fit(X[:60], y[:60]).predict_proba_bins(X[60:])
    true = np.take_along_axis(each, y[60:, None, None], axis=2)[..., 0]
    assert true[:, -1].mean() > true[:, 4].mean() + 0.1 > 1 / 3 + 0.1


def test_the_exponent_takes_back_spikes_that_are_counted_twice(counts):
    X, y = counts
    alone = NaiveBayesDecoder().fit(X, y)
    twice = NaiveBayesDecoder().fit(np.concatenate([X, X], axis=2), y)
    assert_allclose(twice.beta_, alone.beta_ / 2, rtol=1e-6)
    assert_allclose(twice.predict_proba(np.concatenate([X, X], axis=2)), alone.predict_proba(X), atol=1e-8)
    assert_allclose(twice.diagnostics()["beta"], twice.beta_)


def test_a_stream_ends_with_the_trial(counts):
    X, y = counts
    stream = NaiveBayesDecoder().fit(X, y).stream()
    for bin_counts in X[0].astype(float):
        stream.step(bin_counts)
    with pytest.raises(DataError, match="16 bins, all of which were told"):
        stream.step(X[0, 0].astype(float))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"n_bandwidths": 0}, "n_bandwidths"),
        ({"shrinkage_trials": ()}, "shrinkage_trials"),
        ({"shrinkage_trials": (-1.0,)}, "shrinkage_trials"),
    ],
)
def test_hyperparameters_of_naive_bayes_are_checked(counts, wrong, why):
    with pytest.raises(ConfigError, match=why):
        NaiveBayesDecoder(**wrong).fit(*counts)


# -- linear decoders ----------------------------------------------------------------------------------------------


def test_stretches_hold_the_roots_of_counts():
    X = np.arange(2 * 7 * 1).reshape(2, 7, 1)
    assert_allclose(stretch_counts(Series.of(X), 3)[0], np.sqrt([0 + 1, 2 + 3, 4 + 5 + 6]))


def test_bins_that_were_not_observed_count_as_the_mean_of_their_stretch(counts):
    X, y = counts
    mask = np.ones((90, 16, 3), bool)
    mask[0, 2:4, 1] = mask[1, :8] = False
    found = stretch_counts(Series.of(as_trials(X, y, mask)), 2)
    assert_allclose(found[0, 1], np.sqrt((X[0, :2, 1].sum() + X[0, 4:8, 1].sum()) * 8 / 6))
    assert np.isnan(found[1, :3]).all()
    assert np.isfinite(found[1, 3:]).all()


def standardised(X: np.ndarray, n_stretches: int) -> np.ndarray:
    """Written out: counts of stretches, roots, mean 0 and sd 1."""
    sums = [part.sum(axis=1) for part in np.split(X, n_stretches, axis=1)]
    roots = np.sqrt(np.concatenate(sums, axis=1))
    return (roots - roots.mean(axis=0)) / roots.std(axis=0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_scikit_learns_logistic_regression(counts, n_classes):
    X, y = counts[0][counts[1] < n_classes], counts[1][counts[1] < n_classes]
    fitted = LogisticDecoder(n_stretches=(4,), penalties=(5.0,)).fit(X, y)
    features = standardised(X, 4)
    by_sklearn = LogisticRegression(C=1 / 5.0, tol=1e-8, max_iter=5000).fit(features, y)
    assert_allclose(fitted.predict_proba(X), by_sklearn.predict_proba(features), atol=2e-3)  # its tolerance


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_scikit_learns_discriminant_analysis(counts, n_classes):
    """With as many trials of each class: Jeffreys' half a trial then leaves the prior as it is."""
    X, y = counts[0][counts[1] < n_classes], counts[1][counts[1] < n_classes]
    fitted = LDADecoder(n_stretches=(2,), shrinkage=0.3).fit(X, y)
    features = standardised(X, 2)
    by_sklearn = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)
    # scikit-learn shrinks toward the mean variance of each class, which is linear: the same for the pooled one.
    by_sklearn.fit(features, y)
    means = np.stack([features[y == code].mean(axis=0) for code in range(n_classes)])
    covariance = np.cov((features - means[y]).T, bias=True)
    covariance = 0.7 * covariance + 0.3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    scores = features @ np.linalg.solve(covariance, means.T) - 0.5 * (
        means @ np.linalg.inv(covariance) * means
    ).sum(1)
    assert_allclose(fitted.predict_proba(X), softmax(scores, axis=1), atol=1e-8)
    assert np.mean(fitted.predict(X) == by_sklearn.predict(features)) > 0.95


def test_penalty_and_stretches_are_what_loses_least_on_validation(counts):
    X, y = counts
    train, held = (X[:60], y[:60]), (X[60:], y[60:])
    fitted = LogisticDecoder().fit(*train, validation=held)
    losses = {}
    for n in (1, 2, 4, 8, 16):
        for penalty in (0.1, 1.0, 10.0, 100.0, 1000.0):
            one = LogisticDecoder(n_stretches=(n,), penalties=(penalty,)).fit(*train, validation=held)
            losses[n, penalty] = one.choice_["validation_log_loss"]
    assert (fitted.choice_["n_stretches"], fitted.choice_["penalty"]) == min(losses, key=losses.get)
    assert_allclose(fitted.diagnostics()["validation_log_loss"], min(losses.values()))


def test_what_tells_apart_only_when_is_found_in_stretches():
    """Both classes fire as much, one early and one late."""
    rng = np.random.default_rng(4)
    y = np.arange(80) % 2
    rate = np.where((np.arange(16) < 8) == y[:, None], 2.0, 0.4)[..., None]
    X = rng.poisson(np.broadcast_to(rate, (80, 16, 2)))
    for kind in (LogisticDecoder, LDADecoder):
        fitted = kind().fit(X[:60], y[:60])
        assert fitted.choice_["n_stretches"] > 1
        assert fitted.score(X[60:], y[60:]) > 0.9
        assert abs(kind(n_stretches=(1,)).fit(X[:60], y[:60]).score(X[60:], y[60:]) - 0.5) < 0.35


def test_stretches_are_no_shorter_than_a_bin(counts):
    assert LogisticDecoder(n_stretches=(8, 32)).fit(*counts).choice_["n_stretches"] == 8
    assert LogisticDecoder(n_stretches=(32,)).fit(*counts).choice_["n_stretches"] == 1


def test_two_trials_of_a_class_are_enough(counts):
    X, y = counts
    few = np.concatenate([np.flatnonzero(y < 2), np.flatnonzero(y == 2)[:2]])
    for kind in (LogisticDecoder, LDADecoder, NaiveBayesDecoder):
        assert np.isfinite(kind().fit(X[few], y[few]).predict_proba(X)).all()


def test_stretches_of_too_many_features_are_left_out_and_said_so(counts, monkeypatch, caplog):
    X, y = counts
    monkeypatch.setattr(lda, "MOST_FEATURES", 6)
    with caplog.at_level(logging.INFO):
        fitted = LDADecoder().fit(X, y)
    assert fitted.choice_["n_stretches"] <= 2
    assert "4 stretches make too many features" in caplog.text
    monkeypatch.setattr(lda, "MOST_FEATURES", 2)
    with pytest.raises(DataError, match="more than it can take"):
        LDADecoder().fit(X, y)


@pytest.mark.parametrize(
    "wrong",
    [
        LogisticDecoder(penalties=(0.0,)),
        LogisticDecoder(penalties=()),
        LogisticDecoder(n_stretches=(0,)),
        LogisticDecoder(n_stretches=(1.5,)),
        LDADecoder(shrinkage=1.5),
        LDADecoder(shrinkage="some"),
        LDADecoder(n_stretches=()),
    ],
)
def test_hyperparameters_of_linear_decoders_are_checked(counts, wrong):
    with pytest.raises(ConfigError, match=r"penalties|n_stretches|shrinkage"):
        wrong.fit(*counts)


# -- what is held out ---------------------------------------------------------------------------------------------


def test_an_eighth_is_held_out_evenly_from_the_classes():
    codes = np.repeat([0, 1, 2], [40, 32, 8])
    held = held_out_trials(codes, np.random.default_rng(0))
    assert_array_equal(np.bincount(codes[held]), [5, 4, 1])


def test_validation_trials_of_other_classes_are_left_out_and_said_so(counts, caplog):
    X, y = counts
    train = y < 2
    with caplog.at_level(logging.INFO):
        _, fitted_to, chosen_on = class_parts(LogisticDecoder(), X[train], y[train], (X, y), 0)
    assert len(fitted_to.codes) == len(chosen_on.codes) == 60
    assert "30 validation trials are of classes that training lacks" in caplog.text
    with pytest.raises(DataError, match="no validation trial"):
        class_parts(LogisticDecoder(), X[train], y[train], (X[~train], y[~train]), 0)
