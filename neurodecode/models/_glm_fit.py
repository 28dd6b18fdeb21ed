"""Fitting the spike-history GLM unit by unit along a path of penalties."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.models._glm_design import N_LEADING, HistoryDesign, covariate_columns
from neurodecode.models._newton import fit_poisson_regression

log = logging.getLogger(__name__)

AGGREGATE_PENALTY = 1.0  # a weak pull of the aggregate's weight towards 1, where history would otherwise be a PSTH
COVARIATE_PENALTY = 1.0


@dataclass(frozen=True, eq=False)
class UnitWeights:
    """Weights of all units on the columns of a HistoryDesign, in the columns' own scale, and the penalties."""

    bias: Float[np.ndarray, " units"]
    aggregate: Float[np.ndarray, " units"]
    covariates: Float[np.ndarray, "units columns"]
    own: Float[np.ndarray, "units features"]
    sources: Float[np.ndarray, "units sources source_features"]
    history_penalty: Float[np.ndarray, " units"]
    coupling_penalty: Float[np.ndarray, " units"]

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> UnitWeights:
        """From arrays that hold at least the fields."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})


@dataclass(frozen=True, eq=False)
class _Shared:
    """What the designs of all units of some trials have in common, over observed bins of the window."""

    trials: Trials
    log_aggregate: Float[np.ndarray, "trials bins units"]
    covariates: Float[np.ndarray, "trials bins columns"]
    sources: Float[np.ndarray, "trials bins sources features"]


@dataclass(frozen=True)
class _Columns:
    """Where the groups of columns of one unit's design lie."""

    n_covariates: int
    n_own: int
    n_sources: int
    n_source_features: int

    @classmethod
    def of(cls, design: HistoryDesign, shared: _Shared) -> _Columns:
        n_covariates = shared.covariates.shape[2]
        return cls(n_covariates, design.own.n_features, design.n_sources(), design.sources.n_features)

    def aggregate_alone(self) -> np.ndarray:
        """Weights that make the model its aggregate: where a fit starts, and what the aggregate is pulled to."""
        weights = np.zeros(self.n_all)
        weights[1] = 1.0
        return weights

    @property
    def own(self) -> slice:
        return slice(N_LEADING + self.n_covariates, self.n_alone)

    @property
    def n_alone(self) -> int:
        return N_LEADING + self.n_covariates + self.n_own

    @property
    def n_all(self) -> int:
        return self.n_alone + self.n_sources * self.n_source_features

    def penalty(self, history: float, coupling: float) -> np.ndarray:
        out = np.full(self.n_all, coupling)
        out[: self.n_alone] = history
        out[: self.own.start] = COVARIATE_PENALTY
        out[:N_LEADING] = 0.0, AGGREGATE_PENALTY
        return out


def fit_path(
    design: HistoryDesign,
    trials: Trials,
    validation: Trials,
    history_penalties: Sequence[float],
    coupling_penalties: Sequence[float],
) -> UnitWeights:
    """Weights of every unit, at those of the penalties that predict ``validation`` best.

    The aggregate in ``design`` must have been made of ``trials``.
    """
    shared = _share(design, trials, leave_out=True)
    held_out = _share(design, validation, leave_out=False)
    columns = _Columns.of(design, shared)
    found = []
    for unit in range(trials.n_units):
        rows, counts, scale = _standardised(*_rows(design, shared, unit))
        held_rows, held_counts = _rows(design, held_out, unit)
        _standardise(held_rows, scale)
        held_out_unit = _HeldOut(held_rows, held_counts)
        weights, penalties = _choose(rows, counts, held_out_unit, columns, history_penalties, coupling_penalties)
        log.info("glm: unit %s, history penalty %g, coupling penalty %g", trials.unit_names[unit], *penalties)
        found.append((_unscaled(weights, scale), penalties))
    return _gather(found, columns)


def refit(design: HistoryDesign, trials: Trials, chosen: UnitWeights) -> UnitWeights:
    """Weights of every unit on other trials, at penalties chosen before."""
    shared = _share(design, trials, leave_out=True)
    columns = _Columns.of(design, shared)
    found = []
    for unit in range(trials.n_units):
        rows, counts, scale = _standardised(*_rows(design, shared, unit))
        penalties = float(chosen.history_penalty[unit]), float(chosen.coupling_penalty[unit])
        weights = _fit(rows, counts, columns, penalties, columns.aggregate_alone())
        found.append((_unscaled(weights, scale), penalties))
    return _gather(found, columns)


