"""Which trials and units are looked at where all would be too many: evenly spread, without torch."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from neurodecode.data.splits import Split

MOST_TRIALS = 32  # held-out trials of each fold


def evenly_spread(n: int, most: int) -> Int[np.ndarray, " chosen"]:
    """At most ``most`` of n places, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))


def trials_looked_at(split: Split) -> Int[np.ndarray, " trials"]:
    """The held-out trials of a fold that its network is run on."""
    chosen: np.ndarray = split.test[evenly_spread(split.test.size, MOST_TRIALS)]
    return chosen
