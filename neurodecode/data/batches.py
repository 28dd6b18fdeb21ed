"""Trials some at a time, so that what is made of them stays small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

BATCH_VALUES = 20_000_000  # made at a time where nothing else is said: 80 MB in float32


def batches(n_trials: int, size: int) -> Iterator[Int[np.ndarray, " batch"]]:
    """Indices of trials, ``size`` after ``size``."""
    for start in range(0, n_trials, size):
        yield np.arange(start, min(start + size, n_trials))


def trial_batches(
    n_trials: int, values_per_trial: int, *, most: int | None = None
) -> Iterator[Int[np.ndarray, " batch"]]:
    """Indices of as many trials together as have ``most`` values (``BATCH_VALUES``), and of one at least."""
    allowed = BATCH_VALUES if most is None else most
    return batches(n_trials, max(1, int(allowed // max(values_per_trial, 1))))
