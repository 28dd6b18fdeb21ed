"""Where the trials of a recording lie: which rows, around which event, in which condition."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neurodecode.data.limits import check_fits
from neurodecode.data.selection import condition_column, rows_where, time_column
from neurodecode.data.windows import LAID_COLUMNS, Window, window_starts
from neurodecode.errors import ConfigError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class PlacedTrials:
    """Trials in order of time.

    t0_s: start (s) of each window. own_s: start and stop of the trial itself, stretched to its event.
    row: the trial's row in the recording's table, or the observed stretch that a window was laid in.
    table: the rows themselves. dropped: reason -> how many trials were left out.
    """

    t0_s: Float[np.ndarray, " trials"]
    own_s: Float[np.ndarray, "trials 2"]
    row: Int[np.ndarray, " trials"]
    table: pd.DataFrame
    condition: Int[np.ndarray, " trials"]
    condition_names: tuple[str, ...]
    dropped: dict[str, int]

    def keep(self, kept: Int[np.ndarray, " kept"], reason: str) -> PlacedTrials:
        """Only these trials, by index; the others are counted under ``reason``."""
        return replace(
            self,
            t0_s=self.t0_s[kept],
            own_s=self.own_s[kept],
            row=self.row[kept],
            table=self.table.iloc[kept],
            condition=self.condition[kept],
            dropped=self.dropped | {reason: self.t0_s.size - kept.size},
        )


def place_trials(
    table: pd.DataFrame, span_s: Float[np.ndarray, "intervals 2"], window: Window, *, recording: str
) -> PlacedTrials:
    """The trials that ``window`` asks for, from the trial table or laid over the observed span.

    Raises ConfigError for columns that do not exist, filters that leave nothing, and where there is no trial.
    """
    if window.every_s is not None:
        return _laid(span_s, window, window.every_s, recording)
    if len(table) == 0:
        raise ConfigError(
            f"{recording}: the recording has no trial table; set every_s to cut it into windows, "
            "or give a table of trials as trials_path"
        )
    rows, dropped = _asked_rows(table, window, recording)
    asked = table.iloc[rows]
    names, condition = condition_column(asked, window.condition, recording=recording)
    event = _events(asked, window, recording)
    start, stop = (asked[c].to_numpy(dtype=float, na_value=np.nan) for c in ("start_time", "stop_time"))
    return PlacedTrials(
        t0_s=event + window.window_s[0],
        own_s=np.column_stack([np.fmin(start, event), np.fmax(stop, event)]),
        row=rows,
        table=asked,
        condition=condition,
        condition_names=names,
        dropped=dropped,
    )


def check_counts_fit(n_trials: int, n_steps: int, n_units: int, *, recording: str, count_bytes: int = 1) -> None:
    """Raise DataError where counts, ``count_bytes`` each, and one mask of their bins would not fit into memory."""
    check_fits(
        n_trials * n_steps * (n_units * count_bytes + 1),
        f"{recording}: counts of {n_trials} trials x {n_steps} bins x {n_units} units and their mask",
        "widen bin_size_s, shorten window_s or lead_s, or choose units or trials",
    )


def observed_trials(
    placed: PlacedTrials,
    mask: Bool[np.ndarray, "trials steps #units"],
    span_s: Float[np.ndarray, "intervals 2"],
    window: Window,
    *,
    recording: str,
) -> Int[np.ndarray, " kept"]:
    """Indices of the trials with at least one observed bin in their window.

    Raises ConfigError where most have none: then the window is at fault, not the trials.
    """
    observed = mask[:, window.lead :].any(axis=(1, 2))
    n_outside = int((~observed).sum())
    if n_outside * 2 > observed.size:
        first = int(np.flatnonzero(~observed)[0])
        start, own = placed.t0_s[first], placed.own_s[first]
        event = window.align or "start_time"
        raise ConfigError(
            f"{recording}: window_s {list(window.window_s)} around {event} lies outside the recording in "
            f"{n_outside} of {observed.size} trials; in trial {placed.row[first]} it is {start:g} to "
            f"{start + window.duration_s:g} s, the trial is {own[0]:g} to {own[1]:g} s and the recording ran "
            f"{_spelt(span_s)}; change window_s or align"
        )
    if n_outside:
        log.warning("%s: %d trials have no observed bin in window_s and are left out", recording, n_outside)
    return np.flatnonzero(observed)


def _laid(
    span_s: Float[np.ndarray, "intervals 2"], window: Window, every_s: float, recording: str
) -> PlacedTrials:
    starts, stretch = window_starts(span_s, window.duration_s, every_s, window.bin_size_s)
    if starts.size == 0:
        longest = float((span_s[:, 1] - span_s[:, 0]).max(initial=0.0))
        raise ConfigError(
            f"{recording}: no window of {window.duration_s:g} s fits: the longest observed stretch is "
            f"{longest:g} s, recorded {_spelt(span_s)}; shorten window_s"
        )
    own = np.column_stack([starts, starts + window.duration_s])
    table = pd.DataFrame(dict(zip(LAID_COLUMNS, own.T, strict=True)))
    chosen = rows_where(table, window.where, recording=recording)
    return PlacedTrials(
        t0_s=starts[chosen],
        own_s=own[chosen],
        row=stretch[chosen],
        table=table[chosen],
        condition=np.zeros(chosen.sum(), int),
        condition_names=("all",),
        dropped={"where": int((~chosen).sum())} if window.where else {},
    )


def _asked_rows(table: pd.DataFrame, window: Window, recording: str) -> tuple[np.ndarray, dict[str, int]]:
    """Rows that pass ``where`` and have an alignment time and a condition, by time; what was left out."""
    event = _events(table, window, recording)
    _, condition = condition_column(table, window.condition, recording=recording)
    chosen = rows_where(table, window.where, recording=recording)
    dropped = {"where": int((~chosen).sum())}
    for reason, lacking in (("no alignment time", ~np.isfinite(event)), ("no condition", condition < 0)):
        dropped[reason] = int((chosen & lacking).sum())
        chosen = chosen & ~lacking
        if dropped[reason]:
            column = window.condition if reason == "no condition" else window.align or "start_time"
            log.warning("%s: %d trials have no %s and are left out", recording, dropped[reason], column)
    if not chosen.any():
        raise ConfigError(
            f"{recording}: no trial is left of {len(table)}, left out: {dropped}; loosen where or align otherwise"
        )
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(event[rows], kind="stable")], dropped


def _events(table: pd.DataFrame, window: Window, recording: str) -> Float[np.ndarray, " rows"]:
    return time_column(table, window.align or "start_time", field_name="align", recording=recording)


def _spelt(intervals: Float[np.ndarray, "intervals 2"]) -> str:
    if len(intervals) == 0:
        return "never"
    several = f" in {len(intervals)} intervals" if len(intervals) > 1 else ""
    return f"{intervals[0, 0]:g} to {intervals[:, 1].max():g} s{several}"
