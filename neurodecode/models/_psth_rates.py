"""Rates from sums over groups of trials: without each group in turn, and from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from neurodecode.likelihood import rate_of_totals
from neurodecode.models._smoothing import Smoother

# Trials' worth of the level above that every rate holds: what keeps it above 0 where no spike was ever seen.
FLOOR_TRIALS = 0.05


def shrunk_rate(
    counts: np.ndarray, observed: np.ndarray, toward_hz: np.ndarray, pseudo_trials: float, bin_size_s: float
) -> np.ndarray:
    """Rate (Hz) of smoothed counts over smoothed numbers of observed trials, shrunk toward another rate.

    The posterior mean under a Gamma prior worth ``pseudo_trials`` (and FLOOR_TRIALS more) of ``toward_hz``.
    """
    weight = pseudo_trials + FLOOR_TRIALS
    rate: np.ndarray = (counts / bin_size_s + weight * toward_hz) / (observed + weight)
    return rate


@dataclass(frozen=True, eq=False)
class Rate:
    """A rate (Hz) estimated without each group, (groups, conditions or 1, bins), and from all of them."""

    without: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of groups' trials in the window, as they are and smoothed."""

    plain: Float[np.ndarray, "groups conditions bins"]
    smooth: Float[np.ndarray, "bandwidths groups conditions bins"]

    def left_out(self, groups: Int[np.ndarray, " groups"], *, pooled: bool) -> tuple[np.ndarray, np.ndarray]:
        """Smoothed sums over some groups (bandwidths, conditions or 1, bins), and without each of these in turn
        (bandwidths, groups, conditions or 1, bins); kept, since units that are observed alike share theirs."""
        key = groups.tobytes(), pooled
        if key not in self._kept:
            own = (self._pooled if pooled else self.smooth)[:, groups]
            total = own.sum(axis=1)
            rest = np.subtract(total[:, None], own, out=own)
            # Rounding leaves -1e-17 where a group was all there is.
            self._kept[key] = total, np.maximum(rest, 0.0, out=rest)
        return self._kept[key]

    @cached_property
    def _pooled(self) -> Float[np.ndarray, "bandwidths groups one bins"]:
        pooled: np.ndarray = self.smooth.sum(axis=2, keepdims=True)
        return pooled

    @cached_property
    def _kept(self) -> dict[tuple[bytes, bool], tuple[np.ndarray, np.ndarray]]:
        return {}

    @classmethod
    def of(cls, sums: np.ndarray, smoother: Smoother, bandwidths: Sequence[float]) -> Sums:
        window = slice(smoother.lead, None)
        smooth = np.stack([one[..., window] for one in smoother.at_each(sums, bandwidths)])
        return cls(sums[..., window], smooth)


