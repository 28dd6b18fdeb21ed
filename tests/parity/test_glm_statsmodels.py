"""The spike-history GLM against statsmodels on a design written out again."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.models.glm import SpikeHistoryGLM


def test_intensity_and_likelihood_match_a_lag_by_lag_regression():
    rng = np.random.default_rng(3)
    drive = rng.normal(size=(60, 150))
    rate = 0.08 * np.exp(0.5 * drive + np.sin(np.arange(150) / 12.0))
    counts = np.zeros((60, 150), int)
    for t in range(150):
        counts[:, t] = rng.random(60) < rate[:, t] * (1.0 if t == 0 else np.where(counts[:, t - 1], 0.3, 1.0))
    trials = Trials.from_counts(counts[..., None], 0.01, lead=50, covariates={"drive": drive})
    train, validation = trials.select(np.arange(50)), trials.select(np.arange(50, 60))
    # One trace of 20 ms and two lags; a penalty so weak that it does not matter at this tolerance.
    model = SpikeHistoryGLM(
        coupling="own", n_lags=2, longest_s=0.02, history_penalties=(1e-6,), time_course="none"
    )
    fitted = model.fit(train, validation, rng)

    log_psth = fitted.design.log_aggregate(trials, leave_out=True)[:, 50:, 0]
    decay, trace = np.exp(-0.5), np.zeros((60, 151))
    trace[:, 0] = fitted.design.fill[0]  # before the first bin nothing was recorded
    for t in range(150):
        trace[:, t + 1] = decay * trace[:, t] + (1 - decay) * counts[:, t]
    trace = np.log(1 + trace / fitted.design.fill[0])
    past = [counts[:, 49:-1], counts[:, 48:-2], trace[:, 50:-1]]
    columns = [np.ones((60, 100)), log_psth, drive[:, 50:], *past]
    design = np.stack([c.ravel() for c in columns], axis=1)
    reference = sm.GLM(counts[:, 50:].ravel(), design, family=sm.families.Poisson()).fit(tol=1e-12)

    weights = fitted.weights
    ours = np.r_[weights.bias, weights.aggregate, weights.covariates[0], weights.own[0]]
    # The priors on the aggregate and on the covariate weigh 1 against curvatures of 300 and more.
    assert_allclose(ours, reference.params, atol=0.02, rtol=0)
    mean = np.exp(design @ ours)
    log_likelihood = np.sum(counts[:, 50:].ravel() * np.log(mean) - mean)
    best = np.sum(counts[:, 50:].ravel() * np.log(reference.mu) - reference.mu)
    assert 0 <= best - log_likelihood < 0.01


def test_a_flat_aggregate_keeps_its_weight():
    """A trial left out of a flat aggregate must not see its own spikes as a dip: its weight would be < 0."""
    rng = np.random.default_rng(4)
    counts = rng.poisson(0.1 * rng.gamma(2.0, 0.5, (30, 1, 1)), (30, 100, 1))
    trials = Trials.from_counts(counts, 0.01, lead=20)
    fitted = SpikeHistoryGLM(time_course="none").fit(
        trials.select(np.arange(25)), trials.select(np.arange(25, 30)), rng
    )
    assert fitted.weights.aggregate[0] > 0.5


def test_coupled_units_reach_the_optimum_of_iteratively_reweighted_least_squares(coupled):
    """Side by side, without a penalty, each unit's weights are those that statsmodels finds for it alone."""
    for unit, ours in enumerate(coupled.optimum(0.0)):
        columns, counts = sm.add_constant(coupled.columns[unit]), coupled.counts[unit]
        reference = sm.GLM(counts, columns, family=sm.families.Poisson()).fit(tol=1e-14)
        # Traces of neighbouring time constants are nearly collinear, and ours are float32: weights that trade
        # places move by 1e-4, the likelihood by none of it.
        assert_allclose(ours, reference.params, atol=1e-3, rtol=0)
        best = coupled.log_likelihood(unit, np.asarray(reference.params))
        assert coupled.log_likelihood(unit, ours) == pytest.approx(best, abs=1e-6)


def test_coupled_units_reach_the_optimum_of_a_ridge(coupled):
    ridge = 20.0
    for unit, ours in enumerate(coupled.optimum(ridge)):
        columns, counts = sm.add_constant(coupled.columns[unit]), coupled.counts[unit]
        alpha = np.r_[0.0, np.full(columns.shape[1] - 1, ridge)] / len(counts)
        model = sm.GLM(counts, columns, family=sm.families.Poisson())
        reference = model.fit_regularized(alpha=alpha, L1_wt=0.0, cnvrg_tol=1e-12)
        # Its optimiser stops at a gradient of 1e-5 per row, that is 0.03 here: looser than ours.
        assert_allclose(ours, reference.params, atol=3e-3, rtol=0)
