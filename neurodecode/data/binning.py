"""Recordings to trials: spikes into bins, without losing or doubling one at an edge."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt

from neurodecode.data.count_binning import trials_from_counts
from neurodecode.data.covariates import covariates_of
from neurodecode.data.observed import any_observed, observed_mask
from neurodecode.data.placement import PlacedTrials, check_counts_fit, observed_trials, place_trials
from neurodecode.data.selection import distinct_names, plain_columns, unit_indices
from neurodecode.data.session import Session
from neurodecode.data.trains import trains_of
from neurodecode.data.trials import Trials
from neurodecode.data.windows import Lagged, Window, edge_tolerance
from neurodecode.errors import DataError

__all__ = ["Lagged", "Window", "bin_spikes", "placed_trials", "trials_from_counts", "trials_from_session"]

log = logging.getLogger(__name__)
_SPIKES_AT_ONCE = 1 << 22  # bounds the memory of a recording of any length


def trials_from_session(session: Session, window: Window) -> Trials:
    """Cut and bin the trials that ``window`` asks for.

    Trials whose window was never observed, or without an alignment time or condition, are left out and logged;
    bins outside the trial's observed intervals are masked.
    Raises ConfigError for columns, units or signals that do not exist and for windows outside the recording.
    """
    names = distinct_names(session.unit_names)
    units = unit_indices(names, window.units, recording=session.name)
    placed, mask = placed_trials(session, window)
    trains = trains_of(session.spike_times_s, units)
    counts = bin_spikes(trains, placed.t0_s, window.bin_size_s, window.lead, window.n_steps)
    n_binned = int(counts.sum(dtype=np.int64))
    np.multiply(counts, mask, out=counts)
    if (n_masked := n_binned - int(counts.sum(dtype=np.int64))) > 0:
        log.info("%s: %d spikes lie in bins that were not observed and are left out", session.name, n_masked)
    return Trials(
        counts=counts,
        bin_size_s=window.bin_size_s,
        lead=window.lead,
        mask=mask,
        t0_s=placed.t0_s,
        condition=placed.condition,
        condition_names=placed.condition_names,
        unit_names=tuple(names[unit] for unit in units),
        window_start_s=float(window.window_s[0]),
        covariates=covariates_of(session, window, placed.t0_s, mask),
        columns=plain_columns(placed.table),
    )


def placed_trials(
    session: Session, window: Window
) -> tuple[PlacedTrials, Bool[np.ndarray, "trials steps #units"]]:
    """The trials that ``window`` asks for, each with at least one observed bin, and their mask."""
    units = unit_indices(distinct_names(session.unit_names), window.units, recording=session.name)
    span = any_observed(session, units)
    placed = place_trials(session.trials, span, window, recording=session.name)
    check_counts_fit(placed.t0_s.size, window.n_steps, units.size, recording=session.name)
    mask = observed_mask(session, units, placed.t0_s, placed.own_s, window)
    kept = observed_trials(placed, mask, span, window, recording=session.name)
    if kept.size == placed.t0_s.size:
        return placed, mask
    return placed.keep(kept, "window not observed"), mask[kept]


def bin_spikes(
    spike_times_s: Sequence[Float[np.ndarray, " _spikes"]],
    t0_s: Float[np.ndarray, " trials"],
    bin_size_s: float,
    lead: int,
    n_steps: int,
) -> UInt[np.ndarray, "trials steps units"]:
    """Counts on ``n_steps`` bins, of which ``lead`` lie before ``t0_s``; uint16 where uint8 is too small.

    The bin of a spike is floor((t - t0) / bin + 1e-4): each index comes from one division, not from summed
    edges. Work grows with the spikes inside windows.
    Raises DataError for more than 65535 spikes in a bin.
    """
    n_units = len(spike_times_s)
    counts = np.zeros((len(t0_s), n_steps, n_units), np.uint8)
    tolerance = edge_tolerance(bin_size_s, float(np.abs(t0_s).max(initial=0.0)))
    for unit, times in enumerate(spike_times_s):
        lo = np.searchsorted(times, t0_s - (lead + 1) * bin_size_s)  # a bin too wide: the index decides
        hi = np.searchsorted(times, t0_s + (n_steps - lead + 1) * bin_size_s)
        for part in _parts(hi - lo):
            trial, spike = _members(lo, hi, part)
            step = np.floor((times[spike] - t0_s[trial]) / bin_size_s + tolerance).astype(np.int64) + lead
            inside = (step >= 0) & (step < n_steps)
            place, n = _runs(trial[inside] * n_steps + step[inside])  # ascending: trials and spikes are in order
            if n.max(initial=0) > np.iinfo(np.uint16).max:
                raise DataError(
                    f"unit {unit}: {n.max()} spikes in one bin of {bin_size_s:g} s; shorten bin_size_s"
                )
            if n.max(initial=0) > np.iinfo(counts.dtype).max:
                counts = counts.astype(np.uint16)
            counts.reshape(-1, n_units)[place, unit] = n
    return counts


def _members(lo: np.ndarray, hi: np.ndarray, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """For a stretch of trials: the trial and the index of every spike from ``lo`` to ``hi``."""
    n = (hi - lo)[part]
    trial = np.repeat(np.arange(part.start, part.stop), n)
    return trial, np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(lo[part], n)


def _runs(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values and how often each stands there."""
    first = np.flatnonzero(np.diff(ascending, prepend=-1))
    return ascending[first], np.diff(first, append=ascending.size)


def _parts(n_spikes: np.ndarray) -> list[slice]:
    """Stretches of trials with a bounded number of spikes each (one trial at least)."""
    if n_spikes.size == 0:
        return []
    block = (np.cumsum(n_spikes) - n_spikes) // _SPIKES_AT_ONCE
    starts = np.r_[0, np.flatnonzero(np.diff(block)) + 1, n_spikes.size]
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(starts)]
