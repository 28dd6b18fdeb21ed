"""Intervals of estimates that no resampling with replacement may touch: groups of trials are left out in turn.

A trial that is drawn twice would stand in both halves of a split, and a variance would shrink.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import stdtrit

N_GROUPS = 20


def jackknife_interval(
    estimate: Callable[[Bool[np.ndarray, " trials"]], Float[np.ndarray, " columns"]],
    strata: Int[np.ndarray, " trials"],
    *,
    n_groups: int = N_GROUPS,
    level: float = 0.95,
) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
    """The estimate from all trials, and its bounds from leaving out each of ``n_groups`` groups of trials.

    ``estimate`` gives one value a column from the trials that a mask keeps. Each stratum is dealt over the groups.
    Bounds are value -+ t sd, with the jackknife's sd and Student's t of one degree of freedom less than groups.
    NaN where a value is not defined for every group.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 11; Tukey 1958, Ann Math Stat 29:614.
    """
    everything = np.ones(strata.size, bool)
    value = estimate(everything)
    n_groups = min(n_groups, strata.size)
    if n_groups < 2:
        unknown = np.full(value.size, np.nan)
        return value, unknown, unknown
    group = np.empty(strata.size, int)
    group[np.argsort(strata, kind="stable")] = np.arange(strata.size) % n_groups
    without = np.stack([estimate(group != left_out) for left_out in range(n_groups)])
    sd = np.sqrt((n_groups - 1) / n_groups * np.square(without - without.mean(axis=0)).sum(axis=0))
    reach = float(stdtrit(n_groups - 1, (1 + level) / 2)) * sd
    return value, value - reach, value + reach
