"""Rates without each group of trials, and their likelihoods, against plain sums."""

import numpy as np
import pytest

from neurodecode.models._psth_rates import FLOOR_TRIALS, Groups, Sums
from neurodecode.models._smoothing import Smoother

BANDWIDTHS, BIN_S, LEAD = (np.inf, 8.0, 2.0), 0.005, 4
PSEUDO_TRIALS = (16.0, 1.0, 0.0)


@pytest.fixture
def groups() -> Groups:
    """Five groups of trials in three conditions, of which four groups are asked for; some bins not observed."""
    rng = np.random.default_rng(0)
    observed = rng.integers(0, 4, (5, 3, 44)).astype(float)
    spikes = rng.poisson(0.1 * observed).astype(float)
    smoother = Smoother("gaussian", 44, LEAD)
    sums = [Sums.of(values, smoother, BANDWIDTHS) for values in (spikes, observed)]
    return Groups(*sums, np.array([0, 2, 3, 4]), BIN_S)


@pytest.mark.parametrize("pooled", [False, True])
def test_rates_leave_each_group_out(groups, pooled):
    toward = groups.mean_hz()
    rates = groups.rates_hz(toward, 2.0, pooled=pooled)
    assert rates[0] is toward
    for place, rate in enumerate(rates[1:]):
        n, seen = (sums.smooth[place][groups.groups] for sums in (groups.spikes, groups.trials))
        if pooled:
            n, seen = n.sum(axis=1, keepdims=True), seen.sum(axis=1, keepdims=True)
        weight = 2.0 + FLOOR_TRIALS
        for left in range(4):
            others = [g for g in range(4) if g != left]
            top = n[others].sum(axis=0) / BIN_S + weight * toward.without[left]
            expected = top / (seen[others].sum(axis=0) + weight)
            np.testing.assert_allclose(rate.without[left], expected, rtol=1e-10)
        whole = (n.sum(axis=0) / BIN_S + weight * toward.whole) / (seen.sum(axis=0) + weight)
        np.testing.assert_allclose(rate.whole, whole, rtol=1e-10)


@pytest.mark.parametrize("shape", [(4, 3, 40), (4, 1, 40), (1, 40), (3, 40), (4, 1, 1), (1, 1)])
def test_likelihoods_are_those_of_every_bin(groups, shape):
    """Rates of conditions or pooled over them, of groups or of all, over bins or level."""
    rate_hz = np.random.default_rng(1).uniform(5.0, 40.0, shape)
    n, seen_s = groups.own
    terms = n * np.log(rate_hz) - seen_s * rate_hz
    assert groups.log_likelihood(rate_hz) == pytest.approx(terms.sum(), rel=1e-12)
    np.testing.assert_allclose(groups.per_bin(rate_hz), terms.sum(axis=1), rtol=1e-10, atol=1e-12)


def test_the_best_bandwidth_is_found_without_keeping_rates(groups):
    toward = groups.rates_hz(groups.mean_hz(), 0.0, pooled=True)[2]
    expected = [
        max(groups.log_likelihood(rate.without) for rate in groups.rates_hz(toward, k)[1:]) for k in PSEUDO_TRIALS
    ]
    assert groups.best_of_bandwidths(toward, PSEUDO_TRIALS) == pytest.approx(expected, rel=1e-12)
