"""Counts and signal that a decoder is fitted to, and those on which its choices are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.decoders._base import SignalDecoder
from neurodecode.decoders._series import Series, check_signal
from neurodecode.errors import DataError

_HELD_OUT = 0.1  # share of the known bins, the last ones, where no validation is given
_LONGEST_LEAD = 200  # bins before a stretch held out of one recording that warm a decoder up


@dataclass(frozen=True, eq=False)
class SignalPart:
    """Series and signal (trials, bins, dims) of its windows; known: bins whose every dim has a value."""

    series: Series
    values: Float[np.ndarray, "trials bins dims"]
    known: Bool[np.ndarray, "trials bins"]

    @property
    def rows(self) -> Float[np.ndarray, "known dims"]:
        """The signal of the known bins."""
        found: Float[np.ndarray, "known dims"] = self.values[self.known]
        return found


def signal_parts(
    decoder: SignalDecoder, X: Any, y: Any, validation: tuple[Any, Any] | None
) -> tuple[SignalPart, SignalPart]:
    """What to fit to and what to choose on: ``validation`` where given, else the last tenth of the known bins.

    Raises DataError for a signal that is constant or nearly everywhere unknown, in either part unknown, and for
    parts of different units or dims.
    """
    given = _part(decoder, X, y)
    check_signal(given.values)
    if validation is None:
        return _last_tenth(given)
    chosen_on = _part(decoder, *validation)
    chosen_on.series.check_units(given.series.n_units)
    if chosen_on.values.shape[2] != given.values.shape[2]:
        raise DataError(
            f"the signal has {given.values.shape[2]} dims, that of validation {chosen_on.values.shape[2]}"
        )
    if not chosen_on.known.any():
        raise DataError("the signal of validation is NaN everywhere: give one with values, or no validation")
    return given, chosen_on


def unit_means(parts: Sequence[SignalPart], *, root: bool) -> Float[np.ndarray, " units"]:
    """Mean count (or its mean square root) of each unit over observed bins whose signal is known."""
    total = np.zeros(parts[0].series.n_units)
    n_observed = np.zeros(parts[0].series.n_units)
    for part in parts:
        counts = taken(part.series, root=root)[:, part.series.lead :]
        mask = np.broadcast_to(part.series.mask[:, part.series.lead :] & part.known[..., None], counts.shape)
        total += counts.sum(axis=(0, 1), where=mask)
        n_observed += mask.sum(axis=(0, 1))
    return total / np.maximum(n_observed, 1.0)


def taken(series: Series, *, root: bool) -> Float[np.ndarray, "trials steps units"]:
    """Counts, or their square roots, whose variance depends less on the rate."""
    counts = series.counts.astype(float)
    return np.sqrt(counts) if root else counts


def centred(
    series: Series, mean: Float[np.ndarray, " units"], *, root: bool
) -> Float[np.ndarray, "trials steps units"]:
    """Counts (or their roots) about their means; 0 where nothing was observed, which is not silence."""
    return np.where(series.mask, taken(series, root=root) - mean, 0.0)


def relative_error(
    decoded: Float[np.ndarray, "trials bins dims"], part: SignalPart, variance: Float[np.ndarray, " dims"]
) -> float:
    """Mean squared error over the known bins in units of each dim's variance, averaged over dims."""
    return float((np.square(decoded[part.known] - part.rows).mean(axis=0) / variance).mean())


def _part(decoder: SignalDecoder, X: Any, y: Any) -> SignalPart:
    series, values = decoder.series(X), decoder.signals(X, y)
    return SignalPart(series, values, np.isfinite(values).all(axis=2))


def _last_tenth(whole: SignalPart) -> tuple[SignalPart, SignalPart]:
    """Whole trials where there are several, else a stretch of the one recording, with what is before as lead."""
    series, n_each = whole.series, whole.known.sum(axis=1)
    if series.n_trials > 1:
        place = _place_of_held_out(n_each)
        return _trials(whole, slice(0, place)), _trials(whole, slice(place, None))
    place = _place_of_held_out(whole.known[0].astype(int))
    cut = series.lead + place
    start = max(0, cut - _LONGEST_LEAD)
    before = replace(series, counts=series.counts[:, :cut], mask=series.mask[:, :cut])
    after = replace(series, counts=series.counts[:, start:], mask=series.mask[:, start:], lead=cut - start)
    return (
        SignalPart(before, whole.values[:, :place], whole.known[:, :place]),
        SignalPart(after, whole.values[:, place:], whole.known[:, place:]),
    )


def _place_of_held_out(n_known: np.ndarray) -> int:
    """The last place from which on a tenth of the known bins lie, with known bins on both sides."""
    before = np.cumsum(n_known) - n_known
    place = int(np.searchsorted(before, (1 - _HELD_OUT) * n_known.sum(), side="right")) - 1
    first = int(np.flatnonzero(n_known)[0])
    if place <= first:
        place = first + 1
    if not n_known[place:].any():
        raise DataError("one trial alone has a signal: give validation trials, or trials with a signal")
    return place


def _trials(whole: SignalPart, chosen: slice) -> SignalPart:
    series = replace(whole.series, counts=whole.series.counts[chosen], mask=whole.series.mask[chosen])
    return SignalPart(series, whole.values[chosen], whole.known[chosen])
