"""Metrics against other people's code, or against their definition written out again."""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.special import gammaln
from sklearn.metrics import d2_tweedie_score, mean_poisson_deviance
from statsmodels.stats.multitest import multipletests

from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics.bits import (
    bits_per_spike,
    constant_log_likelihood,
    poisson_d2,
    saturated_log_likelihood,
    scored_null_hz,
    with_pooled,
)
from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights
from neurodecode.metrics.generative import interval_counts, isi_distance
from neurodecode.metrics.rescaling import holm

BIN_S = 0.02


@pytest.fixture
def scored():
    """Counts, rates (Hz) and mask of 30 trials, 40 bins and 3 units, a tenth of the bins unobserved."""
    rng = np.random.default_rng(0)
    rate_hz = 20 * np.exp(rng.normal(0, 0.7, (30, 40, 3)))
    counts = rng.poisson(rate_hz * BIN_S * np.array([1.0, 0.3, 2.0])).astype(np.uint8)
    return counts, rate_hz, rng.random((30, 40, 1)) < 0.9


def summed(counts, rate_hz, mask):
    return trial_log_likelihood(counts, rate_hz, BIN_S, mask).sum(axis=0)


def test_bits_per_spike_of_the_neural_latents_benchmark(scored):
    """Unobserved bins are NaN there; the null is each unit's mean count; one figure pools all units."""
    counts, rate_hz, mask = scored
    spikes, rates = (np.where(mask, values, np.nan).astype(float) for values in (counts, rate_hz * BIN_S))
    means = np.broadcast_to(np.nanmean(spikes, axis=(0, 1)), spikes.shape)

    def negative_log_likelihood(expected):
        return np.nansum(expected - spikes * np.log(expected) + gammaln(spikes + 1))

    benchmark = (negative_log_likelihood(means) - negative_log_likelihood(rates)) / np.nansum(spikes) / np.log(2)

    null_hz = np.tile(scored_null_hz(counts, mask, BIN_S), (30, 1))
    null = constant_log_likelihood(counts, null_hz, BIN_S, mask).sum(axis=0)
    n_spikes = counts.sum(axis=(0, 1), where=mask, dtype=np.int64)
    found = bits_per_spike(
        *(with_pooled(v) for v in (summed(counts, rate_hz, mask), null, n_spikes.astype(float)))
    )
    assert_allclose(found[-1], benchmark, rtol=1e-10)


def test_d2_against_scikit_learn(scored):
    counts, rate_hz, mask = scored
    null_hz = np.tile(scored_null_hz(counts, mask, BIN_S), (30, 1))
    found = poisson_d2(
        summed(counts, rate_hz, mask),
        constant_log_likelihood(counts, null_hz, BIN_S, mask).sum(axis=0),
        saturated_log_likelihood(counts, mask).sum(axis=0),
        counts.sum(axis=(0, 1), where=mask, dtype=np.int64),
    )
    for unit in range(3):
        observed, expected = counts[mask[..., 0], unit].astype(float), rate_hz[mask[..., 0], unit] * BIN_S
        assert_allclose(found[unit], d2_tweedie_score(observed, expected, power=1), rtol=1e-9)


def test_deviance_against_statsmodels_and_scikit_learn(scored):
    counts, rate_hz, mask = scored
    deviance = 2 * (saturated_log_likelihood(counts, mask).sum(axis=0) - summed(counts, rate_hz, mask))
    for unit in range(3):
        observed, expected = counts[mask[..., 0], unit].astype(float), rate_hz[mask[..., 0], unit] * BIN_S
        assert_allclose(deviance[unit], sm.families.Poisson().deviance(observed, expected), rtol=1e-9)
        assert_allclose(deviance[unit], mean_poisson_deviance(observed, expected) * observed.size, rtol=1e-9)


def test_bca_interval_against_scipy():
    """Other resamples, and its acceleration from a jackknife: they agree to a few percent of the width."""
    rng = np.random.default_rng(1)
    spikes = rng.poisson(6.0, 60) + 1.0
    gain = 0.2 * spikes + rng.gamma(0.7, 2.0, 60)

    def ratio(top, bottom, axis):
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    theirs = scipy.stats.bootstrap(
        (gain, spikes), ratio, paired=True, vectorized=True, method="BCa", n_resamples=20_000, rng=rng
    ).confidence_interval
    strata = np.zeros(60, int)
    weights = resampling_weights(strata, 20_000, rng)
    low, high = ratio_interval(gain[:, None], spikes[:, None], weights, strata)
    assert_allclose([low[0], high[0]], theirs, atol=0.04 * (theirs.high - theirs.low), rtol=0)


def test_holm_against_statsmodels():
    p = np.random.default_rng(2).random(25) ** 4
    assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)


def test_distance_of_intervals_against_scipys_two_sample_statistic():
    rng = np.random.default_rng(3)
    trains = [(rng.random((1, 4000, 1)) < rate).astype(np.uint8) for rate in (0.1, 0.14)]
    mask = np.ones((1, 4000, 1), bool)
    lags = [np.diff(np.flatnonzero(train[0, :, 0])) for train in trains]
    theirs = scipy.stats.ks_2samp(*lags, method="asymp").statistic
    assert_allclose(isi_distance(*(interval_counts(train, mask) for train in trains)), [theirs], rtol=1e-12)
