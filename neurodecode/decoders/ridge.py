"""Ridge regression of one number of each trial on counts of stretches of the trial.

Source: Hoerl & Kennard 1970, Technometrics 12:55.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import ValueDecoder
from neurodecode.decoders._choices import numbers_to_choose_from
from neurodecode.decoders._linear import stretch_counts
from neurodecode.decoders._series import check_values


@dataclass(eq=False, repr=False, kw_only=True)
class RidgeValueDecoder(ValueDecoder):
    """intercept_ + standardised root counts of stretches @ coef_.

    n_stretches: into how many equal stretches the window is cut, to choose from; those that would be shorter than
    a bin are left out. penalties: ridge on the coefficients, in parts of the number of trials, to choose from; a
    large one leaves the mean of the training trials.

    One trial holds one value, so that few validation trials would choose by chance: both are chosen by the error
    of training and validation trials, each left out in turn. What is decoded rests on the whole trial: not causal.
    Fitted: ``coef_``, ``mean_`` and ``scale_`` (features), ``intercept_`` (1,), ``n_units_``, ``n_bins_``,
    ``choice_``.
    """

    n_stretches: tuple[int, ...] = (1, 2, 4, 8)
    penalties: tuple[float, ...] = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)

    causal = False

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> RidgeValueDecoder:
        """Choose stretches and penalty by trials left out in turn, then fit to all.

        Raises ConfigError for numbers of stretches below 1 and penalties of 0 or less, DataError as
        ``ValueDecoder.fit``.
        """
        n_stretches = [
            int(n) for n in numbers_to_choose_from("n_stretches", self.n_stretches, least=1, whole=True)
        ]
        penalties = numbers_to_choose_from("penalties", self.penalties, least=np.finfo(float).tiny)
        series, values = [self.series(X)], self.values(X, y)
        check_values(values)
        self.n_units_, self.n_bins_ = series[0].n_units, series[0].n_bins
        if validation is not None:
            series.append(self.series(validation[0]))
            values = np.concatenate([values, self.values(*validation)])
            series[1].check_units(self.n_units_)
            series[1].check_bins(self.n_bins_)
        errors: dict[tuple[int, float], float] = {}
        fits = {}
        for n in [n for n in n_stretches if n <= self.n_bins_] or [1]:
            fits[n] = _Standardised.of(np.concatenate([stretch_counts(one, n) for one in series]), values)
            errors |= {(n, penalty): fits[n].error_left_out(penalty) for penalty in penalties}
        n, penalty = best = min(errors, key=errors.__getitem__)
        self.coef_, self.intercept_ = fits[n].solution(penalty), np.array([values.mean()])
        self.mean_, self.scale_ = fits[n].mean, fits[n].scale
        self.choice_: dict[str, Any] = {
            "n_stretches": n,
            "penalty": penalty,
            "mean_squared_error_left_out": errors[best],
        }
        return self

    def predict(self, X: Any) -> Float[np.ndarray, " trials"]:
        """The value of each trial. Raises DataError for other units or bins than were fitted."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.n_units_)
        series.check_bins(self.n_bins_)
        features = stretch_counts(series, self.coef_.size // self.n_units_)
        scaled = np.nan_to_num((features - self.mean_) / self.scale_, nan=0.0)
        decoded: Float[np.ndarray, " trials"] = scaled @ self.coef_ + self.intercept_
        return decoded


@dataclass(frozen=True, eq=False)
class _Standardised:
    """Features about their means in units of their deviations as u s v', and values about their mean."""

    mean: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]
    values: Float[np.ndarray, " trials"]
    u: Float[np.ndarray, "trials ranks"]
    s: Float[np.ndarray, " ranks"]
    v: Float[np.ndarray, "ranks features"]

    @classmethod
    def of(cls, raw: Float[np.ndarray, "trials features"], values: Float[np.ndarray, " trials"]) -> _Standardised:
        """NaN, a stretch of which nothing was observed, counts as the mean."""
        known = np.isfinite(raw)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, raw, 0.0).sum(axis=0) / n
        about = np.where(known, raw - mean, 0.0)
        variance = np.square(about).sum(axis=0) / n
        scale = np.sqrt(np.where(variance > 0, variance, 1.0))
        u, s, v = np.linalg.svd(about / scale, full_matrices=False)
        return cls(mean, scale, values - values.mean(), u, s, v)

    def solution(self, penalty: float) -> Float[np.ndarray, " features"]:
        """Coefficients under ``penalty`` in parts of the number of trials."""
        found: Float[np.ndarray, " features"] = (
            self.s / (self.s**2 + penalty * self.values.size) * (self.u.T @ self.values)
        ) @ self.v
        return found

    def error_left_out(self, penalty: float) -> float:
        """Mean squared error of each trial by a fit to the others: e_i / (1 - h_i), h being the fit's diagonal.

        Means and deviations of features stay those of all trials. Source: Allen 1974, Technometrics 16:125.
        """
        kept = self.s**2 / (self.s**2 + penalty * self.values.size)
        fitted = self.u @ (kept * (self.u.T @ self.values))
        leverage = 1.0 / self.values.size + np.square(self.u) @ kept
        return float(np.square((self.values - fitted) / np.maximum(1.0 - leverage, 1e-9)).mean())


DECODERS = (RidgeValueDecoder,)
EXAMPLE = {"n_stretches": (1, 2)}
