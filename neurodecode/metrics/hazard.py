"""What recent spikes do to firing, beyond the aggregate rate: refractoriness and adaptation.

Raw hazards rise with the rate: a unit is often seen shortly after a spike because it is then in its peak. Both
curves here are therefore observed over expected: the spikes found in the bins of one group, over those that the
PSTH expects in the very same bins. Groups are chosen by spikes before the bin, so an inhomogeneous Poisson process
with that PSTH has 1 everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.intervals import lag_groups

HALF_SPIKE = 0.5


@dataclass(frozen=True, eq=False)
class ObservedOverExpected:
    """A curve over groups of bins: spikes found in them and spikes that the PSTH expected, (units, groups)."""

    observed: Float[np.ndarray, "units groups"]
    expected: Float[np.ndarray, "units groups"]

    @property
    def ratio(self) -> Float[np.ndarray, "units groups"]:
        """Observed over expected; NaN where nothing was expected."""
        return ratio(self.observed, self.expected)


@dataclass(frozen=True, eq=False)
class Hazard(ObservedOverExpected):
    """Groups of bins by time since the unit's last spike; ``edges_s`` bounds the groups."""

    edges_s: Float[np.ndarray, " edges"]

    @property
    def times_s(self) -> Float[np.ndarray, " groups"]:
        """Middle of each group."""
        middle: Float[np.ndarray, " groups"] = (self.edges_s[:-1] + self.edges_s[1:]) / 2
        return middle


@dataclass(frozen=True, eq=False)
class Adaptation(ObservedOverExpected):
    """Groups of bins by the number of spikes in the ``window_s`` before; the last group holds all larger ones."""

    n_recent: Int[np.ndarray, " groups"]
    window_s: float
    recovery_s: float


def hazard(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    psth_hz: Float[np.ndarray, "trials bins units"],
    *,
    max_s: float = 0.2,
    n_groups: int = 24,
) -> Hazard:
    """Observed over expected against the time since the unit's last spike, in log-spaced groups up to ``max_s``.

    psth_hz: rate (Hz) of each trial's bins without the trial's own spikes. Bins before a trial's first spike, or
    with an unobserved bin since the last one, belong to no group.

    Source: the recovery function w of Berry & Meister 1998, J Neurosci 18:2200, lambda(t) = q(t) w(t - t_last),
    with the PSTH for q.
    """
    n_bins, n_units = counts.shape[1:]
    longest = min(n_bins - 1, max(1, round(max_s / bin_size_s)))
    found, expected = np.zeros((2, n_units * (longest + 1)))
    groups = np.arange(n_units) * (longest + 1)
    for trial in range(counts.shape[0]):
        seen, n, mu = _one_trial(counts, mask, bin_size_s, psth_hz, trial)
        age, known = _bins_since_spike(n, seen)
        at_risk = known & seen & (age <= longest)
        group = (groups + age)[at_risk]
        found += np.bincount(group, weights=n[at_risk], minlength=found.size)
        expected += np.bincount(group, weights=mu[at_risk], minlength=expected.size)
    firsts = lag_groups(longest, n_groups=n_groups) if longest else np.array([0, 1])
    observed, predicted = (np.add.reduceat(a.reshape(n_units, -1), firsts[:-1], axis=1) for a in (found, expected))
    return Hazard(observed, predicted, edges_s=(firsts - 0.5) * bin_size_s)


