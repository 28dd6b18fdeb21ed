"""Smoothing of sums by FFT, and averages of estimates whose weights follow time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter1d

from neurodecode.models._groups import deal_groups, grouped_sums
from neurodecode.models._local_average import WIDTHS, Blocks, weights_of
from neurodecode.models._smoothing import Smoother, bandwidth_grid


def smoothed(series: np.ndarray, bandwidth: float, *, lead: int = 0, jump: int | None = None) -> np.ndarray:
    (one,) = Smoother("gaussian", series.shape[-1], lead, jump).at_each(series, [bandwidth])
    return one


def test_smoothing_is_the_sum_over_neighbours():
    series = np.random.default_rng(0).poisson(1.0, (2, 3, 90)).astype(float)
    filtered = gaussian_filter1d(series, 4.0, mode="constant", truncate=30)
    assert_allclose(smoothed(series, 4.0), filtered, atol=1e-12)


def test_a_constant_rate_stays_constant_up_to_the_edges():
    observed = np.ones((1, 60))
    for bandwidth in (1.0, 7.0, 60.0, np.inf):
        rate = smoothed(5.0 * observed, bandwidth) / smoothed(observed, bandwidth)
        assert_allclose(rate, 5.0, rtol=1e-12)


def test_unobserved_steps_count_for_nothing():
    observed = np.ones((1, 60))
    observed[:, 20:35] = 0.0
    rate = smoothed(3.0 * observed, 5.0) / smoothed(observed, 5.0)
    assert_allclose(rate, 3.0, rtol=1e-9)


def test_flat_is_the_mean_over_the_window_without_the_lead():
    series = np.arange(10.0)[None]
    assert_allclose(smoothed(series, np.inf, lead=4), np.full((1, 10), 6.5))


@pytest.mark.parametrize("bandwidth", [3.0, np.inf])
def test_nothing_crosses_a_jump(bandwidth):
    series = np.concatenate([np.zeros(30), np.ones(30)])[None]
    smooth = smoothed(series, bandwidth, jump=30)
    assert_allclose(smooth[:, :30], 0.0, atol=1e-15)
    assert (smooth[:, 30:] > 0.1).all()
    both_sides = smoothed(series, bandwidth, jump=30) / smoothed(np.ones((1, 60)), bandwidth, jump=30)
    assert_allclose(both_sides, series, atol=1e-12)


def test_bandwidths_go_from_flat_to_one_step():
    grid = bandwidth_grid(5, 100)
    assert grid[0] == np.inf
    assert_allclose(grid[1:], 100.0 ** np.array([1, 0.75, 0.5, 0.25, 0]))


def test_groups_are_dealt_within_conditions():
    condition = np.array([0] * 13 + [1] * 4)
    group = deal_groups(condition, 5)
    assert set(np.bincount(group[condition == 0])) == {2, 3}
    assert len(set(group[condition == 1])) == 4  # fewer trials than groups: one at a time
    assert set(np.bincount(group)) == {3, 4}
    values = np.random.default_rng(0).integers(0, 5, (17, 3))
    sums = grouped_sums(values, group, condition, 3)
    assert sums.shape == (5, 3, 3)
    assert_allclose(sums[2, 1], values[(group == 2) & (condition == 1)].sum(axis=0))
    assert_allclose(sums.sum(axis=(0, 1)), values.sum(axis=0))


@pytest.mark.parametrize("n_bins", [1, 2, 50, 128, 1000])
def test_weights_are_spread_over_bins_linearly(n_bins):
    blocks = Blocks(n_bins)
    assert blocks.centres.size == blocks.n_blocks == min(n_bins, 128)
    assert_allclose(blocks.spread(np.ones((2, blocks.n_blocks)), lead=7), np.ones((2, n_bins + 7)))
    ramp = blocks.spread(blocks.centres[None], lead=3)[0, 3:]
    inside = slice(int(np.ceil(blocks.centres[0])), int(blocks.centres[-1]) + 1)
    assert_allclose(ramp[inside], np.arange(n_bins)[inside], atol=1e-9)


def test_evidence_over_all_of_the_window_is_the_sum_and_over_less_is_local():
    terms = np.random.default_rng(1).normal(size=(3, 400))
    blocks = Blocks(400)
    assert_allclose(blocks.evidence(terms, np.inf), np.repeat(terms.sum(axis=1)[:, None], 128, axis=1))
    terms[:, 200:] = 0.0
    narrow = blocks.evidence(terms, min(WIDTHS))
    assert_allclose(narrow[:, -32:], 0.0, atol=1e-6)


def test_weights_follow_likelihood_and_negligible_ones_vanish():
    weights = weights_of(np.log(np.array([[1.0], [3.0], [1e-6]])))
    assert_allclose(weights[:, 0], [0.25, 0.75, 0.0], atol=1e-6)
