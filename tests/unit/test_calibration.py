"""Calibration of probabilities, and the one exponent that tempers a likelihood."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar

from neurodecode.metrics.calibration import (
    BETA_BOUNDS,
    expected_calibration_error,
    posterior,
    reliability_curve,
    tempering_exponent,
)
from neurodecode.metrics.classification import log_loss

EVEN = np.log([0.5, 0.5])


def gaussian(n_trials: int, inflation: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods of two classes, too large by ``inflation``, and the true classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n_trials)
    x = rng.normal(2.0 * y - 1.0, 1.5)
    return inflation * -np.square(x[:, None] - [-1.0, 1.0]) / (2 * 1.5**2), y


def test_the_curve_by_hand():
    confidence = np.array([0.55, 0.6, 0.95, 1.0, 1.0])
    p = np.stack([confidence, 1 - confidence], axis=1)
    curve = reliability_curve(p, np.array([0, 1, 0, 0, 1]))
    assert_array_equal(curve.n_trials, [0, 0, 0, 0, 0, 2, 0, 0, 0, 3])
    assert_allclose(curve.confidence[[5, 9]], [0.575, 2.95 / 3])
    assert_allclose(curve.accuracy[[5, 9]], [0.5, 2 / 3])
    assert np.isnan(curve.accuracy[:5]).all()
    error = (2 * 0.075 + 3 * (2.95 / 3 - 2 / 3)) / 5
    assert_allclose(expected_calibration_error(p, np.array([0, 1, 0, 0, 1])), error)


def test_intervals_of_the_curve_are_wilsons():
    from statsmodels.stats.proportion import proportion_confint

    p = np.tile([0.8, 0.2], (30, 1))
    curve = reliability_curve(p, np.repeat([0, 1], [21, 9]))
    low, high = proportion_confint(21, 30, method="wilson")
    assert_allclose([curve.low[7], curve.high[7]], [low, high])


def test_honest_probabilities_are_calibrated_and_boasting_ones_are_not():
    log_likelihood, y = gaussian(20000, inflation=1.0)
    honest = posterior(log_likelihood, EVEN)
    assert expected_calibration_error(honest, y) < 0.015  # 2,000 trials a bin: 0.01 by chance
    assert expected_calibration_error(posterior(log_likelihood, EVEN, beta=5.0), y) > 0.1


def test_no_trials_have_no_error():
    assert np.isnan(expected_calibration_error(np.empty((0, 2)), np.empty(0, int)))


@pytest.mark.parametrize("inflation", [0.2, 1.0, 30.0])
def test_tempering_takes_back_what_was_counted_too_often(inflation):
    log_likelihood, y = gaussian(4000, inflation)
    beta = tempering_exponent(log_likelihood, EVEN, y)
    assert_allclose(beta * inflation, 1.0, rtol=0.12)  # 4,000 trials: 4 percent; three times that
    best = minimize_scalar(
        lambda log_beta: float(log_loss(posterior(log_likelihood, EVEN, beta=np.exp(log_beta)), y)),
        bounds=np.log(BETA_BOUNDS),
        method="bounded",
    )
    assert_allclose(beta, np.exp(best.x), rtol=0.02)  # a doubt of 1 in 8,002 aside


def test_trials_that_are_all_right_are_no_proof_of_certainty():
    """24 hits leave doubt of 1 in 50: where all trials are alike, that is what is found."""
    y = np.arange(24) % 2
    log_likelihood = 7.0 * np.eye(2)[y]
    beta = tempering_exponent(log_likelihood, EVEN, y)
    assert_allclose(posterior(log_likelihood, EVEN, beta=beta)[0], [1 - 0.5 / 50, 0.5 / 50])


def test_sums_over_many_spikes_do_not_overflow():
    log_likelihood, y = gaussian(50, 1e6)
    beta = tempering_exponent(log_likelihood - 1e9, EVEN, y)
    assert_allclose(beta, tempering_exponent(log_likelihood, EVEN, y), rtol=1e-4)  # 1e9 leaves 1e-7 of digits
    assert np.isfinite(posterior(log_likelihood, EVEN)).all()


def test_a_likelihood_that_misleads_is_left_a_trace_of_its_order():
    log_likelihood, y = gaussian(200, 1.0)
    beta = tempering_exponent(log_likelihood, EVEN, 1 - y)
    assert beta == BETA_BOUNDS[0]
    assert_array_equal(posterior(log_likelihood, EVEN, beta=beta).argmax(1), log_likelihood.argmax(1))


def test_what_tells_nothing_stays_as_it_is():
    assert tempering_exponent(np.zeros((5, 2)), EVEN, np.array([0, 1, 0, 1, 0])) == 1.0
    assert tempering_exponent(np.empty((0, 2)), EVEN, np.empty(0, int)) == 1.0
