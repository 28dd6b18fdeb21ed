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
from neurodecode.models._glm_rows import Rows, shared_source_history, window_log_aggregate
from neurodecode.models._glm_smoothness import smoothed
from neurodecode.models._glm_weights import Penalties, UnitWeights

log = logging.getLogger(__name__)

PATH_TOLERANCE = 1e-2  # nats: far below the differences that decide between penalties
FINAL_TOLERANCE = 1e-7
_MOST_VALUES = 1e8  # of own columns held at a time: 400 MB in float32


@dataclass(frozen=True)
class PenaltyGrid:
    """What validation chooses from. No coupling and no time-course are always among the choices. ``beside``: the
    weights that the aggregate may have beside a time-course, the one to be preferred first."""

    history: Sequence[float]
    beside: Sequence[float]
    coupling: Sequence[float]


def fit_path(design: HistoryDesign, trials: Trials, validation: Trials, grid: PenaltyGrid) -> UnitWeights:
    """Weights of every unit, at those penalties of the grid that predict ``validation`` best.

    The aggregate in ``design`` must have been made of ``trials``.
    """
    log_aggregate = window_log_aggregate(design, trials, leave_out=True)
    held_out_aggregate = window_log_aggregate(design, validation, leave_out=False)
    sources, held_out_sources = (shared_source_history(design, some) for some in (trials, validation))

    def fitted(units: np.ndarray) -> UnitWeights:
        batch = _Batch.of(design, trials, units, log_aggregate, sources)
        held_out = Rows.of(design, validation, units, held_out_aggregate, held_out_sources)
        chosen = _choose(batch, held_out, grid)
        for unit, penalties in zip(units, chosen[1], strict=True):
            log.info("glm: unit %s, penalties %s", trials.unit_names[unit], penalties)
        return batch.gathered(*chosen)

    # In a function of its own, so that the rows of a batch are gone before those of the next are made.
    return _joined([fitted(units) for units in _unit_batches(design, trials.n_trials * trials.n_bins)])


