"""Groups of trials for cross-validation, and the sums over them that it needs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def deal_groups(condition: Int[np.ndarray, " trials"], n_groups: int) -> Int[np.ndarray, " trials"]:
    """The group of each trial, at most ``n_groups``: conditions are dealt out in turn, each spread over groups.

    A condition with no more trials than groups is thereby left out one trial at a time.
    """
    group = np.empty(condition.size, int)
    group[np.argsort(condition, kind="stable")] = np.arange(condition.size) % min(n_groups, max(condition.size, 1))
    return group


def grouped_sums(
    values: np.ndarray, group: Int[np.ndarray, " trials"], condition: Int[np.ndarray, " trials"], n_conditions: int
) -> Float[np.ndarray, "groups conditions *rest"]:
    """Sums of (trials, ...) over the trials of each group and condition."""
    out = np.zeros((int(group.max(initial=0)) + 1, n_conditions, *values.shape[1:]))
    for g, c in np.unique(np.stack([group, condition], axis=1), axis=0):
        out[g, c] = values[(group == g) & (condition == c)].sum(axis=0, dtype=np.int64)
    return out
