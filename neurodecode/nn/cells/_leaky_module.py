"""Leaky units with the weights and leaks that a cell asks for, compiled for the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from neurodecode.nn.cells._leaky_kernels import leaky_backward, leaky_forward
from neurodecode.nn.compiled import run


class LeakyTanh(torch.nn.Module):
    """h' = h + a (tanh(W h + U x + b) - h). The state is the hidden activity (1, batch, hidden).

    ``recurrent()`` gives W (hidden, hidden), to each unit (row) from each (column); ``leak()`` gives a (hidden,).
    ``recurrent.resting()``: what units receive from others whose activity is 0, added to b.
    """

    def __init__(
        self, n_inputs: int, recurrent: Any, leak: Any, *, bound: float | None = None, trained: bool = True
    ) -> None:
        """bound: input weights and biases are drawn evenly between it and its negative; 1 / sqrt(hidden) where not
        given, as in torch.nn.RNN. trained: False: they stay as they are drawn."""
        super().__init__()
        self.recurrent, self.leak = recurrent, leak
        self.hidden_size: int = recurrent.hidden_size
        bound = self.hidden_size**-0.5 if bound is None else bound
        self.weight_in: torch.Tensor
        self.bias: torch.Tensor
        for name, shape in (("weight_in", (self.hidden_size, n_inputs)), ("bias", (self.hidden_size,))):
            drawn = torch.empty(shape).uniform_(-bound, bound)
            if trained:
                self.register_parameter(name, torch.nn.Parameter(drawn))
            else:
                self.register_buffer(name, drawn)

    def forward(
        self, inputs: torch.Tensor, state: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden activity (batch, steps, hidden) and the state (1, batch, hidden) after the last step."""
        state = self.initial_state(inputs.shape[0]) if state is None else state
        weight, leak = self.recurrent(), self.leak()
        stepwise = inputs.transpose(0, 1).contiguous()
        driven = torch.nn.functional.linear(stepwise, self.weight_in, self.bias + self.recurrent.resting())
        if inputs.is_cuda:
            hidden, last = recurrence_by_steps(driven, state[0], weight, leak)
        else:
            hidden, last = _Recurrence.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
                driven, state[0], weight, leak
            )
        return hidden.transpose(0, 1), last[None]

    def step(self, inputs: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The state after inputs (batch, n_inputs)."""
        before, linear = state[0], torch.nn.functional.linear
        driven = linear(inputs, self.weight_in, self.bias + self.recurrent.resting())
        after: torch.Tensor = before + self.leak() * (
            torch.tanh(driven + linear(before, self.recurrent())) - before
        )
        return after[None]

    def initial_state(self, batch: int) -> torch.Tensor:
        """Zeros (1, batch, hidden)."""
        return self.bias.new_zeros(1, batch, self.hidden_size)

    @staticmethod
    def hidden_of(state: torch.Tensor) -> torch.Tensor:
        """Hidden activity (batch, hidden)."""
        return state[0]


def recurrence_by_steps(
    driven: torch.Tensor, state: torch.Tensor, weight: torch.Tensor, leak: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What ``_Recurrence`` does, in plain torch, for GPUs."""
    each = []
    for drive in driven:
        state = state + leak * (torch.tanh(torch.nn.functional.linear(state, weight) + drive) - state)
        each.append(state)
    return torch.stack(each), state


class _Recurrence(torch.autograd.Function):
    """What drives the units (steps, batch, hidden), state (batch, hidden), W, a -> hidden activity, the state."""

    @staticmethod
    def forward(
        ctx: Any, driven: torch.Tensor, state: torch.Tensor, weight: torch.Tensor, leak: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        new = driven.contiguous().clone()
        hidden = new.new_empty(len(new) + 1, *state.shape)
        hidden[0] = state
        run(leaky_forward, len(state), new, hidden, weight.t().contiguous(), leak.contiguous())
        ctx.save_for_backward(new, hidden, weight, leak)
        return hidden[1:], hidden[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        new, hidden, weight, leak = ctx.saved_tensors
        outer, to_state = gradients[0].contiguous(), gradients[1].clone()
        to_driven, to_leak = torch.empty_like(new), torch.zeros_like(to_state)
        arrays = (new, hidden, outer, to_driven, to_state, to_leak, weight.contiguous(), leak.contiguous())
        run(leaky_backward, len(to_state), *arrays)
        to_weight = to_driven.flatten(0, 1).t() @ hidden[:-1].flatten(0, 1) if ctx.needs_input_grad[2] else None
        return to_driven, to_state, to_weight, to_leak.sum(0)
