"""Binned recordings to trials, on the recording's own grid or a coarser one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int, UInt

from neurodecode.data.counts import CountRecording
from neurodecode.data.covariates import FeatureArray, lagged_values, usable_signal
from neurodecode.data.placement import check_counts_fit, observed_trials, place_trials
from neurodecode.data.selection import distinct_names, plain_columns, unit_indices
from neurodecode.data.trials import Trials, smallest_counts
from neurodecode.data.windows import EDGE_TOLERANCE, Lagged, Window
from neurodecode.errors import ConfigError, DataError


def trials_from_counts(recording: CountRecording, window: Window) -> Trials:
    """Cut the trials that ``window`` asks for out of binned counts.

    Windows start at the bin edge nearest to the event; ``bin_size_s`` may be a multiple of the recording's.
    Signals are interpolated as they are beside spike times.
    Raises ConfigError as ``trials_from_session`` does, and for a bin size that is no multiple.
    """
    per_bin = _file_bins_per_bin(recording, window)
    names = distinct_names(recording.unit_names)
    units = unit_indices(names, window.units, recording=recording.name)
    span = recording.span_s
    placed = place_trials(recording.trials, span, window, recording=recording.name)
    check_counts_fit(placed.t0_s.size, window.n_steps, units.size, recording=recording.name, count_bytes=2)
    first = np.rint((placed.t0_s - _piece_start(recording, placed.row)) / recording.bin_size_s).astype(int)
    counts, mask = _cut(recording, units, _piece(recording, placed.row), first, window, per_bin)
    kept = observed_trials(placed, mask, span, window, recording=recording.name)
    counts, mask, first, placed = counts[kept], mask[kept], first[kept], placed.keep(kept, "window not observed")
    return Trials(
        counts=smallest_counts(counts),
        bin_size_s=window.bin_size_s,
        lead=window.lead,
        mask=mask,
        t0_s=_piece_start(recording, placed.row) + first * recording.bin_size_s,
        condition=placed.condition,
        condition_names=placed.condition_names,
        unit_names=tuple(names[unit] for unit in units),
        window_start_s=float(window.window_s[0]),
        covariates={
            name: _covariate(recording, window, lagged, _piece(recording, placed.row), first, mask)
            for name, lagged in window.covariates.items()
        },
        columns=plain_columns(placed.table),
        has_spike_times=False,
    )


def _file_bins_per_bin(recording: CountRecording, window: Window) -> int:
    ratio = window.bin_size_s / recording.bin_size_s
    if round(ratio) < 1 or abs(ratio - round(ratio)) > EDGE_TOLERANCE:
        near = sorted({max(1, int(ratio)), int(ratio) + 1})
        raise ConfigError(
            f"{recording.name}: bin_size_s {window.bin_size_s:g} is no multiple of the file's bins of "
            f"{recording.bin_size_s:g} s; near ones: {', '.join(f'{n * recording.bin_size_s:g}' for n in near)}"
        )
    return round(ratio)


def _piece(recording: CountRecording, row: Int[np.ndarray, " trials"]) -> Int[np.ndarray, " trials"]:
    return np.zeros_like(row) if recording.continuous else row


def _piece_start(recording: CountRecording, row: Int[np.ndarray, " trials"]) -> np.ndarray:
    starts: np.ndarray = recording.span_s[_piece(recording, row), 0]
    return starts


def _cut(
    recording: CountRecording,
    units: Int[np.ndarray, " units"],
    piece: Int[np.ndarray, " trials"],
    first: Int[np.ndarray, " trials"],
    window: Window,
    per_bin: int,
) -> tuple[UInt[np.ndarray, "trials steps units"], Bool[np.ndarray, "trials steps #units"]]:
    """Counts and mask of every trial: file bins outside the piece are unobserved, a bin needs all of its own."""
    n_file_bins = recording.counts.shape[1]
    shared = recording.mask.shape[2] == 1
    counts = np.zeros((len(first), window.n_steps, len(units)), np.uint16)
    mask = np.zeros((len(first), window.n_steps, 1 if shared else len(units)), bool)
    steps = np.arange(-window.lead * per_bin, window.n_bins * per_bin)
    for trial, (start, held) in enumerate(zip(first, piece, strict=True)):
        inside = (start + steps >= 0) & (start + steps < n_file_bins)
        file_bins = np.clip(start + steps, 0, n_file_bins - 1)
        observed = recording.mask[held, file_bins][:, [0] if shared else units] & inside[:, None]
        mask[trial] = observed.reshape(window.n_steps, per_bin, -1).all(axis=1)
        found = recording.counts[held, file_bins][:, units].reshape(window.n_steps, per_bin, -1)
        total = np.where(mask[trial], found.sum(axis=1, dtype=np.int64), 0)
        if total.max(initial=0) > np.iinfo(np.uint16).max:
            raise DataError(f"{recording.name}: {total.max()} spikes in one bin; shorten bin_size_s")
        counts[trial] = total
    return counts, mask


def _covariate(
    recording: CountRecording,
    window: Window,
    lagged: Lagged,
    piece: Int[np.ndarray, " trials"],
    first: Int[np.ndarray, " trials"],
    mask: Bool[np.ndarray, "trials steps #units"],
) -> FeatureArray:
    """One signal at bin centres minus lags, interpolated within each piece; its clock runs in file bins."""
    if lagged.signal not in recording.signals:
        raise ConfigError(
            f"{recording.name}: covariates: the recording has no signal {lagged.signal!r}; it has: "
            f"{', '.join(sorted(recording.signals)) or 'none'}"
        )
    per_bin = window.bin_size_s / recording.bin_size_s
    steps = (np.arange(window.n_steps) - window.lead + 0.5) * per_bin - 0.5
    in_bins = replace(lagged, lags_s=tuple(lag / recording.bin_size_s for lag in lagged.lags_s))
    n_dims = recording.signals[lagged.signal].shape[2]
    values = np.empty((len(first), window.n_steps, n_dims * len(lagged.lags_s)), np.float32)
    needed: np.ndarray = np.any(mask, axis=2, keepdims=False)
    needed[:, : window.lead] = False
    for held in np.unique(piece):
        own = np.flatnonzero(piece == held)
        times = first[own, None] + steps
        where = f"{recording.name}: signal {lagged.signal!r} (in bins)"
        signal = usable_signal(recording.signal(lagged.signal, int(held)), times[needed[own]], where)
        values[own] = lagged_values(signal, times, in_bins)
    return values
