"""Our Newton against statsmodels' IRLS: the same optimum by other code."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

from neurodecode.models._newton import Design, fit_poisson_regression


@pytest.fixture(scope="module")
def regression() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(5000), rng.normal(size=(5000, 6))])
    counts = rng.poisson(np.exp(design @ [-2.0, 0.5, -0.3, 0.1, 0.0, 0.8, -0.5])).astype(float)
    return design, counts


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_match_without_penalty(regression, dtype):
    design, counts = regression
    design = design.astype(dtype)
    nothing = np.zeros(7)
    ours = fit_poisson_regression(Design.plain(design), counts, nothing, nothing, nothing)
    reference = sm.GLM(counts, design.astype(float), family=sm.families.Poisson()).fit(tol=1e-12)
    # Stopped when a step gains < 1e-7 nats at a curvature > 100 per weight: |error| < sqrt(2e-7 / 100) = 5e-5.
    assert_allclose(ours, reference.params, atol=5e-5, rtol=0)


def test_weights_match_with_a_ridge(regression):
    design, counts = regression
    penalty = np.array([0.0, 5, 5, 5, 5, 50, 50])
    ours = fit_poisson_regression(Design.plain(design), counts, penalty, np.zeros(7), np.zeros(7))
    # statsmodels' elastic net divides the log-likelihood by the number of rows.
    reference = sm.GLM(counts, design, family=sm.families.Poisson()).fit_regularized(
        alpha=penalty / len(counts), L1_wt=0.0
    )
    # Its coordinate-free optimiser stops at a gradient of 1e-5 per row, that is 0.05 here: looser than ours.
    assert_allclose(ours, reference.params, atol=2e-3, rtol=0)


def test_a_penalty_pulls_to_its_center(regression):
    design, counts = regression
    center = np.full(7, 0.3)
    ours = fit_poisson_regression(Design.plain(design), counts, np.full(7, 1e9), center, np.zeros(7))
    assert_allclose(ours, center, atol=1e-4)


def test_a_far_start_converges(regression):
    design, counts = regression
    nothing = np.zeros(7)
    near = fit_poisson_regression(Design.plain(design), counts, nothing, nothing, nothing)
    far = fit_poisson_regression(Design.plain(design), counts, nothing, nothing, np.full(7, 2.0))
    assert_allclose(far, near, atol=1e-4)


def test_profiles_equal_the_same_columns_written_out():
    rng = np.random.default_rng(2)
    rows, group = rng.normal(size=(3000, 3)), np.sort(rng.integers(0, 40, 3000))
    group = np.unique(group, return_inverse=True)[1]
    profiles = rng.normal(size=(group.max() + 1, 5))
    counts = rng.poisson(np.exp(-1 + 0.3 * rows[:, 0] + 0.3 * profiles[group, 1])).astype(float)
    penalty, center, start = np.linspace(0.1, 3, 8), np.zeros(8), np.zeros(8)
    written_out = Design.plain(np.hstack([rows, profiles[group]]))
    grouped = fit_poisson_regression(Design(rows, group, profiles), counts, penalty, center, start)
    # Both float64, both stopped below 1e-7 nats.
    assert_allclose(grouped, fit_poisson_regression(written_out, counts, penalty, center, start), atol=1e-5)
