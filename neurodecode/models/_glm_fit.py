"""Fitting the spike-history GLM unit by unit along a path of penalties."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.models._covariates import covariate_columns
from neurodecode.models._glm_design import N_LEADING, HistoryDesign, time_course_profiles
from neurodecode.models._glm_weights import Columns, Penalties, UnitWeights
from neurodecode.models._newton import Design, fit_poisson_regression

log = logging.getLogger(__name__)

PATH_TOLERANCE = 1e-2  # nats: far below the differences that decide between penalties
FINAL_TOLERANCE = 1e-7


@dataclass(frozen=True)
class PenaltyGrid:
    """What validation chooses from; no time-course of its own and no coupling are always among the choices."""

    history: Sequence[float]
    time_course: Sequence[float]
    coupling: Sequence[float]


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the designs of all units of some trials have in common, over the window."""

    trials: Trials
    log_aggregate: Float[np.ndarray, "trials bins units"]
    covariates: Float[np.ndarray, "trials bins columns"]
    sources: Float[np.ndarray, "trials bins sources features"]
    profiles: Float[np.ndarray, "conditions_and_bins profiles"]

    @classmethod
    def of(cls, design: HistoryDesign, trials: Trials, *, leave_out: bool) -> _Shared:
        return cls(
            trials,
            design.log_aggregate(trials, leave_out=leave_out)[:, trials.lead :],
            covariate_columns(trials)[:, trials.lead :],
            design.source_history(trials),
            time_course_profiles(trials),
        )

    def columns(self, design: HistoryDesign) -> Columns:
        return Columns.of(design, self.covariates.shape[2], self.profiles.shape[1])


@dataclass(frozen=True, eq=False)
class _Unit:
    """One unit's regression over its observed bins, columns standardised by ``mean`` and ``sd``."""

    design: Design
    counts: Float[np.ndarray, " rows"]
    mean: Float[np.ndarray, " features"]
    sd: Float[np.ndarray, " features"]

    def fit(
        self, columns: Columns, penalties: Penalties, start: np.ndarray, tolerance: float = FINAL_TOLERANCE
    ) -> np.ndarray:
        """Weights of all columns; those left out are 0."""
        used = columns.used(penalties)
        n_features = int((used < columns.n_rows).sum())
        design = self.design.columns(n_features, with_profiles=used.size > n_features)
        center = columns.aggregate_alone()
        weights = np.zeros(columns.n_all)
        weights[used] = fit_poisson_regression(
            design, self.counts, columns.penalty(penalties)[used], center[used], start[used], tolerance=tolerance
        )
        return weights

    def score(self, weights: np.ndarray) -> float:
        """Log-likelihood (nats) up to log(n!)."""
        log_mean = self.design.product(weights)
        return float(self.counts @ log_mean - np.exp(np.minimum(log_mean, 20.0)).sum())

    def unscaled(self, weights: np.ndarray) -> np.ndarray:
        """Weights on the columns as they were before they were standardised."""
        plain = weights.copy()
        plain[: self.sd.size] /= self.sd
        plain[0] -= self.mean @ plain[: self.sd.size]
        return plain


def fit_path(design: HistoryDesign, trials: Trials, validation: Trials, grid: PenaltyGrid) -> UnitWeights:
    """Weights of every unit, at those penalties of the grid that predict ``validation`` best.

    The aggregate in ``design`` must have been made of ``trials``.
    """
    shared = _Shared.of(design, trials, leave_out=True)
    held_out = _Shared.of(design, validation, leave_out=False)
    columns = shared.columns(design)
    found = []
    for unit in range(trials.n_units):
        training = _unit(design, shared, unit, None)
        weights, penalties = _choose(training, _unit(design, held_out, unit, training), columns, grid)
        log.info("glm: unit %s, penalties %s", trials.unit_names[unit], penalties)
        found.append((training.unscaled(weights), penalties))
    return _gather(found, columns, shared)


