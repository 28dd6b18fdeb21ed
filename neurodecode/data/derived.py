"""Signals computed from a recording's own: the place along a track from a tracked position, the speed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from neurodecode.data.counts import CountRecording
from neurodecode.data.session import Session, Signal
from neurodecode.errors import ConfigError, DataError


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A signal made of the signal ``of``, one of these:

    along: two points in the dims of ``of``, start and end of a straight track; the signal is how far along the
    line from the first to the second its foot lies, in the units of ``of``. Beyond an end it is negative or larger
    than the track.
    speed_over_s: the signal is the distance between ``of`` half of this time (s) before and after, over the time.
    """

    of: str
    along: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    speed_over_s: float | None = None

    def __post_init__(self) -> None:
        if (self.along is None) == (self.speed_over_s is None):
            raise ConfigError("a derived signal is one of along and speed_over_s; give one of them")
        if self.speed_over_s is not None and not self.speed_over_s > 0:
            raise ConfigError(f"speed_over_s must be a positive number of seconds, got {self.speed_over_s}")
        if self.along is not None:
            start, end = self.along
            if len(start) != len(end) or not start or start == end:
                raise ConfigError(
                    f"along must be two points, not the same, in the dims of {self.of!r}; got {self.along}"
                )

    def values(
        self, samples: Float[np.ndarray, "samples dims"], times_s: Float[np.ndarray, " samples"]
    ) -> Float[np.ndarray, "samples 1"]:
        """The derived signal at the same times; NaN where ``samples`` are. Raises DataError for other dims."""
        if self.along is not None:
            return _along(samples, np.array(self.along), self.of)
        assert self.speed_over_s is not None  # checked when made
        return _speed(samples, times_s, self.speed_over_s)


def with_derived(recording: Session | CountRecording, derived: Mapping[str, Derived]) -> Session | CountRecording:
    """The recording with these signals beside its own.

    Raises ConfigError for a signal that the recording lacks and for a name that is taken.
    """
    for name, one in derived.items():
        if one.of not in recording.signals:
            known = ", ".join(sorted(recording.signals)) or "none"
            raise ConfigError(
                f"{recording.name}: signals.{name}: there is no signal {one.of!r}; there are: {known}"
            )
        if name in recording.signals:
            raise ConfigError(
                f"{recording.name}: signals.{name}: the recording has a signal of that name; rename it"
            )
        recording = _with_one(recording, name, one)
    return recording


def _with_one(recording: Session | CountRecording, name: str, derived: Derived) -> Session | CountRecording:
    if isinstance(recording, Session):
        own = recording.signals[derived.of]
        made = Signal(values=derived.values(own.values, own.times_s), times_s=own.times_s)
        return replace(recording, signals={**recording.signals, name: made})
    pieces = recording.signals[derived.of]
    times_s = np.arange(pieces.shape[1]) * recording.bin_size_s
    values = np.stack([derived.values(np.asarray(piece, float), times_s) for piece in pieces])
    return replace(recording, signals={**recording.signals, name: values})


def _along(
    samples: Float[np.ndarray, "samples dims"], ends: Float[np.ndarray, "ends track_dims"], of: str
) -> Float[np.ndarray, "samples 1"]:
    if ends.shape[1] != samples.shape[1]:
        raise DataError(f"along has points of {ends.shape[1]} dims, signal {of!r} has {samples.shape[1]}")
    direction = ends[1] - ends[0]
    place: Float[np.ndarray, "samples 1"] = ((samples - ends[0]) @ direction / np.linalg.norm(direction))[:, None]
    return place


def _speed(
    samples: Float[np.ndarray, "samples dims"], times_s: Float[np.ndarray, " samples"], over_s: float
) -> Float[np.ndarray, "samples 1"]:
    """Interpolated between the samples that are known; at the ends, over what there is of the time."""
    known = np.isfinite(samples).all(axis=1)
    if known.sum() < 2:
        return np.full((len(samples), 1), np.nan)
    clock = times_s[known]
    before_s, after_s = (np.clip(times_s + sign * over_s / 2, clock[0], clock[-1]) for sign in (-1, 1))
    squares = np.zeros(len(samples))
    for dim in samples[known].T:
        squares += np.square(np.interp(after_s, clock, dim) - np.interp(before_s, clock, dim))
    took_s = after_s - before_s
    speed = np.divide(np.sqrt(squares), took_s, out=np.full(len(samples), np.nan), where=took_s > 0)
    return np.where(known, speed, np.nan)[:, None]
