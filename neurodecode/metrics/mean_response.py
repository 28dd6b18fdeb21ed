"""What the true mean response tells about spikes: the ceiling, in nats, of all functions of condition and time."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammaln, xlogy

from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.reliability import WindowCounts

_FEW = 200.0  # expected spikes above which the excess is that of many


def mean_response_nats(
    windows: WindowCounts, condition: Int[np.ndarray, " trials"]
) -> Float[np.ndarray, " units"]:
    """Log-likelihood (nats) of the true mean response above the unit's mean rate, per unit over all trials.

    The average of each condition and window fits the very spikes that it was made of too well, by E[n log n] -
    mu log mu for n spikes where mu were expected: about half a nat for each window and condition. That is taken
    off again, times the unit's variance over mean (Fano factor) within condition and window, since trials that
    vary more are fitted too well by more. mu is the mean over a window and its neighbours; where few spikes were
    expected that takes off a little too little, so that errors are on the side of a ceiling that is too high. What
    the rate does within 20 ms is not in it. Not clipped: without a response it lies about 0, on either side.

    Source: Akaike 1973, 2nd Int Symp Information Theory, 267; times the variance over mean: Burnham & Anderson
    2002, Model Selection and Multimodel Inference, sect. 2.5.
    """
    spikes, observed = (
        np.stack([values[condition == code].sum(axis=0) for code in np.unique(condition)])
        for values in (windows.spikes, windows.observed)
    )
    observed = np.broadcast_to(observed, spikes.shape)
    n, seen = spikes.sum(axis=(0, 1)), observed.sum(axis=(0, 1))
    fitted = xlogy(spikes, ratio(spikes, observed, undefined=1.0)).sum(axis=(0, 1)) - xlogy(n, ratio(n, seen))
    too_well = np.where(observed > 0, excess_nats(_with_neighbours(spikes)), 0.0).sum(axis=(0, 1))
    nats: Float[np.ndarray, " units"] = fitted - fano(windows, condition) * (too_well - excess_nats(n))
    return np.where(n > 0, nats, np.nan)


def excess_nats(mu: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """E[n log n] - mu log mu for a Poisson count n of mean mu: 0 at 0, a half from a few on."""
    few = np.minimum(mu, _FEW)
    n = np.arange(int(_FEW + 10 * np.sqrt(_FEW)) + 1)
    known = np.linspace(0.0, np.sqrt(_FEW), 400) ** 2  # finer where the curve bends
    log_p = xlogy(n, known[:, None]) - known[:, None] - gammaln(n + 1.0)
    curve = np.exp(log_p) @ xlogy(n, n) - xlogy(known, known)
    excess: Float[np.ndarray, "*shape"] = np.interp(few, known, curve)
    return excess


def fano(windows: WindowCounts, condition: Int[np.ndarray, " trials"]) -> Float[np.ndarray, " units"]:
    """Variance over mean of the counts of windows across trials of a condition, over whole windows; 1 where it is
    not known."""
    variance, mean = np.zeros((2, windows.spikes.shape[2]))
    for code in np.unique(condition):
        members = condition == code
        whole = np.broadcast_to(windows.observed[members] >= windows.size, windows.spikes[members].shape)
        n = whole.sum(axis=0)
        at = np.where(n > 1, ratio(np.where(whole, windows.spikes[members], 0.0).sum(axis=0), n), 0.0)
        squares = np.where(whole, np.square(windows.spikes[members] - at), 0.0).sum(axis=0)
        variance += np.where(n > 1, squares / np.maximum(n - 1, 1), 0.0).sum(axis=0)
        mean += at.sum(axis=0)
    return ratio(variance, mean, undefined=1.0)


def _with_neighbours(
    spikes: Float[np.ndarray, "conditions windows units"],
) -> Float[np.ndarray, "conditions windows units"]:
    """Mean over each window and those beside it."""
    padded = np.pad(spikes, ((0, 0), (1, 1), (0, 0)), mode="edge")
    mean: Float[np.ndarray, "conditions windows units"] = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
    return mean
