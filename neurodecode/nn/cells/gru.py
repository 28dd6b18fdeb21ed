"""Gated recurrent unit (Cho et al. 2014, EMNLP), with its own backward pass on the CPU.

torch has a fused GRU for GPUs only: on a CPU its gradient goes through some dozen recorded operations a step. Here
a step takes six operations forward and four backward; all else is done for the whole sequence at once.
"""

from __future__ import annotations

from typing import Any

import torch


class GRU(torch.nn.GRU):
    """torch's GRU, batch first: the same weights, the same numbers."""

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__(n_inputs, hidden, batch_first=True)

    def forward(  # type: ignore[override]  # torch also takes packed sequences; nobody here has them
        self, inputs: torch.Tensor, state: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden activity (batch, steps, hidden) and the state (1, batch, hidden) after the last step."""
        if inputs.is_cuda:
            fused: tuple[torch.Tensor, torch.Tensor] = super().forward(inputs, state)
            return fused
        if state is None:
            state = inputs.new_zeros(1, inputs.shape[0], self.hidden_size)
        weights = [self.get_parameter(f"{name}_l0") for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")]
        driven = torch.nn.functional.linear(inputs.transpose(0, 1), weights[0], weights[1])
        hidden: torch.Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
            driven, state[0], weights[2], weights[3]
        )
        return hidden.transpose(0, 1), hidden[-1:]


class _Recurrence(torch.autograd.Function):
    """driven (steps, batch, 3 hidden), the gates' inputs in torch's order r, z, n -> (steps, batch, hidden).

    r, z = sigmoid(driven + W h + b); n = tanh(driven_n + r (W_n h + b_n)); h' = n + z (h - n).
    """

    @staticmethod
    def forward(
        ctx: Any, driven: torch.Tensor, start: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        n_steps, n_batch, width = driven.shape
        size = width // 3
        recurrent, gates = torch.empty_like(driven), driven.new_empty(n_steps, n_batch, 2 * size)
        new, hidden = driven.new_empty(n_steps, n_batch, size), driven.new_empty(n_steps, n_batch, size)
        transposed, state = weight.t(), start
        each = zip(
            *(x.unbind(0) for x in (recurrent, recurrent[..., : 2 * size], recurrent[..., 2 * size :])),
            *(x.unbind(0) for x in (driven[..., : 2 * size], driven[..., 2 * size :])),
            *(x.unbind(0) for x in (gates, gates[..., :size], gates[..., size:], new, hidden)),
            strict=True,
        )
        for from_state, state_rz, state_n, driven_rz, driven_n, rz, r, z, n, out in each:
            torch.addmm(bias, state, transposed, out=from_state)
            torch.add(driven_rz, state_rz, out=rz).sigmoid_()
            torch.addcmul(driven_n, r, state_n, out=n).tanh_()
            state = torch.lerp(n, state, z, out=out)
        ctx.save_for_backward(start, weight, recurrent[..., 2 * size :], gates, new, hidden)
        return hidden

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, ...]:
        start, weight, state_n, gates, new, hidden = ctx.saved_tensors
        r, z = gates.chunk(2, dim=2)
        before = torch.cat([start[None], hidden[:-1]])
        # d(gate)/d(hidden) at every step at once; the loop then only carries the hidden gradient back.
        to_n = (1 - z) * (1 - new * new)
        slopes = torch.stack([to_n * state_n * r * (1 - r), (before - new) * z * (1 - z), to_n * r], dim=2)
        n_steps, n_batch, size = hidden.shape
        gates_back = slopes.new_empty(n_steps, n_batch, 3, size)
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        flat = gates_back.view(n_steps, n_batch, 3 * size)
        steps = [x.unbind(0) for x in (total, slopes, gates_back, flat, z)]
        for at in range(n_steps - 1, -1, -1):
            now, slope, back, back_flat, keep = (x[at] for x in steps)
            torch.mul(now[:, None], slope, out=back)
            earlier = steps[0][at - 1] if at else torch.zeros_like(now)
            earlier.addcmul_(now, keep).addmm_(back_flat, weight)
        to_driven = gates_back.clone()
        torch.mul(total, to_n, out=to_driven[:, :, 2])
        weight_back = flat.flatten(0, 1).t() @ before.flatten(0, 1)
        return to_driven.view(n_steps, n_batch, -1), earlier, weight_back, flat.sum((0, 1))


CELL = GRU
