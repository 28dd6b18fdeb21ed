"""Penalised Poisson regression of each held-out unit on columns that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt

from neurodecode.models._glm_weights import AGGREGATE_PENALTY, COVARIATE_PENALTY
from neurodecode.models._newton import Design, fit_poisson_regression

PATH_TOLERANCE = 1e-2  # nats: far below the differences that decide between penalties
FINAL_TOLERANCE = 1e-7
N_LEADING = 2  # 1, and the log of the aggregate's expected count
_ROWS = 16384


@dataclass(frozen=True, eq=False)
class Regression:
    """Weights of each unit in the columns' own scale; penalties at infinity left their columns out."""

    bias: Float[np.ndarray, " units"]
    aggregate: Float[np.ndarray, " units"]
    weights: Float[np.ndarray, "units columns"]
    population_penalty: Float[np.ndarray, " units"]
    single_penalty: Float[np.ndarray, " units"]

    @classmethod
    def aggregate_alone(cls, n_units: int, n_columns: int) -> Regression:
        """Weights that make the prediction the aggregate itself."""
        left_out = np.full(n_units, np.inf)
        return cls(np.zeros(n_units), np.ones(n_units), np.zeros((n_units, n_columns)), left_out, left_out)

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def diagnostics(self) -> dict[str, Any]:
        """Penalties; null: left out."""
        return {
            name: [float(p) if np.isfinite(p) else None for p in getattr(self, name)]
            for name in ("population_penalty", "single_penalty")
        }


@dataclass(frozen=True, eq=False)
class Bins:
    """What a regression is fitted to: the bins of all trials, columns that units share and what each has."""

    columns: Float[np.ndarray, "bins columns"]
    log_aggregate: Float[np.ndarray, "bins units"]
    counts: UInt[np.ndarray, "bins units"]
    mask: Bool[np.ndarray, "bins units"]


@dataclass(frozen=True)
class Layout:
    """How many columns there are of each kind, in this order, behind 1 and the log aggregate."""

    n_covariates: int
    n_population: int
    n_single: int

    @property
    def n_columns(self) -> int:
        """All but the leading ones."""
        return self.n_covariates + self.n_population + self.n_single

    def penalty(self, population: float, single: float) -> Float[np.ndarray, " columns"]:
        """Of every column, the leading ones too."""
        groups = [self.n_covariates, self.n_population, self.n_single]
        ridge = np.repeat([COVARIATE_PENALTY, population, single], groups)
        return np.concatenate([[0.0, AGGREGATE_PENALTY], ridge])


@dataclass(frozen=True, eq=False)
class _Rows:
    """One unit's observed bins; columns standardised, behind 1 and the log aggregate."""

    design: Design
    counts: Float[np.ndarray, " rows"]

    @classmethod
    def of(cls, bins: Bins, unit: int, scale: tuple[np.ndarray, np.ndarray]) -> _Rows:
        seen = bins.mask[:, unit]
        rows = np.empty((int(seen.sum()), N_LEADING + bins.columns.shape[1]), np.float32)
        rows[:, 0], rows[:, 1] = 1.0, bins.log_aggregate[seen, unit]
        rows[:, N_LEADING:] = (bins.columns[seen] - scale[0]) / scale[1]
        return cls(Design.plain(rows), bins.counts[seen, unit].astype(np.float64))

    def fit(self, penalty: np.ndarray, start: np.ndarray, tolerance: float) -> np.ndarray:
        """Weights of all columns; those whose penalty is infinite are 0."""
        used = np.isfinite(penalty)
        n_used = int(np.flatnonzero(used).max()) + 1  # what is left out stands behind what is used
        center = _center(penalty.size)[:n_used]
        weights = np.zeros(penalty.size)
        design = self.design.columns(n_used, with_profiles=False)
        weights[:n_used] = fit_poisson_regression(
            design, self.counts, penalty[:n_used], center, start[:n_used], tolerance=tolerance
        )
        return weights

    def score(self, weights: np.ndarray) -> float:
        """Log-likelihood (nats) up to log(n!)."""
        log_mean = self.design.product(weights)
        return float(self.counts @ log_mean - np.exp(np.minimum(log_mean, 20.0)).sum())


