"""Homogeneous Poisson process: one rate per unit, whatever the condition and the time.

What every other family must beat, and the null against which bits per spike are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.likelihood import mean_rate_hz
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._grid import Grid
from neurodecode.models._sampling import DrivenStepper


@dataclass(frozen=True)
class Constant(PointProcessModel):
    """No hyper-parameters: (n + 0.5) / T over the window's observed bins of training and validation trials.

    The lead is left out, since what is predicted is the window.
    """

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedConstant:
        """The mean rates; nothing is chosen, so validation trials are data like the others."""
        del rng
        both = trials.concatenate(validation)
        return FittedConstant(
            model=self,
            grid=Grid.of(both),
            rate_hz=mean_rate_hz(both.window_counts, both.window_mask, both.bin_size_s),
        )

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedConstant:
        """From ``rate_hz`` and the grid."""
        return FittedConstant(
            model=self, grid=Grid.from_description(description["grid"]), rate_hz=parameters["rate_hz"]
        )


@dataclass(frozen=True, eq=False)
class FittedConstant(FittedModel):
    """``rate_hz``: one rate per unit."""

    model: Constant
    grid: Grid
    rate_hz: Float[np.ndarray, " units"]

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """The same rate (Hz) in every bin; DataError for trials of another bin size or number of units."""
        self.grid.check(trials, family=self.model.family)
        return np.broadcast_to(self.rate_hz, trials.window_counts.shape).copy()

    def stepper(self, trials: Trials) -> DrivenStepper:
        """The same rates, whatever is observed."""
        return DrivenStepper(trials, self.intensity(trials), binary=self.grid.binary)

    def parameters(self) -> dict[str, np.ndarray]:
        """``rate_hz``."""
        return {"rate_hz": self.rate_hz}

    def description(self) -> dict[str, Any]:
        """The grid."""
        return {"grid": self.grid.describe()}


MODEL = Constant
EXAMPLE = Constant()
