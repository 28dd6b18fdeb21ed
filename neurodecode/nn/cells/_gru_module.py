"""torch's GRU, compiled for the CPU, also one step at a time in plain torch."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from neurodecode.nn.cells._chrono import chrono_biases
from neurodecode.nn.cells._gru_kernels import gru_backward, gru_forward
from neurodecode.nn.compiled import run


class GRU(torch.nn.GRU):
    """torch's GRU of one layer, batch first: the same weights, the same numbers; on a GPU torch's own."""

    def __init__(self, n_inputs: int, hidden: int, *, longest_bins: float | None = None) -> None:
        """longest_bins: of a chrono initialisation."""
        super().__init__(n_inputs, hidden, batch_first=True)
        if longest_bins is not None:
            with torch.no_grad():  # gates are ordered r, z, n; z keeps the state; the two biases add up
                self.get_parameter("bias_ih_l0")[hidden : 2 * hidden] = chrono_biases(hidden, longest_bins)
                self.get_parameter("bias_hh_l0")[hidden : 2 * hidden] = 0.0

    def forward(  # type: ignore[override]  # torch also takes packed sequences; nobody here has them
        self, inputs: torch.Tensor, state: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden activity (batch, steps, hidden) and the state (1, batch, hidden) after the last step."""
        if inputs.is_cuda:
            fused: tuple[torch.Tensor, torch.Tensor] = super().forward(inputs, state)
            return fused
        if state is None:
            state = inputs.new_zeros(1, inputs.shape[0], self.hidden_size)
        weight_in, weight, bias_in, bias = self.all_weights[0]
        hidden, last = _Recurrence.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
            inputs.transpose(0, 1).contiguous(), state[0], weight_in, weight, bias_in, bias
        )
        return hidden.transpose(0, 1), last[None]

    def step(self, inputs: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The state (1, batch, hidden) after inputs (batch, n_inputs)."""
        weight_in, weight, bias_in, bias = self.all_weights[0]
        driven = torch.nn.functional.linear(inputs, weight_in, bias_in).chunk(3, dim=-1)
        recurrent = torch.nn.functional.linear(state[0], weight, bias).chunk(3, dim=-1)
        r, z = (torch.sigmoid(driven[k] + recurrent[k]) for k in (0, 1))
        new = torch.tanh(driven[2] + r * recurrent[2])
        return (new + z * (state[0] - new))[None]

    def initial_state(self, batch: int) -> torch.Tensor:
        """Zeros (1, batch, hidden)."""
        return self.get_parameter("bias_hh_l0").new_zeros(1, batch, self.hidden_size)

    @staticmethod
    def hidden_of(state: torch.Tensor) -> torch.Tensor:
        """Hidden activity (batch, hidden)."""
        return state[0]


class _Recurrence(torch.autograd.Function):
    """inputs (steps, batch, n_inputs), the state (batch, hidden) -> hidden (steps, batch, hidden), the state.

    r, z = sigmoid(W_i x + b_i + W h + b); n = tanh(W_in x + b_in + r (W_n h + b_n)); h' = n + z (h - n).
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        state: torch.Tensor,
        weight_in: torch.Tensor,
        weight: torch.Tensor,
        bias_in: torch.Tensor,
        bias: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        size = state.shape[1]
        # The biases of r and z add up and come with the inputs; that of n stands inside its bracket.
        outside = torch.cat([bias[: 2 * size], torch.zeros_like(bias[2 * size :])])
        gates = torch.nn.functional.linear(inputs, weight_in, bias_in + outside)
        inner = gates.new_empty(*gates.shape[:2], size)
        hidden = gates.new_empty(len(gates) + 1, *state.shape)
        hidden[0] = state
        run(gru_forward, len(state), gates, inner, hidden, weight.t().contiguous(), bias[2 * size :])
        ctx.save_for_backward(inputs, weight_in, weight, gates, inner, hidden)
        return hidden[1:], hidden[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        inputs, weight_in, weight, gates, inner, hidden = ctx.saved_tensors
        outer, to_state = gradients[0].contiguous(), gradients[1].clone()
        to_driven, to_inner = torch.empty_like(gates), torch.empty_like(inner)
        run(gru_backward, len(to_state), gates, inner, hidden, outer, to_driven, to_inner, to_state, weight)
        flat, flat_inner, before = (x.flatten(0, 1) for x in (to_driven, to_inner, hidden[:-1]))
        size = to_state.shape[1]
        to_bias_in = flat.sum(0)
        return (
            to_driven @ weight_in if ctx.needs_input_grad[0] else None,
            to_state,
            flat.t() @ inputs.flatten(0, 1),
            torch.cat([flat[:, : 2 * size].t() @ before, flat_inner.t() @ before]),
            to_bias_in,
            torch.cat([to_bias_in[: 2 * size], flat_inner.sum(0)]),
        )
