"""Inhomogeneous Poisson process: the log-rate is a penalised spline of time per condition, plus covariates.

P-splines (Eilers & Marx 1996, Stat Sci 11:89): many B-splines whose second differences are penalised. All
conditions share one spline; each adds its own deviation from it. Both penalties are those under which left-out
trials are likeliest, per unit; the ridge on covariates is chosen on validation trials. No spike history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._covariates import CovariateScale
from neurodecode.models._grid import Grid
from neurodecode.models._newton import Design, fit_poisson_regression
from neurodecode.models._sampling import DrivenStepper
from neurodecode.models._splines import TimeCourse, fit_time_course


@dataclass(frozen=True)
class InhomogeneousPoisson(PointProcessModel):
    """``n_splines`` over the window; ``penalties``: of second differences and of deviations, chosen from.

    ``covariate_penalties``: ridge on standardised covariates, chosen from. ``n_groups``: of cross-validation.
    """

    n_splines: int = 40
    penalties: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
    covariate_penalties: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0)
    n_groups: int = 5

    def __post_init__(self) -> None:
        if self.n_splines < 4:
            raise ConfigError(f"poisson: n_splines must be at least 4 (cubic), got {self.n_splines}")
        if self.n_groups < 2:
            raise ConfigError(f"poisson: n_groups must be at least 2, got {self.n_groups}; 5 is usual")
        for name in ("penalties", "covariate_penalties"):
            if not getattr(self, name) or not all(penalty > 0 for penalty in getattr(self, name)):
                raise ConfigError(f"poisson: {name} must be positive and not empty, got {getattr(self, name)}")

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedPoisson:
        """Splines of training and validation trials together; then covariates, if there are any."""
        del rng
        both = trials.concatenate(validation)
        course = fit_time_course(both, self.n_splines, self.penalties, self.n_groups)
        scale = CovariateScale.of(both)
        weights = np.zeros((both.n_units, scale.mean.size))
        if scale.mean.size:
            before = fit_time_course(trials, self.n_splines, self.penalties, self.n_groups)
            penalty = self._covariate_penalty(trials, validation, before, scale)
            course, weights = _with_covariates(both, course, scale, penalty)
        return FittedPoisson(self, Grid.of(both), course.log_rate, scale, weights)

    def _covariate_penalty(
        self, trials: Trials, validation: Trials, course: TimeCourse, scale: CovariateScale
    ) -> Float[np.ndarray, " units"]:
        """Per unit, the ridge that predicts validation trials best."""
        scores = []
        for penalty in self.covariate_penalties:
            refitted, weights = _with_covariates(trials, course, scale, np.full(trials.n_units, penalty))
            fitted = FittedPoisson(self, Grid.of(trials), refitted.log_rate, scale, weights)
            scores.append(fitted.log_likelihood(validation))
        chosen: np.ndarray = np.array(self.covariate_penalties)[np.argmax(scores, axis=0)]
        return chosen

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedPoisson:
        """From the log-rates, the covariates' weights and scale, and the grid."""
        scale = CovariateScale(parameters["covariate_mean"], parameters["covariate_sd"])
        grid = Grid.from_description(description["grid"])
        return FittedPoisson(self, grid, parameters["log_rate"], scale, parameters["covariates"])


def _with_covariates(
    trials: Trials, course: TimeCourse, scale: CovariateScale, penalty: Float[np.ndarray, " units"]
) -> tuple[TimeCourse, Float[np.ndarray, "units columns"]]:
    """Time-course and covariates fitted together, at the time-course's own penalties."""
    columns = scale.standardised(trials)[:, trials.lead :]
    place = trials.condition[:, None] * trials.n_bins + np.arange(trials.n_bins)
    coefficients, weights = np.empty_like(course.coefficients), np.empty((trials.n_units, columns.shape[2]))
    for unit in range(trials.n_units):
        seen = np.broadcast_to(trials.window_mask, trials.window_counts.shape)[..., unit]
        order = np.argsort(place[seen], kind="stable")
        places, group = np.unique(place[seen][order], return_inverse=True)
        design = Design(columns[seen][order], group, course.profiles[places])
        counts = trials.window_counts[..., unit][seen][order].astype(np.float64)
        penalties = np.concatenate([np.full(columns.shape[2], penalty[unit]), course.penalty[unit]])
        start = np.concatenate([np.zeros(columns.shape[2]), course.coefficients[unit]])
        found = fit_poisson_regression(design, counts, penalties, np.zeros_like(start), start)
        weights[unit], coefficients[unit] = found[: columns.shape[2]], found[columns.shape[2] :]
    return course.with_coefficients(coefficients), weights


@dataclass(frozen=True, eq=False)
class FittedPoisson(FittedModel):
    """``log_rate``: log expected count of each condition and bin at average covariates, whose weights follow."""

    model: InhomogeneousPoisson
    grid: Grid
    log_rate: Float[np.ndarray, "conditions bins units"]
    scale: CovariateScale
    covariates: Float[np.ndarray, "units columns"]

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) of each trial's condition and covariates; DataError for another grid or other covariates."""
        self.grid.check_window(trials, family=self.model.family)
        self.grid.check_covariates(trials, family=self.model.family)
        log_mean = self.log_rate[trials.condition]
        if self.covariates.size:
            log_mean = log_mean + self.scale.standardised(trials)[:, trials.lead :] @ self.covariates.T
        cap = 1.0 if self.grid.binary else np.inf
        mean: np.ndarray = np.minimum(np.exp(log_mean), cap)
        return mean / self.grid.bin_size_s

    def stepper(self, trials: Trials) -> DrivenStepper:
        """The same rates, whatever is observed."""
        return DrivenStepper(trials, self.intensity(trials), binary=self.grid.binary)

    def parameters(self) -> dict[str, np.ndarray]:
        """Log-rates, the covariates' weights and what they were standardised by."""
        return {
            "log_rate": self.log_rate,
            "covariates": self.covariates,
            "covariate_mean": self.scale.mean,
            "covariate_sd": self.scale.sd,
        }

    def description(self) -> dict[str, Any]:
        """The grid."""
        return {"grid": self.grid.describe()}


MODEL = InhomogeneousPoisson
EXAMPLE = InhomogeneousPoisson(n_splines=8, penalties=(1.0, 100.0), covariate_penalties=(10.0,), n_groups=3)
