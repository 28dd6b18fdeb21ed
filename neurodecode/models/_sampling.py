"""Drawing spikes from an intensity: one rule for every family."""

from __future__ import annotations

import abc
import copy
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials

S = TypeVar("S", bound="Stepper")


def draw_counts(mu: np.ndarray, rng: np.random.Generator, *, binary: bool) -> np.ndarray:
    """Counts with expectation ``mu``: Bernoulli(min(mu, 1)) where training counts were 0/1, else Poisson."""
    if binary:
        return (rng.random(mu.shape) < mu).astype(np.uint16)
    limit = np.iinfo(np.uint16).max
    return np.minimum(rng.poisson(mu), limit).astype(np.uint16)


class Stepper(abc.ABC):
    """A model that runs forward one step at a time over all trials at once, lead and window.

    ``expected`` and ``observe`` are called once each for every step, in this order. ``fill``: the count of each
    unit that stands where nothing was recorded. ``binary``: counts are drawn as 0 or 1. ``rows``: the trial that
    each row of what is expected and observed runs; forks have several rows for each trial.
    """

    def __init__(self, trials: Trials, *, fill: Float[np.ndarray, " units"], binary: bool) -> None:
        self.fill, self.binary = fill, binary
        self.rows = np.arange(trials.n_trials)

    @abc.abstractmethod
    def expected(self, step: int) -> Float[np.ndarray, "rows units"]:
        """Expected counts of ``step`` given what was observed before it."""

    @abc.abstractmethod
    def observe(self, step: int, counts: Float[np.ndarray, "rows units"]) -> None:
        """Take in the counts of ``step`` (``fill`` where nothing was recorded)."""

    @abc.abstractmethod
    def repeat_state(self, times: int) -> None:
        """Hold the state of each row ``times`` times in a row, in arrays of its own."""

    def forked(self: S, times: int) -> S:
        """A stepper that goes on from here by itself, with each row ``times`` times in a row."""
        fork = copy.copy(self)
        fork.rows = np.repeat(self.rows, times)
        fork.repeat_state(times)
        return fork


class DrivenStepper(Stepper):
    """A model whose intensity depends on no spike: whatever is observed, it expects the same."""

    def __init__(
        self, trials: Trials, intensity_hz: Float[np.ndarray, "trials bins units"], *, binary: bool
    ) -> None:
        super().__init__(trials, fill=np.zeros(trials.n_units), binary=binary)
        self._mu, self._lead = intensity_hz * trials.bin_size_s, trials.lead

    def expected(self, step: int) -> Float[np.ndarray, "rows units"]:
        """Expected counts of ``step``; 0 in the lead, which nobody asks for."""
        if step < self._lead:
            return np.zeros((self.rows.size, self.fill.size))
        mu: np.ndarray = self._mu[self.rows, step - self._lead]
        return mu

    def observe(self, step: int, counts: Float[np.ndarray, "rows units"]) -> None:
        """Nothing is remembered."""

    def repeat_state(self, times: int) -> None:
        """There is no state."""


def recorded_counts(
    trials: Trials, step: int, fill: Float[np.ndarray, " units"]
) -> Float[np.ndarray, "trials units"]:
    """The counts of one step, ``fill`` where nothing was recorded."""
    counts: np.ndarray = np.where(trials.mask[:, step], trials.counts[:, step].astype(float), fill)
    return counts


def sample_jointly(trials: Trials, stepper: Stepper, rng: np.random.Generator) -> Trials:
    """Run ``stepper`` over the lead's observed counts, then draw the window bin by bin, all units together."""
    window = np.zeros(trials.window_counts.shape, np.uint16)
    for step in range(trials.n_steps):
        mu = stepper.expected(step)
        if step < trials.lead:
            seen = recorded_counts(trials, step, stepper.fill)
        else:
            drawn = draw_counts(mu, rng, binary=stepper.binary)
            window[:, step - trials.lead] = drawn
            seen = drawn.astype(float)
        stepper.observe(step, seen)
    return trials.with_window_counts(window)
