"""Mean and spread of what a network sees, measured on training trials."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

_STILL = 1e-6  # an input that varies less than this is left at its scale


def input_scale(
    inputs_of_trials: Iterable[Float[np.ndarray, "_ steps inputs"]],
) -> tuple[Float[np.ndarray, " inputs"], Float[np.ndarray, " inputs"]]:
    """Mean and standard deviation of each input, over steps and the equally long trials that come one by one.

    One at a time, since the inputs of a whole session may not fit in memory. The deviation of an input that does
    not vary is 1.
    """
    n_trials, total, squares = 0, np.zeros(1), np.zeros(1)
    for inputs in inputs_of_trials:
        values = inputs.astype(np.float64)
        n_trials += 1
        total = total + values.mean(axis=(0, 1))
        squares = squares + np.square(values).mean(axis=(0, 1))
    mean = total / n_trials
    sd = np.sqrt(np.maximum(squares / n_trials - mean**2, 0.0))
    sd = np.where(sd < _STILL, 1.0, sd)
    return mean.astype(np.float32), sd.astype(np.float32)
