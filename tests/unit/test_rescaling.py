"""Time rescaling: exact under the truth, loud under a wrong model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from neurodecode.metrics.rescaling import BAND, holm, rescale


def everywhere(counts):
    return np.ones((*counts.shape[:2], 1), bool)


def refractory(n_trials, n_bins, rng, *, p=0.12, silent=5):
    """Bernoulli trains in which ``silent`` bins after each spike are quiet, and their true expected counts."""
    counts, mu = np.zeros((n_trials, n_bins, 1), np.uint8), np.empty((n_trials, n_bins, 1))
    for step in range(n_bins):
        quiet = counts[:, max(step - silent, 0) : step].any(axis=1)
        mu[:, step] = np.where(quiet, 0.0, p)
        counts[:, step] = rng.random((n_trials, 1)) < mu[:, step]
    return counts, mu


def test_intervals_by_hand():
    """Two trials of 4 bins: the rest of the first is the beginning of the second's first interval."""
    counts = np.array([[0, 1, 0, 0], [0, 0, 1, 0]], np.uint8)[..., None]
    mu = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.2, 0.3]])[..., None]
    found = rescale(counts, mu, 1.0, everywhere(counts), np.random.default_rng(0)).uniforms[0]
    # Chance to pass the bins before the spike's: 0.9 for the first, 0.7 * 0.6 * 0.5 * 0.9 from it to the second.
    # Within the spike's bin, of 0.2 in both, the transform may lie anywhere.
    first, second = 0.9, 0.7 * 0.6 * 0.5 * 0.9
    lows, highs = np.sort([1 - first, 1 - second]), np.sort([1 - first * 0.8, 1 - second * 0.8])
    assert_array_equal(lows <= found, True)
    assert_array_equal(found <= highs, True)


def test_the_draw_fills_the_spikes_bin_uniformly():
    counts = np.tile(np.array([0, 1], np.uint8), (4000, 1))[..., None]
    mu = np.tile([0.5, 0.5], (4000, 1))[..., None]
    found = rescale(counts, mu, 1.0, everywhere(counts), np.random.default_rng(0)).uniforms[0]
    assert kstest(found, "uniform", args=(0.5, 0.25)).pvalue > 0.01


def test_oracle_passes_and_homogeneous_model_fails():
    rng = np.random.default_rng(3)
    counts, mu = refractory(60, 1000, rng)
    oracle = rescale(counts, mu / 0.001, 0.001, everywhere(counts), rng)
    flat = rescale(counts, np.full(mu.shape, counts.mean() / 0.001), 0.001, everywhere(counts), rng)
    assert oracle.over_band[0] < 1 < 2 < flat.over_band[0]
    assert oracle.p[0] > 0.05
    assert flat.p[0] < 1e-6


def test_short_trials_do_not_fail_the_truth():
    """About one spike a trial: dropping each trial's last interval would fail by far."""
    rng = np.random.default_rng(4)
    counts, mu = refractory(3000, 12, rng)
    assert rescale(counts, mu, 1.0, everywhere(counts), rng).over_band[0] < 1


@pytest.mark.parametrize("kind", ["bernoulli", "counts", "masked"])
def test_p_values_are_uniform_under_the_truth(kind):
    p = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        if kind == "counts":
            mu = 1.5 + np.sin(np.arange(50) / 5.0)[None, :, None] * np.ones((8, 1, 1))
            counts = rng.poisson(mu).astype(np.uint8)
        else:
            counts, mu = refractory(8, 150, rng, p=0.2)
        mask = everywhere(counts)
        if kind == "masked":
            mask = mask & (np.arange(150) % 40 >= 12)[None, :, None]
            mu = np.where(mask, mu, np.nan)
        p.append(rescale(counts, mu, 1.0, mask, rng).p[0])
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("spread", ["under", "over"])
def test_counts_that_are_not_poisson_fail(spread):
    rng = np.random.default_rng(6)
    mu = np.full((20, 300, 1), 3.0)
    counts = (
        rng.binomial(6, 0.5, mu.shape) if spread == "under" else rng.negative_binomial(3, 0.5, mu.shape)
    ).astype(np.uint8)
    assert rescale(counts, mu, 1.0, everywhere(counts), rng).over_band[0] > 1.5


def test_structure_in_time_is_seen_where_bins_hold_few_counts():
    """At 0.05 expected spikes a bin, transforms of single bins pass a flat rate; intervals do not."""
    rng = np.random.default_rng(7)
    mu = 0.05 * (1 + 0.8 * np.sin(np.arange(500) / 20.0))[None, :, None] * np.ones((80, 1, 1))
    counts = rng.poisson(mu).astype(np.uint8)
    assert counts.max() > 1
    assert rescale(counts, mu, 1.0, everywhere(counts), rng).over_band[0] < 1
    assert rescale(counts, np.full(mu.shape, mu.mean()), 1.0, everywhere(counts), rng).over_band[0] > 1.5


def test_each_unit_has_its_own_intervals_and_band():
    rng = np.random.default_rng(8)
    counts = np.zeros((4, 100, 3), np.uint8)
    counts[..., 0] = rng.random((4, 100)) < 0.2
    counts[..., 2] = rng.poisson(1.0, (4, 100))
    found = rescale(counts, np.full(counts.shape, 0.2), 1.0, everywhere(counts), rng)
    n = counts.sum(axis=(0, 1))
    assert [u.size for u in found.uniforms] == n.tolist()
    assert all(np.all(np.diff(u) >= 0) for u in found.uniforms)
    assert np.isnan([found.statistic[1], found.band[1], found.p[1]]).all(), "a silent unit has no test"
    assert_allclose(found.band[[0, 2]], BAND / np.sqrt(n[[0, 2]]))
    assert_allclose(found.statistic[0], kstest(found.uniforms[0], "uniform").statistic)


def test_a_certain_spike_that_does_not_come_stays_finite():
    counts = np.array([[0, 1, 1]], np.uint8)[..., None]
    found = rescale(
        counts, np.array([[1.5, 0.0, 1.0]])[..., None], 1.0, everywhere(counts), np.random.default_rng(0)
    )
    assert np.isfinite(found.uniforms[0]).all()
    assert found.uniforms[0].max() > 1 - 1e-11


def test_holm_steps_down_and_skips_the_unknown():
    assert_allclose(holm(np.array([0.01, 0.04, np.nan, 0.03])), [0.03, 0.06, np.nan, 0.06])
    assert_allclose(holm(np.array([0.9, 0.8])), [1.0, 1.0])
    assert np.isnan(holm(np.array([np.nan]))).all()
