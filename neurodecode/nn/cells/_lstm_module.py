"""torch's LSTM, also one step at a time in plain torch."""

from __future__ import annotations

import torch

from neurodecode.nn.cells._chrono import chrono_biases

State = tuple[torch.Tensor, torch.Tensor]
"""Hidden activity and what the cells hold, each (1, batch, hidden)."""


class LSTM(torch.nn.LSTM):
    """torch's LSTM of one layer, batch first.

    i, f, o = sigmoid(W x + b + V h + d); g = tanh(W_g x + b_g + V_g h + d_g); c' = f c + i g; h' = o tanh(c').
    """

    def __init__(
        self, n_inputs: int, hidden: int, *, forget_bias: float = 1.0, longest_bins: float | None = None
    ) -> None:
        """forget_bias: of the forget gate at the start. longest_bins: of a chrono initialisation in its place."""
        super().__init__(n_inputs, hidden, batch_first=True)
        with torch.no_grad():  # gates are ordered input, forget, cell, output; the two biases add up
            for bias, value in (("bias_ih_l0", forget_bias), ("bias_hh_l0", 0.0)):
                self.get_parameter(bias)[hidden : 2 * hidden] = value
            if longest_bins is not None:
                drawn = chrono_biases(hidden, longest_bins)
                self.get_parameter("bias_ih_l0")[: 2 * hidden] = torch.cat([-drawn, drawn])
                self.get_parameter("bias_hh_l0")[: 2 * hidden] = 0.0

    def step(self, inputs: torch.Tensor, state: State) -> State:
        """The state after inputs (batch, n_inputs)."""
        hidden, held = state
        weight_in, weight, bias_in, bias = self.all_weights[0]
        linear = torch.nn.functional.linear
        gates = linear(inputs, weight_in, bias_in) + linear(hidden[0], weight, bias)
        i, f, g, o = gates.chunk(4, dim=-1)
        now = torch.sigmoid(f) * held[0] + torch.sigmoid(i) * torch.tanh(g)
        return (torch.sigmoid(o) * torch.tanh(now))[None], now[None]

    def initial_state(self, batch: int) -> State:
        """Nothing held."""
        zeros = self.get_parameter("bias_hh_l0").new_zeros(1, batch, self.hidden_size)
        return zeros, zeros.clone()

    @staticmethod
    def hidden_of(state: State) -> torch.Tensor:
        """Hidden activity (batch, hidden)."""
        return state[0][0]
