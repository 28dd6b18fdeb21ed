"""A recording: spike times, tables and signals, before anything is binned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from neurodecode.data.trains import StoredTrains, train_edges_s
from neurodecode.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Signal:
    """A continuous signal with its own clock.

    ``values`` (samples, dims), ``times_s`` (samples,) ascending, ``unit`` of the values, ``names`` of the dims.
    """

    values: Float[np.ndarray, "samples dims"]
    times_s: Float[np.ndarray, " samples"]
    unit: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.times_s.shape != self.values.shape[:1]:
            raise DataError(
                f"a signal needs values (samples, dims) and times_s (samples,), "
                f"got {self.values.shape} and {self.times_s.shape}"
            )
        if not np.isfinite(self.times_s).all() or np.any(np.diff(self.times_s) < 0):
            raise DataError("signal times must be finite and ascending; sort them before reading")
        _freeze(self.values, self.times_s)

    @property
    def period_s(self) -> float:
        """Median time (s) between samples; 0 for a single one."""
        return float(np.median(np.diff(self.times_s))) if self.times_s.size > 1 else 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Session:
    """One recording.

    ``spike_times_s``: per unit, ascending, unique, finite; those of a large recording stay in its file
    (``StoredTrains``). ``units``: one row a unit. ``trials``: one row a trial with ``start_time``, ``stop_time``
    (s), no row for a continuous recording. ``observed_s``: per unit, (intervals, 2) ascending start and stop times
    (s) while the recording ran; ``None`` for a unit whose file does not say (taken as running throughout
    ``span_s``). ``dropped``: per unit, what the reader mended.
    """

    name: str
    spike_times_s: Sequence[Float[np.ndarray, " _spikes"]]
    units: pd.DataFrame
    trials: pd.DataFrame
    signals: Mapping[str, Signal] = field(default_factory=dict)
    observed_s: tuple[Float[np.ndarray, "_intervals 2"] | None, ...] = ()
    dropped: tuple[SpikeCleaning, ...] = ()

    def __post_init__(self) -> None:
        if len(self.spike_times_s) == 0:
            raise DataError(f"{self.name}: the recording holds no units")
        held = () if isinstance(self.spike_times_s, StoredTrains) else self.spike_times_s
        for unit, times in enumerate(held):
            if not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
                raise DataError(f"{self.name}: spike times of unit {unit} must be finite, ascending and unique")
        for field_name in ("observed_s", "dropped"):
            if getattr(self, field_name) and len(getattr(self, field_name)) != self.n_units:
                raise DataError(f"{self.name}: {field_name} must have one entry for each of {self.n_units} units")
        if len(self.units) != self.n_units:
            raise DataError(f"{self.name}: {len(self.units)} rows of units for {self.n_units} spike trains")
        _freeze(*held)

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.spike_times_s)

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Names of the units: the ``unit_name`` column where there is one, else their row labels."""
        labels = self.units["unit_name"] if "unit_name" in self.units.columns else self.units.index
        return tuple(str(label) for label in labels)

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last time (s) at which the file says anything: spikes, trials, signals, intervals.

        A signal reaches one sample's length past its last sample: 10,000 samples at 1 kHz are 10 s.
        """
        edges = [edge for edge in train_edges_s(self.spike_times_s) if np.isfinite(edge).all()]
        edges += [s.times_s[[0, -1]] + [0.0, s.period_s] for s in self.signals.values() if s.times_s.size]
        edges += [o[[0, -1], [0, 1]] for o in self.observed_s if o is not None and len(o)]
        if len(self.trials):
            edges.append(np.array([self.trials["start_time"].min(), self.trials["stop_time"].max()], float))
        if not edges:
            return 0.0, 0.0
        return float(min(e[0] for e in edges)), float(max(e[1] for e in edges))


@dataclass(frozen=True)
class SpikeCleaning:
    """What was mended in one unit's spike times: counts of each."""

    unsorted: int = 0
    duplicates: int = 0


def clean_spike_times(
    times: Float[np.ndarray, " spikes"], *, where: str
) -> tuple[Float[np.ndarray, " kept"], SpikeCleaning]:
    """Sorted unique spike times (s), with counts of what was mended.

    Raises DataError, naming ``where``, for times that are negative or not finite: those cannot be mended.
    """
    times = np.asarray(times, dtype=float).ravel()
    if not np.isfinite(times).all():
        n_bad = int((~np.isfinite(times)).sum())
        raise DataError(f"{where}: {n_bad} of {times.size} spike times are NaN or infinite; remove them")
    if times.size and times.min() < 0:
        raise DataError(
            f"{where}: {int((times < 0).sum())} spike times are negative (first {times.min():g} s); "
            "shift the recording so that it starts at 0 s or later"
        )
    steps = np.diff(times)
    if (steps > 0).all():  # nothing to mend, nothing to sort: no copy of a long train
        return times, SpikeCleaning()
    unsorted = int((steps < 0).sum())
    unique = np.unique(times)
    return unique, SpikeCleaning(unsorted=unsorted, duplicates=times.size - unique.size)


def _freeze(*arrays: np.ndarray) -> None:
    for array in arrays:
        array.flags.writeable = False
