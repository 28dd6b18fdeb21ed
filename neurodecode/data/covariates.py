"""Signals as covariates: their values at the centre of every bin, now and at lags."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.data.session import Session, Signal
from neurodecode.data.windows import Lagged, Window
from neurodecode.errors import ConfigError, DataError

log = logging.getLogger(__name__)
FeatureArray = Float[np.ndarray, "trials steps features"]


def covariates_of(
    session: Session,
    window: Window,
    t0_s: Float[np.ndarray, " trials"],
    mask: Bool[np.ndarray, "trials steps #units"],
) -> dict[str, FeatureArray]:
    """Every covariate of ``window`` for trials whose windows start at ``t0_s``, float32.

    Raises ConfigError for a signal that does not exist, DataError for one that does not cover the observed bins
    of the windows.
    """
    if not window.covariates:
        return {}
    centres = step_centres(window, t0_s)
    needed: np.ndarray = np.any(mask, axis=2, keepdims=False)
    needed[:, : window.lead] = False
    found = {}
    for name, lagged in window.covariates.items():
        if lagged.signal not in session.signals:
            raise ConfigError(
                f"{session.name}: covariate {name!r}: the recording has no signal {lagged.signal!r}; it has: "
                f"{', '.join(sorted(session.signals)) or 'none'}"
            )
        where = f"{session.name}: signal {lagged.signal!r}"
        signal = usable_signal(session.signals[lagged.signal], centres[needed], where)
        found[name] = lagged_values(signal, centres, lagged)
    return found


def step_centres(window: Window, t0_s: Float[np.ndarray, " trials"]) -> Float[np.ndarray, "trials steps"]:
    """Recording time (s) of the centre of each step."""
    centres: np.ndarray = t0_s[:, None] + (np.arange(window.n_steps) - window.lead + 0.5) * window.bin_size_s
    return centres


def lagged_values(
    signal: Signal, times_s: Float[np.ndarray, "trials steps"], lagged: Lagged
) -> Float[np.ndarray, "trials steps features"]:
    """The signal interpolated linearly at ``times_s`` minus each lag; features run over lags, then dims.

    Outside its clock the signal holds its first or last value. Angles lie in -pi to pi.
    """
    n_dims = signal.values.shape[1]
    samples = np.unwrap(signal.values.astype(float), axis=0) if lagged.circular else signal.values
    values = np.empty((*times_s.shape, len(lagged.lags_s) * n_dims), np.float32)
    for place, lag in enumerate(lagged.lags_s):
        for dim in range(n_dims):
            found = np.interp(times_s - lag, signal.times_s, samples[:, dim])
            values[..., place * n_dims + dim] = np.angle(np.exp(1j * found)) if lagged.circular else found
    return values


def usable_signal(signal: Signal, needed_s: Float[np.ndarray, " needed"], where: str) -> Signal:
    """Without samples that are NaN in any dim: interpolation runs across them.

    Raises DataError where the clock, with one sample's length to either side, does not hold ``needed_s``.
    """
    good = np.isfinite(signal.values).all(axis=1)
    if not good.any():
        raise DataError(f"{where}: it holds no finite sample; leave it out of covariates")
    if not good.all():
        log.info("%s: interpolating over %d of %d samples that are NaN", where, int((~good).sum()), good.size)
        kept = {"values": signal.values[good], "times_s": signal.times_s[good]}
        signal = replace(signal, **kept)
    clock, period_s = signal.times_s, signal.period_s
    outside = (needed_s < clock[0] - period_s) | (needed_s > clock[-1] + period_s)
    if outside.any():
        raise DataError(
            f"{where} runs {clock[0]:g} to {clock[-1]:g} s and does not cover the windows, which need "
            f"{needed_s.min():g} to {needed_s.max():g} s ({outside.mean():.1%} of bins outside); leave the "
            "covariate out, or the trials with `where:`"
        )
    return signal
