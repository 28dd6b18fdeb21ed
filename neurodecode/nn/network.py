"""Recurrent cells between spike history and log-rates: one for the population, one that each unit has alone.

Beside them a gain that all units share, linear in a few inputs.
"""

from __future__ import annotations

from typing import Any

import torch

from neurodecode.nn.cells import Cell
from neurodecode.nn.dropout import Dropout, Masks
from neurodecode.nn.readout import read_each
from neurodecode.nn.recomputed import run_cell

EMBEDDING = 8  # numbers that tell one unit from another where all share a cell
_UNITS_AT_REST = 16  # units whose own cells run together when nothing is trained: bounds the memory


class RateNetwork(torch.nn.Module):
    """log mu = offset + shared gain + what the population's state says + what each unit's own state says.

    The population path sees all inputs; the own path is run for each unit, on the inputs that concern that unit
    alone; the gain is one number for all units. Each may be absent. All readouts start at zero, so an untrained
    network is its offset (the GLM). Dropout masks inputs and hidden activity; the recurrence itself stays
    unmasked: torch's fused cells offer no place for it.
    """

    def __init__(
        self,
        cell: Cell,
        n_inputs: int,
        hidden: int,
        n_units: int,
        dropout: float,
        *,
        bin_size_s: float,
        dropout_masks: Masks = "per_sequence",
        checkpoint_bins: int = 0,
        own_inputs: torch.Tensor | None = None,
        own_hidden: int = 0,
        gain_inputs: torch.Tensor | None = None,
    ) -> None:
        """``bin_size_s``: of the bins that it runs on. ``checkpoint_bins``: see ``nn.recomputed``.

        ``own_inputs`` (n_units, columns): the columns of the inputs that each unit's own cell sees;
        ``gain_inputs`` (columns,): those that the shared gain is made of."""
        super().__init__()
        drop = Dropout(dropout, dropout_masks)
        self.population = None
        if hidden:
            whole = cell.build(n_inputs, hidden, bin_size_s)
            self.population = PopulationPath(whole, n_inputs, n_units, drop, checkpoint_bins)
        self.gain = SharedGain(gain_inputs) if gain_inputs is not None and len(gain_inputs) else None
        self.own = None
        if own_inputs is not None and own_hidden:
            self.own = OwnPath(cell, own_inputs, own_hidden, drop, bin_size_s, checkpoint_bins)

    def forward(
        self, inputs: torch.Tensor, offset: torch.Tensor, state: Any = None, units: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Any]:
        """inputs (batch, steps, n_inputs), offset (batch, bins, units) of the last bins of these steps.

        units: which units those of the offset are, where it is not all of them. Returns the log expected counts of
        those bins and units, and the state after the last step.
        """
        n_bins, log_mean = offset.shape[1], offset
        population, own = (None, None) if state is None else state
        if self.population is not None:
            added, population = self.population(inputs, n_bins, population, self.gain, units)
            log_mean = log_mean + added
        elif self.gain is not None:
            log_mean = log_mean + self.gain(inputs[:, -n_bins:])
        if self.own is not None:
            added, own = self.own(inputs, n_bins, own, units)
            log_mean = log_mean + added
        return log_mean, (population, own)


class SharedGain(torch.nn.Module):
    """A log gain of all units, linear in some inputs: so few weights that few trials are enough."""

    def __init__(self, columns: torch.Tensor) -> None:
        super().__init__()
        self.columns: torch.Tensor
        self.register_buffer("columns", columns)
        self.weights = torch.nn.Parameter(torch.zeros(len(columns)))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """What is added to every unit's log expected count: (batch, bins, 1)."""
        added: torch.Tensor = inputs @ self.of_all(inputs.shape[-1]) + self.bias
        return added[..., None]

    def of_all(self, n_inputs: int) -> torch.Tensor:
        """The weight of each of all inputs: 0 where the gain does not see it."""
        return self.weights.new_zeros(n_inputs).index_copy(0, self.columns, self.weights)


class PopulationPath(torch.nn.Module):
    """One cell that sees all inputs and speaks to all units, beside a linear path that skips it."""

    def __init__(self, cell: Any, n_inputs: int, n_units: int, dropout: Dropout, checkpoint_bins: int) -> None:
        super().__init__()
        self.cell, self.checkpoint_bins = cell, checkpoint_bins
        self.readout = torch.nn.Linear(cell.hidden_size, n_units)
        self.skip = torch.nn.Linear(n_inputs, n_units, bias=False)
        self.dropout = dropout
        for weights in (self.readout.weight, self.readout.bias, self.skip.weight):
            torch.nn.init.zeros_(weights)

    def forward(
        self,
        inputs: torch.Tensor,
        n_bins: int,
        state: Any = None,
        gain: SharedGain | None = None,
        units: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, Any]:
        """What is added to the log expected counts (batch, bins, units) of the last bins; the state after them.

        ``gain``: what is added beside, which is linear in the inputs as the path that skips the cell is: one
        product serves both. ``units``: only these are read out, where it is not all of them.
        """
        seen = self.dropout(inputs, training=self.training)
        hidden, state = run_cell(self.cell, seen, state, self.checkpoint_bins)
        readout: torch.Tensor = self.readout.weight
        weight: torch.Tensor = self.skip.weight
        bias: torch.Tensor = self.readout.bias
        if units is not None:
            readout, weight, bias = readout[units], weight[units], bias[units]
        if gain is not None:
            weight, bias = weight + gain.of_all(inputs.shape[2]), bias + gain.bias
        # All steps are read out: to cut a few columns of it is less than to cut the hidden activity.
        hidden = self.dropout(hidden, training=self.training)
        read = torch.nn.functional.linear(by_step(hidden), readout, bias)[-n_bins:]
        return by_step(read + torch.nn.functional.linear(by_step(inputs[:, -n_bins:]), weight)), state


