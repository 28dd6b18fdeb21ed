"""Tuning curves on a grid of the signal: spikes over occupancy, both smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.decoders._signal_grid import SignalGrid
from neurodecode.decoders._signal_parts import SignalPart

_EDGE = np.exp(-2.0)  # smoothed occupancy two standard deviations from a single visit: there the signal may be
_PRIOR_BINS = 1.0  # with which each point's count is shrunk to the unit's mean


@dataclass(frozen=True, eq=False)
class Visits:
    """Spikes of each unit at each point of the grid, its observed bins there, and all bins there."""

    spikes: Float[np.ndarray, "units all"]
    observed: Float[np.ndarray, "units all"]
    bins: Float[np.ndarray, " all"]

    @classmethod
    def of(cls, grid: SignalGrid, parts: Sequence[SignalPart]) -> Visits:
        """Of the known bins."""
        n_units = parts[0].series.n_units
        spikes, observed = np.zeros((2, n_units, grid.n_all))
        bins = np.zeros(grid.n_all)
        for part in parts:
            place = grid.places(part.rows)
            counts = part.series.window_counts[part.known]
            mask = np.broadcast_to(part.series.mask[:, part.series.lead :], part.series.window_counts.shape)
            seen = mask[part.known].astype(float)
            for unit in range(n_units):
                spikes[unit] += np.bincount(place, counts[:, unit], grid.n_all)
                observed[unit] += np.bincount(place, seen[:, unit], grid.n_all)
            bins += np.bincount(place, minlength=grid.n_all)
        return cls(spikes, observed, bins)


@dataclass(frozen=True, eq=False)
class Tuning:
    """Expected count of each unit at each point, how probable each point is, and where the signal may be."""

    counts: Float[np.ndarray, "units all"]
    occupancy: Float[np.ndarray, " all"]
    visited: Bool[np.ndarray, " all"]

    @classmethod
    def of(cls, grid: SignalGrid, visits: Visits, smoothing: float) -> Tuning:
        """Smoothed by a Gaussian whose standard deviation is this part of each dim's extent.

        Spikes and occupancy are smoothed alike before they are divided, so that what was visited longer weighs
        more. Each point's count is then shrunk to the unit's mean by one bin.
        """
        kernels = grid.kernels(np.maximum(smoothing * grid.extent, grid.spacing / 4))
        peak = np.prod([1.0 / kernel.sum(axis=1).max() for kernel in kernels])
        spikes, observed = (peak * grid.spread(v, kernels) for v in (visits.spikes, visits.observed))
        total = visits.observed.sum(axis=1, keepdims=True)
        mean = (visits.spikes.sum(axis=1, keepdims=True) + 0.5) / np.maximum(total, 1.0)
        bins = peak * grid.spread(visits.bins[None], kernels)[0]
        visited = bins > _EDGE * peak
        occupancy = np.where(visited, bins, 0.0)
        counts = (spikes + _PRIOR_BINS * mean) / (observed + _PRIOR_BINS)
        return cls(counts, occupancy / occupancy.sum(), visited)
