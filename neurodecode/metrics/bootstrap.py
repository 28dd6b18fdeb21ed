"""Intervals of ratios of sums (bits over spikes) by resampling whole trials.

A trial is the unit of resampling, since bins within it depend on each other. All models of a session are resampled
alike: the same weights serve every one of them, so that differences between models are paired by trial.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri

from neurodecode.metrics._ratio import ratio


def resampling_weights(
    strata: Int[np.ndarray, " trials"], n_bootstrap: int, rng: np.random.Generator
) -> Float[np.ndarray, "resamples trials"]:
    """How often each trial stands in each resample; trials are drawn with replacement within their stratum.

    Strata are the conditions, whose numbers of trials were chosen and not observed. Strata of one trial would
    never vary and are drawn from together.

    Source: Davison & Hinkley 1997, Bootstrap Methods and their Application, ch. 3 (several samples).
    """
    weights = np.zeros((n_bootstrap, strata.size))
    for members in _members(strata):
        weights[:, members] = rng.multinomial(members.size, np.full(members.size, 1 / members.size), n_bootstrap)
    return weights


def ratio_interval(
    numerator: Float[np.ndarray, "trials columns"],
    denominator: Float[np.ndarray, "trials columns"],
    weights: Float[np.ndarray, "resamples trials"],
    strata: Int[np.ndarray, " trials"],
    *,
    level: float = 0.95,
) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
    """Bounds of sum(numerator) / sum(denominator) in each column, bias-corrected and accelerated (BCa).

    The bound at level alpha is the quantile Phi(z0 + (z0 + z) / (1 - a (z0 + z))) of the resampled ratios, with
    z = Phi^-1(alpha), z0 = Phi^-1(share of them below the estimate) and the acceleration
    a = sum(l^3) / (6 sum(l^2)^1.5) of the ratio's empirical influence values l, here in closed form. Resamples in
    which a column's denominator is 0 have no ratio and are left out. NaN for columns without a ratio or with
    infinite values, and without resamples.

    Source: Efron 1987, J Am Stat Assoc 82:171 (BCa); Davison & Hinkley 1997, Bootstrap Methods and their
    Application, ch. 5 (influence values within several strata).
    """
    n_columns = numerator.shape[1]
    low, high = np.full(n_columns, np.nan), np.full(n_columns, np.nan)
    total = denominator.sum(axis=0)
    usable = np.isfinite(numerator).all(axis=0) & (total > 0)
    if len(weights) == 0 or not usable.any():
        return low, high
    # einsum, not matmul: BLAS may sum in another order with another number of threads.
    top = np.einsum("bt,tc->bc", weights, numerator[:, usable])
    bottom = np.einsum("bt,tc->bc", weights, denominator[:, usable])
    value = numerator[:, usable].sum(axis=0) / total[usable]
    acceleration = _acceleration(numerator[:, usable], denominator[:, usable], value, strata)
    for place, column in enumerate(np.flatnonzero(usable)):
        with_ratio = bottom[:, place] > 0
        replicates = top[with_ratio, place] / bottom[with_ratio, place]
        low[column], high[column] = _bca_bounds(replicates, value[place], acceleration[place], level)
    return low, high


def _members(strata: np.ndarray) -> list[Int[np.ndarray, " _"]]:
    labels, size = np.unique(strata, return_counts=True)
    groups = [np.flatnonzero(strata == label) for label in labels[size > 1]]
    single = np.flatnonzero(np.isin(strata, labels[size == 1]))
    return [*groups, single] if single.size else groups


def _acceleration(
    numerator: np.ndarray, denominator: np.ndarray, value: np.ndarray, strata: np.ndarray
) -> Float[np.ndarray, " columns"]:
    """Skewness of the ratio's empirical influence values / 6; each is the trial's residual within its stratum."""
    residual = numerator - value * denominator
    for members in _members(strata):
        residual[members] -= residual[members].mean(axis=0)
    spread = (residual**2).sum(axis=0) ** 1.5
    return ratio((residual**3).sum(axis=0), 6 * spread, undefined=0.0)


def _bca_bounds(replicates: np.ndarray, value: float, acceleration: float, level: float) -> tuple[float, float]:
    # Equal replicates count half: ratios of few spikes come in steps.
    below = (np.mean(replicates < value) + np.mean(replicates <= value)) / 2
    bias = float(ndtri(below))
    if not np.isfinite(bias):  # every resample on one side of the estimate: plain percentiles
        bias, acceleration = 0.0, 0.0
    normal = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(replicates, ndtr(bias + normal / (1 - acceleration * normal)))
    return float(low), float(high)
