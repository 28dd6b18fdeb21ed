"""A recording of any size as NWB, made and written one unit at a time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import VectorData, VectorIndex
from pynwb import NWBHDF5IO, NWBFile
from pynwb.epoch import TimeIntervals
from pynwb.misc import Units

from neurodecode.data.store import written_whole
from neurodecode.io._warnings import logged_warnings

log = logging.getLogger(__name__)
RESTING_S = 0.002
LEAD_S = 0.5
N_CONDITIONS = 4
_CLOCK_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_SPIKES_PER_CHUNK = 1 << 16


@dataclass(frozen=True)
class RecordingSize:
    """``n_bins`` of 1 ms make a trial's window, with half a second before it and ``pause_s`` after it."""

    n_units: int
    n_trials: int
    n_bins: int = 1000
    rate_hz: float = 10.0
    pause_s: float = 0.0

    @property
    def window_s(self) -> float:
        """Length (s) of the window."""
        return self.n_bins / 1000

    @property
    def every_s(self) -> float:
        """From one trial's start to the next (s)."""
        return LEAD_S + self.window_s + self.pause_s

    @property
    def duration_s(self) -> float:
        """Length (s) of the recording."""
        return self.n_trials * self.every_s

    def entry(self, path: Path) -> dict[str, object]:
        """What a configuration says of it."""
        return {
            "path": str(path),
            "window_s": [0.0, self.window_s],
            "bin_size_s": 0.001,
            "lead_s": LEAD_S,
            "condition": "stimulus",
        }


def write_recording(path: Path, size: RecordingSize) -> int:
    """Write the recording; returns the number of its spikes. No more than one unit's spikes are held."""
    file = NWBFile(session_description="made", identifier="made", session_start_time=_CLOCK_ZERO)
    start_s = LEAD_S + size.every_s * np.arange(size.n_trials)
    file.trials = TimeIntervals(
        name="trials",
        description="trials",
        columns=[
            VectorData(name="start_time", description="s", data=start_s),
            VectorData(name="stop_time", description="s", data=start_s + size.window_s),
            VectorData(name="stimulus", description="shown", data=np.arange(size.n_trials) % N_CONDITIONS),
        ],
    )
    growing = H5DataIO(np.empty(0), maxshape=(None,), chunks=(_SPIKES_PER_CHUNK,))
    times = VectorData(name="spike_times", description="s", data=growing)
    stops = VectorIndex(name="spike_times_index", target=times, data=np.zeros(size.n_units, np.uint64))
    file.units = Units(name="units", description="units", id=list(range(size.n_units)), columns=[times, stops])
    with written_whole(path) as part:
        with logged_warnings(log, str(path)), NWBHDF5IO(str(part), "w") as io:
            io.write(file)
        with h5py.File(part, "r+") as held:
            return _append_units(held["units"], size)


def _append_units(units: h5py.Group, size: RecordingSize) -> int:
    times, stops = units["spike_times"], []
    for unit in range(size.n_units):
        own = spike_times_s(size, np.random.default_rng(unit))
        n_before = times.shape[0]
        times.resize((n_before + own.size,))
        times[n_before:] = own
        stops.append(n_before + own.size)
    about = dict(units["spike_times_index"].attrs)
    del units["spike_times_index"]  # its type was the narrowest for an index of zeros
    units["spike_times_index"] = np.array(stops, np.uint64)
    units["spike_times_index"].attrs.update(about)
    return stops[-1]


def spike_times_s(size: RecordingSize, rng: np.random.Generator) -> np.ndarray:
    """One unit: it rests for 2 ms after each spike, and its rate follows the condition and the time in a trial."""
    fastest_hz = 2.0 * size.rate_hz
    wanted = int(1.2 * fastest_hz * size.duration_s) + 20
    all_s = np.cumsum(RESTING_S + rng.exponential(1.0 / fastest_hz - RESTING_S, wanted))
    all_s = all_s[all_s < size.duration_s]
    trial, into_s = np.divmod(all_s, size.every_s)
    phase = np.pi / 2 * (trial % N_CONDITIONS + rng.random()) + 2 * np.pi * into_s
    kept: np.ndarray = all_s[rng.random(all_s.size) < 0.5 * (1.0 + 0.8 * np.sin(phase))]
    return kept
