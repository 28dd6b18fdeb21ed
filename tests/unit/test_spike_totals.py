"""Sampled against recorded spikes: by hand, and what single trials that explode do to it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.metrics.spike_totals import spike_totals


def test_by_hand():
    recorded = np.array([[[1, 0], [1, 0]], [[0, 2], [0, 1]]], np.uint8)  # trials x bins x units
    sampled = np.array([[[2, 0], [0, 0]], [[1, 9], [1, 0]]], np.uint8)
    found = spike_totals(recorded, sampled, np.ones((2, 2, 1), bool))
    assert_allclose(found.rate_ratio, [4 / 2, 9 / 3, 13 / 5])
    assert_allclose(found.fullest_ratio, [2 / 2, 9 / 3, 11 / 3])


def test_masked_counts_change_no_number():
    rng = np.random.default_rng(0)
    recorded, sampled = rng.poisson(0.3, (2, 8, 30, 3)).astype(np.uint8)
    mask = rng.random((8, 30, 1)) < 0.7
    plain = spike_totals(recorded, sampled, mask)
    edited = spike_totals(np.where(mask, recorded, 9), np.where(mask, sampled, 200), mask)
    assert_array_equal(edited.rate_ratio, plain.rate_ratio)
    assert_array_equal(edited.fullest_ratio, plain.fullest_ratio)


def test_one_trial_that_explodes_shows_in_the_fullest_and_hides_in_the_mean():
    rng = np.random.default_rng(1)
    recorded, sampled = (rng.random((2, 200, 100, 2)) < 0.05).astype(np.uint8)
    sampled[7] = 1
    found = spike_totals(recorded, sampled, np.ones((200, 100, 1), bool))
    assert (found.rate_ratio < 1.2).all()
    assert (found.fullest_ratio > 5).all()


@pytest.mark.parametrize("silent", [0, 1])
def test_a_silent_unit_has_no_ratio(silent):
    recorded = np.ones((3, 4, 2), np.uint8)
    recorded[..., silent] = 0
    found = spike_totals(recorded, np.ones((3, 4, 2), np.uint8), np.ones((3, 4, 1), bool))
    for values in (found.rate_ratio, found.fullest_ratio):
        assert np.isnan(values[silent])
        assert np.isfinite(np.delete(values, silent)).all()
