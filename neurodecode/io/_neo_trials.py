"""Trials from neo's epochs, segments or events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from neurodecode.io._neo_clock import Piece, loaded, seconds
from neurodecode.io._neo_units import scalars
from neurodecode.io._trial_events import with_first_events
from neurodecode.io._trial_table import tidy_trials

TRIAL_NAMES = ("trials", "trial")


def trials_of(pieces: list[Piece], where: str) -> pd.DataFrame:
    """One row a trial, by time; no row where the recording has neither epochs, events nor several segments."""
    table = _from_epochs(pieces)
    if table is None and len(pieces) > 1:
        table = _from_segments(pieces)
    from_events = table is None
    if table is None:
        table = _from_events(pieces)
    if table is None or len(table) == 0:
        return pd.DataFrame({"start_time": np.empty(0), "stop_time": np.empty(0)})
    table = table.sort_values("start_time", kind="stable", ignore_index=True)
    trials = tidy_trials(table, last_stop_s=max(piece.stop_s for piece in pieces), where=where)
    return trials if from_events else _with_events(trials, pieces)


def _from_epochs(pieces: list[Piece]) -> pd.DataFrame | None:
    found = [(piece, loaded(epoch)) for piece in pieces for epoch in piece.segment.epochs]
    named = [(piece, epoch) for piece, epoch in found if str(epoch.name).lower() in TRIAL_NAMES]
    rows = []
    for piece, epoch in named or found:
        times = np.atleast_1d(seconds(epoch.times))
        stops = times + np.atleast_1d(seconds(epoch.durations))
        row = pd.DataFrame({"start_time": times + piece.shift_s, "stop_time": stops + piece.shift_s})
        rows.append(_described(row, epoch, "epoch", piece, pieces, keep_name=not named))
    return pd.concat(rows, ignore_index=True) if rows else None


def _from_segments(pieces: list[Piece]) -> pd.DataFrame:
    rows = []
    for number, piece in enumerate(pieces):
        place: dict[str, object] = {"start_time": piece.start_s, "stop_time": piece.stop_s, "segment": number}
        if piece.segment.name:
            place["segment_name"] = str(piece.segment.name)
        rows.append(scalars(piece.segment.annotations) | place)
    table = pd.DataFrame(rows)
    first = ["start_time", "stop_time", "segment"]
    return table[[*first, *(name for name in table.columns if name not in first)]]


def _from_events(pieces: list[Piece]) -> pd.DataFrame | None:
    """Each event a trial that lasts until the next event of its name."""
    found = [(piece, loaded(event)) for piece in pieces for event in piece.segment.events]
    named = [(piece, event) for piece, event in found if str(event.name).lower() in TRIAL_NAMES]
    rows = []
    for piece, event in named or found:
        start = np.sort(np.atleast_1d(seconds(event.times))) + piece.shift_s
        order = np.argsort(np.atleast_1d(seconds(event.times)), kind="stable")
        row = pd.DataFrame({"start_time": start, "stop_time": np.append(start[1:], piece.stop_s)[: start.size]})
        rows.append(_described(row, event, "event", piece, pieces, keep_name=not named, order=order))
    return pd.concat(rows, ignore_index=True) if rows else None


def _described(
    row: pd.DataFrame,
    item: Any,
    kind: str,
    piece: Piece,
    pieces: list[Piece],
    *,
    keep_name: bool,
    order: np.ndarray | None = None,
) -> pd.DataFrame:
    """The rows with their labels, the array annotations and, where it matters, name and segment."""
    order = np.arange(len(row)) if order is None else order
    if keep_name:
        row[kind] = str(item.name or kind)
    labels = _labels(item)
    if labels.size == len(row):
        row["label"] = labels[order]
    for name, values in item.array_annotations.items():
        column = np.asarray(values)
        if column.shape == (len(row),) and column.dtype.kind in "iufbU" and name not in row.columns:
            row[name] = column[order]
    if len(pieces) > 1:
        row["segment"] = pieces.index(piece)
    return row


def _labels(item: Any) -> np.ndarray:
    """Labels as text, without the blanks that Matlab pads them with."""
    return np.array([str(label).strip() for label in np.atleast_1d(np.asarray(item.labels))], dtype=np.str_)


def _with_events(trials: pd.DataFrame, pieces: list[Piece]) -> pd.DataFrame:
    """The trials with the first event of each kind inside them."""
    kinds: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for piece in pieces:
        for event in map(loaded, piece.segment.events):
            times = np.atleast_1d(seconds(event.times)) + piece.shift_s
            labels = _labels(event)
            if labels.size != times.size:
                labels = np.full(times.size, "")
            kinds.setdefault(str(event.name or "event"), []).append((times, labels))
    for name, parts in kinds.items():
        times = np.concatenate([times for times, _ in parts])
        labels = np.concatenate([labels for _, labels in parts])
        trials = with_first_events(trials, name, times, labels)
    return trials
