"""neo's segments on one clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

log = logging.getLogger(__name__)
GAP_S = 1.0  # between segments that share no clock: they must not touch, or one's history would run into the next
_TOUCH_S = 1e-6  # rounding of stop and start times


@dataclass(frozen=True, eq=False)
class Piece:
    """A segment and what is added to its times (s); ``start_s`` to ``stop_s`` with that added."""

    segment: Any
    shift_s: float
    start_s: float
    stop_s: float


def seconds(quantity: Any) -> np.ndarray:
    """A neo or quantities object as a plain float array in seconds."""
    return np.asarray(quantity.rescale("s").magnitude, dtype=float)


def pieces_on_one_clock(segments: list[Any], where: str) -> list[Piece]:
    """The segments with their shifts: their own clock where they follow one another, else end to end.

    The clock starts at 0 s or later.
    """
    spans = [_span(segment) for segment in segments]
    held = [(segment, span) for segment, span in zip(segments, spans, strict=True) if span is not None]
    starts = np.array([span[0] for _, span in held])
    stops = np.array([span[1] for _, span in held])
    if np.all(starts[1:] >= stops[:-1] - _TOUCH_S):
        shifts = np.full(len(held), max(0.0, -float(starts.min())))
        if shifts[0] > 0:
            log.info("%s: its clock starts at %g s; all times are shifted by %g s", where, starts.min(), shifts[0])
    else:
        lengths = stops - starts
        shifts = np.cumsum(lengths + GAP_S) - (lengths + GAP_S) - starts
        log.info("%s: %d segments share no clock and are laid %g s apart", where, len(held), GAP_S)
    return [
        Piece(segment, float(shift), start + float(shift), stop + float(shift))
        for (segment, (start, stop)), shift in zip(held, shifts, strict=True)
    ]


def _span(segment: Any) -> tuple[float, float] | None:
    """First and last time (s) of anything in the segment."""
    edges = [float(seconds(edge)) for item in _bounded(segment) for edge in (item.t_start, item.t_stop)]
    for item in (*segment.events, *segment.epochs):
        times = seconds(loaded(item).times)
        edges += [float(times.min()), float(times.max())] if times.size else []
    return (min(edges), max(edges)) if edges else None


def _bounded(segment: Any) -> Iterator[Any]:
    yield from segment.spiketrains
    yield from segment.analogsignals
    yield from segment.irregularlysampledsignals


def loaded(item: Any) -> Any:
    """The item itself, read from disk now where neo gave a stand-in."""
    return item.load() if hasattr(item, "load") else item
