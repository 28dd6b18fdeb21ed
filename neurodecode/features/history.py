"""Spike history as features: single recent bins, and the logs of exponential traces of log-spaced time constants.

Both are recursive, so that the same basis serves a whole trial at once and a simulation step by step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

from neurodecode.data.trials import Trials


@dataclass(frozen=True)
class HistoryBasis:
    """``n_lags`` recent bins, then one trace for each of ``decays`` (its factor per step, in (0, 1)).

    Trace k before step t is a weighted mean of past counts, s_k = (1 - a_k) sum_j a_k^(j-1) n(t - j), j >= 1. It
    enters as log(1 + s_k / mean). In a model whose log-rate is linear in its features, the rate is then a power of
    its recent past, which settles where the power is below 1; were it an exponential of the trace itself, a model
    that predicts well could still excite itself without bound when it samples (on such instability: Gerhard, Deger
    & Truccolo 2017, PLoS Comput Biol 13:e1005390). A recent bin enters as log2(1 + n) for the same reason: 0 and 1
    stay what they are, and a sampled bin of many spikes does not weigh as many times one. See docs/decisions.
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
        self, counts: Float[np.ndarray, "trials steps units"], mean: Float[np.ndarray, " units"]
    ) -> Float[np.ndarray, "trials steps units features"]:
        """Features of each step from the counts of earlier steps.

        ``mean`` counts per bin of each unit: what stood before the first step, and what traces are measured by.
        """
        n_trials, n_steps, n_units = counts.shape
        features = np.empty((n_trials, n_steps, n_units, self.n_features), np.float32)
        for lag in range(1, self.n_lags + 1):
            features[:, :lag, :, lag - 1] = np.log2(1.0 + mean)
            features[:, lag:, :, lag - 1] = np.log2(1.0 + counts[:, : n_steps - lag])
        # Time last and contiguous: the filter runs along it. A steady train at the mean has a trace of 1.
        relative = counts / np.maximum(mean, np.finfo(np.float32).tiny)
        by_unit = np.ascontiguousarray(np.moveaxis(relative, 1, 2), dtype=np.float32)
        start = np.ones((n_trials, n_units, 1), np.float32)
        for k, decay in enumerate(self.decays):
            gain, a = np.float32(1.0 - decay), np.float32(decay)
            trace, _ = lfilter(np.array([0.0, gain], np.float32), np.array([1.0, -a]), by_unit, zi=start)
            features[..., self.n_lags + k] = np.moveaxis(np.log1p(trace), 2, 1)
        return features

    def state(self, n_trials: int, mean: Float[np.ndarray, " units"]) -> HistoryState:
        """The history before the first step, to be run forward."""
        lags = np.tile(np.log2(1.0 + mean)[None, :, None], (n_trials, 1, self.n_lags))
        traces = np.ones((n_trials, mean.size, len(self.decays)))
        return HistoryState(self, mean, lags, traces)


@dataclass
class HistoryState:
    """The history at the current step; ``push`` moves on to the next. ``traces`` are relative to ``mean``."""

    basis: HistoryBasis
    mean: Float[np.ndarray, " units"]
    lags: Float[np.ndarray, "trials units lags"]
    traces: Float[np.ndarray, "trials units traces"]

    @property
    def features(self) -> Float[np.ndarray, "trials units features"]:
        """What ``transform`` gives for this step."""
        return np.concatenate([self.lags, np.log1p(self.traces)], axis=2)

    def repeated(self, times: int) -> HistoryState:
        """A state of its own in which each trial stands ``times`` times in a row."""
        lags, traces = (np.repeat(values, times, axis=0) for values in (self.lags, self.traces))
        return replace(self, lags=lags, traces=traces)

    def push(self, counts: Float[np.ndarray, "trials units"]) -> None:
        """Take in the counts of the current step."""
        if self.basis.n_lags:
            self.lags = np.concatenate([np.log2(1.0 + counts)[..., None], self.lags[..., :-1]], axis=2)
        decays = np.array(self.basis.decays)
        relative = counts / np.maximum(self.mean, np.finfo(np.float32).tiny)
        self.traces = decays * self.traces + (1.0 - decays) * relative[..., None]


def mean_count(trials: Trials) -> Float[np.ndarray, " units"]:
    """Mean count per observed bin and unit, lead included; half a spike is added so that it is never 0."""
    observed = np.broadcast_to(trials.mask, trials.counts.shape).sum(axis=(0, 1), dtype=np.int64)
    spikes = trials.counts.sum(axis=(0, 1), dtype=np.int64, where=trials.mask)
    filled: Float[np.ndarray, " units"] = (spikes + 0.5) / np.maximum(observed, 1)
    return filled


def observed_counts(trials: Trials, fill: Float[np.ndarray, " units"]) -> Float[np.ndarray, "trials steps units"]:
    """Counts with ``fill`` where nothing was recorded: the unobserved past is not silence."""
    counts = np.empty(trials.counts.shape, np.float32)
    counts[:] = fill
    np.copyto(counts, trials.counts, where=trials.mask)
    return counts
