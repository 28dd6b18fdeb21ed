"""The state of a Kalman filter from a signal, and its model by least squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.decoders._kalman_filter import LinearGaussian
from neurodecode.decoders._signal_parts import SignalPart, centred
from neurodecode.errors import DataError

_HALF_A_SPIKE = 0.5  # by which every unit's counts vary over all bins: a silent one's first spike tells little


def states(
    values: Float[np.ndarray, "trials bins dims"], n_derivatives: int
) -> Float[np.ndarray, "trials bins state"]:
    """The signal and its backward differences, the latter per bin; NaN where one is not known.

    s(t) - s(t - 1) uses the past alone, so that the state is known as soon as the signal is.
    """
    found = [values]
    for _ in range(n_derivatives):
        change = np.full_like(values, np.nan)
        change[:, 1:] = np.diff(found[-1], axis=1)
        found.append(change)
    return np.concatenate(found, axis=2)


def linear_gaussian(
    parts: Sequence[SignalPart],
    signals: Sequence[Float[np.ndarray, "trials bins dims"]],
    mean_counts: Float[np.ndarray, " units"],
    *,
    n_derivatives: int,
    lag: int,
    root: bool,
) -> LinearGaussian:
    """Least squares for the state's transition and for counts given the state ``lag`` bins later.

    ``signals``: those of ``parts``, about their means in units of their deviations.
    Raises DataError for too few neighbouring bins with a signal.

    Source: Wu et al. 2006, Neural Comput 18:80.
    """
    state = [states(values, n_derivatives) for values in signals]
    known = [np.isfinite(one).all(axis=2) for one in state]
    before, after = (
        np.concatenate([one[_shifted(k, by)] for one, k in zip(state, known, strict=True)]) for by in (1, 0)
    )
    size = state[0].shape[2]
    if len(before) < 2 * size:
        raise DataError(
            f"{len(before)} pairs of neighbouring bins have a signal, too few for a state of {size} dims: "
            "give more bins or longer trials"
        )
    transition = np.linalg.lstsq(before, after, rcond=None)[0].T
    rest = after - before @ transition.T
    everywhere = np.concatenate([one[k] for one, k in zip(state, known, strict=True)])
    observation, noise = _observation(parts, state, known, mean_counts, lag, root=root)
    return LinearGaussian(
        transition, rest.T @ rest / len(rest), everywhere.T @ everywhere / len(everywhere), observation, noise
    )


def _shifted(known: Bool[np.ndarray, "trials bins"], by: int) -> Bool[np.ndarray, "trials bins"]:
    """The earlier (``by`` 1) or the later (0) bin of each pair of neighbours that are both known."""
    both = known[:, :-1] & known[:, 1:]
    return np.pad(both, [(0, 0), (0, 1) if by else (1, 0)])


def _observation(
    parts: Sequence[SignalPart],
    state: Sequence[Float[np.ndarray, "trials bins state"]],
    known: Sequence[Bool[np.ndarray, "trials bins"]],
    mean_counts: Float[np.ndarray, " units"],
    lag: int,
    *,
    root: bool,
) -> tuple[Float[np.ndarray, "units state"], Float[np.ndarray, "units units"]]:
    """Counts about their means by state, and the covariance of what is left; unobserved counts are left out."""
    x, z, seen = [], [], []
    for part, own, is_known in zip(parts, state, known, strict=True):
        trial, place = np.nonzero(is_known)
        step = place + part.series.lead - lag
        trial, place, step = trial[step >= 0], place[step >= 0], step[step >= 0]
        x.append(own[trial, place])
        z.append(centred(part.series, mean_counts, root=root)[trial, step])
        seen.append(np.broadcast_to(part.series.mask[trial, step], z[-1].shape))
    rows, counts, observed = np.concatenate(x), np.concatenate(z), np.concatenate(seen).astype(float)
    products = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
    by_unit = (observed.T @ products).reshape(-1, rows.shape[1], rows.shape[1])
    observation = np.einsum("uij,uj->ui", np.linalg.pinv(by_unit, hermitian=True), (counts.T @ rows))
    rest = (counts - rows @ observation.T) * observed
    noise = rest.T @ rest / np.maximum(observed.T @ observed, 1.0)
    return observation, _positive(noise, _HALF_A_SPIKE / len(rows))


def _positive(noise: Float[np.ndarray, "units units"], least: float) -> Float[np.ndarray, "units units"]:
    """The nearest covariance with no variance below ``least``: covariances of units seen at other times may not
    fit each other."""
    values, vectors = np.linalg.eigh(noise)
    positive: Float[np.ndarray, "units units"] = (vectors * np.maximum(values, least)) @ vectors.T
    return positive
