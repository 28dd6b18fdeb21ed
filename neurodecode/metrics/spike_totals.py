"""Whether a model that runs on its own spikes keeps to the rates of the recording, or runs away.

A point-process model that predicts well one bin ahead may excite itself when it samples (Gerhard, Deger & Truccolo
2017, PLoS Comput Biol 13:e1005390): all trains together, or a single trial that explodes, which the mean hides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt

from neurodecode.metrics._ratio import ratio


@dataclass(frozen=True)
class SpikeTotals:
    """Sampled over recorded spikes: per unit and, last, of all units together; NaN where none were recorded.

    rate_ratio: of all trials. fullest_ratio: of the trial that has most, in each of the two.
    """

    rate_ratio: Float[np.ndarray, " units_and_all"]
    fullest_ratio: Float[np.ndarray, " units_and_all"]


def spike_totals(
    recorded: UInt[np.ndarray, "trials bins units"],
    sampled: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
) -> SpikeTotals:
    """Totals of recorded and sampled counts over the same observed bins."""
    real, drawn = _per_trial(recorded, mask), _per_trial(sampled, mask)
    return SpikeTotals(
        rate_ratio=ratio(drawn.sum(axis=0), real.sum(axis=0)),
        fullest_ratio=ratio(drawn.max(axis=0, initial=0.0), real.max(axis=0, initial=0.0)),
    )


def _per_trial(
    counts: UInt[np.ndarray, "trials bins units"], mask: Bool[np.ndarray, "trials bins #units"]
) -> Float[np.ndarray, "trials units_and_all"]:
    """Spikes of each trial and unit, and of all units in the last column."""
    totals = counts.sum(axis=1, where=mask, dtype=np.float64)
    return np.concatenate([totals, totals.sum(axis=1, keepdims=True)], axis=1)
