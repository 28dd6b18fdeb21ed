"""Intervals of medians over bins by resampling whole trials."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_AT_ONCE = 1 << 23  # weights of resampled bins at a time


def resampled_medians(
    values: Float[np.ndarray, " bins"],
    trial: Int[np.ndarray, " bins"],
    weights: Float[np.ndarray, "resamples trials"],
) -> Float[np.ndarray, " resamples"]:
    """The median of ``values`` in each resample, in which a bin stands as often as its trial does.

    weights: how often each trial stands in a resample (``bootstrap.resampling_weights``). Of an even number the
    lower one of the middle two counts. NaN in a resample without a bin, and where a value is NaN.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 8 (blocks of dependent data).
    """
    medians = np.full(len(weights), np.nan)
    if values.size == 0 or not np.isfinite(values).all():
        return medians
    order = np.argsort(values, kind="stable")
    ascending, of_trial = values[order], trial[order]
    for start in range(0, len(weights), step := max(1, _AT_ONCE // values.size)):
        part = slice(start, start + step)
        below = np.cumsum(weights[part][:, of_trial], axis=1)
        total = below[:, -1]
        place = (below < total[:, None] / 2).sum(axis=1)
        medians[part] = np.where(total > 0, ascending[np.minimum(place, values.size - 1)], np.nan)
    return medians


def percentile_bounds(replicates: Float[np.ndarray, " resamples"], level: float = 0.95) -> tuple[float, float]:
    """The middle ``level`` of resampled values; NaN without resamples, and where one is NaN.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13.
    """
    if replicates.size == 0 or not np.isfinite(replicates).all():
        return float("nan"), float("nan")
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
