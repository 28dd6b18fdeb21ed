"""How well the trial average is known, and how much of it there is to know: ceilings of what predicts it.

Whatever predicts a mean response from condition and time alone cannot be expected to follow the measured one
better than the true one does. All numbers here are about windows of 20 ms, within which a rate counts as constant.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    halves = dealt_halves(groups, rng, n_splits=n_splits)
    return WindowCounts.of(counts, mask, bin_size_s, window_s=window_s).ceiling(groups, halves)


class WindowCounts:
    """Spikes and observed bins of each trial in windows, from which ceilings are reckoned again and again."""

    def __init__(
        self,
        spikes: Float[np.ndarray, "trials windows units"],
        observed: Float[np.ndarray, "trials windows #units"],
        size: int,
    ) -> None:
        self.spikes, self.observed, self.size = spikes, observed, size

    @classmethod
    def of(
        cls,
        counts: np.ndarray,
        mask: Bool[np.ndarray, "trials bins #units"],
        bin_size_s: float,
        *,
        window_s: float = WINDOW_S,
    ) -> WindowCounts:
        """Sums over windows of ``window_s``, one bin at least; what is left at the end belongs to the last."""
        return cls.of_trials(counts, counts.shape[2], mask, bin_size_s, window_s=window_s)

    @classmethod
    def of_trials(
        cls,
        counts: Iterable[np.ndarray],
        n_units: int,
        mask: Bool[np.ndarray, "trials bins #units"],
        bin_size_s: float,
        *,
        window_s: float = WINDOW_S,
    ) -> WindowCounts:
        """The same of trials (bins, units) that come one at a time."""
        n_trials, n_bins = mask.shape[:2]
        size = min(max(1, round(window_s / bin_size_s)), n_bins)
        starts = np.arange(n_bins // size) * size
        spikes = np.empty((n_trials, starts.size, n_units))
        for sums, seen, of_trial in zip(spikes, mask, counts, strict=True):
            np.add.reduceat(np.where(seen, of_trial, 0), starts, axis=0, dtype=np.float64, out=sums)
        return cls(spikes, np.add.reduceat(mask, starts, axis=1, dtype=np.float64), size)

    def select(self, trials: np.ndarray) -> WindowCounts:
        """Only these trials."""
        return WindowCounts(self.spikes[trials], self.observed[trials], self.size)

    def rates(self, groups: Int[np.ndarray, " trials"]) -> Float[np.ndarray, "points units"]:
        """Spikes per observed bin of every group and window; NaN where never observed."""
        rates: Float[np.ndarray, "points units"] = self._rates((groups == np.unique(groups)[:, None])[None])[0]
        return rates

    def _rates(
        self, members: Bool[np.ndarray, "splits groups trials"]
    ) -> Float[np.ndarray, "splits points units"]:
        n, seen = (
            np.tensordot(members.astype(np.float64), values, axes=1) for values in (self.spikes, self.observed)
        )  # sums of whole numbers: exact in any order
        rates: Float[np.ndarray, "splits points units"] = ratio(n, seen).reshape(len(members), -1, n.shape[-1])
        return rates

    def ceiling(
        self,
        groups: Int[np.ndarray, " trials"],
        halves: Bool[np.ndarray, "splits trials"],
        *,
        share: float = 1.0,
    ) -> Float[np.ndarray, " units"]:
        """See ``noise_ceiling``: of the averages over each group's trials, dealt into these halves.

        ``share``: of the averages over that share of each group's trials, by the same formula for k = 2 share
        halves: sqrt(k r / (1 + (k - 1) r)).
        """
        members = groups == np.unique(groups)[:, None]
        first, second = (self._rates(members & half[:, None]) for half in (halves, ~halves))
        correlations = correlation(first, second)
        known = np.isfinite(correlations)
        r = ratio(np.where(known, correlations, 0.0).sum(axis=0), known.sum(axis=0))
        r = np.maximum(r, 0.0)
        ceiling: Float[np.ndarray, " units"] = np.sqrt(2 * share * r / (1 + (2 * share - 1) * r))
        return ceiling


def reached_correlation(
    measured: WindowCounts,
    predicted: WindowCounts,
    condition: Int[np.ndarray, " trials"],
    fold: Int[np.ndarray, " trials"],
    halves: Bool[np.ndarray, "splits trials"],
) -> tuple[Float[np.ndarray, " units"], Float[np.ndarray, " units"]]:
    """Correlation of the predicted with the measured mean response, and the highest that the true one can reach.

    ``predicted``: expected counts of trials of whose spikes nothing was known, in the windows of ``measured``.
    Averages run over the trials of one condition and one fold: what predicts another fold's trials was fitted to
    these. ``halves`` of each condition's trials, for the ceiling of averages of so few. Their ratio is 1 where all
    of the explainable mean response is predicted; by chance it may be more.

    Source: Schoppe et al. 2016, Front Comput Neurosci 10:10 (normalised correlation coefficient); the ceiling is
    that of Hsu, Borst & Theunissen 2004, Network 15:91.
    """
    groups = condition + (int(condition.max(initial=0)) + 1) * fold
    ceiling = measured.ceiling(condition, halves, share=1.0 / np.unique(fold).size)
    return correlation(predicted.rates(groups), measured.rates(groups)), ceiling


def dealt_halves(
    groups: Int[np.ndarray, " trials"], rng: np.random.Generator, *, n_splits: int
) -> Bool[np.ndarray, "splits trials"]:
    """Half of each group's trials at random, again and again; of an odd number, one more on a random side."""
    first = np.zeros((n_splits, groups.size), bool)
    for split in range(n_splits):
        for code in np.unique(groups):
            members = rng.permutation(np.flatnonzero(groups == code))
            first[split, members[: (members.size + rng.integers(2)) // 2]] = True
    return first


def correlation(
    first: Float[np.ndarray, "*splits points units"], second: Float[np.ndarray, "*splits points units"]
) -> Float[np.ndarray, "*splits units"]:
    """Pearson's, over the points at which both are known; NaN where either does not vary."""
    both = np.isfinite(first) & np.isfinite(second)
    n = both.sum(axis=-2, keepdims=True)
    one, other = (
        np.where(both, values - ratio(np.where(both, values, 0.0).sum(axis=-2, keepdims=True), n), 0.0)
        for values in (first, second)
    )
    return ratio((one * other).sum(axis=-2), np.sqrt((one**2).sum(axis=-2) * (other**2).sum(axis=-2)))