@dataclass(frozen=True, eq=False)
class Groups:
    """Some groups of trials, to be left out in turn."""

    spikes: Sums
    trials: Sums
    groups: Int[np.ndarray, " groups"]
    bin_size_s: float

    def some(self, groups: np.ndarray) -> Groups:
        """Only these."""
        return Groups(self.spikes, self.trials, groups, self.bin_size_s)

    @cached_property
    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """Spikes and observed time (s) of each group (groups, conditions, bins)."""
        return self.spikes.plain[self.groups], self.trials.plain[self.groups] * self.bin_size_s

    @cached_property
    def _own_pooled(self) -> tuple[np.ndarray, np.ndarray]:
        n, seen_s = (values.sum(axis=1, keepdims=True) for values in self.own)
        return n, seen_s

    @cached_property
    def _at_spikes(self) -> dict[bool, tuple[np.ndarray, np.ndarray]]:
        """Where spikes are in ``own``, flat, and how many; of conditions (False) and pooled over them (True)."""
        found = {}
        for pooled, (n, _) in ((False, self.own), (True, self._own_pooled)):
            flat = np.flatnonzero(n)
            found[pooled] = flat, n.ravel()[flat]
        return found

    @property
    def n_conditions(self) -> int:
        """Number of conditions."""
        return int(self.spikes.plain.shape[1])

    @property
    def n_spikes(self) -> float:
        """Of all these groups together."""
        return float(self.own[0].sum())

    def mean_hz(self) -> Rate:
        """The mean rate."""
        n, seen_s = (values.sum(axis=(1, 2))[:, None, None] for values in self.own)
        n_all, seen_all = n.sum(axis=0), seen_s.sum(axis=0)
        return Rate(rate_of_totals(n_all - n, seen_all - seen_s), rate_of_totals(n_all, seen_all))

    def rates_hz(self, toward: Rate, pseudo_trials: float, *, pooled: bool = False) -> list[Rate]:
        """``toward`` itself, then the rate at each bandwidth, of the conditions or ``pooled`` over them."""
        size = self.bin_size_s
        (n_all, n), (seen_all, seen) = (s.left_out(self.groups, pooled=pooled) for s in (self.spikes, self.trials))
        rates = [toward]
        for place in range(len(n)):
            without = shrunk_rate(n[place], seen[place], toward.without, pseudo_trials, size)
            whole = shrunk_rate(n_all[place], seen_all[place], toward.whole, pseudo_trials, size)
            rates.append(Rate(without, whole))
        return rates

    def best_of_bandwidths(self, toward: Rate, pseudo_trials: Sequence[float]) -> list[float]:
        """For each shrinkage of the conditions, the log-likelihood of left-out groups at the best bandwidth.

        As of ``rates_hz`` and ``log_likelihood``, without keeping the rates: they are many.
        """
        best = np.full(len(pseudo_trials), -np.inf)
        observed_s = self.own[1]
        flat, n_spikes = self._at_spikes[False]
        rate, weight_seen = np.empty((2, *observed_s.shape))
        (_, others), (_, seen) = (s.left_out(self.groups, pooled=False) for s in (self.spikes, self.trials))
        for n, seen_others in zip(others, seen, strict=True):
            others_hz = n / self.bin_size_s
            for place, k in enumerate(pseudo_trials):
                weight = k + FLOOR_TRIALS
                np.add(others_hz, weight * toward.without, out=rate)
                np.add(seen_others, weight, out=weight_seen)
                np.divide(rate, weight_seen, out=rate)
                score = n_spikes @ np.log(rate.ravel()[flat]) - np.vdot(observed_s, rate)
                best[place] = max(best[place], float(score))
        return best.tolist()

    def log_likelihood(self, rate_hz: np.ndarray) -> float:
        """Of these groups' trials, up to a constant, under rates (groups or 1, conditions or 1, bins)."""
        pooled = rate_hz.ndim < 2 or rate_hz.shape[-2] == 1
        n, seen_s = self._own_pooled if pooled else self.own
        flat, n_spikes = self._at_spikes[pooled]  # logs are taken where there are spikes only
        everywhere = np.ascontiguousarray(np.broadcast_to(rate_hz, n.shape))
        return float(n_spikes @ np.log(everywhere.ravel()[flat]) - np.vdot(seen_s, everywhere))

    def per_bin(self, rate_hz: np.ndarray) -> Float[np.ndarray, "groups bins"]:
        """The same per group and bin, over conditions."""
        pooled = rate_hz.ndim < 2 or rate_hz.shape[-2] == 1
        n, seen_s = self._own_pooled if pooled else self.own
        flat, n_spikes = self._at_spikes[pooled]
        n_groups, n_conditions, n_bins = n.shape
        everywhere = np.broadcast_to(rate_hz, n.shape)
        terms: np.ndarray = np.einsum("gcb,gcb->gb", seen_s, everywhere)
        np.negative(terms, out=terms)
        of_spikes = n_spikes * np.log(np.ascontiguousarray(everywhere).ravel()[flat])
        cell = flat // (n_conditions * n_bins) * n_bins + flat % n_bins
        terms += np.bincount(cell, of_spikes, minlength=n_groups * n_bins).reshape(n_groups, n_bins)
        return terms