def adaptation(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    psth_hz: Float[np.ndarray, "trials bins units"],
    *,
    window_s: float = 0.1,
    recovery_s: float = 0.01,
    most: int = 20,
) -> Adaptation:
    """Observed over expected against the number of the unit's spikes in the last ``window_s``.

    Bins within ``recovery_s`` of a spike are left out: there the unit is refractory or bursts, which the hazard
    shows, and many recent spikes would pass for adaptation when only the last of them acts. Bins whose last
    ``window_s`` was not wholly observed within the window belong to no group. ``most``: the last group holds this
    many spikes or more.

    Source: spike-frequency adaptation as the dependence on summed recent spikes, Benda & Herz 2003, Neural Comput
    15:2523; the ratio to the PSTH as in ``hazard``.
    """
    n_units = counts.shape[2]
    reach, quiet = max(1, round(window_s / bin_size_s)), int(recovery_s / bin_size_s + 1e-6)
    found, expected = np.zeros((2, n_units * (most + 1)))
    groups = np.arange(n_units) * (most + 1)
    for trial in range(counts.shape[0]):
        seen, n, mu = _one_trial(counts, mask, bin_size_s, psth_hz, trial)
        recent = _sum_of_last(n, reach)
        in_group = seen & (_sum_of_last(seen, reach) == reach) & (_sum_of_last(n, quiet) == 0)
        group = (groups + np.minimum(recent, most).astype(np.int64))[in_group]
        found += np.bincount(group, weights=n[in_group], minlength=found.size)
        expected += np.bincount(group, weights=mu[in_group], minlength=expected.size)
    shape = (n_units, most + 1)
    return Adaptation(
        found.reshape(shape),
        expected.reshape(shape),
        n_recent=np.arange(most + 1),
        window_s=reach * bin_size_s,
        recovery_s=quiet * bin_size_s,
    )


def ratio_error(
    real: ObservedOverExpected, sampled: ObservedOverExpected
) -> tuple[Float[np.ndarray, " units"], float]:
    """How far two curves of observed over expected lie apart: per unit, and over all units' groups together.

    The root of the mean squared log ratio of the two curves, groups weighted by the real curve's expected spikes;
    0.1 is about 10 percent. Half a spike is added to observed and expected, since empty groups have no logarithm.
    Chance alone keeps it above 0, the more so the fewer spikes there are: compare models of one session with it.
    NaN for units of which nothing was expected.
    """
    real_log, sampled_log = (
        np.log((curve.observed + HALF_SPIKE) / (curve.expected + HALF_SPIKE)) for curve in (real, sampled)
    )
    squared, weight = (real_log - sampled_log) ** 2, real.expected
    per_unit, total = (squared * weight).sum(axis=1), weight.sum(axis=1)
    pooled = ratio(per_unit.sum(keepdims=True), total.sum(keepdims=True))[0]
    return np.sqrt(ratio(per_unit, total)), float(np.sqrt(pooled))


def _one_trial(
    counts: np.ndarray, mask: np.ndarray, bin_size_s: float, psth_hz: np.ndarray, trial: int
) -> tuple[Bool[np.ndarray, "bins units"], Float[np.ndarray, "bins units"], Float[np.ndarray, "bins units"]]:
    seen = np.broadcast_to(mask[trial], counts.shape[1:])
    n = np.where(seen, counts[trial], 0).astype(np.float64)
    return seen, n, np.where(seen, psth_hz[trial], 0.0).astype(np.float64) * bin_size_s


def _bins_since_spike(
    n: np.ndarray, seen: np.ndarray
) -> tuple[Int[np.ndarray, "bins units"], Bool[np.ndarray, "bins units"]]:
    """Bins since the last bin with a spike before each bin, and whether it is known."""
    row = np.arange(len(n))[:, None]
    before = np.full((1, n.shape[1]), -1)
    last_spike = np.maximum.accumulate(np.where(n > 0, row, -1), axis=0)
    last_hole = np.maximum.accumulate(np.where(seen, -1, row), axis=0)
    last_spike, last_hole = (np.concatenate([before, a[:-1]]) for a in (last_spike, last_hole))
    return row - last_spike, last_spike > last_hole


def _sum_of_last(values: np.ndarray, reach: int) -> Float[np.ndarray, "bins units"]:
    """Sum of the ``reach`` bins before each bin, as far as the trial goes back."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])[:-1]
    summed = total.copy()
    summed[reach:] -= total[: max(0, len(total) - reach)]
    return summed
