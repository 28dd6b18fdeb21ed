"""Events as columns of the trial table, so that trials can be aligned to them."""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_LABELS = 20  # of one kind of event; more are data, not kinds
_ROUNDING_S = 1e-9  # an event that starts its trial, up to rounding


def with_first_events(trials: pd.DataFrame, name: str, times_s: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """The trials with the first event inside each as ``<name>_time`` and, where it has one, ``<name>_label``.

    Where labels differ there is ``<label>_time`` too, for the first event of that label. A trial without the event
    has NaN. Columns that the table has stay as they are.
    """
    order = np.argsort(times_s, kind="stable")
    times, labels = times_s[order], labels[order]
    first = _first_inside(times, trials)
    columns = {f"{name}_time": _at(times, first)}
    if np.any(labels != ""):
        columns[f"{name}_label"] = np.where(first >= 0, labels[np.maximum(first, 0)], "")
    distinct = [str(label) for label in np.unique(labels) if label]
    if 1 < len(distinct) <= MOST_LABELS:
        for label in distinct:
            own = times[labels == label]
            columns.setdefault(f"{label}_time", _at(own, _first_inside(own, trials)))
    return trials.assign(**{column: values for column, values in columns.items() if column not in trials.columns})


def _first_inside(times: np.ndarray, trials: pd.DataFrame) -> np.ndarray:
    """Index of the first time in each trial [start, stop), -1 where there is none."""
    start, stop = trials["start_time"].to_numpy(float), trials["stop_time"].to_numpy(float)
    first = np.searchsorted(times, start - _ROUNDING_S)
    return np.where(first < np.searchsorted(times, stop - _ROUNDING_S), first, -1)


def _at(times: np.ndarray, place: np.ndarray) -> np.ndarray:
    found = np.full(place.shape, np.nan)
    found[place >= 0] = times[place[place >= 0]]
    return found
