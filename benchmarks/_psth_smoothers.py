"""The usual ways to smooth a PSTH, from the same sums over trials: kernels and splines, shrunk or not.

Each gives rates (Hz) of conditions over the window. What is chosen is chosen within the trials it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from elephant.statistics import optimal_kernel_bandwidth

from neurodecode.data.trials import Trials
from neurodecode.likelihood import rate_of_totals
from neurodecode.models._groups import deal_groups, grouped_sums
from neurodecode.models._psth_rates import shrunk_rate
from neurodecode.models._smoothing import Smoother, bandwidth_grid
from neurodecode.models._splines import fit_time_course

N_GROUPS, N_BANDWIDTHS = 10, 8
FIXED_TRIALS = 4.0  # pseudo-trials of the grand mean, where shrinkage is not estimated
ESTIMATED_TRIALS = (64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.0)
SPLINES, PENALTIES, N_SPLINE_GROUPS = 40, (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5), 5  # as in models/poisson.py


@dataclass(frozen=True, eq=False)
class UnitSums:
    """One unit: spikes and observed trials (groups, conditions, steps), to be left out group by group."""

    trials: Trials
    unit: int

    @cached_property
    def group(self) -> np.ndarray:
        return deal_groups(self.trials.condition, N_GROUPS)

    @cached_property
    def plain(self) -> tuple[np.ndarray, np.ndarray]:
        mask = self.trials.mask[..., self.unit if self.trials.mask.shape[2] > 1 else 0]
        counts = self.trials.counts[..., self.unit] * mask
        args = (self.group, self.trials.condition, self.trials.n_conditions)
        return grouped_sums(counts, *args), grouped_sums(mask, *args)

    @property
    def window(self) -> tuple[np.ndarray, np.ndarray]:
        """Spikes and observed time (s) of each group, condition and bin."""
        n, seen = (values[..., self.trials.lead :] for values in self.plain)
        return n, seen * self.trials.bin_size_s

    def smoothed(self, bandwidth: float) -> tuple[np.ndarray, np.ndarray]:
        """The sums smoothed at a bandwidth (steps), in the window."""
        smoother = Smoother("gaussian", self.trials.n_steps, self.trials.lead)
        n, seen = (next(iter(smoother.at_each(values, [bandwidth]))) for values in self.plain)
        return n[..., self.trials.lead :], seen[..., self.trials.lead :]

    def rates_hz(self, bandwidth: float, toward: tuple[np.ndarray, np.ndarray], pseudo_trials: float):
        """At one bandwidth, shrunk: without each group (groups, conditions, bins), and from all of them."""
        return self._rates(*self.smoothed(bandwidth), toward, pseudo_trials)

    def grand_hz(self, bandwidth: float) -> tuple[np.ndarray, np.ndarray]:
        """The grand mean over conditions at one bandwidth, without each group and from all."""
        n, seen = (values.sum(axis=1, keepdims=True) for values in self.smoothed(bandwidth))
        return self._rates(n, seen, self.mean_hz, 0.0)

    @cached_property
    def mean_hz(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean rate, without each group and from all."""
        n, seen_s = (values.sum(axis=(1, 2), keepdims=True) for values in self.window)
        n_all, seen_all = n.sum(axis=0), seen_s.sum(axis=0)
        return rate_of_totals(n_all - n, seen_all - seen_s), rate_of_totals(n_all, seen_all)

    def _rates(self, n: np.ndarray, seen: np.ndarray, toward: tuple[np.ndarray, np.ndarray], pseudo_trials: float):
        n_all, seen_all = n.sum(axis=0), seen.sum(axis=0)
        others, due = np.maximum(n_all - n, 0.0), np.maximum(seen_all - seen, 0.0)
        size = self.trials.bin_size_s
        without = shrunk_rate(others, due, toward[0], pseudo_trials, size)
        return without, shrunk_rate(n_all, seen_all, toward[1], pseudo_trials, size)

    def log_likelihood(self, without_hz: np.ndarray) -> np.ndarray:
        """Of the groups, each under the rate without it: (conditions,) nats, up to a constant."""
        n, seen_s = self.window
        return (n * np.log(without_hz) - seen_s * without_hz).sum(axis=(0, 2))


Bandwidths = Callable[[UnitSums], np.ndarray]


