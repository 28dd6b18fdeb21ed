"""Ridge regression from sums of products: gathered once, solved for any penalty and any number of lags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

ROWS_AT_ONCE = 2048
_LEAST_PENALTY = 1e-10


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over ``n`` rows of features x and targets y: of each, of x x', of x y' and of y^2."""

    n: int
    x: Float[np.ndarray, " features"]
    y: Float[np.ndarray, " dims"]
    xx: Float[np.ndarray, "features features"]
    xy: Float[np.ndarray, "features dims"]
    yy: Float[np.ndarray, " dims"]

    @classmethod
    def none(cls, n_features: int, n_dims: int) -> Moments:
        """Of no rows."""
        return cls(
            0,
            np.zeros(n_features),
            np.zeros(n_dims),
            np.zeros((n_features, n_features)),
            np.zeros((n_features, n_dims)),
            np.zeros(n_dims),
        )

    def add(self, x: Float[np.ndarray, "rows features"], y: Float[np.ndarray, "rows dims"]) -> Moments:
        """Of these rows as well. The large sum grows in place, so the old object is not to be used any more."""
        np.add(self.xx, x.T @ x, out=self.xx)
        return Moments(
            self.n + len(x),
            self.x + x.sum(axis=0),
            self.y + y.sum(axis=0),
            self.xx,
            self.xy + x.T @ y,
            self.yy + np.square(y).sum(axis=0),
        )

    def together(self, other: Moments) -> Moments:
        """Of both sets of rows."""
        return Moments(
            self.n + other.n,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.xy + other.xy,
            self.yy + other.yy,
        )

    def leading(self, n_features: int) -> Moments:
        """Of the first features alone."""
        own = slice(n_features)
        return Moments(self.n, self.x[own], self.y, self.xx[own, own], self.xy[own], self.yy)

    def ridge(self, penalty: float) -> RidgeWeights:
        """Weights that minimise the squared error plus ``penalty`` times the mean feature's variance times |w|^2.

        The penalty counts in rows: 1 weighs as much as the rows themselves. The intercept is not penalised. Each
        solution is one Cholesky factorisation, which costs a small part of what the eigendecomposition does that
        would serve all penalties.

        Source: Hoerl & Kennard 1970, Technometrics 12:55.
        """
        mean_x, mean_y = self.x / self.n, self.y / self.n
        system = self.xx - np.outer(self.x, mean_x)
        variance = float(np.trace(system)) / len(system)
        # No penalty at all leaves fewer rows than features without a solution, a silent unit without a scale.
        system.flat[:: len(system) + 1] += max(penalty, _LEAST_PENALTY) * variance + np.finfo(float).tiny
        factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, self.xy - np.outer(self.x, mean_y), check_finite=False)
        return RidgeWeights(weights, mean_y - mean_x @ weights)

    def squared_error(self, found: RidgeWeights) -> Float[np.ndarray, " dims"]:
        """Sum over these rows of the squared error of a prediction, from the sums alone."""
        w, b = found.weights, found.intercept
        fitted = np.einsum("fd,fd->d", w, self.xx @ w) + 2 * b * (self.x @ w) + self.n * b**2
        error: Float[np.ndarray, " dims"] = (
            self.yy - 2 * np.einsum("fd,fd->d", w, self.xy) - 2 * b * self.y + fitted
        )
        positive: Float[np.ndarray, " dims"] = np.maximum(error, 0.0)  # a difference of large numbers
        return positive


@dataclass(frozen=True, eq=False)
class RidgeWeights:
    """prediction = x @ weights + intercept."""

    weights: Float[np.ndarray, "features dims"]
    intercept: Float[np.ndarray, " dims"]
