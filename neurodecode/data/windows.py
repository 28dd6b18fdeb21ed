"""Which stretch of a recording each trial is: alignment, filter, condition, grid of bins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.limits import check_fits
from neurodecode.errors import ConfigError

# Recordings of 1 ms resolution put spikes exactly on bin edges: a spike this fraction of a bin before an edge
# counts as on it, or float rounding would move up to half of them by one bin.
EDGE_TOLERANCE = 1e-4
_WINDOW_BYTES = 100  # what a window takes beside its counts
LAID_COLUMNS = ("start_time", "stop_time")  # of windows laid over the recording (s)
MOST_BINS = 10**8  # of a trial: a day in milliseconds
_ROUNDINGS = 4.0  # that a difference of two times may carry
_ROUND_SIZES = [m * 10.0**e for e in range(-5, 1) for m in (1.0, 1.25, 2.0, 2.5, 4.0, 5.0, 8.0)]


@dataclass(frozen=True)
class Lagged:
    """A covariate: ``signal`` at each bin's centre minus each of ``lags_s``; negative lags look ahead.

    ``circular``: it is an angle in radians, and between samples it runs the shorter way around.
    """

    signal: str
    lags_s: tuple[float, ...] = (0.0,)
    circular: bool = False

    def __post_init__(self) -> None:
        if not self.lags_s or not all(math.isfinite(lag) for lag in self.lags_s):
            raise ConfigError(f"covariate of {self.signal!r}: lags_s must be finite numbers, got {self.lags_s}")


@dataclass(frozen=True, kw_only=True)
class Window:
    """How trials are cut from a recording.

    ``window_s``: start and stop against the ``align`` column of the trial table (None: ``start_time``).
    ``every_s``: windows start every this many seconds over the observed span and the trial table is ignored;
    ``where`` may then name ``start_time`` and ``stop_time`` of the windows.
    ``lead_s``: observed history before the window, rounded up to whole bins. ``condition``: column that names
    the condition. ``where``: {column: value | [values] | {min:, max:}}. ``units``: names or row indices, all if
    empty.
    Raises ConfigError for sizes that are not positive and for a bin that does not divide the window.
    """

    bin_size_s: float
    window_s: tuple[float, float]
    align: str | None = None
    every_s: float | None = None
    lead_s: float = 0.5
    condition: str | None = None
    where: Mapping[str, object] = field(default_factory=dict)
    units: Sequence[str | int] = ()
    covariates: Mapping[str, Lagged] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start, stop = self.window_s
        if not (math.isfinite(start) and math.isfinite(stop) and start < stop):
            raise ConfigError(f"window_s must be [start, stop] with start < stop, got {list(self.window_s)}")
        if not (math.isfinite(self.bin_size_s) and self.bin_size_s > 0):
            raise ConfigError(f"bin_size_s must be a positive number of seconds, got {self.bin_size_s}")
        if not (math.isfinite(self.lead_s) and self.lead_s >= 0):
            raise ConfigError(f"lead_s must be 0 or a positive number of seconds, got {self.lead_s}")
        if self.every_s is not None and not (math.isfinite(self.every_s) and self.every_s > 0):
            raise ConfigError(f"every_s must be a positive number of seconds, got {self.every_s}")
        if self.every_s is not None and self.align is not None:
            raise ConfigError(
                f"every_s lays windows without a trial table, align={self.align!r} needs one: keep one"
            )
        if self.every_s is not None and (set(self.where) - set(LAID_COLUMNS) or self.condition is not None):
            raise ConfigError(
                "every_s lays windows without a trial table: where and condition cannot apply; where may name "
                f"{' and '.join(LAID_COLUMNS)} of the windows, for a part of the recording"
            )
        bins, lead = self.duration_s / self.bin_size_s, self.lead_s / self.bin_size_s
        if not max(bins, lead) < MOST_BINS:
            raise ConfigError(
                f"bin_size_s {self.bin_size_s:g} makes {max(bins, lead):.3g} bins of window_s "
                f"{list(self.window_s)} and lead_s {self.lead_s:g}, expected fewer than {MOST_BINS}; widen the "
                "bins, or shorten either"
            )
        if round(bins) < 1 or abs(bins - round(bins)) > EDGE_TOLERANCE:
            raise ConfigError(
                f"bin_size_s {self.bin_size_s:g} does not divide window_s {list(self.window_s)} "
                f"({bins:g} bins); near sizes that do: {_dividing_sizes(self.duration_s, self.bin_size_s)}"
            )

    @property
    def duration_s(self) -> float:
        """Length (s) of the window."""
        return self.window_s[1] - self.window_s[0]

    @property
    def n_bins(self) -> int:
        """Bins of the window."""
        return round(self.duration_s / self.bin_size_s)

    @property
    def lead(self) -> int:
        """Bins of history before the window."""
        return math.ceil(self.lead_s / self.bin_size_s - EDGE_TOLERANCE)

    @property
    def n_steps(self) -> int:
        """Lead and window bins together."""
        return self.lead + self.n_bins


def _dividing_sizes(duration_s: float, bin_size_s: float) -> str:
    """The nearest round sizes below and above that divide the window, or exact fractions where none is near."""
    divides = [s for s in _ROUND_SIZES if s <= duration_s and abs(duration_s / s - round(duration_s / s)) < 1e-6]
    below = max((s for s in divides if s < bin_size_s), default=None)
    above = min((s for s in divides if s > bin_size_s), default=None)
    n_more = math.floor(duration_s / bin_size_s) + 1
    found = [below if below is not None else duration_s / n_more, above]
    if above is None:
        found[1] = duration_s / max(1, n_more - 1)
    return ", ".join(f"{size:g}" for size in found if size is not None)


def edge_tolerance(bin_size_s: float, latest_s: float) -> float:
    """Fraction of a bin before an edge that counts as on it: 1e-4, more only where the clock is coarser.

    Seconds since 1970 are stored in steps of 0.24 us, which is more than 1e-4 of a 1 ms bin.
    """
    return max(EDGE_TOLERANCE, _ROUNDINGS * float(np.spacing(abs(latest_s))) / bin_size_s)


def window_starts(
    span_s: Float[np.ndarray, "intervals 2"], duration_s: float, every_s: float, bin_size_s: float
) -> tuple[Float[np.ndarray, " windows"], Int[np.ndarray, " windows"]]:
    """Starts (s) of windows fully inside an interval, ``every_s`` apart from its start, and which interval."""
    tolerance = edge_tolerance(bin_size_s, float(np.abs(span_s).max(initial=0.0)))
    room = span_s[:, 1] - span_s[:, 0] - duration_s + tolerance * bin_size_s
    n_windows = float(np.maximum(room / every_s + 1.0, 0.0).sum())
    check_fits(int(min(n_windows, 1e15)) * _WINDOW_BYTES, f"{n_windows:.3g} windows", "lengthen every_s")
    n = np.maximum(np.floor(room / every_s + 1e-9).astype(int) + 1, 0)
    interval = np.repeat(np.arange(len(span_s)), n)
    place = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    return span_s[interval, 0] + place * every_s, interval  # products: sums of floats drift
