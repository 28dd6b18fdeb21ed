"""Units that are refractory and adapt: what a trial's own past says, and its average has lost.

With x the intensity (Hz) that a unit reaches when it has long been silent, lag the bins since its last spike
and s its adaptation trace, a bin holds a spike with the probability

    mu = 1 - exp(-x(t) * r(lag) * exp(-a s) * bin)      r = 0 at lags 1 and 2, else 1 - exp(-(lag - 2) bin / tau_r)
    s <- s exp(-bin / tau_a), and 1 more after a spike

that is, absolute refractoriness of 2 ms, relative refractoriness that recovers with tau_r, and spike-frequency
adaptation that lowers the log-intensity by a with each spike and lets go with tau_a. Multiplicative recovery:
Berry & Meister 1998, J Neurosci 18:2200; adaptation as a spike-triggered lowering of the log-intensity: Pillow
et al. 2008, Nature 454:995. x is the response of ``_responses`` times ``drive``, which makes up for what
adaptation takes away. Fixed, whatever the seed, before any model saw a spike of it:

    unit   tau_r (ms)  tau_a (ms)  a     drive  mean rate (Hz)
    1      4.7         60          1.17  5.4    20
    2      4.4         60          1.34  2.8    10
    3      3.5         50          1.64  9.8    25
    4      4.8         70          1.21  6.5    19
    5      5.7         90          0.78  3.8    15
    6      4.8         110         0.63  4.2    17
    7      4.2         120         0.68  14.1   28
    8      3.7         80          0.86  17.0   36
    9      4.9         180         0.47  5.0    15
    10     5.7         200         0.44  13.7   25
    11     4.6         140         0.53  21.3   35
    12     5.5         160         0.47  24.7   36

The oracle is 0.30 bits/spike above the true mean of all trials.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from neurodecode.simulate._population import Population, Process
from neurodecode.simulate._responses import responses_hz

DEAD_STEPS = 2
COLUMNS = ("relative_ms", "adaptation_ms", "adaptation_per_spike", "drive")
HISTORY = np.array(
    [
        [4.7, 60, 1.17, 5.4],
        [4.4, 60, 1.34, 2.8],
        [3.5, 50, 1.64, 9.8],
        [4.8, 70, 1.21, 6.5],
        [5.7, 90, 0.78, 3.8],
        [4.8, 110, 0.63, 4.2],
        [4.2, 120, 0.68, 14.1],
        [3.7, 80, 0.86, 17.0],
        [4.9, 180, 0.47, 5.0],
        [5.7, 200, 0.44, 13.7],
        [4.6, 140, 0.53, 21.3],
        [5.5, 160, 0.47, 24.7],
    ]
)


@dataclass(frozen=True)
class RefractoryAdapting(Population):
    """Twelve units, each with its own refractoriness and adaptation, without coupling."""

    def process(self, condition: Int[np.ndarray, " trials"], rng: np.random.Generator) -> HistoryProcess:
        """The units at the burn-in's first step, as after a long silence."""
        del rng
        relative_ms, adaptation_ms, per_spike, drive = HISTORY.T
        return HistoryProcess(
            responses_hz(self.step_times_s) * drive * self.bin_size_s,
            condition,
            recovery_per_step=self.bin_size_s * 1000.0 / relative_ms,
            trace_decay=np.exp(-self.bin_size_s * 1000.0 / adaptation_ms),
            adaptation_per_spike=per_spike,
        )

    def parameters(self) -> dict[str, Any]:
        """Refractoriness and adaptation of each unit."""
        columns = {name: values.tolist() for name, values in zip(COLUMNS, HISTORY.T, strict=True)}
        return {"absolute_ms": DEAD_STEPS * self.bin_size_s * 1000.0, **columns}


class HistoryProcess(Process):
    """Units whose hazard recovers after a spike and is lowered by an adaptation trace.

    ``hazard`` (conditions, steps, units): expected spikes a step of a unit that has long been silent; the rest
    is per unit.
    """

    def __init__(
        self,
        hazard: Float[np.ndarray, "conditions steps units"],
        condition: Int[np.ndarray, " trials"],
        *,
        recovery_per_step: Float[np.ndarray, " units"],
        trace_decay: Float[np.ndarray, " units"],
        adaptation_per_spike: Float[np.ndarray, " units"],
    ) -> None:
        self.hazard, self.condition = hazard, condition
        self.recovery_per_step, self.trace_decay = recovery_per_step, trace_decay
        self.adaptation_per_spike = adaptation_per_spike
        shape = (condition.size, hazard.shape[2])
        self.trace = np.zeros(shape)
        self.lag = np.full(shape, np.inf)  # steps since the last spike

    def expected(self, step: int) -> Float[np.ndarray, "trials units"]:
        """Probability of a spike: one minus the chance that the hazard of the step passes without."""
        recovered = -np.expm1(-np.maximum(self.lag - DEAD_STEPS, 0.0) * self.recovery_per_step)
        lowered = np.exp(-self.adaptation_per_spike * self.trace)
        chance: Float[np.ndarray, "trials units"] = -np.expm1(
            -self.hazard[self.condition, step] * recovered * lowered
        )
        return chance

    def observe(self, step: int, spikes: Bool[np.ndarray, "trials units"]) -> None:
        """A spike starts the recovery anew and adds one to the trace."""
        self.trace = self.trace * self.trace_decay + spikes
        self.lag = np.where(spikes, 1.0, self.lag + 1.0)

    def twin(self, rng: np.random.Generator) -> HistoryProcess:
        """The same trace and recovery; nothing is hidden."""
        del rng
        return copy.copy(self)


POPULATION = RefractoryAdapting()
