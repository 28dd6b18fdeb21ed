"""How a spike changes the chance of another, lag by lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.metrics._ratio import ratio


@dataclass(frozen=True, eq=False)
class Autocorrelation:
    """rate_hz: (units, lags) mean rate at ``lags_s`` after (or before) a spike; NaN for silent units."""

    lags_s: Float[np.ndarray, " lags"]
    rate_hz: Float[np.ndarray, "units lags"]


def autocorrelation(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    *,
    max_s: float = 0.1,
) -> Autocorrelation:
    """Autocorrelogram of each unit at lags of 1 bin to ``max_s``, as a rate.

    At lag k: mean of n(t) n(t + k) over the pairs of bins of a trial that were both observed, over the unit's mean
    count, over the bin. The PSTH stays in it, as real and sampled trains share it.

    Source: Perkel, Gerstein & Moore 1967, Biophys J 7:391.
    """
    n_bins, n_units = counts.shape[1:]
    longest = min(n_bins - 1, max(1, round(max_s / bin_size_s)))
    products, pairs = np.zeros((2, n_units, longest + 1))
    total, observed = np.zeros((2, n_units))
    for trial in range(counts.shape[0]):
        seen = mask[trial]
        n = np.where(seen, counts[trial], 0)
        products += _products(n, longest)
        pairs += _pairs(seen, longest)
        total += n.sum(axis=0)
        observed += seen.sum(axis=0)
    mean = total / np.maximum(observed, 1)
    rate = ratio(products, pairs * mean[:, None] * bin_size_s)
    return Autocorrelation(lags_s=np.arange(1, longest + 1) * bin_size_s, rate_hz=rate[:, 1:])


def _products(n: np.ndarray, longest: int) -> Float[np.ndarray, "units lags"]:
    """Sum over t of n(t) n(t + k), from pairs of spikes: most bins are empty."""
    n_units = n.shape[1]
    found = np.zeros(n_units * (longest + 1))
    unit, row = np.nonzero(n.T)
    held = n[row, unit].astype(np.float64)
    for apart in range(1, unit.size):
        lag = row[apart:] - row[:-apart]
        near = (unit[apart:] == unit[:-apart]) & (lag <= longest)
        if not near.any():
            break
        place = (unit[apart:] * (longest + 1) + lag)[near]
        found += np.bincount(place, weights=(held[apart:] * held[:-apart])[near], minlength=found.size)
    return found.reshape(n_units, longest + 1)


def _pairs(seen: np.ndarray, longest: int) -> Int[np.ndarray, "#units lags"]:
    """Pairs of observed bins k apart."""
    n_bins = len(seen)
    if seen.all():
        return np.broadcast_to(n_bins - np.arange(longest + 1), (seen.shape[1], longest + 1))
    return np.stack([(seen[: n_bins - k] & seen[k:]).sum(axis=0) for k in range(longest + 1)], axis=1)
