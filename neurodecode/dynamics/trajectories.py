"""Latent trajectories: the few directions in which states vary most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurodecode.errors import DataError


@dataclass(frozen=True, eq=False)
class PrincipalAxes:
    """``axes`` (k, n) of unit length, by falling variance; ``shares``: of the whole variance that each holds."""

    mean: Float[np.ndarray, " n"]
    axes: Float[np.ndarray, "k n"]
    shares: Float[np.ndarray, " k"]

    def project(self, states: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "... k"]:
        """States in the coordinates of the axes."""
        projected: np.ndarray = (states - self.mean) @ self.axes.T
        return projected


def principal_axes(states: Float[np.ndarray, "samples n"], k: int) -> PrincipalAxes:
    """The first ``k`` principal axes of states; each points where its largest weight is positive.

    Raises DataError for fewer samples than two, or more axes than dimensions.
    """
    n_samples, n = states.shape
    if n_samples < 2 or not 1 <= k <= n:
        raise DataError(
            f"{k} principal axes of {n_samples} samples of {n} dimensions; give more, or ask for fewer"
        )
    mean = states.mean(axis=0, dtype=np.float64)
    centred = states - mean
    variances, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :k].T
    signs = np.sign(axes[np.arange(k), np.abs(axes).argmax(axis=1)])
    total = variances.sum()
    shares = np.maximum(variances[::-1][:k], 0.0) / (total if total > 0 else 1.0)
    return PrincipalAxes(mean, axes * signs[:, None], shares)


def linear_r2(one: Float[np.ndarray, "samples k"], other: Float[np.ndarray, "samples j"]) -> float:
    """Share of the variance of ``other`` that a linear map of ``one`` explains (with a constant)."""
    columns = np.concatenate([one, np.ones((len(one), 1))], axis=1)
    weights = np.linalg.lstsq(columns, other, rcond=None)[0]
    left = ((other - columns @ weights) ** 2).sum()
    whole = ((other - other.mean(axis=0)) ** 2).sum()
    return float(1 - left / whole) if whole > 0 else 0.0