class OwnPath(torch.nn.Module):
    """One small cell whose weights all units share, run on each unit's own inputs beside an embedding of the unit.

    Refractoriness, bursting and adaptation have much in common between units: what one shows serves the others,
    where a population cell must learn each unit's history among all others' anew.
    """

    def __init__(
        self,
        cell: Cell,
        columns: torch.Tensor,
        hidden: int,
        dropout: Dropout,
        bin_size_s: float,
        checkpoint_bins: int,
    ) -> None:
        super().__init__()
        n_units, n_columns = columns.shape
        self.columns: torch.Tensor
        self.register_buffer("columns", columns)
        self.embedding = torch.nn.Parameter(0.3 * torch.randn(n_units, EMBEDDING))
        self.cell = cell.build(n_columns + EMBEDDING, hidden, bin_size_s)
        # Inputs of a cell that learns nothing: what is left to learn is the readout.
        self.embedding.requires_grad_(any(w.requires_grad for w in self.cell.parameters()))
        self.readout = torch.nn.Parameter(torch.zeros(n_units, hidden))
        self.bias = torch.nn.Parameter(torch.zeros(n_units))
        self.dropout, self.checkpoint_bins = dropout, checkpoint_bins

    def forward(
        self, inputs: torch.Tensor, n_bins: int, state: Any = None, units: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Any]:
        """What is added to the log expected counts (batch, bins, units) of the last bins; the state after them.

        The state of a cell is a tensor (1, batch, units, hidden), or several of them.
        """
        if units is None:
            units = torch.arange(len(self.columns), device=inputs.device)
        if self.training or len(units) <= _UNITS_AT_REST:
            return self._run(inputs, n_bins, state, units)
        parts = torch.split(units, _UNITS_AT_REST)
        each = [
            self._run(inputs, n_bins, _mapped(state, lambda s, part=part: s[:, :, part]), part) for part in parts
        ]
        added = torch.cat([a for a, _ in each], dim=2)
        states = [s for _, s in each]
        if isinstance(states[0], tuple):
            return added, tuple(torch.cat(same, dim=2) for same in zip(*states, strict=True))
        return added, torch.cat(states, dim=2)

    def _run(self, inputs: torch.Tensor, n_bins: int, state: Any, units: torch.Tensor) -> tuple[torch.Tensor, Any]:
        n_batch = inputs.shape[0]
        start = _mapped(state, lambda s: s.flatten(1, 2).contiguous())
        hidden, state = run_cell(self.cell, self.rows(inputs, units), start, self.checkpoint_bins)
        weights = self.readout[units].expand(n_batch, 1, -1, -1)
        if self.dropout.masks == "per_step":
            hidden = self.dropout(hidden, training=self.training)
        else:  # one product serves as readout and as dropout, which has a mask of its own for each sequence
            weights = self.dropout(weights, training=self.training)
        read = read_each(by_step(hidden[:, -n_bins:]), weights.flatten(0, 2))
        added = read.reshape(n_bins, n_batch, len(units)) + self.bias[units]
        return by_step(added), _mapped(state, lambda s: s.reshape(len(s), n_batch, len(units), -1))

    def rows(self, inputs: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        """What the cell is run on: (batch x units, steps, columns), each unit's inputs and its embedding."""
        seen = by_step(inputs)[:, :, self.columns[units]]  # (steps, batch, units, columns)
        which = self.embedding[units].expand(*seen.shape[:2], -1, -1)
        return by_step(torch.cat([seen, which], dim=3).flatten(1, 2))


def by_step(values: torch.Tensor) -> torch.Tensor:
    """Batch and steps in each other's place: (batch, steps, ...) to (steps, batch, ...) and back, nothing copied.

    Cells go step by step, so their inputs and outputs lie in memory in that order; layers between are spared
    copies when they see it too.
    """
    return values.transpose(0, 1)


def _mapped(state: Any, change: Any) -> Any:
    """A change of every tensor of a cell's state: None, one tensor or a tuple of them."""
    if state is None:
        return None
    return tuple(change(s) for s in state) if isinstance(state, tuple) else change(state)
