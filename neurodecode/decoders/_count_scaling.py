"""Counts as recurrent networks see them: square roots, each unit with mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.decoders._series import Series

_LEAST_SD = 0.1  # of a unit with a spike in a hundredth of the bins: rarer ones would come in as huge single steps


@dataclass(frozen=True, eq=False)
class CountScaling:
    """Mean and standard deviation of the square root of each unit's count.

    The root of a Poisson count has about the same variance at all means (Bartlett 1936, J R Stat Soc Suppl 3:68).
    """

    mean: Float[np.ndarray, " units"]
    sd: Float[np.ndarray, " units"]

    @classmethod
    def measured(cls, series: Series) -> CountScaling:
        """Over all observed steps of training series."""
        mean, variance = np.zeros(series.n_units), np.zeros(series.n_units)
        n_observed = np.maximum(_over_units(series.mask, series.n_units).sum(axis=(0, 1)), 1)
        for unit in range(series.n_units):  # one at a time: a whole second copy may not fit in memory
            seen = series.mask[..., unit if series.mask.shape[2] > 1 else 0]
            root = np.sqrt(series.counts[..., unit], dtype=np.float64)
            mean[unit] = root.sum(where=seen) / n_observed[unit]
            variance[unit] = np.square(root - mean[unit]).sum(where=seen) / n_observed[unit]
        return cls(mean, np.maximum(np.sqrt(variance), _LEAST_SD))

    def __call__(
        self, counts: Float[np.ndarray, "*steps units"], observed: Bool[np.ndarray, "*steps #units"]
    ) -> Float[np.ndarray, "*steps units"]:
        """float32. What was not observed is at the mean, 0."""
        scaled = (np.sqrt(counts) - self.mean) / self.sd
        return np.where(observed, scaled, 0.0).astype(np.float32)


def _over_units(mask: Bool[np.ndarray, "trials steps #units"], n_units: int) -> np.ndarray:
    return np.broadcast_to(mask, (*mask.shape[:2], n_units))
