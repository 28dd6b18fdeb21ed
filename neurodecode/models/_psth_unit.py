"""The PSTH of one unit: from sums over conditions to rates, with or without a trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from neurodecode.likelihood import rate_of_totals
from neurodecode.models._psth_rates import shrunk_rate
from neurodecode.models._smoothing import Smoother

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class UnitPSTH:
    """Spikes and observed trials of each condition and step, and how they become rates.

    The grand mean and then the rate of a condition is an average of what it is shrunk toward (the mean rate; the
    grand mean) and of its own estimates at each of ``bandwidths`` (steps), by weights that follow time.
    ``shrinkage_trials`` of the conditions; infinite: the grand mean alone.
    """

    smoother: Smoother
    bin_size_s: float
    counts: Float[np.ndarray, "conditions steps"]
    observed: Float[np.ndarray, "conditions steps"]
    bandwidths: tuple[float, ...]
    grand_weights: Float[np.ndarray, "estimates steps"]
    weights: Float[np.ndarray, "estimates steps"]
    shrinkage_trials: float

    def rates_hz(self) -> Float[np.ndarray, "conditions steps"]:
        """Rate of each condition; the grand mean where a condition had no trial."""
        nothing = np.zeros((1, self.smoother.n_steps))
        return self.without(nothing, nothing, np.arange(self.counts.shape[0]))

    def without(
        self,
        counts: Float[np.ndarray, "#trials steps"],
        observed: Float[np.ndarray, "#trials steps"],
        condition: Int[np.ndarray, " trials"],
    ) -> Float[np.ndarray, "trials steps"]:
        """Rate of each trial's condition when these spikes and observations are taken out of all sums."""
        own = list(zip(self._at_each(counts), self._at_each(observed), strict=True))
        window = np.s_[..., self.smoother.lead :]
        n, seen = (
            (sums.sum(axis=0) - mine)[window].sum(axis=-1, keepdims=True)
            for sums, mine in ((self.counts, counts), (self.observed, observed))
        )
        mean_hz = rate_of_totals(*np.broadcast_arrays(n, seen * self.bin_size_s))
        pooled = [(spikes.sum(axis=0), trials.sum(axis=0)) for spikes, trials in self._smooth]
        grand_hz = self._average(self.grand_weights, pooled, own, mean_hz, 0.0)
        rate_hz = grand_hz
        if np.isfinite(self.shrinkage_trials):
            here = [(spikes[condition], trials[condition]) for spikes, trials in self._smooth]
            rate_hz = self._average(self.weights, here, own, grand_hz, self.shrinkage_trials)
        return np.broadcast_to(rate_hz, (condition.size, self.smoother.n_steps))

    def _average(
        self, weights: np.ndarray, sums: list[Pair], own: list[Pair], toward_hz: np.ndarray, shrinkage: float
    ) -> np.ndarray:
        rate: np.ndarray = weights[0] * toward_hz
        for weight, (counts, observed), (mine, seen) in zip(weights[1:], sums, own, strict=True):
            if weight.any():
                # Rounding leaves -1e-17 where a trial was all there is.
                n, trials = np.maximum(counts - mine, 0.0), np.maximum(observed - seen, 0.0)
                rate = rate + weight * shrunk_rate(n, trials, toward_hz, shrinkage, self.bin_size_s)
        return rate

    @cached_property
    def _smooth(self) -> list[Pair]:
        return list(zip(self._at_each(self.counts), self._at_each(self.observed), strict=True))

    def _at_each(self, series: np.ndarray) -> Iterator[np.ndarray]:
        return self.smoother.at_each(series, self.bandwidths)
