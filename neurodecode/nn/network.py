"""A recurrent cell between spike history and log-rates, beside a linear path that skips it."""

from typing import Any

import torch

from neurodecode.nn.cells import build_cell


class RateNetwork(torch.nn.Module):
    """log mu = offset + skip(inputs) + readout(hidden).

    ``skip`` and ``readout`` start at zero, so an untrained network is exactly its offset (the GLM). Dropout is
    variational: one mask per sequence, on inputs and hidden activity (Gal & Ghahramani 2016, NeurIPS); the
    recurrence itself stays unmasked, since torch's fused cells offer no place for it.
    """

    def __init__(self, cell: str, n_inputs: int, hidden: int, n_units: int, dropout: float) -> None:
        super().__init__()
        self.cell = build_cell(cell, n_inputs, hidden)
        self.readout = torch.nn.Linear(hidden, n_units)
        self.skip = torch.nn.Linear(n_inputs, n_units, bias=False)
        self.dropout = dropout
        for weights in (self.readout.weight, self.readout.bias, self.skip.weight):
            torch.nn.init.zeros_(weights)

    def forward(self, inputs: torch.Tensor, offset: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """inputs (batch, steps, n_inputs), offset (batch, bins, units) of the last bins of these steps.

        Returns the log expected counts of those bins and the state after the last step.
        """
        hidden, state = self.cell(self._dropped(inputs), state)
        n_bins = offset.shape[1]
        hidden = self._dropped(hidden[:, -n_bins:])
        return offset + self.readout(hidden) + self.skip(inputs[:, -n_bins:]), state

    def _dropped(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or self.dropout == 0.0:
            return values
        keep = 1.0 - self.dropout
        mask = torch.empty(values.shape[0], 1, values.shape[2], device=values.device).bernoulli_(keep)
        return values * (mask / keep)
