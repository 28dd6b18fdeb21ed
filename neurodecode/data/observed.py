"""When the recording ran: observed intervals, and the mask of bins that they leave."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.data.session import Session
from neurodecode.data.windows import Window, edge_tolerance


def merged(intervals: Float[np.ndarray, "intervals 2"], gap_s: float = 0.0) -> Float[np.ndarray, "merged 2"]:
    """Ascending disjoint intervals (s) that cover the same time; gaps up to ``gap_s`` are closed."""
    ordered = intervals[np.argsort(intervals[:, 0], kind="stable")]
    if len(ordered) == 0:
        return ordered
    reach = np.maximum.accumulate(ordered[:, 1])
    first = np.r_[True, ordered[1:, 0] > reach[:-1] + gap_s]
    last = np.r_[first[1:], True]
    return np.column_stack([ordered[first, 0], reach[last]])


def unit_intervals(session: Session, units: np.ndarray) -> list[Float[np.ndarray, "_ 2"]]:
    """When each of these units was observed; the whole span of the recording where its file does not say."""
    span = np.array([session.span_s])
    own = [session.observed_s[int(unit)] if session.observed_s else None for unit in units]
    return [span if intervals is None else intervals for intervals in own]


def any_observed(session: Session, units: np.ndarray) -> Float[np.ndarray, "intervals 2"]:
    """When at least one of these units was observed."""
    return merged(np.concatenate(unit_intervals(session, units)))


def observed_mask(
    session: Session,
    units: np.ndarray,
    t0_s: Float[np.ndarray, " trials"],
    own_s: Float[np.ndarray, "trials 2"],
    window: Window,
) -> Bool[np.ndarray, "trials steps #units"]:
    """Steps that lie fully inside one observed interval of the trial's own.

    ``t0_s``: start of each window. ``own_s``: start and stop of each trial; observed intervals that do not touch
    it belong to other trials, whose spikes must not come in as this one's. Units observed alike share one mask.
    """
    intervals = unit_intervals(session, units)
    groups: dict[bytes, list[int]] = {}
    for place, own in enumerate(intervals):
        groups.setdefault(own.tobytes(), []).append(place)
    masks = [interval_mask(intervals[places[0]], t0_s, own_s, window) for places in groups.values()]
    if len(masks) == 1:
        return masks[0][..., None]
    mask = np.empty((*masks[0].shape, len(units)), bool)
    for places, one in zip(groups.values(), masks, strict=True):
        mask[..., places] = one[..., None]
    return mask


def interval_mask(
    intervals: Float[np.ndarray, "intervals 2"],
    t0_s: Float[np.ndarray, " trials"],
    own_s: Float[np.ndarray, "trials 2"],
    window: Window,
) -> Bool[np.ndarray, "trials steps"]:
    """The mask that one unit's intervals leave; see ``observed_mask``."""
    bin_s, n_steps = window.bin_size_s, window.n_steps
    tolerance = edge_tolerance(bin_s, float(np.abs(t0_s).max(initial=0.0)))
    tolerance_s = tolerance * bin_s
    start, stop = merged(intervals, tolerance_s).T
    first_s, last_s = t0_s - window.lead * bin_s, t0_s + window.n_bins * bin_s
    lo = np.searchsorted(stop, np.maximum(first_s, own_s[:, 0] - tolerance_s))
    hi = np.searchsorted(start, np.minimum(last_s, own_s[:, 1] + tolerance_s), side="right")
    n = np.maximum(hi - lo, 0)
    trial = np.repeat(np.arange(len(t0_s)), n)
    interval = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(lo, n)
    opens = np.ceil((start[interval] - t0_s[trial]) / bin_s - tolerance) + window.lead
    closes = np.floor((stop[interval] - t0_s[trial]) / bin_s + tolerance) + window.lead
    opens = np.clip(opens, 0, n_steps).astype(int)
    closes = np.maximum(np.clip(closes, 0, n_steps).astype(int), opens)  # shorter than a bin: opens nothing
    change = np.zeros((len(t0_s), n_steps + 1), np.int8)
    np.add.at(change, (trial, opens), 1)
    np.add.at(change, (trial, closes), -1)
    observed: np.ndarray = np.cumsum(change[:, :-1], axis=1, dtype=np.int8) > 0
    return observed
