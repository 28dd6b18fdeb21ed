"""What is known without a spike: the mean of the training trials. The baseline of signals and of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.data.trials import Trials
from neurodecode.decoders._base import SignalDecoder, Stream, ValueDecoder
from neurodecode.decoders._choices import told_counts
from neurodecode.decoders._series import check_values
from neurodecode.decoders._signal_parts import signal_parts
from neurodecode.metrics._ratio import ratio


@dataclass(eq=False, repr=False, kw_only=True)
class MeanSignalDecoder(SignalDecoder):
    """The mean of the signal, in every bin.

    bin_size_s: bins (s) that ``Trials`` are summed into. Fitted: ``mean_`` (dims), ``n_units_``.
    """

    bin_size_s: float | None = None

    causal = True

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> MeanSignalDecoder:
        """Mean over the known bins of training and validation. Raises DataError as ``SignalDecoder.fit``."""
        parts = signal_parts(self, X, y, validation)
        self.mean_ = np.concatenate([part.rows for part in parts]).mean(axis=0)
        self.n_units_ = parts[0].series.n_units
        return self

    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The mean in every bin of the window."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.n_units_)
        decoded = np.tile(self.mean_, (series.n_trials, series.n_bins, 1))
        return decoded[0] if series.one else decoded

    def stream(self) -> Stream:
        """Which hears of bins and says the mean."""
        check_is_fitted(self)
        return _MeanStream(self)


class _MeanStream(Stream):
    def __init__(self, decoder: MeanSignalDecoder) -> None:
        self._decoder = decoder

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """The mean."""
        told_counts(counts, self._decoder.n_units_)
        decoded: Float[np.ndarray, " outputs"] = self._decoder.mean_.copy()
        return decoded


@dataclass(eq=False, repr=False, kw_only=True)
class MeanValueDecoder(ValueDecoder):
    """The mean value of the trials of the same condition; of arrays, which have none, the mean of all.

    Each condition's mean is shrunk toward the mean over all trials, the more the less conditions differ: those
    that say nothing about the value should cost nothing. What is decoded is known before the trial: no spike is
    read. Trials of other conditions than were fitted get the mean of all.
    Fitted: ``condition_means_`` (conditions), ``mean_``, ``n_units_``.
    """

    causal = False

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> MeanValueDecoder:
        """Means over training and validation trials. Raises DataError as ``ValueDecoder.fit``."""
        series, values = self.series(X), self.values(X, y)
        check_values(values)
        condition = _conditions(X, series.n_trials)
        if validation is not None:
            values = np.concatenate([values, self.values(*validation)])
            more = self.series(validation[0])
            more.check_units(series.n_units)
            condition = np.concatenate([condition, _conditions(validation[0], more.n_trials)])
        self.mean_, self.n_units_ = float(values.mean()), series.n_units
        self.condition_means_ = _shrunk_means(values, condition, X.n_conditions if isinstance(X, Trials) else 1)
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " trials"]:
        """The mean of each trial's condition."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.n_units_)
        if not isinstance(X, Trials) or X.n_conditions != self.condition_means_.size:
            return np.full(series.n_trials, self.mean_)
        decoded: Float[np.ndarray, " trials"] = self.condition_means_[X.condition]
        return decoded


def _conditions(X: Any, n_trials: int) -> np.ndarray:
    return X.condition if isinstance(X, Trials) else np.zeros(n_trials, int)


def _shrunk_means(
    values: Float[np.ndarray, " trials"], condition: np.ndarray, n_conditions: int
) -> Float[np.ndarray, " conditions"]:
    """Each condition's mean m + tau^2 / (tau^2 + sigma^2 / n_c) (m_c - m); m where it has no trial.

    m and tau^2, the variance of the conditions' true means, are moment estimates weighted by n_c / sigma^2;
    sigma^2 is the variance within conditions.

    Source: DerSimonian & Laird 1986, Control Clin Trials 7:177; shrinkage: Efron & Morris 1975, J Am Stat Assoc
    70:311.
    """
    n_each = np.bincount(condition, minlength=n_conditions).astype(float)
    seen = n_each > 0
    own = ratio(np.bincount(condition, values, n_conditions), n_each, undefined=0.0)
    mean = values.mean()
    n_free = values.size - int(seen.sum())
    within = float(np.square(values - own[condition]).sum() / n_free) if n_free > 0 else 0.0
    if within == 0.0:  # the condition says all there is to say, or each has one trial
        return np.where(seen, own, mean) if n_free > 0 else np.full(n_conditions, mean)
    weight = n_each / within
    excess = (weight * np.square(own - mean))[seen].sum() - (seen.sum() - 1)
    spread = weight.sum() - np.square(weight).sum() / weight.sum()
    between = max(0.0, excess / spread) if spread > 0 else 0.0
    shrunk: Float[np.ndarray, " conditions"] = mean + between * weight / (between * weight + 1.0) * (own - mean)
    return np.where(seen, shrunk, mean)


DECODERS = (MeanSignalDecoder, MeanValueDecoder)
EXAMPLE: dict[str, Any] = {}
