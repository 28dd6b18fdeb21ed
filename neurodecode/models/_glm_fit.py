"""Fitting the spike-history GLM along a path of penalties, all units side by side."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.models._glm_design import N_LEADING, HistoryDesign
from neurodecode.models._glm_newton import KeptNewton, Objective
from neurodecode.models._glm_rows import Rows, window_log_aggregate
from neurodecode.models._glm_weights import Penalties, UnitWeights

log = logging.getLogger(__name__)

PATH_TOLERANCE = 1e-2  # nats: far below the differences that decide between penalties
FINAL_TOLERANCE = 1e-7
_MOST_VALUES = 1e8  # of own columns held at a time: 400 MB in float32


@dataclass(frozen=True)
class PenaltyGrid:
    """What validation chooses from; no time-course of its own and no coupling are always among the choices."""

    history: Sequence[float]
    time_course: Sequence[float]
    coupling: Sequence[float]


def fit_path(design: HistoryDesign, trials: Trials, validation: Trials, grid: PenaltyGrid) -> UnitWeights:
    """Weights of every unit, at those penalties of the grid that predict ``validation`` best.

    The aggregate in ``design`` must have been made of ``trials``.
    """
    log_aggregate = window_log_aggregate(design, trials, leave_out=True)
    held_out_aggregate = window_log_aggregate(design, validation, leave_out=False)
    found = []
    for units in _unit_batches(design, trials.n_trials * trials.n_bins):
        batch = _Batch.of(design, trials, units, log_aggregate)
        chosen = _choose(batch, Rows.of(design, validation, units, held_out_aggregate), grid)
        for unit, penalties in zip(units, chosen[1], strict=True):
            log.info("glm: unit %s, penalties %s", trials.unit_names[unit], penalties)
        found.append(batch.gathered(*chosen))
    return _joined(found)


def refit(design: HistoryDesign, trials: Trials, chosen: UnitWeights) -> UnitWeights:
    """Weights of every unit on other trials, at penalties chosen before; ``chosen`` is also where a fit starts."""
    log_aggregate = window_log_aggregate(design, trials, leave_out=True)
    found = []
    for units in _unit_batches(design, trials.n_trials * trials.n_bins):
        batch = _Batch.of(design, trials, units, log_aggregate)
        penalties = [Penalties(*chosen.penalties[unit].tolist()) for unit in units]
        weights = batch.fit(penalties, batch.near(chosen), FINAL_TOLERANCE, exact=True)
        found.append(batch.gathered(weights, penalties))
    return _joined(found)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some units and their rows. ``own_source``: columns in which a unit would be its own source."""

    units: np.ndarray
    rows: Rows
    newton: KeptNewton
    own_source: np.ndarray

    @classmethod
    def of(cls, design: HistoryDesign, trials: Trials, units: np.ndarray, log_aggregate: np.ndarray) -> _Batch:
        rows = Rows.of(design, trials, units, log_aggregate)
        own_source = np.zeros((len(units), rows.columns.n_all), bool)
        if design.n_sources() and design.per_unit:
            each = rows.columns.n_source_features
            for number, unit in enumerate(units):  # its own history stands in the own columns already
                first = rows.columns.n_alone + unit * each
                own_source[number, first : first + each] = True
        return cls(units, rows, KeptNewton(rows), own_source)

    @property
    def aggregate_alone(self) -> Float[np.ndarray, "units columns"]:
        """Weights that make each model its aggregate: where a path starts, and what the aggregate is pulled to."""
        return np.tile(self.rows.columns.aggregate_alone(), (len(self.units), 1))

    def fit(
        self, penalties: Sequence[Penalties], start: np.ndarray, tolerance: float, *, exact: bool
    ) -> Float[np.ndarray, "units columns"]:
        """Weights of all columns; those left out are 0. A ridge is on weights of standardised columns."""
        ridges = np.stack([self.rows.columns.penalty(p) for p in penalties]) * self.rows.scales**2
        objective = Objective(self.rows, np.where(self.own_source, np.inf, ridges), self.aggregate_alone)
        return self.newton.fit(objective, start, tolerance, exact=exact)

    def near(self, found: UnitWeights) -> Float[np.ndarray, "units columns"]:
        """Weights found on other trials, as columns."""
        units = self.units
        curves = found.time_course[units] @ np.linalg.pinv(self.rows.basis).T
        if curves.shape[1] > 1:  # of all that sum to these curves, shared and deviating, the least
            shared = curves.sum(axis=1, keepdims=True) / (curves.shape[1] + 1)
            curves = np.concatenate([shared, curves - shared], axis=1)
        parts = [found.bias, found.aggregate, found.covariates, found.own, found.sources]
        weights = [part[units].reshape(len(units), -1) for part in parts]
        near: np.ndarray = np.concatenate([*weights, curves.reshape(len(units), -1)], axis=1)
        return near

    def gathered(self, weights: np.ndarray, penalties: Sequence[Penalties]) -> UnitWeights:
        """The weights by what they stand for."""
        c = self.rows.columns
        return UnitWeights(
            bias=weights[:, 0],
            aggregate=weights[:, 1],
            covariates=weights[:, N_LEADING : c.own.start],
            own=weights[:, c.own],
            sources=weights[:, c.n_alone : c.n_rows].reshape(len(weights), c.n_sources, c.n_source_features),
            time_course=self.rows.time_courses(weights),
            penalties=np.array(penalties),
        )


def _choose(batch: _Batch, held_out: Rows, grid: PenaltyGrid) -> tuple[np.ndarray, list[Penalties]]:
    """The best penalties by held-out likelihood: own history first, then the time-course, then coupling."""
    best = _Best(np.full(len(batch.units), -np.inf), batch.aggregate_alone, [Penalties(np.inf)] * len(batch.units))
    for name in Penalties._fields:
        if name == "coupling" and not batch.rows.columns.n_sources:
            continue
        weights, base = best.weights.copy(), best.penalties
        for value in sorted(getattr(grid, name), reverse=True):
            penalties = [p._replace(**{name: value}) for p in base]
            weights = batch.fit(penalties, weights, PATH_TOLERANCE, exact=False)
            best = best.or_better(held_out.log_likelihood(weights), weights, penalties)
    return batch.fit(best.penalties, best.weights, FINAL_TOLERANCE, exact=True), best.penalties


@dataclass(frozen=True, eq=False)
class _Best:
    """The likeliest of what was tried, per unit."""

    score: np.ndarray
    weights: np.ndarray
    penalties: list[Penalties]

    def or_better(self, score: np.ndarray, weights: np.ndarray, penalties: list[Penalties]) -> _Best:
        better = score > self.score
        kept = [new if won else old for won, new, old in zip(better, penalties, self.penalties, strict=True)]
        return _Best(np.where(better, score, self.score), np.where(better[:, None], weights, self.weights), kept)


def _unit_batches(design: HistoryDesign, n_rows: int) -> Iterator[np.ndarray]:
    """Units whose own columns are held together."""
    n_units = design.fill.size
    each = max(1, int(_MOST_VALUES // max(1, n_rows * (1 + design.own.n_features))))
    for start in range(0, n_units, each):
        yield np.arange(start, min(start + each, n_units))


def _joined(parts: Sequence[UnitWeights]) -> UnitWeights:
    if len(parts) == 1:
        return parts[0]
    return UnitWeights(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(UnitWeights)}
    )
