"""What predicts units from other units must be able to do."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials


@dataclass(frozen=True, eq=False)
class DividedTrials:
    """The same trials twice: of the units that are listened to, and of those that are predicted."""

    held_in: Trials
    held_out: Trials

    @classmethod
    def of(cls, trials: Trials, held_out: np.ndarray) -> DividedTrials:
        """``held_out``: indices of the units to predict; all others are listened to."""
        held_in = np.setdiff1d(np.arange(trials.n_units), held_out)
        return cls(trials.select_units(held_in), trials.select_units(held_out))

    def select(self, trials: np.ndarray) -> DividedTrials:
        """Only these trials, by index, in this order."""
        return DividedTrials(self.held_in.select(trials), self.held_out.select(trials))

    def concatenate(self, other: DividedTrials) -> DividedTrials:
        """These trials followed by ``other``'s."""
        return DividedTrials(self.held_in.concatenate(other.held_in), self.held_out.concatenate(other.held_out))


class FittedCoSmoother(abc.ABC):
    """A co-smoother with its parameters; immutable."""

    @abc.abstractmethod
    def intensity(self, held_in: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) of the held-out units in each bin of the window, given these trials of the held-in units."""

    @abc.abstractmethod
    def parameters(self) -> dict[str, np.ndarray]:
        """Everything estimated, as named arrays."""

    def diagnostics(self) -> dict[str, Any]:
        """How the fit went, JSON-able."""
        return {}


class CoSmoother(abc.ABC):
    """What has seen no data. ``causal``: only bins of the held-in units before the predicted one are used."""

    causal: bool

    @abc.abstractmethod
    def fit(
        self, training: DividedTrials, validation: DividedTrials, rng: np.random.Generator
    ) -> FittedCoSmoother:
        """Estimate from training trials; choices (penalty, stopping) may use ``validation``."""


def unheard(held_in: Trials, unit_names: Sequence[str]) -> Trials:
    """Trials of other units, of whose spikes nothing is known: conditions and covariates of these trials."""
    return replace(
        held_in,
        counts=np.zeros((held_in.n_trials, held_in.n_steps, len(unit_names)), np.uint8),
        mask=np.ones((held_in.n_trials, held_in.n_steps, 1), bool),
        unit_names=tuple(unit_names),
    )


def largest_count(trials: Trials) -> float:
    """The largest expected count that is ever predicted: the largest count seen, 1 for 0/1 counts."""
    return max(1.0, float(trials.counts.max(initial=0, where=trials.mask)))
