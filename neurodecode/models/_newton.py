"""Penalised Poisson regression by Newton's method: the log-likelihood is concave, so a fit is the optimum."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from neurodecode.errors import ConvergenceError

_ROWS = 16384  # rows at a time: their float64 copies stay in the cache
_MAX_ITERATIONS = 100
_MAX_LOG_MEAN = 20.0  # a trial step of the line search may overflow exp; such a step is rejected anyway


def fit_poisson_regression(
    design: Float[np.ndarray, "rows features"],
    counts: Float[np.ndarray, " rows"],
    penalty: Float[np.ndarray, " features"],
    center: Float[np.ndarray, " features"],
    start: Float[np.ndarray, " features"],
    *,
    tolerance: float = 1e-7,
) -> Float[np.ndarray, " features"]:
    """Weights w that minimise sum(mu - n log mu) + sum(penalty (w - center)^2) / 2, with log mu = design w.

    ``design`` may be float32; likelihood and gradient are summed in float64, so the optimum is exact, while the
    Hessian, which only steers, is summed in the design's own precision. Stops when the expected gain of a further
    step is below ``tolerance`` nats. Raises ConvergenceError when it does not get there.
    Source: McCullagh & Nelder 1989, Generalized Linear Models, sect. 2.5, with step halving.
    """
    weights = start.astype(np.float64)
    log_mean = _product(design, weights)
    value = _loss(log_mean, counts) + _ridge(weights, penalty, center)
    for _ in range(_MAX_ITERATIONS):
        mean = np.exp(np.minimum(log_mean, _MAX_LOG_MEAN))
        gradient = _transposed_product(design, mean - counts) + penalty * (weights - center)
        hessian = _weighted_gram(design, mean) + np.diag(penalty)
        step = -_solve(hessian, gradient)
        gain = -gradient @ step
        if gain / 2.0 < tolerance:
            return weights
        change = _product(design, step)
        scale = 1.0
        while True:
            candidate = weights + scale * step
            new_value = _loss(log_mean + scale * change, counts) + _ridge(candidate, penalty, center)
            if new_value <= value - 1e-4 * scale * gain or gain * scale < 1e-9 * max(1.0, abs(value)):
                break
            scale /= 2.0
        if new_value > value:  # rounding: no step improves any more
            return weights
        weights, value, log_mean = candidate, new_value, log_mean + scale * change
    raise ConvergenceError(
        f"Poisson regression of {counts.sum():.0f} spikes on {design.shape[1]} features still gains "
        f"{gain / 2:.3g} nats after {_MAX_ITERATIONS} steps; raise the penalty"
    )


def _loss(log_mean: np.ndarray, counts: np.ndarray) -> float:
    if log_mean.max(initial=0.0) > _MAX_LOG_MEAN:
        return np.inf
    return float(np.exp(log_mean).sum() - counts @ log_mean)


def _ridge(weights: np.ndarray, penalty: np.ndarray, center: np.ndarray) -> float:
    return float(penalty @ (weights - center) ** 2) / 2.0


def _product(design: np.ndarray, weights: np.ndarray) -> np.ndarray:
    out = np.empty(design.shape[0])
    for rows in _blocks(design.shape[0]):
        out[rows] = design[rows].astype(np.float64) @ weights
    return out


def _transposed_product(design: np.ndarray, residual: np.ndarray) -> np.ndarray:
    out = np.zeros(design.shape[1])
    for rows in _blocks(design.shape[0]):
        out += residual[rows] @ design[rows].astype(np.float64)
    return out


def _weighted_gram(design: np.ndarray, mean: np.ndarray) -> np.ndarray:
    out = np.zeros((design.shape[1], design.shape[1]))
    root = np.sqrt(mean).astype(design.dtype)
    for rows in _blocks(design.shape[0]):
        scaled = design[rows] * root[rows, None]
        out += scaled.T @ scaled
    return out


def _solve(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    # A feature that never varies leaves a zero on the diagonal; a jitter far below any curvature that matters.
    jitter = 1e-10 * max(float(np.diag(hessian).max()), 1e-300)
    factor = cho_factor(hessian + jitter * np.eye(len(gradient)), check_finite=False)
    solved: np.ndarray = cho_solve(factor, gradient, check_finite=False)
    return solved


def _blocks(n_rows: int) -> list[slice]:
    return [slice(start, min(start + _ROWS, n_rows)) for start in range(0, n_rows, _ROWS)]
