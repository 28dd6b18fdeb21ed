"""The inhomogeneous Poisson model: penalised splines that recover a rate, share conditions and take covariates."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.features.bsplines import bspline_basis, roughness_basis
from neurodecode.models.poisson import InhomogeneousPoisson

BIN = 0.005
TIME = np.arange(100)


def simulated(rate_hz: np.ndarray, n_trials: int, condition: np.ndarray, seed: int = 0) -> Trials:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate_hz[condition] * BIN)[..., None]
    return Trials.from_counts(counts, BIN, condition=condition, condition_names=["a", "b"][: len(rate_hz)])


def fit(trials: Trials, **options: object):
    n = trials.n_trials
    rng = np.random.default_rng(0)
    return InhomogeneousPoisson(**options).fit(
        trials.select(np.arange(n - n // 5)), trials.select(np.arange(n - n // 5, n)), rng
    )


def test_basis_sums_to_one_and_turning_keeps_its_span():
    basis = bspline_basis(50, 9)
    assert_allclose(basis.sum(axis=1), 1.0)
    turned, roughness = roughness_basis(50, 9)
    assert (roughness == 0).sum() == 2
    line = np.linspace(2.0, 5.0, 9)
    coefficients = np.linalg.lstsq(turned, basis @ line, rcond=None)[0]
    assert_allclose(roughness @ coefficients**2, 0.0, atol=1e-16)
    wiggle = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0.0])
    coefficients = np.linalg.lstsq(turned, basis @ wiggle, rcond=None)[0]
    assert_allclose(roughness @ coefficients**2, np.sum(np.diff(wiggle, 2) ** 2), rtol=1e-9)


def test_recovers_a_smooth_rate():
    rate = 30 + 25 * np.sin(TIME / 12.0)[None]
    fitted = fit(simulated(rate, 200, np.zeros(200, int)))
    found = fitted.intensity(simulated(rate, 1, np.zeros(1, int)))[0, :, 0]
    # 160 trials x 5 bins of a spline piece x 0.15 spikes = 120 spikes: 9 percent each, less when smoothed.
    assert_allclose(found, rate[0], rtol=0.2)


def test_equal_conditions_are_pooled_and_different_ones_are_not():
    condition = np.arange(120) % 2
    rate = np.stack([30 + 20 * np.sin(TIME / 12.0)] * 2)
    # A seed under which the conditions' numbers of spikes differ by less than a standard deviation.
    alike = fit(simulated(rate, 120, condition, seed=3)).log_rate
    # Apart, 48 trials each would differ by about 0.1 at this smoothness.
    assert np.sqrt(np.mean((alike[0] - alike[1]) ** 2)) < 0.05
    rate[1] = 30 + 20 * np.cos(TIME / 12.0)
    different = fit(simulated(rate, 120, condition)).log_rate
    assert np.abs(different[0] - different[1]).max() > 0.5


def test_a_silent_unit_has_a_low_finite_rate():
    trials = Trials.from_counts(np.zeros((20, 40, 1), int), BIN)
    rate = fit(trials).intensity(trials)
    assert np.isfinite(rate).all()
    assert 0 < rate.max() < 1.0


def test_covariate_weight_matches_statsmodels():
    rng = np.random.default_rng(2)
    drive = rng.normal(2.0, 3.0, (80, 60))
    counts = rng.poisson(0.2 * np.exp(0.15 * drive))[..., None]
    trials = Trials.from_counts(counts, BIN, covariates={"drive": drive})
    fitted = fit(trials, penalties=(1e7,), covariate_penalties=(1e-3,))  # no more than a straight line in time
    time = np.broadcast_to(np.arange(60.0), drive.shape)
    design = np.column_stack([np.ones(drive.size), time.ravel(), drive.ravel()])
    reference = sm.GLM(counts.ravel(), design, family=sm.families.Poisson()).fit(tol=1e-12)
    # float32 covariates, and a penalty of 1e7 that still lets a trace of curvature through
    assert_allclose(fitted.covariates[0, 0] / fitted.scale.sd[0], reference.params[2], rtol=1e-3)


@pytest.mark.parametrize("wrong", [{"n_splines": 3}, {"penalties": ()}, {"penalties": (-1.0,)}, {"n_groups": 1}])
def test_hyperparameters_that_cannot_work_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        InhomogeneousPoisson(**wrong)
