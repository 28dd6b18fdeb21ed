"""Analog and irregularly sampled signals of neo's segments."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from neurodecode.data.session import Signal
from neurodecode.io._clean import LARGEST_SIGNAL_BYTES, tidy_signal
from neurodecode.io._neo_clock import Piece, loaded, seconds

log = logging.getLogger(__name__)


def signals_of(pieces: list[Piece], where: str) -> dict[str, Signal]:
    """Signals by name, joined over segments where their unit and width agree."""
    parts: dict[str, list[Signal]] = {}
    for piece in pieces:
        taken: set[str] = set()
        for item in (*piece.segment.analogsignals, *piece.segment.irregularlysampledsignals):
            name = _free_name(str(item.name or "signal"), taken)
            found = _signal(item, piece, f"{where}: signal {name!r}")
            if found is not None:
                parts.setdefault(name, []).append(found)
    return {name: joined for name, own in parts.items() if (joined := _joined(own, f"{where}: signal {name!r}"))}


def _free_name(name: str, taken: set[str]) -> str:
    free = next(n for n in (name, *(f"{name}_{k}" for k in range(1, len(taken) + 2))) if n not in taken)
    taken.add(free)
    return free


def _signal(item: Any, piece: Piece, where: str) -> Signal | None:
    if int(np.prod(item.shape)) * 8 > LARGEST_SIGNAL_BYTES:
        log.warning("%s is not read: %s samples are over %d bytes", where, item.shape, LARGEST_SIGNAL_BYTES)
        return None
    whole = loaded(item)
    values = np.asarray(whole.magnitude, dtype=float)
    return tidy_signal(
        values.reshape(len(values), -1),
        seconds(whole.times) + piece.shift_s,
        unit=whole.units.dimensionality.string,
        names=tuple(str(n) for n in whole.array_annotations.get("channel_names", ())),
        where=where,
    )


def _joined(parts: list[Signal], where: str) -> Signal | None:
    first = parts[0]
    if any(p.unit != first.unit or p.values.shape[1] != first.values.shape[1] for p in parts):
        log.warning("%s is not read: its unit or number of channels differs between segments", where)
        return None
    if len(parts) == 1:
        return first
    return tidy_signal(
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.times_s for p in parts]),
        unit=first.unit,
        names=first.names,
        where=where,
    )