def refit(design: HistoryDesign, trials: Trials, chosen: UnitWeights) -> UnitWeights:
    """Weights of every unit on other trials, at penalties chosen before."""
    shared = _Shared.of(design, trials, leave_out=True)
    columns = shared.columns(design)
    found = []
    for unit in range(trials.n_units):
        training = _unit(design, shared, unit, None)
        penalties = Penalties(*chosen.penalties[unit].tolist())
        weights = training.fit(columns, penalties, columns.aggregate_alone())
        found.append((training.unscaled(weights), penalties))
    return _gather(found, columns, shared)


def _unit(design: HistoryDesign, shared: _Shared, unit: int, scaled_like: _Unit | None) -> _Unit:
    """One unit's design and counts, rows grouped by condition and bin."""
    trials = shared.trials
    seen = np.broadcast_to(trials.window_mask, trials.window_counts.shape)[..., unit]
    place = trials.condition[:, None] * trials.n_bins + np.arange(trials.n_bins)
    order = np.argsort(place[seen], kind="stable")
    places, group = np.unique(place[seen][order], return_inverse=True)
    rows = _rows(design, shared, unit, seen)[order]
    mean, sd = _scales(rows) if scaled_like is None else (scaled_like.mean, scaled_like.sd)
    rows -= mean.astype(np.float32)
    rows /= sd.astype(np.float32)
    counts = trials.window_counts[..., unit][seen][order].astype(np.float64)
    return _Unit(Design(rows, group, shared.profiles[places]), counts, mean, sd)


def _rows(design: HistoryDesign, shared: _Shared, unit: int, seen: np.ndarray) -> np.ndarray:
    """Columns of one unit, without the time-course, over its observed bins."""
    sources = shared.sources
    if design.n_sources() and design.per_unit:
        sources = sources.copy()
        sources[..., unit, :] = 0.0  # its own history stands in the own columns already
    n_rows = int(seen.sum())
    parts = [
        np.ones((n_rows, 1), np.float32),
        shared.log_aggregate[seen][:, unit, None],
        shared.covariates[seen],
        design.own_history(shared.trials, [unit])[seen][:, 0],
        sources[seen].reshape(n_rows, -1),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")


def _scales(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column; 0 and 1 for the leading ones and for those that never vary."""
    mean, sd = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    still = sd < 1e-6 * np.maximum(np.abs(mean), 1e-3)
    still[:N_LEADING] = True
    return np.where(still, 0.0, mean), np.where(still, 1.0, sd)


def _choose(training: _Unit, held_out: _Unit, columns: Columns, grid: PenaltyGrid) -> tuple[np.ndarray, Penalties]:
    """The best penalties by held-out likelihood: own history first, then the time-course, then coupling."""
    none = columns.aggregate_alone()

    def best_of(
        candidates: list[Penalties], start: np.ndarray, tried: list[tuple[float, np.ndarray, Penalties]]
    ) -> tuple[float, np.ndarray, Penalties]:
        weights = start
        for penalties in candidates:
            weights = training.fit(columns, penalties, weights, PATH_TOLERANCE)
            tried = [*tried, (held_out.score(weights), weights, penalties)]
        return max(tried, key=lambda entry: entry[0])

    def falling(values: Sequence[float]) -> list[float]:
        return sorted(values, reverse=True)

    best = best_of([Penalties(h) for h in falling(grid.history)], none, [])
    best = best_of([best[2]._replace(time_course=p) for p in falling(grid.time_course)], none, [best])
    if columns.n_sources:
        best = best_of([best[2]._replace(coupling=p) for p in falling(grid.coupling)], best[1], [best])
    return training.fit(columns, best[2], best[1]), best[2]


def _gather(found: list[tuple[np.ndarray, Penalties]], columns: Columns, shared: _Shared) -> UnitWeights:
    weights = np.stack([w for w, _ in found])
    shape = (len(found), shared.trials.n_conditions, shared.trials.n_bins)
    return UnitWeights(
        bias=weights[:, 0],
        aggregate=weights[:, 1],
        covariates=weights[:, N_LEADING : columns.own.start],
        own=weights[:, columns.own],
        sources=weights[:, columns.n_alone : columns.n_rows].reshape(
            len(found), columns.n_sources, columns.n_source_features
        ),
        time_course=(weights[:, columns.n_rows :] @ shared.profiles.T).reshape(shape),
        penalties=np.array([p for _, p in found]),
    )
