"""Weights of the spike-history GLM and the penalties that they were found with."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from neurodecode.models._glm_design import N_LEADING, HistoryDesign

AGGREGATE_PENALTY = 1.0  # a weak pull of the aggregate's weight towards 1, where history would otherwise be a PSTH
PINNED_PENALTY = 1e6  # beside a time-course of its own, the aggregate enters as it is
COVARIATE_PENALTY = 1.0
STRAIGHT_PENALTY = 1e-3  # of straight lines in the shared time-course, whose roughness is 0


class Penalties(NamedTuple):
    """Ridge penalties of one unit; at infinity the columns are left out.

    ``shared``: of the roughness of the time-course that all conditions share; ``deviating`` and ``size``: of the
    roughness and of the size of what each condition adds to it. ``beside``: the weight at which the aggregate is
    held beside a time-course; 0: the time-course takes its place.
    """

    history: float
    shared: float = np.inf
    deviating: float = np.inf
    size: float = np.inf
    coupling: float = np.inf
    beside: float = 1.0

    @property
    def time_course(self) -> bool:
        """Whether there is a time-course beside the aggregate, or in its place."""
        return bool(np.isfinite(self.shared))


@dataclass(frozen=True, eq=False)
class UnitWeights:
    """Weights of all units on the columns of a HistoryDesign, in the columns' own scale, and the penalties.

    ``time_course``: what is added to the log aggregate of each condition and bin.
    """

    bias: Float[np.ndarray, " units"]
    aggregate: Float[np.ndarray, " units"]
    covariates: Float[np.ndarray, "units columns"]
    own: Float[np.ndarray, "units features"]
    sources: Float[np.ndarray, "units sources source_features"]
    time_course: Float[np.ndarray, "units conditions bins"]
    penalties: Float[np.ndarray, "units 6"]

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> UnitWeights:
        """From arrays that hold at least the fields."""
        return cls(**{f.name: arrays[f.name] for f in fields(cls)})


@dataclass(frozen=True)
class Columns:
    """Where the groups of columns of one unit's design lie; the time-course comes last, as profiles."""

    n_covariates: int
    n_own: int
    n_sources: int
    n_source_features: int
    n_profiles: int

    @classmethod
    def of(cls, design: HistoryDesign, n_covariates: int, n_profiles: int) -> Columns:
        """The columns of a design."""
        n_source_features = design.sources.n_features
        return cls(n_covariates, design.own.n_features, design.n_sources(), n_source_features, n_profiles)

    @property
    def own(self) -> slice:
        """The unit's own history."""
        return slice(N_LEADING + self.n_covariates, self.n_alone)

    @cached_property
    def of_unit(self) -> np.ndarray:
        """Indices of the columns that each unit has of its own: log aggregate, own history."""
        return np.concatenate([[1], np.arange(self.own.start, self.own.stop)])

    @cached_property
    def of_all(self) -> np.ndarray:
        """Indices of the columns that units share: covariates, sources."""
        return np.concatenate([np.arange(N_LEADING, self.own.start), np.arange(self.n_alone, self.n_rows)])

    @property
    def n_alone(self) -> int:
        """Columns up to the sources."""
        return N_LEADING + self.n_covariates + self.n_own

    @property
    def n_rows(self) -> int:
        """Columns up to the time-course."""
        return self.n_alone + self.n_sources * self.n_source_features

    @property
    def n_all(self) -> int:
        """All columns."""
        return self.n_rows + self.n_profiles

    def penalty(
        self, penalties: Penalties, roughness: Float[np.ndarray, " splines"]
    ) -> Float[np.ndarray, " columns"]:
        """Penalty of every column; ``roughness`` of each spline."""
        out = np.full(self.n_all, np.inf)
        out[: self.n_rows] = penalties.coupling
        out[: self.n_alone] = penalties.history
        out[: self.own.start] = COVARIATE_PENALTY
        out[0], out[1] = 0.0, PINNED_PENALTY if penalties.time_course else AGGREGATE_PENALTY
        if penalties.time_course:
            curves = out[self.n_rows :].reshape(-1, roughness.size)
            curves[0] = penalties.shared * roughness + STRAIGHT_PENALTY
            curves[1:] = penalties.deviating * roughness + penalties.size
        return out

    def center(self, penalties: Penalties) -> Float[np.ndarray, " columns"]:
        """What the weights are pulled to: the aggregate as it is, nothing beside it."""
        weights = np.zeros(self.n_all)
        weights[1] = penalties.beside if penalties.time_course else 1.0
        return weights
