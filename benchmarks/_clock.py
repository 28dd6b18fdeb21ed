"""Timings of several ways of doing one thing, side by side, and what is said of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ratio:
    """How much longer one way takes than another: median over repeats, and the quarter on either side."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


def interleaved(
    ways: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, np.ndarray]:
    """Seconds of each way in each repeat (after one that does not count), the order turned from one to the next.

    Other work on the machine then slows all ways alike, and their ratios stay.
    """
    names = list(ways)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for repeat in range(repeats + 1):
        turn = repeat % len(names)
        gc.collect()
        for name in (*names[turn:], *names[:turn]):
            started = clock()
            ways[name]()
            taken = clock() - started
            if repeat > 0:
                seconds[name].append(taken)
    return {name: np.array(values) for name, values in seconds.items()}


def ratio(seconds: Mapping[str, np.ndarray], numerator: str, denominator: str) -> Ratio:
    """Of two ways, paired by repeat."""
    each = seconds[numerator] / seconds[denominator]
    return Ratio(*(float(q) for q in np.quantile(each, (0.5, 0.25, 0.75))))
