"""Units that share a slow gain: what one fires tells about all, as attention or arousal would have it.

All rates of ``_responses`` are multiplied by one hidden gain that wanders over seven levels by an Ehrenfest
chain: log-gain steps of 0.4, binomial stationary law (sd of the log-gain 0.49), autocorrelation that decays
exactly with exp(-t / 400 ms); the mean gain is 1. Given the gain, bins and units are independent: own
refractoriness is left out, so that all that history says here is the shared gain (multiplicative shared gain:
Goris, Movshon & Simoncelli 2014, Nat Neurosci 17:858). The best estimate of a gain from spikes is no weighted
sum of them, so a GLM is the wrong model. The oracle is the exact E[count | past of all units], by the forward
algorithm over the levels (Rabiner 1989, Proc IEEE 77:257). Nothing else is fixed than the numbers here and the
responses; units fire at 9 to 28 Hz on average.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from neurodecode.simulate._population import Population, Process
from neurodecode.simulate._responses import responses_hz

N_LEVELS = 7
LOG_GAIN_STEP = 0.4
TIME_CONSTANT_S = 0.4


@dataclass(frozen=True)
class SharedGain(Population):
    """Twelve units under one slow gain."""

    burn_in_s: ClassVar[float] = 0.0  # the gain starts from its stationary law

    def process(self, condition: Int[np.ndarray, " trials"], rng: np.random.Generator) -> GainProcess:
        """The units at the lead's first step."""
        stationary, transition = ehrenfest_chain(N_LEVELS, self.bin_size_s / TIME_CONSTANT_S)
        gain = np.exp(LOG_GAIN_STEP * np.arange(N_LEVELS))
        return GainProcess(
            responses_hz(self.step_times_s) * self.bin_size_s,
            condition,
            gain=gain / (stationary @ gain),
            stationary=stationary,
            transition=transition,
            rng=rng,
        )

    def parameters(self) -> dict[str, Any]:
        """The gain's levels and how fast it wanders."""
        return {"n_levels": N_LEVELS, "log_gain_step": LOG_GAIN_STEP, "time_constant_s": TIME_CONSTANT_S}


def ehrenfest_chain(
    n_levels: int, step: float
) -> tuple[Float[np.ndarray, " levels"], Float[np.ndarray, "levels levels"]]:
    """Stationary law and transition matrix of ``step`` time constants of the Ehrenfest chain.

    The level counts how many of n_levels - 1 independent coins show heads; each coin is thrown anew at rate
    1 / time constant, which makes the law binomial and the autocorrelation exponential (Kac 1947, Am Math
    Mon 54:369). Rows of the matrix are the present level.
    """
    heads = np.ones(1)
    for _ in range(n_levels - 1):
        heads = np.convolve(heads, [0.5, 0.5])
    keep, turn = 0.5 * (1.0 + np.exp(-step)), 0.5 * (1.0 - np.exp(-step))
    transition = np.empty((n_levels, n_levels))
    for level in range(n_levels):
        law = np.ones(1)
        for coin in range(n_levels - 1):
            law = np.convolve(law, [turn, keep] if coin < level else [keep, turn])
        transition[level] = law
    return heads, transition


class GainProcess(Process):
    """Units of ``probability`` (conditions, steps, units) times a hidden gain, and the belief of an observer.

    ``gain`` and ``stationary`` (levels,), ``transition`` (levels, levels). ``belief`` (trials, levels): law of
    the coming step's level given all units' spikes before it.
    Every probability times the largest gain must stay below 1.
    """

    def __init__(
        self,
        probability: Float[np.ndarray, "conditions steps units"],
        condition: Int[np.ndarray, " trials"],
        *,
        gain: Float[np.ndarray, " levels"],
        stationary: Float[np.ndarray, " levels"],
        transition: Float[np.ndarray, "levels levels"],
        rng: np.random.Generator,
    ) -> None:
        self.probability, self.condition = probability, condition
        self.gain, self.transition = gain, transition
        self.belief = np.tile(stationary, (condition.size, 1))
        self.level = _draw_level(self.belief, rng)

    def expected(self, step: int) -> Float[np.ndarray, "trials units"]:
        """Probability of a spike under the expected gain."""
        chance: Float[np.ndarray, "trials units"] = (
            self.probability[self.condition, step] * (self.belief @ self.gain)[:, None]
        )
        return chance

    def draw(
        self, step: int, expected: Float[np.ndarray, "trials units"], rng: np.random.Generator
    ) -> Bool[np.ndarray, "trials units"]:
        """Spikes under the hidden gain, which then moves on."""
        chance = self.probability[self.condition, step] * self.gain[self.level][:, None]
        spikes: Bool[np.ndarray, "trials units"] = rng.random(expected.shape) < chance
        self.level = _draw_level(self.transition[self.level], rng)
        return spikes

    def observe(self, step: int, spikes: Bool[np.ndarray, "trials units"]) -> None:
        """One step of the forward algorithm: all units' spikes and silences weigh the levels."""
        silent = np.log1p(-self.probability[:, step, :, None] * self.gain)[self.condition]  # trials units levels
        # A spike weighs level k by rate x gain_k, of which the rate is the same for all levels.
        log_weight = np.einsum("tu,tul->tl", ~spikes, silent) + spikes.sum(1)[:, None] * np.log(self.gain)
        joint = self.belief * np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        self.belief = joint / joint.sum(axis=1, keepdims=True) @ self.transition

    def twin(self, rng: np.random.Generator) -> GainProcess:
        """The same spikes so far; the gain is drawn from the belief."""
        other = copy.copy(self)
        other.level = _draw_level(self.belief, rng)
        return other


def _draw_level(law: Float[np.ndarray, "trials levels"], rng: np.random.Generator) -> Int[np.ndarray, " trials"]:
    below = rng.random((law.shape[0], 1)) >= np.cumsum(law, axis=1)[:, :-1]
    level: Int[np.ndarray, " trials"] = below.sum(axis=1)
    return level


POPULATION = SharedGain()
