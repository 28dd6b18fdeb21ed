"""Spike history as features: single recent bins, and exponential traces of log-spaced time constants.

Both are recursive, so that the same basis serves a whole trial at once and a simulation step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

from neurodecode.data.trials import Trials


@dataclass(frozen=True)
class HistoryBasis:
    """``n_lags`` recent bins, then one trace for each of ``decays`` (its factor per step, in (0, 1)).

    Trace k before step t is (1 - a_k) sum_j a_k^(j-1) n(t - j), j >= 1: a weighted mean of the past counts, whose
    weights are the discrete exponential filters of Pillow et al. (2008, Nature 454:995) in their simplest form.
    """

    n_lags: int
    decays: tuple[float, ...]

    @classmethod
    def log_spaced(cls, bin_size_s: float, *, n_lags: int, longest_s: float, ratio: float = 2.0) -> HistoryBasis:
        """Time constants ``longest_s``, ``longest_s`` / ``ratio``, ... down to two bins."""
        time_constants = []
        tau = longest_s
        while tau >= 2.0 * bin_size_s:
            time_constants.append(tau)
            tau /= ratio
        return cls(n_lags, tuple(float(np.exp(-bin_size_s / t)) for t in sorted(time_constants)))

    @property
    def n_features(self) -> int:
        """Features per unit."""
        return self.n_lags + len(self.decays)

    def transform(
        self, counts: Float[np.ndarray, "trials steps units"], before: Float[np.ndarray, " units"]
    ) -> Float[np.ndarray, "trials steps units features"]:
        """Features of each step from the counts of earlier steps; ``before``: counts per bin before the first."""
        n_trials, n_steps, n_units = counts.shape
        features = np.empty((n_trials, n_steps, n_units, self.n_features), np.float32)
        for lag in range(1, self.n_lags + 1):
            features[:, :lag, :, lag - 1] = before
            features[:, lag:, :, lag - 1] = counts[:, : n_steps - lag]
        # Time last and contiguous: the filter runs along it.
        by_unit = np.ascontiguousarray(np.moveaxis(counts, 1, 2), dtype=np.float32)
        for k, decay in enumerate(self.decays):
            start = np.broadcast_to(before.astype(np.float32)[:, None], (n_trials, n_units, 1))
            gain, a = np.float32(1.0 - decay), np.float32(decay)
            trace, _ = lfilter(np.array([0.0, gain], np.float32), np.array([1.0, -a]), by_unit, zi=start)
            features[..., self.n_lags + k] = np.moveaxis(trace, 2, 1)
        return features

    def state(self, n_trials: int, before: Float[np.ndarray, " units"]) -> HistoryState:
        """Features before the first step, to be run forward."""
        shape = (n_trials, before.size, self.n_features)
        features = np.broadcast_to(before[None, :, None], shape).astype(np.float64)
        return HistoryState(self, features)


@dataclass
class HistoryState:
    """The features of the current step; ``push`` moves on to the next."""

    basis: HistoryBasis
    features: Float[np.ndarray, "trials units features"]

    def push(self, counts: Float[np.ndarray, "trials units"]) -> None:
        """Take in the counts of the current step."""
        n_lags, decays = self.basis.n_lags, np.array(self.basis.decays)
        old = self.features
        new = np.empty_like(old)
        if n_lags:
            new[..., 0] = counts
            new[..., 1:n_lags] = old[..., : n_lags - 1]
        new[..., n_lags:] = decays * old[..., n_lags:] + (1.0 - decays) * counts[..., None]
        self.features = new


def mean_count(trials: Trials) -> Float[np.ndarray, " units"]:
    """Mean count per observed bin and unit, lead included; half a spike is added so that it is never 0."""
    observed = np.broadcast_to(trials.mask, trials.counts.shape).sum(axis=(0, 1), dtype=np.int64)
    spikes = trials.counts.sum(axis=(0, 1), dtype=np.int64, where=trials.mask)
    filled: Float[np.ndarray, " units"] = (spikes + 0.5) / np.maximum(observed, 1)
    return filled


def observed_counts(trials: Trials, fill: Float[np.ndarray, " units"]) -> Float[np.ndarray, "trials steps units"]:
    """Counts with ``fill`` where nothing was recorded: the unobserved past is not silence."""
    return np.where(trials.mask, trials.counts, fill).astype(np.float32)
