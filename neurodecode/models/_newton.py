"""Penalised Poisson regression by Newton's method: the log-likelihood is concave, so a fit is the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve

from neurodecode.errors import ConvergenceError

_ROWS = 16384  # rows at a time: their float64 copies stay in the cache
_MAX_ITERATIONS = 100
_BY_FAR = 0.1  # of the tolerance: how far below it a gain by an older curvature is to lie
_MAX_LOG_MEAN = 20.0  # a trial step of the line search may overflow exp; such a step is rejected anyway


@runtime_checkable
class Columns(Protocol):
    """What Newton's method asks of the columns of a regression."""

    @property
    def n_columns(self) -> int:
        """How many there are."""

    def product(self, weights: Float[np.ndarray, " columns"]) -> Float[np.ndarray, " rows"]:
        """Design times weights, in float64."""

    def transposed_product(self, residual: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " columns"]:
        """Transposed design times residuals, in float64."""

    def gram(self, weights: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "columns columns"]:
        """Transposed design times weighted design; it steers, and may be less exact."""


@dataclass(frozen=True, eq=False)
class Design:
    """Columns of a regression: ``rows``, then columns that are alike for all rows of a group.

    rows (rows, features): float32 or float64; those of one group stand together. group (rows,): ascending index
    into ``profiles`` (groups, profile columns), each group with at least one row. A time-course is such a profile:
    its value is that of the condition and the bin, whatever the trial, so that its part of the Hessian is summed
    over trials before it is multiplied.
    """

    rows: Float[np.ndarray, "rows features"]
    group: Int[np.ndarray, " rows"]
    profiles: Float[np.ndarray, "groups profiles"]

    @classmethod
    def plain(cls, rows: Float[np.ndarray, "rows features"]) -> Design:
        """Without profiles."""
        return cls(rows, np.zeros(rows.shape[0], int), np.zeros((1, 0)))

    @property
    def n_columns(self) -> int:
        """Features and profile columns together."""
        return int(self.rows.shape[1] + self.profiles.shape[1])

    def columns(self, features: int, *, with_profiles: bool) -> Design:
        """Only the first ``features`` of the rows, and the profiles or none."""
        profiles = self.profiles if with_profiles else self.profiles[:, :0]
        return Design(self.rows[:, :features], self.group, profiles)

    def product(self, weights: Float[np.ndarray, " columns"]) -> Float[np.ndarray, " rows"]:
        """Design times weights, in float64."""
        n_features = self.rows.shape[1]
        out = np.empty(self.rows.shape[0])
        for block in _blocks(self.rows.shape[0]):
            out[block] = self.rows[block].astype(np.float64) @ weights[:n_features]
        if self.profiles.shape[1]:
            out += (self.profiles @ weights[n_features:])[self.group]
        return out

    def transposed_product(self, residual: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " columns"]:
        """Transposed design times residuals, in float64."""
        out = np.zeros(self.rows.shape[1])
        for block in _blocks(self.rows.shape[0]):
            out += residual[block] @ self.rows[block].astype(np.float64)
        if not self.profiles.shape[1]:
            return out
        summed = np.bincount(self.group, residual, minlength=self.profiles.shape[0])
        return np.concatenate([out, summed @ self.profiles])

    def gram(self, weights: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "columns columns"]:
        """Transposed design times weighted design; products within the rows in the rows' own precision."""
        n_features = self.rows.shape[1]
        out = np.zeros((self.n_columns, self.n_columns))
        root = np.sqrt(weights).astype(self.rows.dtype)
        for block in _blocks(self.rows.shape[0]):
            scaled = self.rows[block] * root[block, None]
            out[:n_features, :n_features] += scaled.T @ scaled
        if self.profiles.shape[1]:
            summed = np.bincount(self.group, weights, minlength=self.profiles.shape[0])
            out[n_features:, n_features:] = self.profiles.T @ (summed[:, None] * self.profiles)
            cross = self.profiles.T @ self._summed_rows(weights)
            out[n_features:, :n_features], out[:n_features, n_features:] = cross, cross.T
        return out

    def _summed_rows(self, weights: np.ndarray) -> np.ndarray:
        """Weighted sum of the rows of each group."""
        firsts = np.searchsorted(self.group, np.arange(self.profiles.shape[0]))
        weighted = self.rows * weights[:, None].astype(self.rows.dtype)
        summed: np.ndarray = np.add.reduceat(weighted, firsts, axis=0)
        return summed


def fit_poisson_regression(
    design: Columns,
    counts: Float[np.ndarray, " rows"],
    penalty: Float[np.ndarray, " columns"],
    center: Float[np.ndarray, " columns"],
    start: Float[np.ndarray, " columns"],
    *,
    log_exposure: Float[np.ndarray, " rows"] | None = None,
    tolerance: float = 1e-7,
) -> Float[np.ndarray, " columns"]:
    """Weights w that minimise sum(mu - n log mu) + sum(penalty (w - center)^2) / 2.

    Here log mu = design w + log_exposure. The rows may be float32; likelihood and gradient are summed in float64,
    so the optimum is exact, while the Hessian, which only steers, is summed in the rows' own precision. Stops when
    the expected gain of a further step is below ``tolerance`` nats. Raises ConvergenceError when it does not.
    Source: McCullagh & Nelder 1989, Generalized Linear Models, sect. 2.5, with step halving.
    """
    weights = start.astype(np.float64)
    log_mean = design.product(weights) + (0.0 if log_exposure is None else log_exposure)
    value = _loss(log_mean, counts) + _ridge(weights, penalty, center)
    factor = None
    for _ in range(_MAX_ITERATIONS):
        mean = np.exp(np.minimum(log_mean, _MAX_LOG_MEAN))
        gradient = design.transposed_product(mean - counts) + penalty * (weights - center)
        if factor is not None and gradient @ _solve(factor, gradient) / 2.0 < _BY_FAR * tolerance:
            return weights  # the curvature of the step before tells as much, and costs nothing
        factor = _factored(design.gram(mean) + np.diag(penalty))
        step = -_solve(factor, gradient)
        gain = -gradient @ step
        if gain / 2.0 < tolerance:
            return weights
        change = design.product(step)
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
        f"Poisson regression of {counts.sum():.0f} spikes on {design.n_columns} columns still gains "
        f"{gain / 2:.3g} nats after {_MAX_ITERATIONS} steps; raise the penalty"
    )


def _loss(log_mean: np.ndarray, counts: np.ndarray) -> float:
    if log_mean.max(initial=0.0) > _MAX_LOG_MEAN:
        return np.inf
    return float(np.exp(log_mean).sum() - counts @ log_mean)


def _ridge(weights: np.ndarray, penalty: np.ndarray, center: np.ndarray) -> float:
    return float(penalty @ (weights - center) ** 2) / 2.0


def _factored(hessian: np.ndarray) -> tuple[np.ndarray, bool]:
    # A feature that never varies leaves a zero on the diagonal, and in the gradient. The jitter is far below any
    # curvature that matters, and each feature's own: the penalty of one says nothing about another.
    curvature = np.diag(hessian)
    jitter = np.where(curvature > 0.0, 1e-10 * curvature, 1.0)
    factor: tuple[np.ndarray, bool] = cho_factor(hessian + np.diag(jitter), check_finite=False)
    return factor


def _solve(factor: tuple[np.ndarray, bool], gradient: np.ndarray) -> np.ndarray:
    solved: np.ndarray = cho_solve(factor, gradient, check_finite=False)
    return solved


def _blocks(n_rows: int) -> list[slice]:
    return [slice(start, min(start + _ROWS, n_rows)) for start in range(0, n_rows, _ROWS)]
