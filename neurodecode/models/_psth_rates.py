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
        rates = [toward]
        for counts, observed in zip(self.spikes.smooth, self.trials.smooth, strict=True):
            n, seen = counts[self.groups], observed[self.groups]
            if pooled:
                n, seen = n.sum(axis=1, keepdims=True), seen.sum(axis=1, keepdims=True)
            n_all, seen_all = n.sum(axis=0), seen.sum(axis=0)
            # Rounding leaves -1e-17 where a group was all there is.
            others, seen_others = np.maximum(n_all - n, 0.0), np.maximum(seen_all - seen, 0.0)
            without = shrunk_rate(others, seen_others, toward.without, pseudo_trials, size)
            rates.append(Rate(without, shrunk_rate(n_all, seen_all, toward.whole, pseudo_trials, size)))
        return rates

    def log_likelihood(self, rate_hz: np.ndarray) -> float:
        """Of these groups' trials, up to a constant."""
        n, seen_s = self.own
        at = np.nonzero(n)  # logs are taken where there are spikes only
        everywhere = np.broadcast_to(rate_hz, n.shape)
        return float(n[at] @ np.log(everywhere[at]) - np.vdot(seen_s, everywhere))

    def per_bin(self, rate_hz: np.ndarray) -> Float[np.ndarray, "groups bins"]:
        """The same per group and bin, over conditions."""
        n, seen_s = self.own
        terms: np.ndarray = (n * np.log(rate_hz) - seen_s * rate_hz).sum(axis=1)
        return terms
