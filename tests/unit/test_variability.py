"""Fano factor, noise correlation, autocorrelation and the noise ceiling."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.metrics.generative import autocorrelation, fano, noise_correlation
from neurodecode.metrics.reliability import noise_ceiling


def seen(counts):
    return np.ones((*counts.shape[:2], 1), bool)


def test_fano_by_hand():
    counts = np.array([[1, 1, 0, 0], [0, 0, 0, 3], [1, 0, 0, 0]], np.uint8)[..., None]
    found = fano(counts, seen(counts), 0.01, windows_s=(0.02, 0.04))
    # Windows of two bins: counts 2, 0, 1 and 0, 3, 0: variances 1 and 3, means 1 and 1.
    assert_allclose(found.fano, [[(1 + 3) / 2, 1.0 / 2.0]])
    assert_allclose(found.windows_s, [0.02, 0.04])
    assert_allclose(found.pooled, found.fano[0])


def test_fano_does_not_count_the_psth_or_the_condition():
    rng = np.random.default_rng(0)
    condition = np.arange(400) % 2
    mu = np.where(condition, 3.0, 0.5)[:, None, None] * (1 + 0.9 * np.sin(np.arange(20)))[None, :, None]
    counts = rng.poisson(mu).astype(np.uint8)
    within = fano(counts, seen(counts), 0.01, condition=condition, windows_s=(0.01, 0.1)).fano
    assert_allclose(within, 1.0, atol=0.05)
    assert fano(counts, seen(counts), 0.01, windows_s=(0.1,)).fano > 2


def test_fano_leaves_out_windows_that_do_not_fit_or_were_not_observed():
    counts = np.ones((4, 5, 1), np.uint8)
    assert_allclose(fano(counts, seen(counts), 0.02, windows_s=(0.01, 0.04, 0.5)).windows_s, [0.04])
    mask = seen(counts)
    mask[:3, 0] = False  # one trial left in the first window: no variance
    counts[3, 0] = 9
    assert_allclose(fano(counts, mask, 0.02, windows_s=(0.02,)).fano, [[0.0]])


def test_noise_correlation_is_of_residuals_within_condition():
    rng = np.random.default_rng(1)
    condition = np.arange(600) % 3
    shared = rng.gamma(10.0, 0.1, 600)
    level = np.array([1.0, 4.0, 9.0])[condition]
    mu = np.stack([level * shared, level * shared, level, 10 - level], axis=-1)[:, None, :] * np.ones((1, 5, 1))
    counts = rng.poisson(mu).astype(np.uint8)
    found = noise_correlation(counts, seen(counts), 0.1, condition=condition).correlation
    assert found[0, 1] > 0.5
    assert abs(found[2, 3]) < 0.12, "the signal correlation of -1 must not pass for noise correlation"
    assert noise_correlation(counts, seen(counts), 0.1).correlation[2, 3] < -0.5
    assert np.isnan(np.diag(found)).all()


def test_noise_correlation_means():
    rng = np.random.default_rng(2)
    counts = rng.poisson(2.0, (50, 4, 3)).astype(np.uint8)
    counts[..., 2] = 0
    found = noise_correlation(counts, seen(counts), 0.1)
    r = np.corrcoef(counts.sum(axis=1).T[:2].astype(float))[0, 1]
    assert_allclose(found.per_unit, [r, r, np.nan])
    assert_allclose(found.pooled, r)
    alone = noise_correlation(counts[..., :1], seen(counts), 0.1)
    assert np.isnan(alone.pooled)


def test_noise_correlation_leaves_out_trials_hardly_observed():
    rng = np.random.default_rng(3)
    counts = rng.poisson(2.0, (30, 10, 2)).astype(np.uint8)
    mask = seen(counts)
    mask[::2, :8] = False
    kept = slice(1, None, 2)
    assert_allclose(
        noise_correlation(counts, mask, 0.1).correlation,
        noise_correlation(counts[kept], mask[kept], 0.1).correlation,
    )


def test_autocorrelation_by_hand():
    counts = np.array([[2, 0, 1, 0], [0, 1, 1, 0]], np.uint8)[..., None]
    found = autocorrelation(counts, seen(counts), 0.01, max_s=0.02)
    # Mean count 5 / 8. Lag 1: 1 in 6 pairs of bins; lag 2: 2 in 4.
    assert_allclose(found.rate_hz, [[1 / 6 / (5 / 8) / 0.01, 2 / 4 / (5 / 8) / 0.01]])
    assert_allclose(found.lags_s, [0.01, 0.02])


def test_autocorrelation_counts_pairs_of_observed_bins_only():
    rng = np.random.default_rng(4)
    counts = rng.poisson(0.3, (200, 60, 2)).astype(np.uint8)
    mask = rng.random((200, 60, 1)) < 0.7
    found = autocorrelation(counts, mask, 0.01, max_s=0.1)
    # A constant rate of 30 Hz at every lag; 200 trials leave an error of about 3 percent.
    assert_allclose(found.rate_hz, 30.0, rtol=0.15)
    n = np.where(mask, counts, 0).astype(float)
    lag = 3
    pairs = (mask[:, :-lag] & mask[:, lag:]).sum()
    direct = (n[:, :-lag] * n[:, lag:]).sum(axis=(0, 1)) / pairs / (n.sum(axis=(0, 1)) / mask.sum()) / 0.01
    assert_allclose(found.rate_hz[:, lag - 1], direct)


def test_autocorrelation_of_a_silent_unit_is_unknown():
    counts = np.zeros((2, 5, 1), np.uint8)
    assert np.isnan(autocorrelation(counts, seen(counts), 0.01).rate_hz).all()


@pytest.mark.parametrize(("n_trials", "depth"), [(20, 0.3), (60, 0.8)])
def test_noise_ceiling_is_the_correlation_of_the_true_with_the_measured_psth(n_trials, depth):
    rng = np.random.default_rng(5)
    truth = 0.4 * (1 + depth * np.sin(np.arange(200) / 9.0))
    counts = rng.poisson(truth[None, :, None] * np.ones((n_trials, 1, 200))).astype(np.uint8)
    ceiling = noise_ceiling(counts, seen(counts), 0.02, rng)
    reached = [np.corrcoef(truth, counts[..., unit].mean(axis=0))[0, 1] for unit in range(200)]
    # Squares are compared: the root of a noisy reliability is a little low. 200 units leave an error below 0.01.
    assert np.mean(ceiling**2) == pytest.approx(np.mean(np.square(reached)), abs=0.02)


def test_noise_ceiling_without_response_is_low_and_without_spikes_unknown():
    rng = np.random.default_rng(6)
    counts = rng.poisson(0.5, (40, 100, 20)).astype(np.uint8)
    counts[..., 0] = 0
    ceiling = noise_ceiling(counts, seen(counts), 0.02, rng)
    assert np.isnan(ceiling[0])
    assert np.nanmean(ceiling) < 0.35
