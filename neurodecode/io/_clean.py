"""Times and signals as files hold them, made fit for a Session; what cannot be mended is an error."""

from __future__ import annotations

import logging

import numpy as np

from neurodecode.data.session import Signal
from neurodecode.errors import DataError

log = logging.getLogger(__name__)
_MOST_DECIMALS = 9  # of a 32-bit time down to a nanosecond
_WHOLE = 2.0**23  # 32-bit numbers from here on are whole, and their shortest decimals end in zeros
LARGEST_SIGNAL_BYTES = 1 << 30  # raw voltage stays on disk


def exact_seconds(times: np.ndarray) -> np.ndarray:
    """Times as float64; 32-bit times become the shortest decimals that they stand for.

    At 100 s a 32-bit float is off by up to 4 us: plainly widened, spikes of a 1 ms grid would straddle bin edges.
    Many writers (pynwb's is one) store such times widened: where every time is a 32-bit number, all are taken so.
    """
    if times.dtype.kind != "f" or times.size == 0:
        return times.astype(np.float64)
    with np.errstate(over="ignore"):
        narrow = times.astype(np.float32)
    if not np.array_equal(narrow, times, equal_nan=True):
        return times.astype(np.float64)
    return _as_decimals(narrow)


def _as_decimals(narrow: np.ndarray) -> np.ndarray:
    """The decimals of fewest digits that 32-bit numbers stand for.

    Digit by digit for all at once: their text, which numpy also knows, takes sixteen times the memory.
    """
    found = narrow.astype(np.float64)
    fine = np.abs(found) < _WHOLE
    coarse, at = np.flatnonzero(~fine), np.flatnonzero(fine)
    for n_digits in range(_MOST_DECIMALS + 1):
        values = found.flat[at]
        rounded = np.rint(values * 10.0**n_digits) / 10.0**n_digits
        same = rounded.astype(np.float32) == values
        found.flat[at[same]] = rounded[same]
        at = at[~same]
    left = np.concatenate([coarse, at])
    found.flat[left] = narrow.flat[left].astype(np.str_).astype(np.float64)
    return found


def tidy_intervals(intervals: np.ndarray, *, where: str) -> np.ndarray:
    """Observed intervals (start, stop) in seconds, by start.

    Raises DataError for intervals that are not pairs, not finite or run backwards.
    """
    pairs = exact_seconds(intervals)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise DataError(f"{where}: intervals must be (n, 2) start and stop times, got shape {pairs.shape}")
    bad = ~(pairs[:, 1] >= pairs[:, 0])
    if bad.any() or not np.isfinite(pairs).all():
        first = int(np.flatnonzero(bad | ~np.isfinite(pairs).all(axis=1))[0])
        raise DataError(
            f"{where}: interval {first} is {pairs[first].tolist()}, expected finite start <= stop; mend it"
        )
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def tidy_signal(
    values: np.ndarray, times_s: np.ndarray, *, unit: str, names: tuple[str, ...], where: str
) -> Signal | None:
    """A signal on an ascending clock; None, logged, where values and clock do not fit each other."""
    if times_s.shape != values.shape[:1]:
        log.warning("%s is not read: %s values but %s times", where, values.shape, times_s.shape)
        return None
    good = np.isfinite(times_s)
    if not good.all():
        log.warning("%s: %d of %d samples have no finite time and are left out", where, (~good).sum(), good.size)
        values, times_s = values[good], times_s[good]
    if times_s.size == 0:
        return None
    if np.any(np.diff(times_s) < 0):
        log.warning("%s: its samples are not in order of time and are sorted", where)
        order = np.argsort(times_s, kind="stable")
        values, times_s = values[order], times_s[order]
    return Signal(values=np.array(values, float), times_s=np.array(times_s, float), unit=unit, names=names)
