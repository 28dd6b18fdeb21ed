"""Intervals of ratios of sums."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights


def interval(gain, spikes, *, strata=None, n_bootstrap=500, seed=0):
    strata = np.zeros(len(gain), int) if strata is None else strata
    weights = resampling_weights(strata, n_bootstrap, np.random.default_rng(seed))
    low, high = ratio_interval(gain[:, None], spikes[:, None], weights, strata)
    return low[0], high[0]


def test_each_stratum_keeps_its_number_of_trials():
    strata = np.array([0, 1, 0, 1, 1, 2, 3])
    weights = resampling_weights(strata, 50, np.random.default_rng(0))
    for code, size in ((0, 2), (1, 3)):
        assert_array_equal(weights[:, strata == code].sum(axis=1), size)
    # Conditions of one trial are drawn from together: else they would not vary.
    assert_array_equal(weights[:, 5:].sum(axis=1), 2)
    assert weights[:, 5].std() > 0


def test_equal_ratios_in_every_trial_leave_no_doubt():
    spikes = np.array([1.0, 2.0, 4.0, 3.0])
    assert_allclose(interval(0.5 * spikes, spikes), (0.5, 0.5), rtol=1e-12)
    assert interval(0 * spikes, spikes) == (0.0, 0.0)


def test_stratified_interval_ignores_differences_between_conditions():
    rng = np.random.default_rng(1)
    strata = np.repeat([0, 1], 40)
    gain = rng.normal(size=80) * 0.1 + np.where(strata, 5.0, -5.0)
    spikes = np.ones(80)
    within, across = interval(gain, spikes, strata=strata), interval(gain, spikes)
    assert within[1] - within[0] < 0.1 < across[1] - across[0]


@pytest.mark.parametrize("n_trials", [30, 80])
def test_covers_the_truth_in_about_95_percent_of_samples(n_trials):
    rng = np.random.default_rng(5)
    truth, hits = 0.3, 0
    for repeat in range(300):
        spikes = rng.poisson(8.0, n_trials) + 1.0
        gain = spikes * truth + rng.gamma(1.0, 2.0, n_trials) - 2.0  # skewed: what acceleration is for
        low, high = interval(gain, spikes, n_bootstrap=400, seed=repeat)
        hits += low <= truth <= high
    # Binomial noise of 300 samples is 1.3 percent; skewed means of 30 fall a little short.
    assert 0.89 <= hits / 300 <= 0.985


def test_undefined_ratios_have_no_interval():
    spikes = np.zeros(5)
    assert np.isnan(interval(np.ones(5), spikes)).all()
    assert np.isnan(interval(np.array([1.0, -np.inf, 1.0]), np.ones(3))).all()
    assert np.isnan(interval(np.ones(3), np.ones(3), n_bootstrap=0)).all()


def test_resamples_without_a_spike_are_left_out():
    spikes = np.array([3.0, 0.0, 0.0, 0.0])
    low, high = interval(np.array([1.5, -0.1, -0.1, -0.1]), spikes)
    assert np.isfinite([low, high]).all()
    assert low <= 0.4 <= high


def test_same_seed_same_interval():
    rng = np.random.default_rng(2)
    gain, spikes = rng.normal(size=40), rng.poisson(5.0, 40) + 1.0
    assert interval(gain, spikes, seed=4) == interval(gain, spikes, seed=4)
    assert interval(gain, spikes, seed=4) != interval(gain, spikes, seed=5)
