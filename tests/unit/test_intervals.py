"""Interspike intervals on a grid of bins."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.metrics.generative import interval_counts, isi_cv, isi_distance, isi_histogram, isi_violations

TRAIN = np.array([[1, 0, 2, 0, 0, 1], [0, 1, 1, 0, 0, 0]], np.uint8)[..., None]
ALL_SEEN = np.ones((2, 6, 1), bool)


def test_intervals_stay_within_trials_and_count_pairs_in_one_bin():
    # Trial 1: bins 0 -> 2 (2 bins), 2 -> 2 (0), 2 -> 5 (3). Trial 2: 1 -> 2 (1).
    assert_array_equal(interval_counts(TRAIN, ALL_SEEN), [[1, 1, 1, 1, 0, 0]])


def test_unobserved_bins_break_an_interval():
    mask = ALL_SEEN.copy()
    mask[0, 3] = False
    assert_array_equal(interval_counts(TRAIN, mask), [[1, 1, 1, 0, 0, 0]])
    mask[0, 2] = False  # the two spikes of the bin are gone, and 0 -> 5 spans the hole
    assert_array_equal(interval_counts(TRAIN, mask), [[0, 1, 0, 0, 0, 0]])


def test_violations_at_one_millisecond_are_the_same_or_the_next_bin():
    found = isi_violations(TRAIN, ALL_SEEN, 0.001)
    assert_array_equal(found.n_violations, [2])
    assert_allclose(found.share, [0.5])
    assert found.pooled == 0.5
    assert_array_equal(isi_violations(TRAIN, ALL_SEEN, 0.0005).n_violations, [4])


@pytest.mark.parametrize(
    ("bin_size_s", "has_spike_times", "reason"), [(0.004, True, "4 ms"), (0.001, False, "counts")]
)
def test_violations_are_absent_with_the_reason(bin_size_s, has_spike_times, reason):
    found = isi_violations(TRAIN, ALL_SEEN, bin_size_s, has_spike_times=has_spike_times)
    assert found.share is None
    assert np.isnan(found.pooled)
    assert reason in found.reason


@pytest.mark.parametrize("spacing", ["log", "linear"])
def test_histogram_groups_hold_every_interval(spacing):
    rng = np.random.default_rng(0)
    counts = (rng.random((20, 400, 2)) < 0.1).astype(np.uint8)
    mask = np.ones((20, 400, 1), bool)
    found = isi_histogram(counts, mask, 0.001, spacing=spacing, n_groups=20)
    assert_array_equal(found.n_intervals.sum(axis=1), interval_counts(counts, mask).sum(axis=1))
    assert_allclose((found.density_per_s * np.diff(found.edges_s)).sum(axis=1), 1.0)
    assert found.edges_s[0] == pytest.approx(0.0005), "an interval of one bin lies between half a bin and 1.5"


def test_histogram_stops_at_the_longest_interval_asked_for():
    found = isi_histogram(TRAIN, ALL_SEEN, 0.001, max_s=0.002)
    assert_array_equal(found.n_intervals, [[2, 1]])  # 0 and 1 bins together, then 2
    assert_allclose(found.edges_s, [0.0005, 0.0015, 0.0025])


def test_silent_unit_has_no_share_and_no_cv():
    silent = np.zeros_like(TRAIN)
    assert np.isnan(isi_histogram(silent, ALL_SEEN, 0.001).share).all()
    assert np.isnan(isi_cv(interval_counts(silent, ALL_SEEN))).all()
    assert np.isnan(isi_violations(silent, ALL_SEEN, 0.001).share).all()


def test_cv_by_hand():
    # Intervals of 0, 1, 2 and 3 bins: mean 1.5, variance 1.25.
    assert_allclose(isi_cv(interval_counts(TRAIN, ALL_SEEN)), np.sqrt(1.25) / 1.5)
    assert np.isnan(isi_cv(np.array([[0, 1, 0]])))[0], "one interval does not vary"


def test_distance_between_distributions():
    real = np.array([[0, 4, 0, 0], [0, 2, 2, 0], [0, 0, 0, 0]])
    sampled = np.array([[0, 0, 0, 9], [0, 1, 3, 0], [0, 1, 0, 0]])
    assert_allclose(isi_distance(real, sampled), [1.0, 0.25, np.nan])
    assert_allclose(isi_distance(real, real), [0.0, 0.0, np.nan])
