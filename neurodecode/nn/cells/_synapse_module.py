"""Leaky units whose synapses facilitate and depress (Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821)."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from neurodecode.nn.cells._recurrent_weights import TimeConstants
from neurodecode.nn.cells._synapse_kernels import synaptic_backward, synaptic_forward
from neurodecode.nn.compiled import run

State = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Hidden activity h, utilisation u and resources x, each (1, batch, hidden)."""


class Synapses(torch.nn.Module):
    """U and the time constants of the synapses of each sending unit, learnt or not."""

    def __init__(
        self,
        hidden: int,
        release: float,
        facilitation_s: float,
        depression_s: float,
        bin_size_s: float,
        *,
        learnt: bool,
    ) -> None:
        super().__init__()
        self.bin_size_s = bin_size_s
        start = torch.tensor([release, facilitation_s, depression_s])[:, None].expand(3, hidden)
        self.start: torch.Tensor
        self.register_buffer("start", torch.cat([torch.logit(start[:1]), start[1:].log()]))
        # Distances from the start, so that weight decay pulls back there.
        self.moved = torch.nn.Parameter(torch.zeros(3, hidden)) if learnt else None

    def forward(self) -> torch.Tensor:
        """(3, hidden): U, and the shares of u and of spent resources that stay after a bin."""
        now = self.start if self.moved is None else self.start + self.moved
        return torch.cat([torch.sigmoid(now[:1]), torch.exp(-self.bin_size_s * torch.exp(-now[1:]))])


class SynapticTanh(torch.nn.Module):
    """h' = h + a (tanh(W (u+ x / U) r + V input + b) - h), r = (1 + h) / 2 being a share of the highest rate.

    u+ = u + U (1 - u) is the share of the resources x that a spike releases. With s spikes expected in a bin,
    u becomes (u + U (1 - u) s) exp(-bin / tau_f), and 1 - x becomes (1 - x + u+ x s) exp(-bin / tau_d). What a
    rested synapse sends at the highest rate is 1.
    """

    def __init__(
        self, n_inputs: int, weights: torch.Tensor, synapses: Synapses, leak: TimeConstants, most: float
    ) -> None:
        """weights (hidden, hidden): W at the start. most: spikes in a bin at the highest rate, at most 1."""
        super().__init__()
        self.hidden_size = len(weights)
        self.synapses, self.leak, self.most = synapses, leak, most
        bound = self.hidden_size**-0.5
        self.weight = torch.nn.Parameter(weights)
        self.weight_in = torch.nn.Parameter(torch.empty(self.hidden_size, n_inputs).uniform_(-bound, bound))
        self.bias = torch.nn.Parameter(torch.empty(self.hidden_size).uniform_(-bound, bound))

    def forward(self, inputs: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Hidden activity (batch, steps, hidden) and the state after the last step."""
        state = self.initial_state(inputs.shape[0]) if state is None else state
        if inputs.is_cuda:
            return synapses_by_steps(self, inputs, state)
        driven = torch.nn.functional.linear(inputs.transpose(0, 1).contiguous(), self.weight_in, self.bias)
        synaptic = torch.stack([state[1][0], state[2][0]], dim=1)
        hidden, last, synaptic = _Recurrence.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
            driven, state[0][0], synaptic, self.weight, self.leak(), self.synapses(), self.most
        )
        return hidden.transpose(0, 1), (last[None], synaptic[None, :, 0], synaptic[None, :, 1])

    def step(self, inputs: torch.Tensor, state: State) -> State:
        """The state after inputs (batch, n_inputs)."""
        hidden, used, left = (part[0] for part in state)
        release, keep_used, keep_spent = self.synapses()
        rate, ready, linear = (1 + hidden) / 2, used + release * (1 - used), torch.nn.functional.linear
        driven = linear(inputs, self.weight_in, self.bias) + linear(ready * left / release * rate, self.weight)
        now = hidden + self.leak() * (torch.tanh(driven) - hidden)
        spikes = self.most * rate
        used_now = (used + release * (1 - used) * spikes) * keep_used
        left_now = 1 - (1 - left + ready * left * spikes) * keep_spent
        return now[None], used_now[None], left_now[None]

    def initial_state(self, batch: int) -> State:
        """No activity, synapses at rest."""
        zeros = self.bias.new_zeros(1, batch, self.hidden_size)
        return zeros, zeros.clone(), zeros + 1

    @staticmethod
    def hidden_of(state: State) -> torch.Tensor:
        """Hidden activity (batch, hidden)."""
        return state[0][0]


def synapses_by_steps(cell: SynapticTanh, inputs: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
    """What ``_Recurrence`` does, in plain torch, for GPUs."""
    each = []
    for now in inputs.unbind(1):
        state = cell.step(now, state)
        each.append(cell.hidden_of(state))
    return torch.stack(each, dim=1), state


class _Recurrence(torch.autograd.Function):
    """Drive (steps, batch, hidden), h (batch, hidden), u and x (batch, 2, hidden), W, a, synapses (3, hidden)."""

    @staticmethod
    def forward(
        ctx: Any,
        driven: torch.Tensor,
        state: torch.Tensor,
        synaptic: torch.Tensor,
        weight: torch.Tensor,
        leak: torch.Tensor,
        synapses: torch.Tensor,
        most: float,
    ) -> tuple[torch.Tensor, ...]:
        new, half = driven.contiguous().clone(), driven.new_tensor([most / 2])
        hidden, states = new.new_empty(len(new) + 1, *state.shape), new.new_empty(len(new) + 1, *synaptic.shape)
        hidden[0], states[0], sent = state, synaptic, torch.empty_like(new)
        fixed = (leak.contiguous(), synapses.contiguous(), half)
        run(synaptic_forward, len(state), new, hidden, states, sent, weight.t().contiguous(), *fixed)
        ctx.save_for_backward(new, hidden, states, sent, weight, *fixed)
        return hidden[1:], hidden[-1].clone(), states[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        new, hidden, states, sent, weight, *fixed = ctx.saved_tensors
        outer, to_state, to_synaptic = gradients[0].contiguous(), gradients[1].clone(), gradients[2].clone()
        to_driven, to_leak = torch.empty_like(new), torch.zeros_like(to_state)
        to_synapses = new.new_zeros(len(to_state), 3, new.shape[2])
        arrays = (outer, to_driven, to_state, to_synaptic.contiguous(), to_leak, to_synapses)
        run(synaptic_backward, len(to_state), new, hidden, states, *arrays, weight.contiguous(), *fixed)
        to_weight = to_driven.flatten(0, 1).t() @ sent.flatten(0, 1)
        return to_driven, to_state, arrays[3], to_weight, to_leak.sum(0), to_synapses.sum(0), None
