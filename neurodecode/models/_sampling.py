"""Drawing spikes from an intensity: one rule for every family."""

from __future__ import annotations

import abc

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials


def draw_counts(mu: np.ndarray, rng: np.random.Generator, *, binary: bool) -> np.ndarray:
    """Counts with expectation ``mu``: Bernoulli(min(mu, 1)) where training counts were 0/1, else Poisson."""
    if binary:
        return (rng.random(mu.shape) < mu).astype(np.uint16)
    limit = np.iinfo(np.uint16).max
    return np.minimum(rng.poisson(mu), limit).astype(np.uint16)


class Stepper(abc.ABC):
    """A model that runs forward one step at a time over all trials at once."""

    @abc.abstractmethod
    def expected(self, step: int) -> Float[np.ndarray, "trials units"]:
        """Expected counts of ``step`` given what was observed before it."""

    @abc.abstractmethod
    def observe(self, step: int, counts: Float[np.ndarray, "trials units"]) -> None:
        """Take in the counts of ``step`` (the expected ones where nothing was recorded)."""


def sample_jointly(
    trials: Trials,
    stepper: Stepper,
    fill: Float[np.ndarray, " units"],
    rng: np.random.Generator,
    *,
    binary: bool,
) -> Trials:
    """Run ``stepper`` over the lead's observed counts, then draw the window bin by bin, all units together.

    ``fill``: expected count per bin and unit, which stands where the lead was not observed.
    """
    window = np.zeros(trials.window_counts.shape, np.uint16)
    for step in range(trials.n_steps):
        mu = stepper.expected(step)
        if step < trials.lead:
            seen = np.where(trials.mask[:, step], trials.counts[:, step].astype(float), fill)
        else:
            drawn = draw_counts(mu, rng, binary=binary)
            window[:, step - trials.lead] = drawn
            seen = drawn.astype(float)
        stepper.observe(step, seen)
    return trials.with_window_counts(window)
