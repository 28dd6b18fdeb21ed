"""How well the trial average is known: the ceiling for whatever predicts it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.metrics._ratio import ratio

WINDOW_S = 0.02


def noise_ceiling(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    rng: np.random.Generator,
    *,
    condition: Int[np.ndarray, " trials"] | None = None,
    window_s: float = WINDOW_S,
    n_splits: int = 50,
) -> Float[np.ndarray, " units"]:
    """Highest correlation that the true PSTH itself can be expected to reach with the measured one, per unit.

    The trials of each condition are dealt into two halves at random; r is the correlation of the halves' PSTHs
    over windows of ``window_s`` and conditions, averaged over ``n_splits`` deals. The ceiling sqrt(2 r / (1 + r))
    is that of the average over all trials; 0 where r is not above 0. NaN where no two halves vary.

    Source: Spearman 1910 and Brown 1910, Br J Psychol 3:271 and 3:296; for PSTHs Hsu, Borst & Theunissen 2004,
    Network 15:91.
    """
    groups = np.zeros(counts.shape[0], int) if condition is None else condition
    spikes, observed = _windows(counts, mask, max(1, round(window_s / bin_size_s)))
    correlations = np.full((n_splits, counts.shape[2]), np.nan)
    for split in range(n_splits):
        first = _halves(groups, rng)
        halves = [_psth(spikes, observed, groups, half) for half in (first, ~first)]
        correlations[split] = _correlation(*halves)
    known = np.isfinite(correlations)
    r = ratio(np.where(known, correlations, 0.0).sum(axis=0), known.sum(axis=0))
    r = np.maximum(r, 0.0)
    ceiling: Float[np.ndarray, " units"] = np.sqrt(2 * r / (1 + r))
    return ceiling


def _windows(
    counts: np.ndarray, mask: np.ndarray, size: int
) -> tuple[Float[np.ndarray, "trials windows units"], Float[np.ndarray, "trials windows #units"]]:
    """Spikes and observed bins in windows of ``size`` bins; what is left over at the end belongs to the last."""
    size = min(size, counts.shape[1])
    starts = np.arange(counts.shape[1] // size) * size
    spikes = np.empty((counts.shape[0], starts.size, counts.shape[2]))
    for trial in range(counts.shape[0]):
        n = np.where(mask[trial], counts[trial], 0)
        spikes[trial] = np.add.reduceat(n, starts, axis=0, dtype=np.float64)
    return spikes, np.add.reduceat(mask, starts, axis=1, dtype=np.float64)


def _halves(groups: np.ndarray, rng: np.random.Generator) -> Bool[np.ndarray, " trials"]:
    """Half of each condition's trials at random; of an odd number, one more on a random side."""
    first = np.zeros(groups.size, bool)
    for code in np.unique(groups):
        members = rng.permutation(np.flatnonzero(groups == code))
        first[members[: (members.size + rng.integers(2)) // 2]] = True
    return first


def _psth(
    spikes: np.ndarray, observed: np.ndarray, groups: np.ndarray, chosen: np.ndarray
) -> Float[np.ndarray, "points units"]:
    """Spikes per observed bin of every condition and window over the chosen trials; NaN where never observed."""
    rates = [
        ratio(spikes[members].sum(axis=0), observed[members].sum(axis=0))
        for members in ((groups == code) & chosen for code in np.unique(groups))
    ]
    return np.concatenate(rates, axis=0)


def _correlation(first: np.ndarray, second: np.ndarray) -> Float[np.ndarray, " units"]:
    both = np.isfinite(first) & np.isfinite(second)
    n = both.sum(axis=0)
    one, other = (
        np.where(both, values - ratio(np.where(both, values, 0.0).sum(axis=0), n), 0.0)
        for values in (first, second)
    )
    return ratio((one * other).sum(axis=0), np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0)))
