"""Where the trials of a recording lie: which rows, around which event, observed when."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neurodecode.data.observed import any_observed, observed_mask
from neurodecode.data.selection import condition_column, rows_where, time_column, unit_indices
from neurodecode.data.session import Session
from neurodecode.data.windows import Window, window_starts
from neurodecode.errors import ConfigError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PlacedTrials:
    """Trials in order of time.

    ``t0_s``: start (s) of each window. ``own_s``: start and stop of the trial itself, stretched to its event.
    ``mask``: observed steps, see ``observed_mask``. ``table``: their rows. ``dropped``: reason -> trials left out.
    """

    t0_s: Float[np.ndarray, " trials"]
    mask: Bool[np.ndarray, "trials steps #units"]
    own_s: Float[np.ndarray, "trials 2"]
    table: pd.DataFrame
    condition: Int[np.ndarray, " trials"]
    condition_names: tuple[str, ...]
    dropped: dict[str, int]


def place_trials(session: Session, window: Window) -> PlacedTrials:
    """The trials that ``window`` asks for, by time, each with at least one observed bin in its window."""
    units = unit_indices(session.unit_names, window.units, recording=session.name)
    if window.every_s is not None:
        return _laid_windows(session, window, window.every_s, units)
    if len(session.trials) == 0:
        raise ConfigError(
            f"{session.name}: the recording has no trial table; set every_s to cut it into windows, "
            "or give a table of trials as trials_path"
        )
    table, dropped = _asked_rows(session, window)
    names, condition = condition_column(table, window.condition, recording=session.name)
    event = _events(table, window, session.name)
    t0_s, own = event + window.window_s[0], _own_stretch(table, event)
    mask = observed_mask(session, units, t0_s, own, window)
    placed = PlacedTrials(t0_s, mask, own, table, condition, names, dropped)
    return _only_observed(session, window, units, placed)


def _asked_rows(session: Session, window: Window) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows that pass ``where`` and have an alignment time and a condition, by time; what was left out."""
    table, name = session.trials, session.name
    event = _events(table, window, name)
    _, condition = condition_column(table, window.condition, recording=name)
    chosen = rows_where(table, window.where, recording=name)
    dropped = {"where": int((~chosen).sum())}
    for reason, lacking in (("no_align_time", ~np.isfinite(event)), ("no_condition", condition < 0)):
        dropped[reason] = int((chosen & lacking).sum())
        chosen = chosen & ~lacking
        if dropped[reason]:
            column = window.condition if reason == "no_condition" else window.align or "start_time"
            log.warning("%s: %d trials have no %s and are left out", name, dropped[reason], column)
    if not chosen.any():
        raise ConfigError(f"{name}: no trial is left of {len(table)}: {dropped}; loosen where or align otherwise")
    rows = np.flatnonzero(chosen)
    return table.iloc[rows[np.argsort(event[rows], kind="stable")]], dropped


def _events(table: pd.DataFrame, window: Window, recording: str) -> Float[np.ndarray, " rows"]:
    return time_column(table, window.align or "start_time", field_name="align", recording=recording)


def _own_stretch(table: pd.DataFrame, event_s: np.ndarray) -> Float[np.ndarray, "trials 2"]:
    """From trial start to stop, stretched to the event where that lies outside."""
    start, stop = (table[c].to_numpy(dtype=float, na_value=np.nan) for c in ("start_time", "stop_time"))
    return np.column_stack([np.fmin(start, event_s), np.fmax(stop, event_s)])


def _laid_windows(session: Session, window: Window, every_s: float, units: np.ndarray) -> PlacedTrials:
    span = any_observed(session, units)
    starts = window_starts(span, window.duration_s, every_s, window.bin_size_s)
    if starts.size == 0:
        longest = float((span[:, 1] - span[:, 0]).max(initial=0.0))
        raise ConfigError(
            f"{session.name}: no window of {window.duration_s:g} s fits: the longest observed stretch is "
            f"{longest:g} s, recorded {_spelt(span)}; shorten window_s"
        )
    own = np.column_stack([starts, starts + window.duration_s])
    table = pd.DataFrame({"start_time": own[:, 0], "stop_time": own[:, 1]})
    mask = observed_mask(session, units, starts, own, window)
    return PlacedTrials(starts, mask, own, table, np.zeros(starts.size, int), ("all",), {})


def _only_observed(session: Session, window: Window, units: np.ndarray, placed: PlacedTrials) -> PlacedTrials:
    """Without trials that have no observed bin in their window.

    Raises ConfigError where most have none: then the window is at fault, not the trials.
    """
    kept = placed.mask[:, window.lead :].any(axis=(1, 2))
    n_outside = int((~kept).sum())
    if n_outside == 0:
        return placed
    if n_outside * 2 > kept.size:
        first = int(np.flatnonzero(~kept)[0])
        start, own, span = placed.t0_s[first], placed.own_s[first], any_observed(session, units)
        raise ConfigError(
            f"{session.name}: window_s {list(window.window_s)} around {window.align or 'start_time'} lies outside "
            f"the recording in {n_outside} of {kept.size} trials; in trial {first} it is {start:g} to "
            f"{start + window.duration_s:g} s, the trial is {own[0]:g} to {own[1]:g} s and the recording ran "
            f"{_spelt(span)}; change window_s or align"
        )
    log.warning("%s: %d trials have no observed bin in window_s and are left out", session.name, n_outside)
    return replace(
        placed,
        t0_s=placed.t0_s[kept],
        mask=placed.mask[kept],
        own_s=placed.own_s[kept],
        table=placed.table.iloc[np.flatnonzero(kept)],
        condition=placed.condition[kept],
        dropped=placed.dropped | {"unobserved": n_outside},
    )


def _spelt(intervals: Float[np.ndarray, "intervals 2"]) -> str:
    if len(intervals) == 0:
        return "never"
    several = f" in {len(intervals)} intervals" if len(intervals) > 1 else ""
    return f"{intervals[0, 0]:g} to {intervals[-1, 1]:g} s{several}"
