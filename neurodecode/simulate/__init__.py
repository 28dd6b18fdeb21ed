"""Populations whose true conditional intensity is known. A population's name is its file's name here."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float, UInt

from neurodecode.data.session import Session
from neurodecode.errors import ConfigError
from neurodecode.simulate._population import Population, run
from neurodecode.simulate._recording import recording_of

__all__ = ["POPULATIONS", "Population", "Simulated", "describe", "population_names", "simulate"]


def population_names() -> list[str]:
    """Files of this folder that do not start with an underscore."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


class _Populations(Mapping[str, Population]):
    """Every population by name; a population's file is imported when it is asked for."""

    def __getitem__(self, name: str) -> Population:
        if name not in population_names():
            raise KeyError(name)
        population: Population = import_module(f"{__name__}.{name}").POPULATION
        return population

    def __iter__(self) -> Iterator[str]:
        return iter(population_names())

    def __len__(self) -> int:
        return len(population_names())


POPULATIONS: Mapping[str, Population] = _Populations()


@dataclass(frozen=True, eq=False, kw_only=True)
class Simulated:
    """A simulated recording and the truth behind it.

    session: what a recording of it would hold. counts: (trials, lead + bins, units), its spikes on the grid.
    oracle_hz: E[count | all spikes before the bin] / bin, over the window. samples: counts of an independent
    continuation of each trial's real past through the window, from the same population.
    """

    population: Population
    session: Session
    counts: UInt[np.ndarray, "trials steps units"]
    oracle_hz: Float[np.ndarray, "trials bins units"]
    samples: UInt[np.ndarray, "trials bins units"]

    @property
    def bin_size_s(self) -> float:
        """Width (s) of a bin."""
        return self.population.bin_size_s

    @property
    def window_s(self) -> tuple[float, float]:
        """The scored window (s) against ``align``."""
        return self.population.window_s

    @property
    def lead_s(self) -> float:
        """Recorded time (s) before the window."""
        return self.population.lead_s

    @property
    def align(self) -> str:
        """Column of the trials table that holds the stimulus time."""
        return self.population.align

    @property
    def condition(self) -> str:
        """Column of the trials table that holds the condition."""
        return self.population.condition


def simulate(population: str, *, n_trials: int, rng: np.random.Generator) -> Simulated:
    """A recording of ``n_trials`` trials of a population, conditions as equal in number as they can be.

    Raises ConfigError for an unknown population, or fewer trials than conditions.
    """
    known = _known(population)
    n_conditions = len(known.condition_names)
    if n_trials < n_conditions:
        raise ConfigError(
            f"n_trials must be at least {n_conditions}, one for each condition of {population!r}, got {n_trials}"
        )
    condition = rng.permutation(np.arange(n_trials) % n_conditions)
    outcome = run(known, condition, rng)
    return Simulated(
        population=known,
        session=recording_of(known, outcome.counts, condition, rng),
        counts=outcome.counts,
        oracle_hz=outcome.expected / np.float32(known.bin_size_s),
        samples=outcome.samples,
    )


def describe(population: str) -> dict[str, Any]:
    """All that is fixed about a population, JSON-able; lists run over units.

    Raises ConfigError for an unknown population.
    """
    from neurodecode.simulate._responses import COLUMNS, CONCENTRATION, DIRECTIONS_DEG, RESPONSES

    known = _known(population)
    responses = {name: values.tolist() for name, values in zip(COLUMNS, RESPONSES.T, strict=True)}
    return {
        "population": population,
        "bin_size_s": known.bin_size_s,
        "window_s": list(known.window_s),
        "lead_s": known.lead_s,
        "burn_in_s": known.burn_in_s,
        "units": list(known.unit_names),
        "conditions": dict(zip(known.condition_names, DIRECTIONS_DEG, strict=True)),
        "responses": {"concentration": CONCENTRATION, **responses},
        "parameters": known.parameters(),
    }


def _known(population: str) -> Population:
    if population not in POPULATIONS:
        raise ConfigError(f"unknown population {population!r}; known: {', '.join(population_names())}")
    return POPULATIONS[population]
