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

    spikes: Float[np.ndarray, "units headings all"]
    observed: Float[np.ndarray, "units headings all"]
    bins: Float[np.ndarray, "headings all"]

    @classmethod
    def of(cls, grid: SignalGrid, parts: Sequence[SignalPart], *, headings: bool) -> Visits:
        """Of the known bins; with ``headings``, those in which the signal falls apart from where it grows."""
        n_headings = 1 + headings
        n_units, n_states = parts[0].series.n_units, n_headings * grid.n_all
        spikes, observed = np.zeros((2, n_units, n_states))
        bins = np.zeros(n_states)
        for part in parts:
            place = grid.places(part.rows)
            if headings:
                place = place + grid.n_all * grid.heading(part.values)[part.known]
            counts = part.series.window_counts[part.known]
            mask = np.broadcast_to(part.series.mask[:, part.series.lead :], part.series.window_counts.shape)
            seen = mask[part.known].astype(float)
            for unit in range(n_units):
                spikes[unit] += np.bincount(place, counts[:, unit], n_states)
                observed[unit] += np.bincount(place, seen[:, unit], n_states)
            bins += np.bincount(place, minlength=n_states)
        shape = (n_units, n_headings, grid.n_all)
        return cls(spikes.reshape(shape), observed.reshape(shape), bins.reshape(shape[1:]))


@dataclass(frozen=True, eq=False)
class Tuning:
    """Expected count of each unit in each state, how probable each state is, and which there are.

    A state is a point of the grid or, where headings are told apart, a point and a heading (``Continuity``).
    """

    counts: Float[np.ndarray, "units states"]
    occupancy: Float[np.ndarray, " states"]
    visited: Bool[np.ndarray, " states"]

    @classmethod
    def of(cls, grid: SignalGrid, visits: Visits, smoothing: float) -> Tuning:
        """Smoothed by a Gaussian whose standard deviation is this part of each dim's extent.

        Spikes and occupancy are smoothed alike before they are divided, so that what was visited longer weighs
        more. Each count is then shrunk to the unit's mean by one bin.
        """
        kernels = grid.kernels(np.maximum(smoothing * grid.extent, grid.spacing / 4))
        peak = np.prod([1.0 / kernel.sum(axis=1).max() for kernel in kernels])
        spikes, observed, bins = (
            peak * grid.spread(of.reshape(-1, grid.n_all), kernels).reshape(*of.shape[:-2], -1)
            for of in (visits.spikes, visits.observed, visits.bins)
        )
        n_spikes, n_bins = (of.sum(axis=(1, 2))[:, None] for of in (visits.spikes, visits.observed))
        mean = (n_spikes + 0.5) / np.maximum(n_bins, 1.0)
        visited = bins > _EDGE * peak
        occupancy = np.where(visited, bins, 0.0)
        counts = (spikes + _PRIOR_BINS * mean) / (observed + _PRIOR_BINS)
        return cls(counts, occupancy / occupancy.sum(), visited)

    def log_likelihood(
        self, counts: Float[np.ndarray, "*some units"], observed: Bool[np.ndarray, "*some #units"]
    ) -> Float[np.ndarray, "*some states"]:
        """Of these counts in every state, up to a constant; units that were not observed are left out."""
        seen = np.broadcast_to(observed, counts.shape).astype(float)
        found: Float[np.ndarray, "*some states"] = (counts * seen) @ np.log(self.counts) - seen @ self.counts
        return found