def refit(design: HistoryDesign, trials: Trials, chosen: UnitWeights) -> UnitWeights:
    """Weights of every unit on other trials, at penalties chosen before; ``chosen`` is also where a fit starts."""
    log_aggregate = window_log_aggregate(design, trials, leave_out=True)
    sources = shared_source_history(design, trials)

    def refitted(units: np.ndarray) -> UnitWeights:
        batch = _Batch.of(design, trials, units, log_aggregate, sources)
        penalties = [Penalties(*chosen.penalties[unit].tolist()) for unit in units]
        weights = batch.fit(penalties, batch.near(chosen), FINAL_TOLERANCE, exact=True)
        return batch.gathered(weights, penalties)

    return _joined([refitted(units) for units in _unit_batches(design, trials.n_trials * trials.n_bins)])


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some units and their rows. ``own_source``: columns in which a unit would be its own source."""

    units: np.ndarray
    rows: Rows
    newton: KeptNewton
    own_source: np.ndarray

    @classmethod
    def of(
        cls,
        design: HistoryDesign,
        trials: Trials,
        units: np.ndarray,
        log_aggregate: np.ndarray,
        sources: np.ndarray | None = None,
    ) -> _Batch:
        rows = Rows.of(design, trials, units, log_aggregate, sources)
        own_source = np.zeros((len(units), rows.columns.n_all), bool)
        if design.n_sources() and design.per_unit:
            each = rows.columns.n_source_features
            for number, unit in enumerate(units):  # its own history stands in the own columns already
                first = rows.columns.n_alone + unit * each
                own_source[number, first : first + each] = True
        return cls(units, rows, KeptNewton(rows), own_source)

    def objective(self, penalties: Sequence[Penalties]) -> Objective:
        """What is minimised. A ridge is on weights of standardised columns."""
        rows = self.rows
        ridges = np.stack([rows.columns.penalty(p, rows.roughness) for p in penalties]) * rows.scales**2
        center = np.stack([rows.columns.center(p) for p in penalties])
        return Objective(rows, np.where(self.own_source, np.inf, ridges), center)

    def fit(
        self, penalties: Sequence[Penalties], start: np.ndarray, tolerance: float, *, exact: bool
    ) -> Float[np.ndarray, "units columns"]:
        """Weights of all columns; those left out are 0."""
        return self.newton.fit(self.objective(penalties), start, tolerance, exact=exact)

    def mean_log_rate(self) -> Float[np.ndarray, " units"]:
        """Log of the mean count of a bin."""
        n = [sum(float(b.seen_by(unit).sum()) for b in self.rows.blocks) for unit in range(len(self.units))]
        log_rate: np.ndarray = np.log((self.rows.spikes[:, 0] + 0.5) / np.maximum(n, 1.0))
        return log_rate

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
    units = range(len(batch.units))
    weights = np.stack([batch.rows.columns.center(Penalties(np.inf)) for _ in units])
    best = _Best(np.full((len(units), 1), -np.inf), weights, [Penalties(np.inf) for _ in units])
    for value in sorted(grid.history, reverse=True):
        penalties = [Penalties(value) for _ in units]
        weights = batch.fit(penalties, weights, PATH_TOLERANCE, exact=False)
        best = best.or_better(held_out.log_likelihood(weights), weights, penalties)
    if grid.beside:
        best = _with_time_course(batch, held_out, grid, best)
    if batch.rows.columns.n_sources:
        best = _coupled(batch, held_out, grid, best)
    return batch.fit(best.penalties, best.weights, FINAL_TOLERANCE, exact=True), best.penalties


def _with_time_course(batch: _Batch, held_out: Rows, grid: PenaltyGrid, aggregate: _Best) -> _Best:
    """The first kind of time-course, but where the aggregate or another kind is better beyond chance."""
    tried = []
    for beside in grid.beside:
        start = aggregate.weights.copy()
        if not beside:
            start[:, 0], start[:, 1:] = batch.mean_log_rate(), 0.0
        penalties = [p._replace(beside=beside) for p in aggregate.penalties]
        weights, penalties = smoothed(batch.newton, batch.objective, penalties, start, PATH_TOLERANCE)
        tried.append(_Best(held_out.log_likelihood(weights), weights, penalties))
    best = tried[0].unless(aggregate)
    for other in tried[1:]:
        best = best.unless(other)
    return best


def _coupled(batch: _Batch, held_out: Rows, grid: PenaltyGrid, alone: _Best) -> _Best:
    """The best coupling, in those units where its gain over none is beyond chance."""
    weights, best = alone.weights, alone
    for value in sorted(grid.coupling, reverse=True):
        penalties = [p._replace(coupling=value) for p in alone.penalties]
        weights = batch.fit(penalties, weights, PATH_TOLERANCE, exact=False)
        best = best.or_better(held_out.log_likelihood(weights), weights, penalties)
    return alone.unless(best)


@dataclass(frozen=True, eq=False)
class _Best:
    """The likeliest of what was tried, per unit. ``score``: of each held-out trial."""

    score: Float[np.ndarray, "units trials"]
    weights: Float[np.ndarray, "units columns"]
    penalties: list[Penalties]

    def or_better(self, score: np.ndarray, weights: np.ndarray, penalties: list[Penalties]) -> _Best:
        """With what scores higher in place of what was best so far."""
        return self.replaced(score.sum(axis=1) > self.score.sum(axis=1), _Best(score, weights, penalties))

    def unless(self, other: _Best) -> _Best:
        """With the other's where that is likelier by more than one standard error over held-out trials.

        Where several are tried on few trials, the best is above the others by chance alone: the simplest within
        one standard error is taken (Breiman et al. 1984, Classification and Regression Trees, sect. 3.4.3).
        """
        gain = other.score - self.score
        n_trials = gain.shape[1]
        error = gain.std(axis=1, ddof=1) * np.sqrt(n_trials) if n_trials > 1 else np.abs(gain).sum(axis=1)
        return self.replaced(gain.sum(axis=1) > error, other)

    def replaced(self, where: np.ndarray, other: _Best) -> _Best:
        """With the other's in the units ``where``."""
        kept = [new if won else old for won, new, old in zip(where, other.penalties, self.penalties, strict=True)]
        at = where[:, None]
        return _Best(np.where(at, other.score, self.score), np.where(at, other.weights, self.weights), kept)


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
