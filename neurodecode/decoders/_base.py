"""What every decoder must be able to do: scikit-learn's manners on arrays of counts and on ``Trials``."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._series import Series, class_labels, signal_values, trial_values
from neurodecode.errors import ConfigError

Kind = Literal["class", "signal", "value"]
"""What is decoded: the class of a trial, a signal in every bin, one number of a trial."""


class Stream(abc.ABC):
    """A causal decoder run bin by bin, from the start of a trial or of a recording."""

    @abc.abstractmethod
    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """What is decoded once these counts of the next bin are known.

        Of a class decoder the probability of each class, of a signal decoder the signal's dims.
        """


class Decoder(BaseEstimator, abc.ABC):  # type: ignore[misc]  # scikit-learn has no types
    """Stimulus or behaviour from spikes.

    A decoder's file exports ``DECODERS`` (its classes; the family is the file's name) and ``EXAMPLE``
    (hyper-parameters that fit a toy session in under 2 s). Constructors store and nothing more; ``fit`` checks
    hyper-parameters and data. What ``fit`` finds stands in attributes that end in an underscore, each an array, a
    dict of arrays, or what JSON holds: ``save`` writes those.

    X: counts (bins, units) of one recording, (trials, bins, units), or ``Trials``, whose lead warms a causal
    decoder up. bin_size_s: ``Trials`` are summed into bins of this size first; arrays are taken as they are.
    """

    family: ClassVar[str]
    kind: Kind
    causal: bool
    """Whether what is decoded in a bin depends on counts of this bin and of earlier ones alone."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.family = cls.__dict__.get("family", cls.__module__.rpartition(".")[2])

    def series(self, X: Any) -> Series:
        """X as every decoder computes with it. Raises DataError for what holds no counts."""
        return Series.of(X, getattr(self, "bin_size_s", None))

    def stream(self) -> Stream:
        """The fitted decoder at the start of a recording, to be told one bin after another.

        Raises ConfigError for a decoder that is not causal.
        """
        raise ConfigError(
            f"{self.family}: not causal, so it cannot decode bin by bin; causal ones have causal=True"
        )

    def diagnostics(self) -> dict[str, Any]:
        """How the fit went (chosen lags and penalties, learning curves), JSON-able; for fit.json and the report.

        Here, what the decoder keeps as ``choice_``.
        """
        return dict(getattr(self, "choice_", {}))

    def save(self, path: str | Path) -> None:
        """Write hyper-parameters and all that was fitted to one safetensors file."""
        from neurodecode.decoders._store import save_decoder

        check_is_fitted(self)
        save_decoder(path, self)


class ClassDecoder(ClassifierMixin, Decoder):  # type: ignore[misc]
    """The class of a trial. ``classes_`` are sorted; y may name a column of ``Trials`` (default: condition)."""

    kind: Kind = "class"
    classes_: np.ndarray

    @abc.abstractmethod
    def fit(self, X: Any, y: Any = None, *, validation: tuple[Any, Any] | None = None) -> ClassDecoder:
        """Fit to training trials; choices (penalty, stopping) are made on ``validation`` (X, y) where given, else
        on trials held out of X.

        Raises DataError for labels that are missing, for a class with one trial and where there is one class only.
        """

    @abc.abstractmethod
    def predict_proba(self, X: Any) -> Float[np.ndarray, "trials classes"]:
        """Probability of each class, the whole trial being known."""

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each trial."""
        check_is_fitted(self)
        chosen: np.ndarray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen

    def labels(self, X: Any, y: Any) -> np.ndarray:
        """y as one label for each trial of X."""
        return class_labels(X, y)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Share of trials whose most probable class is the true one."""
        return float(np.average(self.predict(X) == self.labels(X, y), weights=sample_weight))


class UnfoldingClassDecoder(ClassDecoder):
    """A class decoder that says in every bin what the trial so far tells."""

    @abc.abstractmethod
    def predict_proba_bins(self, X: Any) -> Float[np.ndarray, "trials bins classes"]:
        """Probability of each class after each bin."""

    def predict_proba(self, X: Any) -> Float[np.ndarray, "trials classes"]:
        """Probability of each class after the last bin."""
        return self.predict_proba_bins(X)[:, -1]


class SignalDecoder(RegressorMixin, Decoder):  # type: ignore[misc]
    """A signal (dims) in every bin. y: (bins, dims) or (trials, bins, dims), or the name of a covariate.

    Bins where any dim is NaN are left out of the fit.
    """

    kind: Kind = "signal"

    @abc.abstractmethod
    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> SignalDecoder:
        """Fit to training series; choices (penalty, lags) are made on ``validation`` (X, y) where given, else
        on the last tenth of the bins.

        Raises DataError for a signal that is constant, infinite or of another length.
        """

    @abc.abstractmethod
    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The signal in every bin, of X's own shape."""

    def signals(self, X: Any, y: Any) -> Float[np.ndarray, "trials bins dims"]:
        """y as the signal of every bin of the window, averaged within bins of ``bin_size_s``."""
        return signal_values(X, y, getattr(self, "bin_size_s", None))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2, the dims weighted by their variance."""
        from sklearn.metrics import r2_score

        true, found = self.signals(X, y), self.predict(X)
        true, found = true.reshape(-1, true.shape[-1]), found.reshape(-1, true.shape[-1])
        known = np.isfinite(true).all(axis=1)
        return float(
            r2_score(true[known], found[known], sample_weight=sample_weight, multioutput="variance_weighted")
        )


class ValueDecoder(RegressorMixin, Decoder):  # type: ignore[misc]
    """One number of each trial. y: (trials,), or the name of a numeric column of ``Trials``."""

    kind: Kind = "value"

    @abc.abstractmethod
    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> ValueDecoder:
        """Fit to training trials; choices as in ``ClassDecoder.fit``. Raises DataError for values that are missing
        or all the same."""

    @abc.abstractmethod
    def predict(self, X: Any) -> Float[np.ndarray, " trials"]:
        """The value of each trial."""

    def values(self, X: Any, y: Any) -> Float[np.ndarray, " trials"]:
        """y as one number for each trial."""
        return trial_values(X, y)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R2."""
        from sklearn.metrics import r2_score

        return float(r2_score(self.values(X, y), self.predict(X), sample_weight=sample_weight))
