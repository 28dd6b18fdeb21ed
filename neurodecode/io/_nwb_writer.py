"""Sessions as NWB files, so that simulated recordings enter by the same door as recorded ones."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.data.session import Session, Signal
from neurodecode.data.store import written_whole
from neurodecode.errors import DataError
from neurodecode.io._warnings import logged_warnings

log = logging.getLogger(__name__)
DIMS_PREFIX = "dims: "  # NWB has no place for the names of a series' columns; they stand in its comments
_CLOCK_ZERO = datetime(2000, 1, 1, tzinfo=UTC)  # a session knows no date; NWB asks for one


def write_session(path: Path, session: Session) -> None:
    """Write units with spike times and observed intervals, trials with all columns, and signals (acquisition).

    Raises DataError for a table with a column that NWB cannot hold.
    """
    try:
        from pynwb import NWBHDF5IO, NWBFile
    except ImportError as error:
        raise DataError(f"{path}: writing NWB needs pynwb: pip install 'neurodecode[nwb]'") from error
    file = NWBFile(session_description=session.name, identifier=session.name, session_start_time=_CLOCK_ZERO)
    file.units = _units(session)
    if len(session.trials):
        file.trials = _trials(session)
    for name, signal in session.signals.items():
        file.add_acquisition(_series(name, signal))
    with written_whole(path) as part, logged_warnings(log, str(path)), NWBHDF5IO(str(part), "w") as io:
        io.write(file)


def _units(session: Session) -> Any:
    from pynwb.misc import Units

    units = session.units
    if "unit_name" not in units.columns and not pd.api.types.is_integer_dtype(units.index):
        units = units.assign(unit_name=[str(label) for label in units.index])
    columns = _plain_columns(units, session.name, "units")
    columns += _ragged("spike_times", "spike times (s)", list(session.spike_times_s))
    if any(observed is not None for observed in session.observed_s):
        rows = [np.empty((0, 2)) if observed is None else observed for observed in session.observed_s]
        columns += _ragged("obs_intervals", "when the unit was observed (s)", rows)
    return Units(name="units", description="spike trains", id=_ids(units), columns=columns)


def _trials(session: Session) -> Any:
    from pynwb.epoch import TimeIntervals

    columns = _plain_columns(session.trials, session.name, "trials")
    return TimeIntervals(name="trials", description="trials", id=_ids(session.trials), columns=columns)


def _ids(table: pd.DataFrame) -> list[int]:
    numbered = pd.api.types.is_integer_dtype(table.index) and table.index.is_unique
    return [int(i) for i in table.index] if numbered else list(range(len(table)))


def _plain_columns(table: pd.DataFrame, recording: str, what: str) -> list[Any]:
    from hdmf.common import VectorData

    columns = []
    for name in table.columns:
        values = table[name]
        if str(name) == "id" or "/" in str(name):
            raise DataError(f"{recording}: {what}: NWB allows no column named {name!r}; rename it")
        if pd.api.types.is_numeric_dtype(values):
            data: Any = values.to_numpy()
        else:
            data = ["" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]
        columns.append(VectorData(name=str(name), description=str(name), data=data))
    return columns


def _ragged(name: str, description: str, rows: list[np.ndarray]) -> list[Any]:
    from hdmf.common import VectorData, VectorIndex

    flat = VectorData(name=name, description=description, data=np.concatenate(rows))
    stops = np.cumsum([len(row) for row in rows])
    return [flat, VectorIndex(name=f"{name}_index", target=flat, data=stops)]


def _series(name: str, signal: Signal) -> Any:
    from pynwb import TimeSeries

    return TimeSeries(
        name=name,
        data=signal.values,
        timestamps=signal.times_s,
        unit=signal.unit or "unknown",
        comments=DIMS_PREFIX + ", ".join(signal.names) if signal.names else "no comments",
    )
