"""Units that burst: a hidden two-state process, for which spike history in a GLM is the wrong model.

A unit rests or bursts. At rest it fires at a low tonic rate; the stimulus mostly calls bursts, of a few spikes
at short intervals, which end by chance. After each spike 2 bins are dead. Whether a unit bursts is hidden, and
what a spike says of it depends on the spikes around it, not on a weighted sum of them. The oracle is the exact
E[count | past], by the forward algorithm of the hidden state (Rabiner 1989, Proc IEEE 77:257, eqs. 19-21), for
each unit alone since units share nothing but the stimulus.

Fixed, whatever the seed: of the response of ``_responses``, ``tonic`` is fired at rest and the remainder called
as bursts, each of about duration / (2 ms + 1 / burst_hz) spikes:

    unit   tonic  duration (ms)  burst_hz (Hz)  mean rate (Hz)
    1      0.30   20             250            14
    2      0.15   15             300            8
    3      0.25   25             220            16
    4      0.40   18             280            13
    5      0.20   30             200            11
    6      0.35   22             240            12
    7      0.30   16             320            19
    8      0.45   20             260            24
    9      0.15   24             300            11
    10     0.25   28             230            16
    11     0.40   18             250            23
    12     0.30   15             280            23

The oracle is 0.92 bits/spike above the true mean of all trials.
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
COLUMNS = ("tonic", "duration_ms", "burst_hz")
BURSTS = np.array(
    [
        [0.30, 20, 250],
        [0.15, 15, 300],
        [0.25, 25, 220],
        [0.40, 18, 280],
        [0.20, 30, 200],
        [0.35, 22, 240],
        [0.30, 16, 320],
        [0.45, 20, 260],
        [0.15, 24, 300],
        [0.25, 28, 230],
        [0.40, 18, 250],
        [0.30, 15, 280],
    ]
)


@dataclass(frozen=True)
class Bursting(Population):
    """Twelve units that burst, each on its own."""

    def process(self, condition: Int[np.ndarray, " trials"], rng: np.random.Generator) -> BurstProcess:
        """The units at the burn-in's first step, resting or bursting as the baseline has it."""
        tonic, duration_ms, burst_hz = BURSTS.T
        rate_hz = responses_hz(self.step_times_s)
        onsets_hz = (1.0 - tonic) * rate_hz / self.spikes_per_burst()
        return BurstProcess(
            condition,
            onset=-np.expm1(-onsets_hz * self.bin_size_s),
            offset=self.bin_size_s * 1000.0 / duration_ms,
            rest_spike=tonic * rate_hz * self.bin_size_s,
            burst_spike=-np.expm1(-burst_hz * self.bin_size_s),
            rng=rng,
        )

    def spikes_per_burst(self) -> Float[np.ndarray, " units"]:
        """About how many spikes a burst holds."""
        _, duration_ms, burst_hz = BURSTS.T
        interval_ms = 1000.0 * DEAD_STEPS * self.bin_size_s + 1000.0 / burst_hz
        spikes: Float[np.ndarray, " units"] = duration_ms / interval_ms
        return spikes

    def parameters(self) -> dict[str, Any]:
        """Bursts of each unit."""
        columns = {name: values.tolist() for name, values in zip(COLUMNS, BURSTS.T, strict=True)}
        return {"absolute_ms": DEAD_STEPS * self.bin_size_s * 1000.0, **columns}


class BurstProcess(Process):
    """Two hidden states a unit, and the belief of an observer who sees only spikes.

    ``onset`` and ``rest_spike`` (conditions, steps, units), ``offset`` and ``burst_spike`` (units,):
    probabilities in one step. A state holds for the whole step; onset[step] leads into ``step``.
    ``belief`` (trials, units): probability of bursting in the coming step given all spikes before it.
    """

    def __init__(
        self,
        condition: Int[np.ndarray, " trials"],
        *,
        onset: Float[np.ndarray, "conditions steps units"],
        offset: Float[np.ndarray, " units"],
        rest_spike: Float[np.ndarray, "conditions steps units"],
        burst_spike: Float[np.ndarray, " units"],
        rng: np.random.Generator,
    ) -> None:
        self.condition, self.onset, self.offset = condition, onset, offset
        self.rest_spike, self.burst_spike = rest_spike, burst_spike
        first = onset[condition, 0]
        self.belief = first / (first + offset)
        self.bursting = rng.random(self.belief.shape) < self.belief
        self.lag = np.full(self.belief.shape, np.inf)  # steps since the last spike

    def expected(self, step: int) -> Float[np.ndarray, "trials units"]:
        """Probability of a spike with the hidden state averaged out."""
        at_rest = self.rest_spike[self.condition, step]
        ready = self.lag > DEAD_STEPS
        chance: Float[np.ndarray, "trials units"] = ready * (
            self.belief * self.burst_spike + (1.0 - self.belief) * at_rest
        )
        return chance

    def draw(
        self, step: int, expected: Float[np.ndarray, "trials units"], rng: np.random.Generator
    ) -> Bool[np.ndarray, "trials units"]:
        """Spikes of the hidden state, which then moves on."""
        chance = np.where(self.bursting, self.burst_spike, self.rest_spike[self.condition, step])
        spikes: Bool[np.ndarray, "trials units"] = rng.random(expected.shape) < chance * (self.lag > DEAD_STEPS)
        moves = rng.random(expected.shape)
        self.bursting = np.where(self.bursting, moves >= self.offset, moves < self._onset_after(step))
        return spikes

    def observe(self, step: int, spikes: Bool[np.ndarray, "trials units"]) -> None:
        """One step of the forward algorithm; dead bins say nothing about the state."""
        at_rest = self.rest_spike[self.condition, step]
        ready = self.lag > DEAD_STEPS
        as_burst = np.where(ready, np.where(spikes, self.burst_spike, 1.0 - self.burst_spike), 1.0)
        as_rest = np.where(ready, np.where(spikes, at_rest, 1.0 - at_rest), 1.0)
        joint = self.belief * as_burst
        posterior = joint / (joint + (1.0 - self.belief) * as_rest)
        self.belief = posterior * (1.0 - self.offset) + (1.0 - posterior) * self._onset_after(step)
        self.lag = np.where(spikes, 1.0, self.lag + 1.0)

    def twin(self, rng: np.random.Generator) -> BurstProcess:
        """The same spikes so far; whether a unit bursts is drawn from the belief."""
        other = copy.copy(self)
        other.bursting = rng.random(self.belief.shape) < self.belief
        return other

    def _onset_after(self, step: int) -> Float[np.ndarray, "trials units"]:
        onset: Float[np.ndarray, "trials units"] = self.onset[
            self.condition, min(step + 1, self.onset.shape[1] - 1)
        ]
        return onset


POPULATION = Bursting()
