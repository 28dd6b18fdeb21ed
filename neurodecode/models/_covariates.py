"""Covariates as columns, standardised by the trials that a model is fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials


def covariate_columns(trials: Trials) -> Float[np.ndarray, "trials steps columns"]:
    """Covariates in the order of their names, their dims side by side."""
    parts = [
        np.reshape(trials.covariates[name], (trials.n_trials, trials.n_steps, -1))
        for name in sorted(trials.covariates)
    ]
    empty = np.zeros((trials.n_trials, trials.n_steps, 0), np.float32)
    return np.concatenate([empty, *parts], axis=2)


@dataclass(frozen=True, eq=False)
class CovariateScale:
    """Mean and standard deviation of each column over the window of the trials of the fit."""

    mean: Float[np.ndarray, " columns"]
    sd: Float[np.ndarray, " columns"]

    @classmethod
    def of(cls, trials: Trials) -> CovariateScale:
        """Measured on these trials; a column that never varies is left as it is, less its mean."""
        columns = covariate_columns(trials)[:, trials.lead :]
        mean, sd = columns.mean(axis=(0, 1), dtype=np.float64), columns.std(axis=(0, 1), dtype=np.float64)
        return cls(mean, np.where(sd < 1e-9 * np.maximum(np.abs(mean), 1.0), 1.0, sd))

    def standardised(self, trials: Trials) -> Float[np.ndarray, "trials steps columns"]:
        """The columns of these trials on that scale."""
        scaled: np.ndarray = (covariate_columns(trials) - self.mean) / self.sd
        return scaled
