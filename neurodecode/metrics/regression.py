"""How well a continuous signal, or one number of each trial, is decoded.

``true`` and ``decoded`` have any axes of bins (bins alone, or trials and bins) and then dims; one number of each
trial is ``(trials, 1)``. Bins in which any dim of ``true`` is NaN are left out. A decoded NaN is not: where a
value is known, decoding nothing makes the score NaN.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri

from neurodecode.metrics._ratio import ratio


def known_bins(true: Float[np.ndarray, "*bins dims"]) -> Bool[np.ndarray, "*bins"]:
    """Bins that are scored: every dim has a value."""
    known: Bool[np.ndarray, "*bins"] = np.isfinite(true).all(axis=-1)
    return known


def squared_errors(
    true: Float[np.ndarray, "trials bins dims"], decoded: Float[np.ndarray, "trials bins dims"]
) -> Float[np.ndarray, "trials dims"]:
    """Sum over the scored bins of each trial of (true - decoded)^2: what R2 is made of, trial by trial."""
    known = known_bins(true)[..., None]
    errors = np.where(known, true, 0.0) - np.where(known, decoded, 0.0)
    total: Float[np.ndarray, "trials dims"] = np.square(errors).sum(axis=1)
    return total


def squared_deviations(true: Float[np.ndarray, "trials bins dims"]) -> Float[np.ndarray, "trials dims"]:
    """Sum over the scored bins of each trial of (true - m)^2, m being the mean over the scored bins of all trials.

    ``1 - squared_errors(...).sum(0) / squared_deviations(...).sum(0)`` is R2, so that both, trial by trial, give
    it an interval (``metrics.bootstrap.ratio_interval``).
    """
    known = known_bins(true)
    deviations = np.zeros_like(true)
    if known.any():
        # About one of the values first: a mean of equal values may round off them.
        deviations[known] = true[known] - true[known][0]
        deviations[known] -= deviations[known].mean(axis=0)
    total: Float[np.ndarray, "trials dims"] = np.square(deviations).sum(axis=1)
    return total


def r2(
    true: Float[np.ndarray, "*bins dims"], decoded: Float[np.ndarray, "*bins dims"]
) -> Float[np.ndarray, " dims"]:
    """R2 of each dim, 1 - sum (true - decoded)^2 / sum (true - mean)^2. NaN for a dim that never changes.

    1 is perfect, 0 as good as the mean of the scored bins, negative worse than that; not the square of a
    correlation, since errors of scale and offset count.

    Source: Fagg et al. 2009, IEEE Trans Neural Syst Rehabil Eng 17:487 (fraction of variance accounted for);
    Glaser et al. 2020, eNeuro 7:ENEURO.0506-19.2020.
    """
    top, bottom = _sums_of_squares(true, decoded)
    return 1.0 - ratio(top, bottom)


def r2_variance_weighted(true: Float[np.ndarray, "*bins dims"], decoded: Float[np.ndarray, "*bins dims"]) -> float:
    """One R2 for all dims, each weighted by its variance: 1 - sum of all squared errors / sum of all deviations.

    Dims that stand in different units should be scored one by one. NaN where nothing changes.
    Source: as ``r2``.
    """
    top, bottom = _sums_of_squares(true, decoded)
    return float(1.0 - ratio(top.sum(keepdims=True), bottom.sum(keepdims=True))[0])


def correlation(
    true: Float[np.ndarray, "*bins dims"], decoded: Float[np.ndarray, "*bins dims"]
) -> Float[np.ndarray, " dims"]:
    """Pearson's correlation of each dim over the scored bins. NaN where either never changes.

    Source: Pearson 1896, Phil Trans R Soc A 187:253.
    """
    known = known_bins(true)
    found = np.full(true.shape[-1], np.nan)
    if known.sum() < 2:
        return found
    x, y = true[known], decoded[known]
    changes = (np.ptp(x, axis=0) > 0) & (np.ptp(y, axis=0) > 0)  # an average of equal values may round off them
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = np.sqrt(np.square(x).sum(axis=0) * np.square(y).sum(axis=0))
    found[changes] = ratio((x * y).sum(axis=0), scale)[changes]
    found[~np.isfinite(y).all(axis=0)] = np.nan
    bounded: Float[np.ndarray, " dims"] = np.clip(found, -1.0, 1.0)  # rounding alone leads beyond
    return bounded


def correlation_interval(value: float, n_independent: int, *, level: float = 0.95) -> tuple[float, float]:
    """Bounds of a correlation of independent pairs, one a trial: tanh(atanh(r) -+ z / sqrt(n - 3)).

    Not for neighbouring bins, which are not independent. NaN for fewer than 4 pairs or no correlation.

    Source: Fisher 1921, Metron 1:3.
    """
    if n_independent < 4 or not np.isfinite(value):
        return float("nan"), float("nan")
    reach = float(ndtri((1 + level) / 2)) / np.sqrt(n_independent - 3)
    middle = np.arctanh(np.clip(value, -1 + 1e-15, 1 - 1e-15))
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


def distances(
    true: Float[np.ndarray, "*bins dims"], decoded: Float[np.ndarray, "*bins dims"]
) -> Float[np.ndarray, "*bins"]:
    """Error of each bin in the signal's own units: Euclidean over dims. NaN in bins that are not scored."""
    apart: Float[np.ndarray, "*bins"] = np.sqrt(np.square(true - decoded).sum(axis=-1))
    return apart


