"""Hierarchical resampling: its spread is what theory says for each level alone, and pairs stay pairs."""

import numpy as np
from numpy.testing import assert_allclose

from neurodecode.metrics.hierarchical import SessionMeans, percentiles, resampled_ratios, session_draws


def test_trials_alone_spread_as_the_mean_of_trials_does():
    rng = np.random.default_rng(0)
    gains = rng.normal(size=(1, 40, 1))
    found = resampled_ratios(gains, np.ones((40, 1)), np.zeros(40, int), 20_000, rng)[0]
    # sd of 20,000 replicates: 0.5 percent
    assert_allclose(found.std(), gains.std() / np.sqrt(40), rtol=0.03)
    assert_allclose(found.mean(), gains.mean(), atol=4 * found.std() / np.sqrt(20_000))


def test_units_are_drawn_anew_and_share_their_trials():
    rng = np.random.default_rng(1)
    of_unit, shared = rng.normal(size=(1, 1, 12)), rng.normal(size=(1, 30, 1))
    ones = np.ones((30, 12))
    strata = np.zeros(30, int)
    units = resampled_ratios(np.broadcast_to(of_unit, (1, 30, 12)), ones, strata, 20_000, rng)[0]
    assert_allclose(units.std(), of_unit.std() / np.sqrt(12), rtol=0.03)
    # What all units share in a trial does not average out over units.
    trials = resampled_ratios(np.broadcast_to(shared, (1, 30, 12)), ones, strata, 20_000, rng)[0]
    assert_allclose(trials.std(), shared.std() / np.sqrt(30), rtol=0.03)


def test_conditions_keep_their_numbers_of_trials():
    condition = np.array([0] * 5 + [1] * 15)
    gains = condition[None, :, None].astype(float)
    found = resampled_ratios(gains, np.ones((20, 1)), condition, 50, np.random.default_rng(2))
    assert_allclose(found, 0.75)


def means_of(values: np.ndarray, n_bootstrap: int) -> np.ndarray:
    """Sessions all of whose trials say the same."""
    rng = np.random.default_rng(3)
    over_all = SessionMeans(session_draws(len(values), n_bootstrap, rng), 1)
    for place, value in enumerate(values):
        gains = np.full((1, 4, 2), value)
        drawn = resampled_ratios(gains, np.ones((4, 2)), np.zeros(4, int), over_all.n_resamples(place), rng)
        over_all.add(place, [0], drawn)
    return over_all.means()[0]


def test_sessions_spread_as_the_mean_of_sessions_does():
    values = np.random.default_rng(4).normal(size=9)
    found = means_of(values, 20_000)
    assert_allclose(found.std(), values.std() / 3, rtol=0.03)
    low, high = percentiles(found)
    assert_allclose([low, high], values.mean() + np.array([-1.96, 1.96]) * values.std() / 3, atol=0.05)


def test_a_session_drawn_twice_is_drawn_anew_each_time():
    rng = np.random.default_rng(5)
    draws = np.full((4000, 1), 2)
    gains = rng.normal(size=(1, 25, 1))
    over_all = SessionMeans(draws, 1)
    ones = np.ones((25, 1))
    drawn = resampled_ratios(gains, ones, np.zeros(25, int), over_all.n_resamples(0), rng)
    over_all.add(0, [0], drawn)
    # the mean of two independent draws, not of one draw twice
    assert_allclose(over_all.means()[0].std(), gains.std() / np.sqrt(50), rtol=0.05)


def test_models_are_resampled_alike():
    rng = np.random.default_rng(6)
    one = rng.normal(size=(1, 20, 3))
    found = resampled_ratios(np.concatenate([one, one + 1.0]), np.ones((20, 3)), np.zeros(20, int), 100, rng)
    assert_allclose(found[1] - found[0], 1.0)


def test_a_silent_resample_has_no_ratio():
    spikes = np.array([[1.0], [0.0]])
    found = resampled_ratios(spikes[None], spikes, np.zeros(2, int), 200, np.random.default_rng(7))
    assert np.isnan(found).any()
    assert_allclose(found[np.isfinite(found)], 1.0)
    assert np.isnan(percentiles(found[0, :0])).all()
