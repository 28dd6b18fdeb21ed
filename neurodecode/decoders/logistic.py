"""Multinomial logistic regression on counts of stretches of the trial, with a ridge penalty."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurodecode.decoders._choices import numbers_to_choose_from
from neurodecode.decoders._linear import LinearClassDecoder, log


@dataclass(eq=False, repr=False, kw_only=True)
class LogisticDecoder(LinearClassDecoder):
    """``penalties``: ridge on the coefficients of standardised features, relative to the log loss summed over
    trials, to choose from on validation trials. ``max_iterations`` of L-BFGS.

    Source: Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, sect. 4.4.
    """

    chosen = "penalty"
    bin_size_s: float | None = None
    n_stretches: tuple[int, ...] = (1, 2, 4, 8, 16)
    penalties: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1000.0)
    max_iterations: int = 1000
    random_state: int = 0

    def _settings(self, n_features: int) -> Sequence[float]:
        """Every penalty, the strongest first."""
        return numbers_to_choose_from("logistic: penalties", self.penalties, least=1e-12)[::-1]

    def _fit_linear(
        self, features: Float[np.ndarray, "trials features"], codes: Int[np.ndarray, " trials"], setting: float
    ) -> tuple[Float[np.ndarray, "classes features"], Float[np.ndarray, " classes"]]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        regression = LogisticRegression(C=1 / setting, max_iter=self.max_iterations)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is logged
            regression.fit(features, codes)
        if regression.n_iter_.max() >= self.max_iterations:
            log.info("logistic: penalty %g not converged after %d iterations", setting, self.max_iterations)
        coef, intercept = regression.coef_, regression.intercept_
        if len(coef) == 1:  # of two classes scikit-learn gives the second's odds
            coef, intercept = np.concatenate([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
        return coef, intercept


DECODERS = (LogisticDecoder,)
EXAMPLE: dict[str, Any] = {"n_stretches": [1, 2], "penalties": [1.0, 100.0]}
