"""Splines of time of several conditions as columns of a regression, multiplied without ever being written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True, eq=False)
class SplineColumns:
    """A spline shared by all conditions, then one of each condition; with one condition, the shared one alone.

    bases: rows of the basis (bins, splines) that were observed, condition after condition. What one condition's
    rows say of its own spline they say of the shared one too, so that products of single bases are all it takes.
    """

    bases: list[Float[np.ndarray, "_ splines"]]

    @classmethod
    def of(
        cls, basis: Float[np.ndarray, "bins splines"], seen: Bool[np.ndarray, " conditions_and_bins"]
    ) -> SplineColumns:
        """Only the rows that were ``seen``: bins of the first condition, then of the second, ..."""
        return cls([basis[here] for here in seen.reshape(-1, len(basis))])

    @property
    def n_columns(self) -> int:
        """Splines of all conditions and the shared ones."""
        return self._n_curves * self._n_splines

    def product(self, weights: Float[np.ndarray, " columns"]) -> Float[np.ndarray, " rows"]:
        """Design times weights."""
        curves = weights.reshape(self._n_curves, -1)
        if len(self.bases) > 1:
            curves = curves[0] + curves[1:]
        return np.concatenate([basis @ curve for basis, curve in zip(self.bases, curves, strict=True)])

    def transposed_product(self, residual: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " columns"]:
        """Transposed design times residuals."""
        parts = zip(self.bases, self._by_condition(residual), strict=True)
        own = np.stack([mine @ basis for basis, mine in parts])
        shared = own.sum(axis=0, keepdims=True) if len(own) > 1 else own[:0]
        flat: np.ndarray = np.concatenate([shared, own], axis=None)
        return flat

    def gram(self, weights: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "columns columns"]:
        """Transposed design times weighted design."""
        parts = zip(self.bases, self._by_condition(np.sqrt(weights)), strict=True)
        scaled = (basis * root[:, None] for basis, root in parts)
        own = [one.T @ one for one in scaled]
        if len(own) == 1:
            only: np.ndarray = own[0]
            return only
        n = self._n_splines
        out = np.zeros((self._n_curves, n, self._n_curves, n))
        out[0, :, 0] = np.sum(own, axis=0)
        for curve, one in enumerate(own, start=1):
            out[curve, :, curve] = out[0, :, curve] = out[curve, :, 0] = one
        return out.reshape(self.n_columns, self.n_columns)

    def _by_condition(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values, np.cumsum([len(basis) for basis in self.bases])[:-1])

    @property
    def _n_splines(self) -> int:
        return int(self.bases[0].shape[1])

    @property
    def _n_curves(self) -> int:
        return 1 if len(self.bases) == 1 else 1 + len(self.bases)
