"""Recurrent cells between spike counts and what is decoded from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from neurodecode.nn.cells import Cell
from neurodecode.nn.dropout import Dropout, Masks


@dataclass(frozen=True)
class Shape:
    """What a decoding network is made of.

    dropout: of the hidden activity; input_dropout: of the inputs; dropout_masks: of both.
    bidirectional: a second cell runs from the last step to the first. accumulates: outputs add up over
    the bins, in units of ``1 / n_bins`` of what is read out in each. bin_size_s: None where it is not known.
    """

    cell: Cell
    n_inputs: int
    hidden: int
    n_outputs: int
    bin_size_s: float | None
    input_dropout: float = 0.0
    dropout: float = 0.0
    dropout_masks: Masks = "per_sequence"
    bidirectional: bool = False
    accumulates: bool = False
    n_bins: int = 1


class DecodingNetwork(torch.nn.Module):
    """offset + a linear readout of the cell's hidden activity + a linear path from the inputs that skips the cell.

    All of it but the cell starts at zero: an untrained network says what its offset says. Where outputs
    accumulate, each bin adds its evidence to that of the bins before it, as the log odds of independent
    observations do; the path that skips the cell is then a linear classifier of summed counts.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        size = (shape.n_inputs, shape.hidden, shape.bin_size_s)
        self.cell = shape.cell.build(*size)
        self.back = shape.cell.build(*size) if shape.bidirectional else None
        self.readout = torch.nn.Linear(shape.hidden * (1 + shape.bidirectional), shape.n_outputs)
        self.skip = torch.nn.Linear(shape.n_inputs, shape.n_outputs, bias=False)
        for weights in (self.readout.weight, self.readout.bias, self.skip.weight):
            torch.nn.init.zeros_(weights)

    def forward(
        self, inputs: torch.Tensor, offset: torch.Tensor, state: Any = None, units: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Any]:
        """inputs (batch, steps, n_inputs), offset (batch, bins, outputs) of the last bins of these steps.

        Returns the outputs (batch, bins, outputs), and the state after the last step: of the cell, and what
        has accumulated. units: as networks of rates take it; all outputs here go together.
        """
        shape, n_bins = self.shape, offset.shape[1]
        within, gathered = (None, None) if state is None else state
        inputs = Dropout(shape.input_dropout, shape.dropout_masks)(inputs, training=self.training)
        hidden, within = self._activity(inputs, n_bins, within)
        hidden = Dropout(shape.dropout, shape.dropout_masks)(hidden, training=self.training)
        said = self.readout(hidden) + self.skip(inputs[:, inputs.shape[1] - n_bins :])
        if not shape.accumulates:
            return offset + said, (within, None)
        said = (said / shape.n_bins).cumsum(1)
        said = said if gathered is None else said + gathered[:, None]
        gathered = said[:, -1] if n_bins else gathered
        return offset + said, (within, gathered)

    def _activity(self, inputs: torch.Tensor, n_bins: int, state: Any) -> tuple[torch.Tensor, Any]:
        """Hidden activity (batch, bins, features) of the last bins, of both directions where there are two."""
        hidden, state = self.cell(inputs, state)
        if self.back is not None:
            reverse, _ = self.back(inputs.flip(1))
            hidden = torch.cat([hidden, reverse.flip(1)], dim=2)
        return hidden[:, inputs.shape[1] - n_bins :], state

    def linear_features(self, inputs: torch.Tensor, n_bins: int) -> torch.Tensor:
        """What outputs, without offset, are linear in (batch, bins, features): a constant, activity, inputs."""
        hidden, _ = self._activity(inputs, n_bins, None)
        seen = inputs[:, inputs.shape[1] - n_bins :]
        features = torch.cat([torch.ones_like(hidden[..., :1]), hidden, seen], dim=2)
        return (features / self.shape.n_bins).cumsum(1) if self.shape.accumulates else features

    def set_linear(self, weights: torch.Tensor) -> None:
        """Take weights (features, outputs) of ``linear_features`` for those of the readout and of the skip."""
        n_hidden = self.readout.in_features
        with torch.no_grad():
            self.readout.bias.copy_(weights[0])
            self.readout.weight.copy_(weights[1 : 1 + n_hidden].t())
            self.skip.weight.copy_(weights[1 + n_hidden :].t())
