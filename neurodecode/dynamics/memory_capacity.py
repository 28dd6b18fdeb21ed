"""How much of its past input a network's state holds: linear memory capacity (Jaeger 2001, GMD report 152)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from neurodecode.errors import DataError


def memory_curve(
    states: Float[np.ndarray, "steps n"],
    signal: Float[np.ndarray, " steps"],
    delays: int,
    *,
    ridge: float = 1e-9,
) -> Float[np.ndarray, " delays"]:
    """r^2 of the signal ``delay`` steps ago read out linearly from the state, for delays 1 to ``delays``.

    states: after each step; signal: the input of each step, independent from step to step. The read-out is fitted
    to the first half and judged on the second, so that no delay counts by chance; what is worse than the mean
    counts 0. ridge: penalty, as a share of the states' mean square. Raises DataError for too few steps.
    """
    n_steps, n = states.shape
    half = n_steps // 2
    if half <= delays + n:
        raise DataError(f"{n_steps} steps are too few for {n} units and {delays} delays: give {4 * (delays + n)}")
    columns = np.concatenate([states, np.ones((n_steps, 1))], axis=1)
    steps = np.arange(delays, n_steps)
    wanted = signal[steps[:, None] - np.arange(1, delays + 1)]
    seen, fitted = columns[steps], steps < half
    gram = seen[fitted].T @ seen[fitted]
    penalty = ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
    read = seen[~fitted] @ np.linalg.solve(gram + penalty, seen[fitted].T @ wanted[fitted])
    true = wanted[~fitted]
    left = ((true - read) ** 2).sum(axis=0) / ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.maximum(0.0, 1.0 - left))


def memory_capacity(curve: Float[np.ndarray, " delays"]) -> float:
    """The sum over delays: at most the number of units."""
    return float(curve.sum())
