"""Units predicted by their PSTH: no other unit is listened to. The baseline of co-smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.models.co_smoothing._base import CoSmoother, DividedTrials, FittedCoSmoother, unheard
from neurodecode.models.psth import PSTH, FittedPSTH, fit_psth


@dataclass(frozen=True)
class PSTHAlone(CoSmoother):
    """The PSTH of the held-out units."""

    model: PSTH
    causal: bool = True

    def fit(self, training: DividedTrials, validation: DividedTrials, rng: np.random.Generator) -> FittedPSTHAlone:
        """The average over training and validation trials; ``rng`` is not used."""
        del rng
        held_out = training.concatenate(validation).held_out
        return FittedPSTHAlone(fit_psth(held_out, self.model), held_out.unit_names)


@dataclass(frozen=True, eq=False)
class FittedPSTHAlone(FittedCoSmoother):
    """``psth`` of the held-out units."""

    psth: FittedPSTH
    held_out: tuple[str, ...]

    def intensity(self, held_in: Trials) -> Float[np.ndarray, "trials bins units"]:
        """The rate (Hz) of each trial's condition."""
        return self.psth.intensity(unheard(held_in, self.held_out))

    def parameters(self) -> dict[str, np.ndarray]:
        """The PSTH's."""
        return self.psth.parameters()

    def diagnostics(self) -> dict[str, Any]:
        """The PSTH's."""
        return self.psth.diagnostics()


def co_smoothers(model: PSTH) -> list[PSTHAlone]:
    """One, which hears nothing."""
    return [PSTHAlone(model)]
