"""Wiener filter: each bin of a signal as a weighted sum of the counts of the last bins.

Source: Warland, Reinagel & Meister 1997, J Neurophysiol 78:2336; Carmena et al. 2003, PLoS Biol 1:e42 (motor
cortex); ridge penalty: Hoerl & Kennard 1970, Technometrics 12:55.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import SignalDecoder, Stream
from neurodecode.decoders._choices import numbers_to_choose_from, told_counts, transforms
from neurodecode.decoders._ridge_moments import ROWS_AT_ONCE, Moments
from neurodecode.decoders._signal_parts import SignalPart, centred, signal_parts, unit_means

_HALF_A_DECADE = 10.0**0.5


@dataclass(eq=False, repr=False, kw_only=True)
class WienerDecoder(SignalDecoder):
    """Ridge regression of the signal on the counts of this bin and of the bins before it.

    n_lags: numbers of bins, this one included, to choose from; history reaches into the lead of ``Trials``, and
    what was not observed counts as the unit's mean. penalties: to choose from, in parts of the features' mean
    variance (1: as heavy as the data themselves); the best one is refined by half a decade. square_root: whether
    square roots of counts are taken, None: chosen. bin_size_s: bins (s) that ``Trials`` are summed into.

    All choices are made on validation; then training and validation are fitted together.
    Fitted: ``weights_`` (lags, units, dims), ``intercept_`` (dims), ``mean_counts_`` (units), ``choice_``.
    """

    n_lags: tuple[int, ...] = (1, 2, 5, 10, 15, 20)
    penalties: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    square_root: bool | None = None
    bin_size_s: float | None = None

    causal = True

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> WienerDecoder:
        """Choose lags, penalty and transform by the error on validation, then fit to all.

        Raises ConfigError for numbers of lags below 1 and penalties below 0, DataError as ``SignalDecoder.fit``.
        """
        n_lags = [int(n) for n in numbers_to_choose_from("n_lags", self.n_lags, least=1, whole=True)]
        penalties = numbers_to_choose_from("penalties", self.penalties, least=0)
        parts = signal_parts(self, X, y, validation)
        best = min(
            (_best(parts, n_lags, penalties, root=root) for root in transforms(self.square_root)),
            key=lambda found: found.error,
        )
        n_units = parts[0].series.n_units
        fitted = best.moments.leading(best.n_lags * n_units).ridge(best.penalty)
        self.weights_ = fitted.weights.reshape(best.n_lags, n_units, -1)
        self.intercept_, self.mean_counts_ = fitted.intercept, best.mean
        self.choice_: dict[str, Any] = {
            "n_lags": best.n_lags,
            "penalty": best.penalty,
            "square_root": best.root,
            "validation_error": best.error,
        }
        return self

    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The signal in every bin of the window."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.mean_counts_.size)
        counts = centred(series, self.mean_counts_, root=self.choice_["square_root"])
        decoded = np.tile(self.intercept_, (series.n_trials, series.n_bins, 1))
        n_steps = counts.shape[1]
        for lag, weights in enumerate(self.weights_):
            first = max(series.lead, lag)  # bins before it have no count at this lag: the mean, 0 here
            if first < n_steps:
                decoded[:, first - series.lead :] += counts[:, first - lag : n_steps - lag] @ weights
        return decoded[0] if series.one else decoded

    def stream(self) -> Stream:
        """At the start of a recording: nothing before it was observed."""
        check_is_fitted(self)
        return _WienerStream(self)


class _WienerStream(Stream):
    def __init__(self, decoder: WienerDecoder) -> None:
        self._decoder = decoder
        self._weights = decoder.weights_.reshape(-1, decoder.intercept_.size)
        self._past = np.zeros(decoder.weights_.shape[:2])

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """The signal in the bin of these counts; a NaN count was not observed."""
        mean = self._decoder.mean_counts_
        told, observed = told_counts(counts, mean.size)
        if self._decoder.choice_["square_root"]:
            told = np.sqrt(told)
        self._past[1:] = self._past[:-1]
        self._past[0] = np.where(observed, told - mean, 0.0)
        decoded: Float[np.ndarray, " outputs"] = self._past.reshape(-1) @ self._weights + self._decoder.intercept_
        return decoded


@dataclass(frozen=True, eq=False)
class _Best:
    """Choices with the least error on validation, and the moments of training and validation together."""

    error: float
    n_lags: int
    penalty: float
    root: bool
    mean: Float[np.ndarray, " units"]
    moments: Moments


def _best(parts: tuple[SignalPart, SignalPart], n_lags: list[int], penalties: list[float], *, root: bool) -> _Best:
    mean = unit_means(parts[:1], root=root)
    train, held_out = (_moments(part, mean, n_lags[-1], root=root) for part in parts)
    variance = parts[0].rows.var(axis=0) * held_out.n
    found: dict[tuple[int, float], float] = {}

    def try_out(lags: int, penalty: float) -> None:
        weights = train.leading(lags * mean.size).ridge(penalty)
        error = held_out.leading(lags * mean.size).squared_error(weights)
        found[lags, penalty] = float((error / variance).mean())

    for lags in n_lags:
        for penalty in penalties:
            try_out(lags, penalty)
    lags, penalty = min(found, key=found.__getitem__)
    if len(penalties) > 1:
        for finer in (penalty / _HALF_A_DECADE, penalty * _HALF_A_DECADE):
            try_out(lags, finer)
    lags, penalty = min(found, key=found.__getitem__)
    return _Best(found[lags, penalty], lags, penalty, root, mean, train.together(held_out))


def _moments(part: SignalPart, mean: Float[np.ndarray, " units"], n_lags: int, *, root: bool) -> Moments:
    """Sums over the known bins; features are the counts of this bin, then of the bin before it, and so on."""
    total = Moments.none(n_lags * mean.size, part.values.shape[2])
    counts = centred(part.series, mean, root=root)
    trial, place = np.nonzero(part.known)
    lags = np.arange(n_lags)
    for start in range(0, trial.size, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        steps = place[rows, None] + part.series.lead - lags
        features = counts[trial[rows, None], np.maximum(steps, 0)]
        features[steps < 0] = 0.0  # before the first step: the mean
        total = total.add(features.reshape(len(features), -1), part.values[trial[rows], place[rows]])
    return total


DECODERS = (WienerDecoder,)
EXAMPLE = {"n_lags": (1, 3), "penalties": (0.01, 1.0)}
