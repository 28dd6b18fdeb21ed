"""The PSTH with a gain: it follows trials whose gain differs, and stays the PSTH where none does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models.psth import fit_psth
from neurodecode.models.psth_gain import GainPSTH

BIN = 0.005
RATE_HZ = 20 + 10 * np.sin(np.arange(200) / 15.0)


def simulated(gain: np.ndarray, seed: int = 0, **options: object) -> Trials:
    """``gain`` (trials, units) of trials of 200 steps."""
    mu = BIN * RATE_HZ[:, None] * gain[:, None]
    return Trials.from_counts(np.random.default_rng(seed).poisson(mu), BIN, **options)


def fit(trials: Trials, **options: object):
    n = trials.n_trials
    train, validation = trials.select(np.arange(n - n // 5)), trials.select(np.arange(n - n // 5, n))
    return GainPSTH(**options).fit(train, validation, np.random.default_rng(0))


def test_equal_trials_keep_a_gain_of_one():
    trials = simulated(np.ones((60, 3)))
    fitted = fit(trials)
    assert np.isinf(fitted.prior_spikes).sum() >= 2  # one in three may follow chance
    still = np.isinf(fitted.prior_spikes)
    assert_array_equal(fitted.intensity(trials)[..., still], fitted.psth.intensity(trials)[..., still])


def test_gains_of_trials_are_followed():
    gain = np.random.default_rng(1).gamma(4.0, 0.25, (100, 2))
    trials = simulated(gain)
    fitted = fit(trials)
    assert np.isfinite(fitted.prior_spikes).all()
    assert (fitted.time_constant_s >= 2.0).all()  # the gain lasts
    assert not fitted.shared.any()  # units have gains of their own
    late = (fitted.intensity(trials) / fitted.psth.intensity(trials))[:, -50:].mean(axis=1)
    assert np.corrcoef(late[:, 0], gain[:, 0])[0, 1] > 0.85
    test = simulated(np.random.default_rng(2).gamma(4.0, 0.25, (40, 2)), seed=5)
    assert (fitted.log_likelihood(test) > fitted.psth.log_likelihood(test) + 20).all()


def test_a_gain_that_units_share_is_read_from_all_of_them():
    gain = np.random.default_rng(1).gamma(4.0, 0.25, (100, 1)).repeat(6, axis=1)
    assert fit(simulated(gain)).shared.sum() >= 5


def test_the_gain_is_the_posterior_mean_of_what_was_seen():
    """By hand: (a + sum w n) / (a + sum w mu) over earlier observed steps, lead included."""
    mask = np.ones((60, 200, 1), bool)
    mask[:, 60:70] = False
    trials = simulated(np.random.default_rng(1).gamma(3.0, 1 / 3, (60, 2)), lead=40, mask=mask)
    fitted = fit(trials, time_constants_s=(0.5,), prior_spikes=(4.0,))
    assert_array_equal(fitted.prior_spikes, 4.0)
    mu = fitted.psth.intensity_with_lead(trials) * BIN
    source = trials.counts.astype(float), mu
    for unit in range(2):
        n, m = (v.sum(axis=2) if fitted.shared[unit] else v[..., unit] for v in source)
        trial, step = 7, 130
        weights = np.exp(-BIN / 0.5) ** (step - 1 - np.arange(step)) * mask[trial, :step, 0]
        gain = (4.0 + weights @ n[trial, :step]) / (4.0 + weights @ m[trial, :step])
        assert_allclose(fitted.intensity(trials)[trial, step - 40, unit], gain * mu[trial, step, unit] / BIN)


def test_sampled_trials_have_gains_too():
    gain = np.random.default_rng(1).gamma(4.0, 0.25, (100, 1))
    trials = simulated(gain)
    fitted = fit(trials)
    many = trials.select(np.repeat(np.arange(100), 4))
    rng = np.random.default_rng(3)
    spikes = fitted.sample(many, rng).window_counts.sum(axis=(1, 2))
    plain = fitted.psth.sample(many, rng).window_counts.sum(axis=(1, 2))
    assert spikes.var() / spikes.mean() > 1.8
    assert plain.var() / plain.mean() < 1.3  # Poisson: 1 +- 0.07


def test_rates_of_binary_bins_stay_below_one_spike():
    rng = np.random.default_rng(0)
    gain = np.where(np.arange(60) % 2, 1.0, 0.05)
    trials = Trials.from_counts(rng.random((60, 200, 1)) < 0.9 * gain[:, None, None], BIN)
    fitted = fit(trials)
    assert fitted.intensity(trials).max() <= 1.0 / BIN


def test_without_gain_it_is_the_psth_of_all_trials():
    trials = simulated(np.ones((60, 1)))
    fitted = fit(trials)
    assert_array_equal(fitted.psth.condition_rates_hz, fit_psth(trials).condition_rates_hz)


def test_fast_time_constants_are_refused():
    with pytest.raises(ConfigError, match="history"):
        GainPSTH(time_constants_s=(0.1, 1.0))
