"""Trial tables from any source, made to have ``start_time`` and ``stop_time`` in seconds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neurodecode.errors import DataError

STARTS = ("start_time", "start_time_s", "start_s", "start", "onset")  # onset: as in BIDS events
STOPS = ("stop_time", "stop_time_s", "stop_s", "stop", "end_time", "end")
DURATIONS = ("duration", "duration_s")


def tidy_trials(table: pd.DataFrame, *, last_stop_s: float, where: str) -> pd.DataFrame:
    """The table with numeric ``start_time`` and ``stop_time`` first, all other columns as they were.

    Where no stop is given it is start + duration, else the next start, for the last trial ``last_stop_s``.
    Raises DataError for a table without starts, and for times that are not finite or run backwards.
    """
    start_name, stop_name, duration_name = (_first(table, names) for names in (STARTS, STOPS, DURATIONS))
    if start_name is None:
        raise DataError(
            f"{where}: a trial table needs a column start_time (s), or one of {', '.join(STARTS[1:])}; "
            f"it has: {', '.join(map(str, table.columns)) or 'none'}"
        )
    start = numbers(table, start_name, where=where)
    if stop_name is not None:
        stop = numbers(table, stop_name, where=where)
    elif duration_name is not None:
        stop = start + numbers(table, duration_name, where=where)
    else:
        ordered = np.sort(start)
        following = np.r_[ordered, np.inf][np.searchsorted(ordered, start, side="right")]
        stop = np.where(np.isfinite(following), following, np.maximum(start, last_stop_s))
    if np.any(bad := ~(stop >= start)):
        row = int(np.flatnonzero(bad)[0])
        raise DataError(f"{where}: trial in row {row} runs from {start[row]:g} to {stop[row]:g} s; mend its times")
    rest = table.drop(columns=[name for name in (start_name, stop_name) if name is not None])
    tidy = pd.DataFrame({"start_time": start, "stop_time": stop}, index=table.index)
    return pd.concat([tidy, rest], axis=1)


def check_trial_times(table: pd.DataFrame, *, where: str) -> None:
    """Raise DataError for a table whose ``start_time`` or ``stop_time`` is absent, no number or infinite.

    A time may be missing (NaN): the trial is left out where it is needed.
    """
    for name in ("start_time", "stop_time"):
        if name not in table.columns or table[name].dtype.kind not in "iuf":
            held = str(table[name].dtype) if name in table.columns else "nothing"
            raise DataError(f"{where}: column {name!r} holds {held}, expected numbers in seconds; mend it")
        infinite = np.flatnonzero(np.isinf(table[name].to_numpy(float)))
        if infinite.size:
            raise DataError(f"{where}: column {name!r} is infinite in row {infinite[0]}; mend its times")


def numbers(table: pd.DataFrame, name: str, *, where: str) -> np.ndarray:
    """One column as finite numbers; DataError names the first row that is none."""
    if pd.api.types.is_bool_dtype(table[name]):
        raise DataError(f"{where}: column {name!r} holds true and false, expected numbers in seconds")
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DataError(
            f"{where}: column {name!r} must hold finite numbers in seconds; {bad.size} of {len(table)} rows do "
            f"not, first of them row {int(bad[0])}: {table[name].iloc[int(bad[0])]!r}"
        )
    return values


def _first(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in table.columns), None)
