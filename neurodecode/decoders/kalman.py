"""Kalman filter: the signal moves by itself, and activity observes it.

Source: Wu, Gao, Bienenstock, Donoghue & Black 2006, Neural Comput 18:80.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import SignalDecoder, Stream
from neurodecode.decoders._choices import numbers_to_choose_from, told_counts, transforms
from neurodecode.decoders._kalman_filter import Belief, LinearGaussian, filtered
from neurodecode.decoders._kalman_fit import linear_gaussian
from neurodecode.decoders._signal_parts import SignalPart, centred, relative_error, signal_parts, unit_means

_FIRST_NOISE = (0.1, 3.0)  # shrinkage and scale with which the state is chosen first


@dataclass(eq=False, repr=False, kw_only=True)
class KalmanDecoder(SignalDecoder):
    """The signal and its derivatives as the state of a linear Gaussian system whose observation is the counts.

    derivatives: numbers of derivatives in the state to choose from (0: the signal alone). lags: numbers of bins by
    which activity leads the signal, to choose from; activity up to the present bin is used whatever the lag.
    shrinkages: of the observation noise toward independent units. noise_scales: factors on it, above 1 since what
    the state leaves of the counts is correlated over time, which the filter takes to be new evidence each time.
    square_root: whether square roots of counts are observed, None: chosen. bin_size_s: bins (s) that ``Trials``
    are summed into. Bins, and units in a bin, that were not observed tell nothing.

    All choices are made on validation; then training and validation are fitted together.
    Fitted: ``system_`` (arrays of ``LinearGaussian``), ``mean_`` and ``scale_`` (dims) of the signal,
    ``mean_counts_`` (units), ``choice_``.
    """

    derivatives: tuple[int, ...] = (0, 1, 2)
    lags: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    shrinkages: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0)
    noise_scales: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
    square_root: bool | None = None
    bin_size_s: float | None = None

    causal = True

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> KalmanDecoder:
        """Choose state, lag and noise by the error on validation, then fit to all.

        Raises ConfigError for numbers below 0 or shrinkage above 1, DataError as ``SignalDecoder.fit``.
        """
        lists = self._lists()
        parts = signal_parts(self, X, y, validation)
        self.mean_, self.scale_ = parts[0].rows.mean(axis=0), parts[0].rows.std(axis=0)
        found: dict[tuple[Any, ...], float] = {}
        for root in transforms(self.square_root):
            self._search(parts, lists, found, root=root)
        root, n_derivatives, lag, shrinkage, scale = best = min(found, key=found.__getitem__)
        self.mean_counts_ = unit_means(parts, root=root)
        system = _noisier(self._fitted(parts, best[:3], self.mean_counts_), shrinkage, scale)
        self.system_ = vars(system)
        self.choice_: dict[str, Any] = {
            "derivatives": n_derivatives,
            "lag": lag,
            "shrinkage": shrinkage,
            "noise_scale": scale,
            "square_root": root,
            "validation_error": found[best],
        }
        return self

    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The signal in every bin of the window; the lead is filtered too."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.mean_counts_.size)
        counts = centred(series, self.mean_counts_, root=self.choice_["square_root"])
        system = self.system.with_past(self.choice_["lag"])
        state = filtered(system, counts, series.mask)[:, series.lead :]
        decoded = self._signal(state, self.choice_["derivatives"])
        return decoded[0] if series.one else decoded

    def stream(self) -> Stream:
        """At the start of a recording, the signal being as uncertain as it is over all."""
        check_is_fitted(self)
        return _KalmanStream(self)

    @property
    def system(self) -> LinearGaussian:
        """The fitted system, of the signal about its mean in units of its standard deviation."""
        return LinearGaussian(**self.system_)

    def _lists(self) -> dict[str, list[Any]]:
        whole = {name: getattr(self, name) for name in ("derivatives", "lags")}
        lists: dict[str, list[Any]] = {
            name: [int(n) for n in numbers_to_choose_from(name, values, least=0, whole=True)]
            for name, values in whole.items()
        }
        lists["shrinkages"] = numbers_to_choose_from("shrinkages", self.shrinkages, least=0, most=1)
        lists["noise_scales"] = numbers_to_choose_from("noise_scales", self.noise_scales, least=1e-6)
        return lists

    def _search(
        self,
        parts: tuple[SignalPart, SignalPart],
        lists: dict[str, list[Any]],
        found: dict[tuple[Any, ...], float],
        *,
        root: bool,
    ) -> None:
        """Errors on validation: of states at one noise, of noises for the best state, then of states again."""
        train, held_out = parts
        mean = unit_means([train], root=root)
        counts = centred(held_out.series, mean, root=root)
        noises = list(product(lists["shrinkages"], lists["noise_scales"]))
        noise = min(noises, key=lambda n: (abs(n[0] - _FIRST_NOISE[0]), abs(n[1] - _FIRST_NOISE[1])))
        shapes = list(product([root], lists["derivatives"], lists["lags"]))
        fitted = {shape: self._fitted([train], shape, mean) for shape in shapes}

        def try_out(shape: tuple[Any, ...], noise: tuple[float, float]) -> None:
            if (*shape, *noise) in found:
                return
            system = _noisier(fitted[shape], *noise).with_past(shape[2])
            decoded = filtered(system, counts, held_out.series.mask)[:, held_out.series.lead :]
            found[*shape, *noise] = relative_error(self._signal(decoded, shape[1]), held_out, self.scale_**2)

        def best_here() -> tuple[Any, ...]:
            return min((key for key in found if key[0] == root), key=found.__getitem__)

        for shape in shapes:
            try_out(shape, noise)
        for noise in noises:
            try_out(best_here()[:3], noise)
        for shape in shapes:
            try_out(shape, best_here()[3:])

    def _fitted(
        self, parts: Sequence[SignalPart], shape: tuple[Any, ...], mean: Float[np.ndarray, " units"]
    ) -> LinearGaussian:
        root, n_derivatives, lag = shape
        signals = [(part.values - self.mean_) / self.scale_ for part in parts]
        return linear_gaussian(parts, signals, mean, n_derivatives=n_derivatives, lag=lag, root=root)

    def _signal(self, state: Float[np.ndarray, "*some state"], n_derivatives: int) -> np.ndarray:
        """The signal of the oldest bin that a state holds, in its own units: (..., dims)."""
        n_dims = self.mean_.size
        first = state.shape[-1] - n_dims * (n_derivatives + 1)
        signal: np.ndarray = state[..., first : first + n_dims] * self.scale_ + self.mean_
        return signal


class _KalmanStream(Stream):
    def __init__(self, decoder: KalmanDecoder) -> None:
        self._decoder = decoder
        self._system = decoder.system.with_past(decoder.choice_["lag"])
        all_units = np.ones((1, decoder.mean_counts_.size), bool)
        self._weights, self._precision = self._system.information(all_units)
        self._belief = Belief(np.zeros((1, len(self._system.transition))), self._system.first[None])
        self._started = False

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """The signal in the bin of these counts; a NaN count was not observed."""
        decoder = self._decoder
        told, observed = told_counts(counts, decoder.mean_counts_.size)
        if decoder.choice_["square_root"]:
            told = np.sqrt(told)
        weights, precision = self._weights, self._precision
        if not observed.all():
            weights, precision = self._system.information(observed[None])
        if self._started:
            self._belief.predict(self._system)
        self._started = True
        self._belief.update((weights[0] @ np.where(observed, told - decoder.mean_counts_, 0.0))[None], precision)
        return decoder._signal(self._belief.mean[0], decoder.choice_["derivatives"])


def _noisier(system: LinearGaussian, shrinkage: float, scale: float) -> LinearGaussian:
    """With the noise of observations shrunk toward its diagonal and made ``scale`` times as large."""
    alone = np.diag(np.diag(system.noise))
    return replace(system, noise=scale * ((1 - shrinkage) * system.noise + shrinkage * alone))


DECODERS = (KalmanDecoder,)
EXAMPLE = {"derivatives": (0, 1), "lags": (0, 1), "shrinkages": (0.1,), "noise_scales": (1.0, 3.0)}
