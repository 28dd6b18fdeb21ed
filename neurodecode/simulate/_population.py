"""What every simulated population has: a grid of time, a stimulus, and a law that runs one step at a time."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.simulate._responses import CONDITION_NAMES, UNIT_NAMES


class Process(abc.ABC):
    """A population on its way through all trials at once, one step after the other.

    Each step is asked once for ``expected``, then ``draw``, then ``observe``. State is replaced, never written
    into, so that a shallow copy shares the past and nothing of the future.
    """

    @abc.abstractmethod
    def expected(self, step: int) -> Float[np.ndarray, "trials units"]:
        """Probability of a spike in ``step`` given every spike before it, and nothing hidden."""

    def draw(
        self, step: int, expected: Float[np.ndarray, "trials units"], rng: np.random.Generator
    ) -> Bool[np.ndarray, "trials units"]:
        """Spikes of ``step``; populations with a latent state draw them from it instead of ``expected``."""
        del step
        return rng.random(expected.shape) < expected

    @abc.abstractmethod
    def observe(self, step: int, spikes: Bool[np.ndarray, "trials units"]) -> None:
        """Take the spikes of ``step`` into the past."""

    @abc.abstractmethod
    def twin(self, rng: np.random.Generator) -> Process:
        """The same past with a future of its own: what is hidden is drawn anew from its law given that past."""


@dataclass(frozen=True)
class Population(abc.ABC):
    """A population of fixed parameters; every seed meets the same units, only their spikes differ.

    ``burn_in_s`` runs before the lead and is not recorded; it lets refractoriness and adaptation settle.
    """

    name: ClassVar[str]
    bin_size_s: ClassVar[float] = 0.001
    window_s: ClassVar[tuple[float, float]] = (-0.2, 0.8)
    lead_s: ClassVar[float] = 0.5
    burn_in_s: ClassVar[float] = 1.0
    align: ClassVar[str] = "stimulus_time"
    condition: ClassVar[str] = "direction"
    condition_names: ClassVar[tuple[str, ...]] = CONDITION_NAMES
    unit_names: ClassVar[tuple[str, ...]] = UNIT_NAMES

    def __init_subclass__(cls) -> None:
        cls.name = cls.__module__.rpartition(".")[2]

    @abc.abstractmethod
    def process(self, condition: Int[np.ndarray, " trials"], rng: np.random.Generator) -> Process:
        """The population at the first step of the burn-in of trials with these conditions."""

    @abc.abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Everything that is fixed beside the stimulus responses, JSON-able; lists run over units."""

    @property
    def n_hidden(self) -> int:
        """Steps of the burn-in."""
        return round(self.burn_in_s / self.bin_size_s)

    @property
    def n_lead(self) -> int:
        """Steps of the lead."""
        return round(self.lead_s / self.bin_size_s)

    @property
    def n_bins(self) -> int:
        """Bins of the window."""
        return round((self.window_s[1] - self.window_s[0]) / self.bin_size_s)

    @property
    def step_times_s(self) -> Float[np.ndarray, " steps"]:
        """Centres (s) against the stimulus of all steps: burn-in, lead and window."""
        n_before = self.n_hidden + self.n_lead
        return self.window_s[0] + (np.arange(-n_before, self.n_bins) + 0.5) * self.bin_size_s


@dataclass(frozen=True, eq=False)
class Run:
    """What came out: counts (trials, lead + bins, units), expected and twin counts (trials, bins, units)."""

    counts: UInt[np.ndarray, "trials steps units"]
    expected: Float[np.ndarray, "trials bins units"]
    samples: UInt[np.ndarray, "trials bins units"]


def run(population: Population, condition: Int[np.ndarray, " trials"], rng: np.random.Generator) -> Run:
    """Run a population through trials of these conditions, and a twin of it through the window.

    The twin shares each trial's spikes up to the window's start and is independent of it from there on.
    """
    n_before = population.n_hidden + population.n_lead
    shape = (condition.size, population.n_lead + population.n_bins, len(population.unit_names))
    window = (condition.size, population.n_bins, shape[2])
    counts = np.zeros(shape, np.uint8)
    expected, samples = np.zeros(window, np.float32), np.zeros(window, np.uint8)
    process = population.process(condition, rng)
    twin = process
    for step in range(n_before + population.n_bins):
        if step == n_before:
            twin = process.twin(rng)
        if step >= n_before:
            samples[:, step - n_before] = _advance(twin, step, rng)[1]
        mu, spikes = _advance(process, step, rng)
        if step >= population.n_hidden:
            counts[:, step - population.n_hidden] = spikes
        if step >= n_before:
            expected[:, step - n_before] = mu
    return Run(counts, expected, samples)


def _advance(process: Process, step: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    expected = process.expected(step)
    spikes = process.draw(step, expected, rng)
    process.observe(step, spikes)
    return expected, spikes
