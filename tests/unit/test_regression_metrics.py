"""Scores of decoded signals and values: by hand, against scikit-learn and scipy, and where values are missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import bootstrap, pearsonr
from sklearn.metrics import r2_score

from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights
from neurodecode.metrics.regression import (
    angles,
    angular_distances,
    circular_correlation,
    correlation,
    correlation_interval,
    distances,
    mean_error,
    median_error,
    r2,
    r2_variance_weighted,
    squared_deviations,
    squared_errors,
)


@pytest.fixture
def decoded_pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    true = rng.normal(size=(4, 30, 2)) * [1.0, 5.0] + [0.0, 40.0]
    return true, 0.8 * true + rng.normal(size=true.shape)


def test_by_hand():
    true = np.array([[0.0, 0.0], [2.0, 4.0], [np.nan, 9.0], [4.0, 2.0]])
    decoded = np.array([[0.0, 3.0], [2.0, 0.0], [7.0, 7.0], [1.0, 2.0]])
    # dim 0: errors 0, 0, 9 against deviations 4, 0, 4 about 2; dim 1: 9, 16, 0 against 4, 4, 0 about 2
    assert_allclose(r2(true, decoded), [1 - 9 / 8, 1 - 25 / 8])
    assert r2_variance_weighted(true, decoded) == pytest.approx(1 - 34 / 16)
    errors = distances(true, decoded)
    assert_allclose(errors, [3.0, 4.0, np.nan, 3.0])
    assert mean_error(errors, true) == pytest.approx(10 / 3)
    assert median_error(errors, true) == 3.0


def test_as_scikit_learn_and_scipy_have_it(decoded_pair):
    true, decoded = decoded_pair
    flat, found = true.reshape(-1, 2), decoded.reshape(-1, 2)
    assert_allclose(r2(true, decoded), r2_score(flat, found, multioutput="raw_values"), rtol=1e-12)
    weighted = r2_score(flat, found, multioutput="variance_weighted")
    assert r2_variance_weighted(true, decoded) == pytest.approx(weighted, rel=1e-12)
    by_scipy = [pearsonr(flat[:, dim], found[:, dim]) for dim in range(2)]
    assert_allclose(correlation(true, decoded), [one.statistic for one in by_scipy], rtol=1e-12)
    interval = by_scipy[0].confidence_interval(0.95)
    assert_allclose(correlation_interval(by_scipy[0].statistic, len(flat)), interval, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_bins_without_a_value_are_as_if_they_were_not_there(seed):
    rng = np.random.default_rng(seed)
    true, decoded = rng.normal(size=(2, 5, 12, 2))
    gone = rng.random((5, 12)) < 0.3
    gone[0, 0] = False
    gone[0, 1] = False
    holed = true.copy()
    holed[gone, rng.integers(0, 2)] = np.nan  # one dim is enough
    other = np.where(gone[..., None], rng.normal(size=decoded.shape), decoded)
    for metric in (r2, r2_variance_weighted, correlation):
        assert_allclose(metric(holed, decoded), metric(true[~gone], decoded[~gone]), rtol=1e-10)
        assert_allclose(metric(holed, decoded), metric(holed, other), rtol=1e-12)
    for average in (mean_error, median_error):
        expected = average(distances(true[~gone], decoded[~gone]), true[~gone])
        assert average(distances(holed, decoded), holed) == pytest.approx(expected)


def test_trial_by_trial_sums_add_up_to_r2_and_give_its_interval(decoded_pair):
    true, decoded = decoded_pair
    true = true.copy()
    true[1, 3:9] = np.nan
    top, bottom = squared_errors(true, decoded), squared_deviations(true)
    assert top.shape == bottom.shape == (4, 2)
    assert_allclose(1 - top.sum(axis=0) / bottom.sum(axis=0), r2(true, decoded), rtol=1e-12)
    strata = np.zeros(4, int)
    weights = resampling_weights(strata, 300, np.random.default_rng(0))
    low, high = ratio_interval(top, bottom, weights, strata)
    assert (1 - high < r2(true, decoded)).all()
    assert (r2(true, decoded) < 1 - low).all()


def test_a_decoder_that_says_nothing_is_not_spared(decoded_pair):
    true, decoded = decoded_pair
    silent = decoded.copy()
    silent[2, 5, 1] = np.nan
    assert np.isnan(r2_variance_weighted(true, silent))
    assert_allclose(np.isnan(r2(true, silent)), [False, True])
    assert_allclose(np.isnan(correlation(true, silent)), [False, True])
    assert np.isnan(mean_error(distances(true, silent), true))


def test_what_never_changes_has_no_score():
    true = np.full((3, 10, 1), 0.1)
    decoded = np.random.default_rng(0).normal(size=true.shape)
    for metric in (r2, correlation):
        assert np.isnan(metric(true, decoded)).all()
        assert np.isnan(metric(np.full_like(true, np.nan), decoded)).all()
    assert np.isnan(correlation(decoded, true)).all()
    assert np.isnan(r2_variance_weighted(true, decoded))
    assert np.isnan(median_error(distances(true * np.nan, decoded), true * np.nan))
    assert np.isnan(circular_correlation(true[..., 0], decoded[..., 0]))
    assert all(np.isnan(correlation_interval(0.5, 3)))
    assert all(np.isnan(correlation_interval(float("nan"), 30)))


def test_angles_meet_behind_pi():
    assert_allclose(
        angular_distances(np.array([3.1, 0.0, -3.0]), np.array([-3.1, np.pi, -3.0])),
        [
            2 * np.pi - 6.2,
            np.pi,
            0.0,
        ],
        atol=1e-12,
    )
    turned = np.array([0.3, -2.0, 3.0])
    assert_allclose(angles(np.stack([np.sin(turned), np.cos(turned)], axis=-1) * 7.0), turned)
    assert np.isnan(angular_distances(np.array([np.nan]), np.array([0.0]))).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), turn=st.floats(-10, 10))
def test_circular_scores_do_not_depend_on_where_zero_is(seed, turn):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=200)
    decoded = true + rng.normal(0, 0.3, 200)
    value = circular_correlation(true, decoded)
    assert 0.5 < value <= 1
    assert circular_correlation(true + turn, decoded + turn + 1.0) == pytest.approx(value, abs=1e-9)
    assert circular_correlation(true, -decoded) == pytest.approx(-value, abs=1e-9)
    assert_allclose(angular_distances(true + turn, decoded + turn), angular_distances(true, decoded), atol=1e-9)


def test_fishers_interval_covers_as_a_bootstrap_does():
    rng = np.random.default_rng(1)
    x = rng.normal(size=150)
    y = 0.6 * x + rng.normal(size=150)
    resampled = bootstrap(
        (x, y), lambda a, b: pearsonr(a, b).statistic, paired=True, vectorized=False, n_resamples=999, rng=rng
    )
    by_fisher = correlation_interval(float(pearsonr(x, y).statistic), 150)
    # both are approximations, of other kinds: within a third of the interval's half width (0.1)
    assert_allclose(by_fisher, resampled.confidence_interval, atol=0.035)