def angles(sine_cosine: Float[np.ndarray, "*bins 2"]) -> Float[np.ndarray, "*bins"]:
    """The angle (rad, -pi to pi) whose sine and cosine, in this order, are given, of any common length."""
    turned: Float[np.ndarray, "*bins"] = np.arctan2(sine_cosine[..., 0], sine_cosine[..., 1])
    return turned


def angular_distances(
    true_rad: Float[np.ndarray, "*bins"], decoded_rad: Float[np.ndarray, "*bins"]
) -> Float[np.ndarray, "*bins"]:
    """Error of each bin on the circle, 0 to pi (rad). NaN in bins that are not scored.

    Source: Fisher 1993, Statistical Analysis of Circular Data, ch. 2.
    """
    turned = true_rad - decoded_rad
    apart: Float[np.ndarray, "*bins"] = np.abs(np.arctan2(np.sin(turned), np.cos(turned)))
    return apart


def circular_correlation(true_rad: Float[np.ndarray, "*bins"], decoded_rad: Float[np.ndarray, "*bins"]) -> float:
    """Correlation of two angles (rad): of the sines of their deviations from their mean directions.

    NaN where either never changes.
    Source: Jammalamadaka & SenGupta 2001, Topics in Circular Statistics, ch. 8.
    """
    known = np.isfinite(true_rad)
    if not known.any():
        return float("nan")
    x, y = (
        np.sin(a - np.arctan2(np.sin(a).sum(), np.cos(a).sum())) for a in (true_rad[known], decoded_rad[known])
    )
    scale = np.sqrt(np.square(x).sum() * np.square(y).sum())
    if not scale > np.finfo(float).eps * known.sum():  # sines of a constant are rounding
        return float("nan")
    return float(np.clip((x * y).sum() / scale, -1.0, 1.0))


def mean_error(errors: Float[np.ndarray, "*bins"], true: Float[np.ndarray, "*bins dims"]) -> float:
    """Mean over the scored bins of ``distances`` or ``angular_distances``. NaN where no bin is scored.

    Source: Zhang et al. 1998, J Neurophysiol 79:1017.
    """
    scored = errors[known_bins(true)]
    return float(scored.mean()) if scored.size else float("nan")


def median_error(errors: Float[np.ndarray, "*bins"], true: Float[np.ndarray, "*bins dims"]) -> float:
    """Median over the scored bins of ``distances`` or ``angular_distances``. NaN where no bin is scored.

    Source: Brown et al. 1998, J Neurosci 18:7411.
    """
    scored = errors[known_bins(true)]
    return float(np.median(scored)) if scored.size else float("nan")


def _sums_of_squares(true: np.ndarray, decoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over the scored bins, of errors and of deviations from the mean: each (dims,)."""
    shape = (1, -1, true.shape[-1])
    true, decoded = np.asarray(true, float).reshape(shape), np.asarray(decoded, float).reshape(shape)
    return squared_errors(true, decoded)[0], squared_deviations(true)[0]