def likeliest(sums: UnitSums, *, by_condition: bool) -> np.ndarray:
    """Bandwidth (steps) of each condition by left-out likelihood; of all together unless ``by_condition``."""
    grid = np.array(bandwidth_grid(N_BANDWIDTHS, sums.trials.n_bins))
    scores = np.stack([sums.log_likelihood(sums.rates_hz(b, sums.mean_hz, 0.0)[0]) for b in grid])
    if not by_condition:
        scores = np.broadcast_to(scores.sum(axis=1, keepdims=True), scores.shape)
    return grid[scores.argmax(axis=0)]


def shimazaki_shinomoto(sums: UnitSums, *, by_condition: bool) -> np.ndarray:
    """Bandwidth (steps) of each condition, as elephant finds it from pooled spike times; of all together likewise.

    Least expected squared error of the rate (Shimazaki & Shinomoto 2010, J Comput Neurosci 29:171).
    """
    n = sums.window[0].sum(axis=0)
    pools = n if by_condition else np.broadcast_to(n.sum(axis=0), n.shape)
    return np.array([_elephants(pool) if pool.any() else np.inf for pool in pools])


def _elephants(counts: np.ndarray) -> float:
    times = np.repeat(np.arange(counts.size) + 0.5, counts.astype(int))  # in bins
    if np.unique(times).size < 3:
        return np.inf  # no interval to measure by
    found = optimal_kernel_bandwidth(times)["optw"]
    return float(found) if found else np.inf


def kernel_psth(trials: Trials, bandwidths: Bandwidths, shrinkage: str) -> np.ndarray:
    """(conditions, bins, units) Hz: each condition at its bandwidth, ``shrinkage`` none, fixed or estimated."""
    return np.stack([_kernel_unit(UnitSums(trials, u), bandwidths, shrinkage) for u in range(trials.n_units)], -1)


def _kernel_unit(sums: UnitSums, bandwidths: Bandwidths, shrinkage: str) -> np.ndarray:
    chosen = bandwidths(sums)
    grid = bandwidth_grid(N_BANDWIDTHS, sums.trials.n_bins)
    grand = max((sums.grand_hz(b) for b in grid), key=lambda rates: sums.log_likelihood(rates[0]).sum())
    amounts = {"none": (0.0,), "fixed": (FIXED_TRIALS,), "estimated": ESTIMATED_TRIALS}[shrinkage]
    toward = sums.mean_hz if shrinkage == "none" else grand

    def rates(pseudo_trials: float) -> tuple[np.ndarray, np.ndarray]:
        each = {b: sums.rates_hz(b, toward, pseudo_trials) for b in set(chosen)}
        pairs = [(each[b][0][:, c], each[b][1][c]) for c, b in enumerate(chosen)]
        return np.stack([w for w, _ in pairs], axis=1), np.stack([whole for _, whole in pairs])

    if len(amounts) == 1:
        return rates(amounts[0])[1]
    return max((rates(k) for k in amounts), key=lambda pair: sums.log_likelihood(pair[0]).sum())[1]


def spline_psth(trials: Trials, shrinkage: str) -> np.ndarray:
    """(conditions, bins, units) Hz of penalised splines.

    none: every condition by itself. fixed: pulled toward all conditions' spline by as many trials as kernels are.
    estimated: the family `poisson`, a shared spline and deviations whose size and smoothness are estimated.
    """
    if shrinkage == "estimated":
        course = fit_time_course(trials, SPLINES, PENALTIES, N_SPLINE_GROUPS)
        return np.exp(course.log_rate) / trials.bin_size_s
    pooled = Trials.from_counts(trials.counts, trials.bin_size_s, lead=trials.lead, mask=trials.mask)
    grand = _spline(pooled)
    rates = []
    for code in range(trials.n_conditions):
        members = np.flatnonzero(trials.condition == code)
        if not members.size:
            rates.append(grand)
            continue
        alone = _spline(pooled.select(members))
        pull = 0.0 if shrinkage == "none" else FIXED_TRIALS
        rates.append((members.size * alone + pull * grand) / (members.size + pull))
    return np.stack(rates)


def _spline(trials: Trials) -> np.ndarray:
    """(bins, units) Hz of trials of one condition."""
    course = fit_time_course(trials, SPLINES, PENALTIES, N_SPLINE_GROUPS)
    return np.exp(course.log_rate[0]) / trials.bin_size_s
