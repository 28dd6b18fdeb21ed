"""CSV and Parquet: one row a spike, and a table of trials beside it."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from neurodecode.data.limits import check_fits
from neurodecode.data.session import Session, clean_spike_times
from neurodecode.errors import DataError
from neurodecode.io._trial_table import numbers, tidy_trials

log = logging.getLogger(__name__)
UNIT_COLUMNS = ("unit", "unit_name", "unit_id", "neuron", "neuron_id", "cluster", "cluster_id")
TIME_COLUMNS = ("time_s", "time", "spike_time_s", "spike_time", "spike_times", "t")
SEPARATORS = (",", ";", "\t")


def read_tables(path: Path, trials_path: Path | None) -> Session:
    """Read a table of spikes (a unit and a time column, s) and, where given, a table of trials.

    Columns that are the same in all spikes of a unit (its region, say) describe the unit. A unit that never fired
    is in no such table.
    Raises DataError, naming the file and the columns it has, for tables that lack what is needed.
    """
    table = read_table(path)
    unit_name, time_name = _one_of(table, UNIT_COLUMNS, path, "unit"), _one_of(table, TIME_COLUMNS, path, "time")
    if len(table) == 0:
        raise DataError(f"{path}: the table of spikes has no rows, so no units; export it again")
    if table[unit_name].isna().any():
        row = int(np.flatnonzero(table[unit_name].isna())[0])
        raise DataError(f"{path}: column {unit_name!r} is empty in row {row}; every spike needs its unit")
    table = table.assign(**{time_name: numbers(table, time_name, where=str(path))})
    groups = dict(iter(table.groupby(unit_name, sort=True)))
    cleaned = [
        clean_spike_times(rows[time_name].to_numpy(float), where=f"{path}: column {time_name!r} of unit {unit!s}")
        for unit, rows in groups.items()
    ]
    last_spike_s = float(table[time_name].max())
    trials = pd.DataFrame({"start_time": np.empty(0), "stop_time": np.empty(0)})
    if trials_path is not None:
        trials = tidy_trials(read_table(trials_path), last_stop_s=last_spike_s, where=str(trials_path))
    return Session(
        name=path.name,
        spike_times_s=tuple(times for times, _ in cleaned),
        units=_unit_table(table, unit_name, time_name),
        trials=trials,
        dropped=tuple(mended for _, mended in cleaned),
    )


def read_table(path: Path) -> pd.DataFrame:
    """A CSV (comma, semicolon or tab) or Parquet file as a table; DataError where it is neither."""
    try:
        if path.suffix.lower() == ".parquet":
            _check_rows(path)
            return pd.read_parquet(path)
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        return pd.read_csv(path, sep=max(SEPARATORS, key=header.count), encoding="utf-8-sig")
    except DataError:
        raise
    except Exception as error:  # pandas and pyarrow raise many kinds for damaged content
        raise DataError(f"{path}: not a whole CSV or Parquet table ({error}); export it again") from error


def _check_rows(path: Path) -> None:
    """Refuse a table that, unpacked, would not fit into memory: a few bytes can stand for any number of rows."""
    from pyarrow.parquet import read_metadata

    about = read_metadata(path)
    n_bytes = 8 * about.num_rows * about.num_columns
    check_fits(n_bytes, f"{path}: {about.num_rows} rows of {about.num_columns} columns", "write a part of it")


def _one_of(table: pd.DataFrame, accepted: tuple[str, ...], path: Path, what: str) -> str:
    found = [name for name in accepted if name in table.columns]
    if len(found) != 1:
        trouble = f"has several {what} columns {found}; keep one" if found else f"has no {what} column"
        raise DataError(
            f"{path}: the table of spikes {trouble}; accepted: {', '.join(accepted)}; it has: "
            f"{', '.join(map(str, table.columns))}"
        )
    return found[0]


def _unit_table(table: pd.DataFrame, unit_name: str, time_name: str) -> pd.DataFrame:
    grouped = table.drop(columns=[time_name]).groupby(unit_name, sort=True)
    same = (grouped.nunique(dropna=False) <= 1).all()
    units = grouped.first()[[name for name, is_same in same.items() if is_same]]
    return units.reset_index(drop=True).assign(unit_name=[str(unit) for unit in units.index])
