"""Observed over expected after recent spikes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.metrics.generative import ObservedOverExpected, adaptation, hazard, ratio_error


def poisson_trains(n_trials, n_bins, rng):
    """Bernoulli trains with a strong common time course, and that course in Hz at 1 ms."""
    mu = 0.05 * (1 + 0.9 * np.sin(np.arange(n_bins) / 30.0))[None, :, None] * np.array([1.0, 2.0])
    mu = np.broadcast_to(mu, (n_trials, n_bins, 2))
    return (rng.random(mu.shape) < mu).astype(np.uint8), mu / 0.001


def test_hazard_by_hand():
    counts = np.array([[0, 1, 0, 0, 1, 1]], np.uint8)[..., None]
    psth_hz = np.array([[1.0, 2, 3, 4, 5, 6]])[..., None] * 100
    mask = np.ones((1, 6, 1), bool)
    found = hazard(counts, mask, 0.001, psth_hz, max_s=0.005)
    # Bins 2, 3, 4 lie 1, 2, 3 after the spike in bin 1, and bin 5 lies 1 after that in bin 4.
    assert_allclose(found.edges_s, np.arange(1, 7) * 0.001 - 0.0005)
    assert_array_equal(found.observed, [[1, 0, 1, 0, 0]])
    assert_allclose(found.expected, [[0.3 + 0.6, 0.4, 0.5, 0, 0]])
    assert_allclose(found.ratio, [[1 / 0.9, 0, 2, np.nan, np.nan]])
    assert_allclose(found.times_s, np.arange(1, 6) * 0.001)


def test_a_hole_makes_the_time_since_the_last_spike_unknown():
    counts = np.array([[1, 0, 0, 0, 1, 0]], np.uint8)[..., None]
    psth_hz = np.full((1, 6, 1), 100.0)
    mask = np.array([[1, 1, 0, 1, 1, 1]], bool)[..., None]
    found = hazard(counts, mask, 0.001, psth_hz, max_s=0.005)
    assert_allclose(found.expected, [[0.2, 0, 0, 0, 0]])  # bin 1 after bin 0, bin 5 after bin 4
    assert_array_equal(found.observed, np.zeros((1, 5)))


def test_poisson_trains_have_a_flat_hazard_and_no_adaptation_whatever_the_time_course():
    rng = np.random.default_rng(1)
    counts, psth_hz = poisson_trains(150, 600, rng)
    mask = np.ones((150, 600, 1), bool)
    for curve in (hazard(counts, mask, 0.001, psth_hz), adaptation(counts, mask, 0.001, psth_hz)):
        enough = curve.expected > 20
        z = (curve.observed - curve.expected)[enough] / np.sqrt(curve.expected[enough])
        assert np.abs(z).max() < 4, "a group off by more than chance"
        assert np.mean(z**2) < 1.6


def test_refractory_trains_have_no_hazard_at_first():
    rng = np.random.default_rng(2)
    counts = np.zeros((60, 500, 1), np.uint8)
    for step in range(500):
        quiet = counts[:, max(step - 3, 0) : step].any(axis=1)
        counts[:, step] = (rng.random((60, 1)) < 0.08) & ~quiet
    psth_hz = np.full(counts.shape, counts.mean() / 0.001)
    found = hazard(counts, np.ones((60, 500, 1), bool), 0.001, psth_hz)
    assert_array_equal(found.observed[0, :3], 0)
    assert found.ratio[0, 4:10].min() > 1


def test_adaptation_by_hand():
    counts = np.array([[1, 0, 1, 0, 0, 1, 0, 0]], np.uint8)[..., None]
    psth_hz = np.arange(1.0, 9.0)[None, :, None] * 10
    mask = np.ones((1, 8, 1), bool)
    found = adaptation(counts, mask, 0.01, psth_hz, window_s=0.03, recovery_s=0.01, most=2)
    # Bins from 3 on have 3 bins behind them. 3: spike in bin 2, recovering. 4: one (bin 2). 5: one, and it fires.
    # 6: recovering. 7: one (bin 5).
    assert_allclose(found.expected, [[0.0, 0.5 + 0.6 + 0.8, 0.0]])
    assert_array_equal(found.observed, [[0, 1, 0]])
    assert_array_equal(found.n_recent, [0, 1, 2])


def test_adaptation_needs_the_whole_of_its_window_observed():
    counts = np.zeros((1, 8, 1), np.uint8)
    mask = np.ones((1, 8, 1), bool)
    mask[0, 4] = False
    found = adaptation(counts, mask, 0.01, np.full(counts.shape, 100.0), window_s=0.03)
    assert_allclose(found.expected.sum(), 1.0)  # bin 3 only: bins 5, 6 and 7 look back on bin 4


@pytest.mark.parametrize("n_bins", [1, 2, 5])
def test_windows_too_short_for_a_curve_leave_it_empty(n_bins):
    counts = np.ones((3, n_bins, 1), np.uint8)
    mask, psth_hz = np.ones((3, n_bins, 1), bool), np.full(counts.shape, 50.0)
    assert adaptation(counts, mask, 0.01, psth_hz).expected.sum() == 0
    assert np.isfinite(hazard(counts, mask, 0.01, psth_hz).expected).all()


def test_ratio_error_by_hand():
    real = ObservedOverExpected(np.array([[9.5, 4.5], [0, 0]]), np.array([[9.5, 4.5], [0, 0]]))
    sampled = ObservedOverExpected(np.array([[19.5, 4.5], [3, 3]]), np.array([[9.5, 4.5], [1, 1]]))
    per_unit, pooled = ratio_error(real, sampled)
    # ln(20 / 10) in a group of weight 9.5, ln 1 in one of 4.5; the second unit expects nothing.
    expected = np.sqrt(9.5 / 14) * np.log(2.0)
    assert_allclose(per_unit, [expected, np.nan])
    assert_allclose(pooled, expected)
    assert ratio_error(real, real)[1] == 0


def test_a_window_longer_than_the_trial_leaves_no_group():
    counts = np.zeros((2, 60, 1), np.uint8)
    counts[:, 10] = 1
    found = adaptation(counts, np.ones((2, 60, 1), bool), 0.001, np.full((2, 60, 1), 20.0))
    assert_array_equal(found.expected, 0.0)  # a window of 100 bins was never wholly seen
