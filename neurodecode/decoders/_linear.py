"""Class decoders that are linear in the counts of a few stretches of the trial."""

from __future__ import annotations

import abc
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import ClassDecoder
from neurodecode.decoders._choices import numbers_to_choose_from
from neurodecode.decoders._class_parts import ClassPart, class_parts
from neurodecode.decoders._series import Series
from neurodecode.errors import DataError
from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.classification import log_loss

log = logging.getLogger(__name__)


def stretch_counts(series: Series, n_stretches: int) -> Float[np.ndarray, "trials features"]:
    """Square roots of the counts of each unit in ``n_stretches`` equal stretches of the window, one after another.

    Roots, since the variance of a count grows with its mean (Bartlett 1936, Suppl J R Stat Soc 3:68). Bins that
    were not observed count as the mean of the stretch's observed ones; NaN where none was.
    """
    starts = np.arange(n_stretches) * series.n_bins // n_stretches
    size = np.diff([*starts, series.n_bins])[:, None]
    mask = series.mask[:, series.lead :]
    counts = np.where(mask, series.window_counts, 0.0).astype(np.float64)
    observed = np.add.reduceat(mask, starts, axis=1, dtype=np.float64)
    summed = ratio(np.add.reduceat(counts, starts, axis=1) * size, observed)
    features: Float[np.ndarray, "trials features"] = np.sqrt(summed).reshape(series.n_trials, -1)
    return features


class LinearClassDecoder(ClassDecoder):
    """softmax(standardised stretch counts @ coef_.T + intercept_).

    ``n_stretches``: into how many equal stretches the window is cut, to choose from on validation trials together
    with what a family adds; those that would be shorter than a bin are left out,
    and where all would be, the window is taken whole.

    coef_: (classes, features); mean_, scale_: (features,) of training trials; choice_: what was chosen.
    What is decoded rests on the whole trial: not causal.
    """

    causal = False
    chosen: str
    """The name of what a family chooses beside the stretches."""
    n_stretches: tuple[int, ...]
    random_state: int

    @abc.abstractmethod
    def _settings(self, n_features: int) -> Sequence[Any]:
        """What the family chooses from where there are so many features; plainest first, none if too many."""

    @abc.abstractmethod
    def _fit_linear(
        self, features: Float[np.ndarray, "trials features"], codes: Int[np.ndarray, " trials"], setting: Any
    ) -> tuple[Float[np.ndarray, "classes features"], Float[np.ndarray, " classes"]]:
        """Coefficients and intercepts."""

    def fit(self, X: Any, y: Any = None, *, validation: tuple[Any, Any] | None = None) -> LinearClassDecoder:
        """Choose on validation trials what loses least there, then fit to training and validation trials."""
        stretches = numbers_to_choose_from(f"{self.family}: n_stretches", self.n_stretches, least=1, whole=True)
        self._settings(1)  # checks hyper-parameters
        self.classes_, training, held_out = class_parts(self, X, y, validation, self.random_state)
        series, other = self.series(training.X), self.series(held_out.X)
        self.n_units_, self.n_bins_ = series.n_units, series.n_bins
        other.check_units(self.n_units_)
        other.check_bins(self.n_bins_)
        losses = []
        for n_stretches, setting in self._candidates([int(n) for n in stretches if n <= series.n_bins] or [1]):
            self._fit_once([(series, training)], n_stretches, setting)
            losses.append((float(log_loss(self._probabilities(other), held_out.codes)), n_stretches, setting))
        loss, n_stretches, setting = min(losses, key=lambda one: one[0])  # the plainest of equals
        self.choice_ = {"n_stretches": n_stretches, self.chosen: setting, "validation_log_loss": loss}
        self._fit_once([(series, training), (other, held_out)], n_stretches, setting)
        return self

    def _candidates(self, stretches: Sequence[int]) -> Iterator[tuple[int, Any]]:
        for n_stretches in stretches:
            settings = self._settings(n_stretches * self.n_units_)
            if not settings and n_stretches == min(stretches):
                raise DataError(
                    f"{self.family}: {n_stretches * self.n_units_} features are more than it can take: decode "
                    "from fewer units"
                )
            if not settings:
                log.info("%s: %d stretches make too many features: left out", self.family, n_stretches)
            for setting in settings:
                yield n_stretches, setting

    def _fit_once(self, parts: Sequence[tuple[Series, ClassPart]], n_stretches: int, setting: Any) -> None:
        raw = np.concatenate([stretch_counts(series, n_stretches) for series, _ in parts])
        codes = np.concatenate([part.codes for _, part in parts])
        known = np.isfinite(raw)  # a stretch without an observed bin is not
        n = np.maximum(known.sum(axis=0), 1)
        self.mean_ = np.where(known, raw, 0.0).sum(axis=0) / n
        variance = np.where(known, np.square(raw - self.mean_), 0.0).sum(axis=0) / n
        self.scale_ = np.sqrt(np.where(variance > 0, variance, 1.0))
        self.coef_, self.intercept_ = self._fit_linear(self._standardised(raw), codes, setting)

    def _standardised(self, raw: Float[np.ndarray, "trials features"]) -> Float[np.ndarray, "trials features"]:
        """0, the mean, where nothing was observed."""
        scaled: Float[np.ndarray, "trials features"] = np.nan_to_num((raw - self.mean_) / self.scale_, nan=0.0)
        return scaled

    def _probabilities(self, series: Series) -> Float[np.ndarray, "trials classes"]:
        features = self._standardised(stretch_counts(series, self.coef_.shape[1] // self.n_units_))
        found: Float[np.ndarray, "trials classes"] = softmax(features @ self.coef_.T + self.intercept_, axis=1)
        return found

    def predict_proba(self, X: Any) -> Float[np.ndarray, "trials classes"]:
        """Probability of each class, the whole trial being known. Raises DataError for other units or bins."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.n_units_)
        series.check_bins(self.n_bins_)
        return self._probabilities(series)
