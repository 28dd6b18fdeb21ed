"""Spike times and observed intervals of NWB's units, read one unit at a time.

An index says where each unit's rows stop; it is checked before anything is read by it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodecode.data.limits import check_fits, declared_bytes
from neurodecode.data.session import SpikeCleaning, clean_spike_times
from neurodecode.data.trains import StoredTrains
from neurodecode.errors import DataError
from neurodecode.io._clean import exact_seconds, tidy_intervals

log = logging.getLogger(__name__)
MOST_HELD = 1 << 22  # spikes of a recording that are held in memory
_AT_ONCE = 1 << 16  # values looked at together
_WAY_OUT = "the file is damaged or was written wrongly: export it again"


def spike_times_of(units: Any, path: Path) -> tuple[Sequence[np.ndarray], tuple[SpikeCleaning, ...]]:
    """Sorted spike times (s) of every unit, and what was mended.

    Of a recording of more than a few million spikes, no more than one unit's are ever held: each is read, and
    mended, when it is asked for.
    Raises DataError for a column that is absent, no numbers, or not indexed as a row for each unit.
    """
    if "spike_times" not in units.colnames:
        raise DataError(f"{path}: units has no column spike_times; it has {', '.join(units.colnames)}")
    column = _Ragged.of(units, "spike_times", path, row_shape=())
    clean = _Cleaner(path, column.units, _all_of_32_bits(column))
    stored = int(column.stops[-1]) > MOST_HELD and isinstance(column.data, h5py.Dataset)
    trains, mended, edges_s = [], [], np.full((len(column.units), 2), np.nan)
    for unit, times in enumerate(column.rows()):
        train, found = clean(unit, times)
        mended.append(found)
        if train.size:
            edges_s[unit] = train[[0, -1]]
        if not stored:
            trains.append(train)
    if not stored:
        return tuple(trains), tuple(mended)
    return StoredTrains(_Reader(path, str(column.data.name), column.stops, clean), edges_s), tuple(mended)


@dataclass(frozen=True, eq=False)
class _Cleaner:
    """Times of a unit as the file holds them -> its train (s), and what was mended.

    decimal: times are the decimals that 32-bit numbers stand for.
    """

    path: Path
    units: np.ndarray
    decimal: bool

    def __call__(self, unit: int, times: np.ndarray) -> tuple[np.ndarray, SpikeCleaning]:
        seconds = exact_seconds(times) if self.decimal else times.astype(np.float64, copy=False)
        return clean_spike_times(seconds, where=f"{self.path}: units.spike_times of unit {self.units[unit]}")


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads a unit's train from the file anew."""

    path: Path
    name: str
    stops: np.ndarray
    clean: _Cleaner

    def __call__(self, unit: int) -> np.ndarray:
        try:
            with h5py.File(self.path, "r") as file:
                times = file[self.name][self.stops[unit - 1] if unit else 0 : self.stops[unit]]
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"{self.path}: changed while it was read ({error}); run the ingest again") from error
        return self.clean(unit, times)[0]


def observed_of(units: Any, path: Path) -> tuple[np.ndarray | None, ...]:
    """When each unit was observed (s); None for one that does not say, nothing where there is no such column.

    Raises DataError as ``spike_times_of``, and for intervals that run backwards.
    """
    if "obs_intervals" not in units.colnames:
        return ()
    column = _Ragged.of(units, "obs_intervals", path, row_shape=(2,))
    return tuple(
        tidy_intervals(pairs, where=f"{path}: units.obs_intervals of unit {unit}") if len(pairs) else None
        for unit, pairs in zip(column.units, column.rows(), strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Ragged:
    """Rows of different lengths: ``data`` after one another, ``stops`` where each ends."""

    data: Any
    stops: np.ndarray
    units: np.ndarray

    @classmethod
    def of(cls, units: Any, name: str, path: Path, *, row_shape: tuple[int, ...]) -> _Ragged:
        where, column = f"{path}: units.{name}", units[name]
        data = getattr(getattr(column, "target", None), "data", None)
        if type(column).__name__ != "VectorIndex" or data is None or not hasattr(data, "dtype"):
            raise DataError(f"{where} has no index {name}_index that says which rows are whose; {_WAY_OUT}")
        shape = tuple(int(n) for n in data.shape)
        if data.dtype.kind not in "iuf" or shape[1:] != row_shape:
            wanted = "(start, stop) pairs in seconds" if row_shape else "one time in seconds a row"
            raise DataError(f"{where} holds {data.dtype} of shape {shape}, expected {wanted}; {_WAY_OUT}")
        stops = _checked_stops(column.data, len(units.id), shape[0], where)
        check_fits(declared_bytes((int(stops[-1]), *row_shape), data.dtype), where, _WAY_OUT)
        return cls(data, stops, np.asarray(units.id[:]))

    def rows(self) -> Iterator[np.ndarray]:
        """The rows of each unit."""
        for start, stop in pairwise([0, *self.stops.tolist()]):
            yield np.asarray(self.data[start:stop])


def _checked_stops(index: Any, n_units: int, n_rows: int, where: str) -> np.ndarray:
    """Where each unit's rows end: ascending, within the rows that there are."""
    check_fits(declared_bytes(index.shape, index.dtype), f"{where}_index", _WAY_OUT)
    stops: np.ndarray = np.asarray(index[:])
    if stops.dtype.kind not in "iu" or stops.shape != (n_units,):
        raise DataError(
            f"{where}_index holds {stops.dtype} of shape {stops.shape}, expected one whole number for each of "
            f"{n_units} units; {_WAY_OUT}"
        )
    if (stops > n_rows).any():
        row = int(np.flatnonzero(stops > n_rows)[0])
        raise DataError(f"{where}_index: row {row} ends at {stops[row]}, the data end at {n_rows}; {_WAY_OUT}")
    stops = stops.astype(np.int64)
    backwards = np.diff(stops, prepend=0) < 0
    if backwards.any():
        row = int(np.flatnonzero(backwards)[0])
        raise DataError(
            f"{where}_index: row {row} ends at {stops[row]}, before it begins, expected ascending ends; {_WAY_OUT}"
        )
    if n_rows > stops[-1]:
        log.warning(
            "%s: the last %d of %d values are no unit's and are not read", where, n_rows - stops[-1], n_rows
        )
    return stops


def _all_of_32_bits(column: _Ragged) -> bool:
    """Whether every time is a 32-bit number: then all are taken as the decimals that they stand for."""
    if column.data.dtype.kind != "f":
        return False
    if column.data.dtype.itemsize <= 4:
        return True
    for start in range(0, int(column.stops[-1]), _AT_ONCE):
        times = np.asarray(column.data[start : min(start + _AT_ONCE, int(column.stops[-1]))])
        if not np.array_equal(times.astype(np.float32), times, equal_nan=True):
            return False
    return True