def chosen_regression(
    training: Bins,
    validation: Bins,
    layout: Layout,
    *,
    population_penalties: Sequence[float],
    single_penalties: Sequence[float],
) -> Regression:
    """Weights of every unit, at those penalties that predict the validation bins best.

    First the population's penalty is chosen, then that of the single units. That either group of columns is left
    out is among the choices.
    """
    scale = _scale(training.columns)
    found = []
    for unit in range(training.counts.shape[1]):
        rows, held_out = (_Rows.of(bins, unit, scale) for bins in (training, validation))
        found.append(_choose(rows, held_out, layout, population_penalties, single_penalties))
    return _gather(found, scale)


def refitted_regression(bins: Bins, layout: Layout, chosen: Regression) -> Regression:
    """Weights of every unit on other trials, at penalties chosen before."""
    scale = _scale(bins.columns)
    found = []
    for unit in range(bins.counts.shape[1]):
        penalties = float(chosen.population_penalty[unit]), float(chosen.single_penalty[unit])
        rows = _Rows.of(bins, unit, scale)
        found.append((_fitted(rows, layout, penalties, None, FINAL_TOLERANCE), penalties))
    return _gather(found, scale)


_Penalties = tuple[float, float]


def _choose(
    training: _Rows,
    held_out: _Rows,
    layout: Layout,
    population_penalties: Sequence[float],
    single_penalties: Sequence[float],
) -> tuple[np.ndarray, _Penalties]:
    nothing = (np.inf, np.inf)
    weights = _fitted(training, layout, nothing, None, PATH_TOLERANCE)
    best = (held_out.score(weights), weights, nothing)
    start = weights
    for penalty in sorted(population_penalties, reverse=True):
        start = _fitted(training, layout, (penalty, np.inf), start, PATH_TOLERANCE)
        best = max(best, (held_out.score(start), start, (penalty, np.inf)), key=lambda tried: tried[0])
    # Single units stand behind the population's columns, which they refine; without these there are none.
    population, start = best[2][0], best[1]
    for penalty in sorted(single_penalties, reverse=True) if np.isfinite(population) else ():
        start = _fitted(training, layout, (population, penalty), start, PATH_TOLERANCE)
        best = max(best, (held_out.score(start), start, (population, penalty)), key=lambda tried: tried[0])
    return _fitted(training, layout, best[2], best[1], FINAL_TOLERANCE), best[2]


def _fitted(
    rows: _Rows, layout: Layout, penalties: _Penalties, start: np.ndarray | None, tolerance: float
) -> np.ndarray:
    """The optimum; the aggregate itself where nothing but it could be used."""
    penalty = layout.penalty(*penalties)
    if np.isinf(penalties[0]) and layout.n_covariates == 0:
        return _center(penalty.size)
    return rows.fit(penalty, _center(penalty.size) if start is None else start, tolerance)


def _center(n_columns: int) -> Float[np.ndarray, " columns"]:
    """Weights that make the prediction the aggregate: where a fit starts, and what it is pulled to."""
    weights = np.zeros(n_columns)
    weights[1] = 1.0
    return weights


def _scale(columns: np.ndarray) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
    """Mean and standard deviation of each column; 1 for those that never vary."""
    mean = columns.mean(axis=0, dtype=np.float64)
    squares = np.zeros(mean.size)
    for start in range(0, columns.shape[0], _ROWS):  # a float64 copy of all rows would be large
        squares += np.square(columns[start : start + _ROWS] - mean).sum(axis=0)
    sd = np.sqrt(squares / columns.shape[0])
    sd = np.where(sd < 1e-6 * np.maximum(np.abs(mean), 1e-3), 1.0, sd)
    return mean.astype(np.float32), sd.astype(np.float32)


def _gather(found: list[tuple[np.ndarray, _Penalties]], scale: tuple[np.ndarray, np.ndarray]) -> Regression:
    scaled = np.stack([weights for weights, _ in found])
    weights = scaled[:, N_LEADING:] / scale[1]
    population, single = np.array([penalties for _, penalties in found]).T
    return Regression(scaled[:, 0] - weights @ scale[0], scaled[:, 1], weights, population, single)
