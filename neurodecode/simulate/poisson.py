"""Pure inhomogeneous Poisson: the control on which the past of a train must give nothing.

In each bin a unit fires with probability rate x bin, whatever came before (a Bernoulli process, which is what
a Poisson process is on a grid of 1 ms). Nothing but direction and time since the stimulus says anything about
a spike, so the oracle is the rate itself. Rates: ``_responses.RESPONSES``; units fire at 9 to 28 Hz on average.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from neurodecode.simulate._population import Population, Process
from neurodecode.simulate._responses import responses_hz


@dataclass(frozen=True)
class Poisson(Population):
    """Twelve units without any memory."""

    burn_in_s: ClassVar[float] = 0.0

    def process(self, condition: Int[np.ndarray, " trials"], rng: np.random.Generator) -> PoissonProcess:
        """The units at the lead's first step."""
        del rng
        return PoissonProcess(responses_hz(self.step_times_s) * self.bin_size_s, condition)

    def parameters(self) -> dict[str, Any]:
        """Nothing beside the responses."""
        return {}


class PoissonProcess(Process):
    """Spikes of ``probability`` (conditions, steps, units), independent of each other."""

    def __init__(
        self, probability: Float[np.ndarray, "conditions steps units"], condition: Int[np.ndarray, " trials"]
    ) -> None:
        self.probability, self.condition = probability, condition

    def expected(self, step: int) -> Float[np.ndarray, "trials units"]:
        """The probability itself."""
        chance: Float[np.ndarray, "trials units"] = self.probability[self.condition, step]
        return chance

    def observe(self, step: int, spikes: Bool[np.ndarray, "trials units"]) -> None:
        """Nothing is remembered."""

    def twin(self, rng: np.random.Generator) -> PoissonProcess:
        """There is no past to share."""
        del rng
        return copy.copy(self)


POPULATION = Poisson()
