"""Interspike intervals of binned trains, counted in whole bins so that real and sampled trains share one grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.metrics._ratio import ratio

REFRACTORY_S = 0.002
FINEST_S = 0.001 * (1 + 1e-6)
"""Bins must be at most this long for an interval below 2 ms to be told from a longer one."""


@dataclass(frozen=True, eq=False)
class IsiHistogram:
    """Intervals per unit in groups between ``edges_s``; n_intervals: (units, groups)."""

    edges_s: Float[np.ndarray, " edges"]
    n_intervals: Int[np.ndarray, "units groups"]

    @property
    def share(self) -> Float[np.ndarray, "units groups"]:
        """Share of the unit's intervals in each group; NaN for units without intervals."""
        return ratio(self.n_intervals, self.n_intervals.sum(axis=1, keepdims=True))

    @property
    def density_per_s(self) -> Float[np.ndarray, "units groups"]:
        """Share over the group's width (1/s)."""
        return ratio(self.share, np.diff(self.edges_s))


@dataclass(frozen=True, eq=False)
class IsiViolations:
    """Intervals below the limit and all intervals of each unit; both None where unknowable, for the ``reason``."""

    n_violations: Int[np.ndarray, " units"] | None
    n_intervals: Int[np.ndarray, " units"] | None
    reason: str = ""

    @property
    def share(self) -> Float[np.ndarray, " units"] | None:
        """Share of intervals that violate; NaN for units without intervals."""
        if self.n_violations is None or self.n_intervals is None:
            return None
        return ratio(self.n_violations, self.n_intervals)

    @property
    def pooled(self) -> float:
        """Share of all units' intervals that violate; NaN without intervals."""
        if self.n_violations is None or self.n_intervals is None or not self.n_intervals.any():
            return float("nan")
        return float(self.n_violations.sum() / self.n_intervals.sum())


def interval_counts(
    counts: UInt[np.ndarray, "trials bins units"], mask: Bool[np.ndarray, "trials bins #units"]
) -> Int[np.ndarray, "units bins"]:
    """How many intervals of each unit last 0, 1, 2 ... bins, from one spike to the next within a trial.

    Spikes of one bin lie 0 bins apart. An interval over an unobserved bin is none: a spike may be missing in it.
    """
    n_trials, n_bins, n_units = counts.shape
    found = np.zeros(n_units * n_bins, dtype=np.int64)
    for trial in range(n_trials):
        n = np.where(mask[trial], counts[trial], 0)
        unit, row = np.nonzero(n.T)
        found += np.bincount(unit * n_bins, weights=n[row, unit] - 1.0, minlength=found.size).astype(np.int64)
        gaps = np.broadcast_to(np.cumsum(~mask[trial], axis=0), n.shape)[row, unit]
        whole = (np.diff(unit) == 0) & (np.diff(gaps) == 0)
        found += np.bincount((unit[1:] * n_bins + np.diff(row))[whole], minlength=found.size)
    return found.reshape(n_units, n_bins)


def isi_histogram(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    *,
    spacing: Literal["log", "linear"] = "log",
    max_s: float = np.inf,
    n_groups: int = 40,
) -> IsiHistogram:
    """Histogram of interspike intervals up to ``max_s`` in groups of whole bins, log-spaced or ``linear``.

    An interval of k bins stands for k x bin; edges lie halfway between. Intervals within one bin join the first
    group. Log-spaced groups of short intervals are one bin wide, so that there may be fewer than ``n_groups``.
    """
    found = interval_counts(counts, mask)
    longest = max(1, min(found.shape[1] - 1, round(min(max_s, found.shape[1] * bin_size_s) / bin_size_s)))
    firsts = lag_groups(longest, n_groups=n_groups, spacing=spacing)
    found = found[:, : longest + 1].copy()
    found[:, 1] += found[:, 0]
    grouped = np.add.reduceat(found, firsts[:-1], axis=1)
    return IsiHistogram(edges_s=(firsts - 0.5) * bin_size_s, n_intervals=grouped)


def lag_groups(
    longest: int, *, n_groups: int, spacing: Literal["log", "linear"] = "log"
) -> Int[np.ndarray, " edges"]:
    """First lag (bins) of each group of lags 1..longest, and the lag after the last."""
    space = np.linspace if spacing == "linear" else np.geomspace
    return np.unique(np.round(space(1, longest + 1, n_groups + 1)).astype(int))


def isi_violations(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    *,
    has_spike_times: bool = True,
    limit_s: float = REFRACTORY_S,
) -> IsiViolations:
    """Intervals shorter than ``limit_s``, 2 ms: what no single neuron fires.

    An interval counts when its bins lie less than ``limit_s`` apart (at 1 ms: the same or the next bin). Absent,
    with the reason, at bins above 1 ms and for files of counts.

    Source: Hill, Mehta & Kleinfeld 2011, J Neurosci 31:8699 (refractory period violations).
    """
    if not has_spike_times:
        return IsiViolations(None, None, "the file holds counts, not spike times: intervals are unknown")
    if bin_size_s > FINEST_S:
        return IsiViolations(
            None, None, f"bins of {bin_size_s * 1e3:g} ms are too coarse for intervals below 2 ms; 1 ms is needed"
        )
    found = interval_counts(counts, mask)
    short = np.arange(found.shape[1]) * bin_size_s < limit_s * (1 - 1e-6)
    return IsiViolations(found[:, short].sum(axis=1), found.sum(axis=1))


def isi_cv(found: Int[np.ndarray, "units bins"]) -> Float[np.ndarray, " units"]:
    """Coefficient of variation of intervals counted by ``interval_counts``: 1 for a Poisson process.

    Standard deviation (n, not n - 1, below the root) over mean. NaN for units with fewer than two intervals.

    Source: Softky & Koch 1993, J Neurosci 13:334.
    """
    lags = np.arange(found.shape[1], dtype=np.float64)
    n = found.sum(axis=1)
    mean = found @ lags / np.maximum(n, 1)
    variance = (found * (lags - mean[:, None]) ** 2).sum(axis=1) / np.maximum(n, 1)
    return np.where(n >= 2, ratio(np.sqrt(variance), mean), np.nan)


def isi_distance(
    real: Int[np.ndarray, "units bins"], sampled: Int[np.ndarray, "units bins"]
) -> Float[np.ndarray, " units"]:
    """Largest distance between two distributions of intervals counted by ``interval_counts``.

    The two-sample Kolmogorov-Smirnov statistic, 0 for equal distributions and 1 for disjoint ones. NaN where
    either unit has no interval.
    """
    real_cdf, sampled_cdf = (
        ratio(np.cumsum(found, axis=1), found.sum(axis=1, keepdims=True)) for found in (real, sampled)
    )
    distance: Float[np.ndarray, " units"] = np.abs(real_cdf - sampled_cdf).max(axis=1)
    return distance
