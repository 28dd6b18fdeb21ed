"""Neurodata Without Borders: units, trials, observed intervals and signals, with pynwb.

neo has an NWB reader too, but it drops trial tables and unit columns.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.data.session import Session, Signal
from neurodecode.errors import DataError
from neurodecode.io._clean import LARGEST_SIGNAL_BYTES, exact_seconds, tidy_signal
from neurodecode.io._dynamic_table import plain_table
from neurodecode.io._nwb_units import observed_of, spike_times_of
from neurodecode.io._nwb_writer import DIMS_PREFIX
from neurodecode.io._trial_events import with_first_events
from neurodecode.io._trial_table import check_trial_times
from neurodecode.io._warnings import logged_warnings

log = logging.getLogger(__name__)


def read_nwb(path: Path) -> Session:
    """Read the units, trials and continuous signals of an NWB file.

    Signals come from acquisition, stimulus, processing and analysis; a name that stands twice is qualified by its
    containers (``behavior.Position.position``). Events tables give the trials columns ``<table>_time``. Spike
    times of 32 bits are taken as the decimals that they stand for.
    Raises DataError for a file that is no whole NWB file, holds no units or has impossible times.
    """
    with _opened(path) as file:
        trials = file.trials if file.trials is not None else None
        others = [name for name in (file.intervals or {}) if name != "trials"]
        if trials is None and others:
            log.warning("%s: no trials table; its other interval tables are not read: %s", path, ", ".join(others))
        spikes, dropped = spike_times_of(file.units, path)
        observed = observed_of(file.units, path)
        units = plain_table(file.units, where=f"{path}: units", skip={"spike_times", "obs_intervals"})
        table = plain_table(trials, where=f"{path}: trials", skip={"timeseries"})
        check_trial_times(table, where=f"{path}: trials")
        return Session(
            name=path.name,
            spike_times_s=spikes,
            units=units,
            trials=_with_events(table, file),
            signals=_signals(file, path),
            observed_s=observed,
            dropped=dropped,
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        from pynwb import NWBHDF5IO
    except ImportError as error:
        raise DataError(f"{path}: reading NWB needs pynwb: pip install 'neurodecode[nwb]'") from error
    with logged_warnings(log, str(path)):
        try:
            io = NWBHDF5IO(str(path), "r")
        except Exception as error:  # HDF5 and hdmf raise many kinds where a file is damaged
            raise DataError(
                f"{path}: not a whole NWB file ({error}); it may be truncated or no HDF5: copy it again"
            ) from error
        with io:
            try:
                file = io.read()
            except Exception as error:  # pynwb and hdmf raise many kinds for content that breaks the schema
                raise DataError(
                    f"{path}: the NWB content cannot be read ({_reason(error)}); run nwbinspector on it"
                ) from error
            if file.units is None or len(file.units) == 0:
                raise DataError(f"{path}: the file holds no units (empty `units` table); sort spikes and add them")
            try:
                yield file
            except DataError:
                raise
            except Exception as error:  # the same of content that is read when it is asked for
                raise DataError(f"{path}: data cannot be read ({error!r}); copy the file again") from error


def _reason(error: Exception) -> str:
    """What an error says: hdmf puts all that it was building before its reason."""
    return str(error.args[-1] if error.args and isinstance(error.args[-1], str) else error)


def _with_events(trials: pd.DataFrame, file: Any) -> pd.DataFrame:
    """The trials with the first event of each events table as a column."""
    for name, events in (getattr(file, "events", None) or {}).items():
        times = exact_seconds(np.asarray(events["timestamp"].data[:]))
        good = np.isfinite(times)
        labels = np.full(times.size, "", dtype=object)
        if "annotation" in events.colnames:
            labels = np.array([str(label) for label in events["annotation"].data[:]])
        if len(trials):
            trials = with_first_events(trials, str(name), times[good], labels[good].astype(np.str_))
    return trials


def _signals(file: Any, path: Path) -> dict[str, Signal]:
    from pynwb import TimeSeries

    places = {
        _place(item): item
        for item in file.objects.values()
        if isinstance(item, TimeSeries) and item.name not in (file.stimulus_template or {})
    }
    signals = {}
    for place in sorted(places):
        shortest = next(
            name
            for name in (".".join(place[-n:]) for n in range(1, len(place) + 1))
            if sum(f".{'.'.join(other)}".endswith(f".{name}") for other in places) == 1
        )
        found = _signal(places[place], f"{path}: signal {shortest!r}")
        if found is not None:
            signals[shortest] = found
    return signals


def _place(item: Any) -> tuple[str, ...]:
    """Names of the containers from the file down to the item."""
    parent = item.parent
    above = () if parent is None or parent.parent is None else _place(parent)
    return (*above, str(item.name))


def _signal(series: Any, where: str) -> Signal | None:
    """A continuous signal, or None (logged) for what is not one: pictures, text, raw data of many gigabytes."""
    shape = getattr(series.data, "shape", None) or np.shape(series.data)
    if len(shape) not in (1, 2) or shape[0] == 0:
        log.info("%s is not read: shape %s is not (samples,) or (samples, dims)", where, shape)
        return None
    if series.timestamps is None and not float(series.rate or 0.0) > 0:
        log.warning("%s is not read: neither timestamps nor a positive rate, given %s", where, series.rate)
        return None
    if int(np.prod(shape)) * 8 > LARGEST_SIGNAL_BYTES:
        log.warning("%s is not read: %s samples are over %d bytes", where, shape, LARGEST_SIGNAL_BYTES)
        return None
    raw = np.asarray(series.data[:])
    if raw.dtype.kind not in "iufb":
        log.info("%s is not read: it holds %s, not numbers", where, raw.dtype)
        return None
    values = raw.astype(float) * float(series.conversion) + float(series.offset or 0.0)
    return tidy_signal(
        values.reshape(len(values), -1),
        _clock(series, len(values)),
        unit=str(series.unit or ""),
        names=_dim_names(series, values.shape),
        where=where,
    )


def _clock(series: Any, n_samples: int) -> np.ndarray:
    if series.timestamps is not None:
        return exact_seconds(np.asarray(series.timestamps[:]))
    seconds: np.ndarray = float(series.starting_time or 0.0) + np.arange(n_samples) / float(series.rate or np.nan)
    return seconds


def _dim_names(series: Any, shape: tuple[int, ...]) -> tuple[str, ...]:
    comments = str(series.comments or "")
    if comments.startswith(DIMS_PREFIX):
        return tuple(comments.removeprefix(DIMS_PREFIX).split(", "))
    n_dims = shape[1] if len(shape) == 2 else 1
    return ("x", "y", "z")[:n_dims] if type(series).__name__ == "SpatialSeries" and n_dims <= 3 else ()
