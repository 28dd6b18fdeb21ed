"""The recurrent paths of a fitted network, and what each is driven with on held-out trials.

A network has a population path, whose cell sees all inputs, and an own path, one small cell that runs for each
unit alone. Each is a map of its own states: nothing of one reaches the other but through recorded spikes, which
are inputs and held fixed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials
from neurodecode.dynamics.cells import driven_steps, exact, hidden_activity, resting
from neurodecode.dynamics.chosen import evenly_spread
from neurodecode.dynamics.steps import trajectory
from neurodecode.models._recurrent import FittedRecurrent

MOST_UNITS, MOST_BINS, MOST_GROUPS = 4, 2000, 8
"""What is looked at, spread evenly over the units and conditions that there are; of a longer window its first
bins."""
POPULATION, OWN = "population", "own"


@dataclass(frozen=True, eq=False)
class NetworkPath:
    """One cell and its rows: held-out trials, of the own path each of them for some units.

    inputs: of every step, the burn-in and then the window. pulls (rows, bins, hidden): gradient of each bin's
    Poisson loss, that of the whole fitted model, with respect to the hidden activity; 0 where nothing was
    observed. group: of each row its place in ``group_names``: its condition, or of the own path its unit; -1 for
    conditions beyond ``MOST_GROUPS``.
    """

    name: str
    cell: Any
    inputs: Float[torch.Tensor, "rows steps n_inputs"]
    pulls: Float[torch.Tensor, "rows bins hidden"]
    burn_in: int
    group: Int[np.ndarray, " rows"]
    group_names: tuple[str, ...]
    bin_size_s: float

    def states(self) -> Float[torch.Tensor, "steps rows n"]:
        """The states after each step of the rows, the resting one first."""
        return trajectory(driven_steps(self.cell, self.inputs), resting(self.cell, len(self.inputs)))

    def hidden(self, states: Float[torch.Tensor, "steps rows n"]) -> Float[np.ndarray, "rows bins hidden"]:
        """Hidden activity of the window's bins."""
        seen: np.ndarray = hidden_activity(self.cell, states[self.burn_in + 1 :]).transpose(0, 1).numpy()
        return seen

    def held_inputs(self, group: int) -> Float[torch.Tensor, " n_inputs"]:
        """The mean input of a group over its trials and bins: what is held when the cell is left alone."""
        return self.inputs[torch.from_numpy(self.group == group), self.burn_in :].double().mean((0, 1))


def network_paths(fitted: FittedRecurrent, trials: Trials) -> list[NetworkPath]:
    """The paths of the first of the fitted networks, driven with ``trials``; none where the model is the GLM.

    The loss is that of the fitted model: to the GLM's log-intensity a share of what the networks add on average.
    The other networks are held: of what is added, the first speaks for the share over their number.
    None either where validation kept nothing but the gain that all units share, which has no state, and no path
    whose readout is 0, as at the start of training: what it does reaches no unit.
    """
    if fitted.share.fallback:
        return []
    sequences = fitted.inputs.sequences(trials, leave_out=False)
    n_bins = min(sequences.n_bins, MOST_BINS)
    inputs = torch.from_numpy(sequences.make_inputs(np.arange(trials.n_trials)).copy())
    inputs = inputs[:, : sequences.burn_in + n_bins]
    network, slopes = exact(fitted.networks[0]), _slopes(fitted, sequences, inputs, n_bins)
    found = []
    if network.population is not None and bool(network.population.readout.weight.any()):
        found.append(_population(network, inputs, slopes, trials, sequences.burn_in))
    if network.own is not None and bool(network.own.readout.any()):
        found.append(_own(network, inputs, slopes, trials, sequences.burn_in))
    return found


def _slopes(fitted: FittedRecurrent, sequences: Any, inputs: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Gradient (trials, bins, units) of each bin's loss with respect to what the first network adds.

    Where the expected count is capped, the error is that of the capped one.
    """
    offset = torch.from_numpy(sequences.offset[:, :n_bins].astype(np.float64))
    each = fitted.share.value / len(fitted.networks)
    log_mean = offset.clone()
    with torch.no_grad():
        for network in fitted.networks:
            log_mean += each * (exact(network)(inputs.double(), offset)[0] - offset)
    counts = torch.from_numpy(sequences.counts[:, :n_bins].astype(np.float64))
    seen = torch.from_numpy(np.array(sequences.mask[:, :n_bins]))
    slopes: torch.Tensor = each * (log_mean.exp().clamp(max=fitted.inputs.glm.cap) - counts) * seen
    return slopes


def _population(
    network: Any, inputs: torch.Tensor, slopes: torch.Tensor, trials: Trials, burn_in: int
) -> NetworkPath:
    names = [str(name) for name in trials.condition_names]
    present = np.unique(trials.condition)
    kept = present[evenly_spread(present.size, MOST_GROUPS)]
    group = np.array([int(np.flatnonzero(kept == c)[0]) if c in kept else -1 for c in trials.condition])
    pulls = slopes @ network.population.readout.weight
    told = tuple(names[c] for c in kept)
    return NetworkPath(POPULATION, network.population.cell, inputs, pulls, burn_in, group, told, trials.bin_size_s)


def _own(network: Any, inputs: torch.Tensor, slopes: torch.Tensor, trials: Trials, burn_in: int) -> NetworkPath:
    """Rows: of each trial some units, their mean input over all conditions together."""
    units = torch.from_numpy(evenly_spread(trials.n_units, MOST_UNITS))
    rows = network.own.rows(inputs.double(), units)
    weights = network.own.readout[units]  # (units, hidden)
    pulls = (slopes[..., units, None] * weights).transpose(1, 2).flatten(0, 1)
    group = np.tile(np.arange(len(units)), trials.n_trials)
    told = tuple(str(trials.unit_names[unit]) for unit in units.tolist())
    return NetworkPath(OWN, network.own.cell, rows, pulls, burn_in, group, told, trials.bin_size_s)