def _share(design: HistoryDesign, trials: Trials, *, leave_out: bool) -> _Shared:
    return _Shared(
        trials,
        design.log_aggregate(trials, leave_out=leave_out)[:, trials.lead :],
        covariate_columns(trials)[:, trials.lead :],
        design.source_history(trials),
    )


def _rows(design: HistoryDesign, shared: _Shared, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Design and counts of one unit over its observed bins."""
    trials = shared.trials
    seen = np.broadcast_to(trials.window_mask, trials.window_counts.shape)[..., unit]
    sources = shared.sources
    if design.n_sources() and design.per_unit:
        sources = sources.copy()
        sources[..., unit, :] = 0.0  # its own history stands in the own columns already
    parts = [
        np.ones((seen.sum(), 1), np.float32),
        shared.log_aggregate[seen][:, unit, None],
        shared.covariates[seen],
        design.own_history(trials, [unit])[seen][:, 0],
        sources[seen].reshape(int(seen.sum()), -1),
    ]
    rows = np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")
    return rows, trials.window_counts[..., unit][seen].astype(np.float64)


def _scales(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column; 0 and 1 for the leading ones and for those that never vary."""
    mean, sd = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    still = sd < 1e-6 * np.maximum(np.abs(mean), 1e-3)
    still[:N_LEADING] = True
    return np.where(still, 0.0, mean), np.where(still, 1.0, sd)


def _standardised(
    rows: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    scale = _scales(rows)
    _standardise(rows, scale)
    return rows, counts, scale


def _standardise(rows: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> None:
    rows -= scale[0].astype(np.float32)
    rows /= scale[1].astype(np.float32)


def _unscaled(weights: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    mean, sd = scale
    plain: np.ndarray = weights / sd
    plain[0] -= mean @ plain
    return plain


def _fit(
    rows: np.ndarray,
    counts: np.ndarray,
    columns: _Columns,
    penalties: tuple[float, float],
    start: np.ndarray,
) -> np.ndarray:
    """Weights at one pair of penalties; coupling at infinite penalty is left out of the regression."""
    history, coupling = penalties
    used = columns.n_alone if np.isinf(coupling) else columns.n_all
    center = columns.aggregate_alone()[:used]
    penalty = columns.penalty(history, coupling)[:used]
    weights = np.zeros(columns.n_all)
    weights[:used] = fit_poisson_regression(rows[:, :used], counts, penalty, center, start[:used])
    return weights


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """One unit's design and counts on validation trials."""

    rows: np.ndarray
    counts: np.ndarray

    def score(self, weights: np.ndarray) -> float:
        """Log-likelihood (nats) up to log(n!)."""
        log_mean = self.rows @ weights.astype(np.float32)
        return float(self.counts @ log_mean - np.exp(np.minimum(log_mean, 20.0)).sum(dtype=np.float64))


def _choose(
    rows: np.ndarray,
    counts: np.ndarray,
    held_out: _HeldOut,
    columns: _Columns,
    history_penalties: Sequence[float],
    coupling_penalties: Sequence[float],
) -> tuple[np.ndarray, tuple[float, float]]:
    """The best pair by held-out likelihood: own history first, then coupling on top of it."""
    weights = columns.aggregate_alone()
    path = []
    for history in sorted(history_penalties, reverse=True):
        weights = _fit(rows, counts, columns, (history, np.inf), weights)
        path.append((held_out.score(weights), weights, (history, np.inf)))
    best = max(path, key=lambda entry: entry[0])
    if columns.n_sources:
        path, weights, history = [best], best[1], best[2][0]
        for coupling in sorted(coupling_penalties, reverse=True):
            weights = _fit(rows, counts, columns, (history, coupling), weights)
            path.append((held_out.score(weights), weights, (history, coupling)))
        best = max(path, key=lambda entry: entry[0])
    return best[1], best[2]


def _gather(found: list[tuple[np.ndarray, tuple[float, float]]], columns: _Columns) -> UnitWeights:
    weights = np.stack([w for w, _ in found])
    penalties = np.array([p for _, p in found])
    return UnitWeights(
        bias=weights[:, 0],
        aggregate=weights[:, 1],
        covariates=weights[:, N_LEADING : columns.own.start],
        own=weights[:, columns.own],
        sources=weights[:, columns.n_alone :].reshape(len(found), columns.n_sources, columns.n_source_features),
        history_penalty=penalties[:, 0],
        coupling_penalty=penalties[:, 1],
    )
