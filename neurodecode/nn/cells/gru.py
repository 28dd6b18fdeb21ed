"""Gated recurrent unit (Cho et al. 2014, EMNLP), with its own backward pass on the CPU.

torch has a fused GRU for GPUs only: on a CPU its gradient goes through some dozen recorded operations a step. Here
a step takes five operations forward and three backward; all else is done for many steps at once.
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
        weight_in, bias_in, weight, bias = (
            self.get_parameter(f"{name}_l0") for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        )
        size = self.hidden_size
        # The biases of r and z add up and come with the inputs; that of n stands inside its bracket.
        outside = torch.cat([bias[: 2 * size], torch.zeros_like(bias[2 * size :])])
        driven = torch.nn.functional.linear(inputs.transpose(0, 1), weight_in, bias_in + outside)
        hidden: torch.Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
            driven, state[0], weight, bias[2 * size :]
        )
        return hidden.transpose(0, 1), hidden[-1:]


class _Recurrence(torch.autograd.Function):
    """driven (steps, batch, 3 hidden), the gates' inputs in torch's order r, z, n -> (steps, batch, hidden).

    r, z = sigmoid(driven + W h); n = tanh(driven_n + r (W_n h + b_n)); h' = n + z (h - n).
    """

    @staticmethod
    def forward(
        ctx: Any, driven: torch.Tensor, start: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        n_steps, n_batch, size = driven.shape[0], *start.shape
        gates = torch.empty_like(driven)  # r, z and W_n h + b_n
        gates[..., : 2 * size] = driven[..., : 2 * size]
        gates[..., 2 * size :] = bias
        new, hidden = driven.new_empty(n_steps, n_batch, size), driven.new_empty(n_steps, n_batch, size)
        transposed, state = weight.t(), start
        below, above = -torch.ones_like(start), torch.ones_like(start)
        parts = (gates, gates[..., : 2 * size], *gates.chunk(3, dim=2), driven[..., 2 * size :], new, hidden)
        for all_three, rz, r, z, state_n, driven_n, n, out in zip(*(x.unbind(0) for x in parts), strict=True):
            all_three.addmm_(state, transposed)
            rz.sigmoid_()
            torch.addcmul(driven_n, r, state_n, out=n).mul_(2).sigmoid_()
            torch.lerp(below, above, n, out=n)  # tanh(x) = 2 sigmoid(2 x) - 1, which torch has much faster
            state = torch.lerp(n, state, z, out=out)
        ctx.save_for_backward(start, weight, gates, new, hidden)
        return hidden

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, ...]:
        start, weight, gates, new, hidden = ctx.saved_tensors
        n_steps, n_batch, size = hidden.shape
        to_driven = torch.empty_like(gates)
        weight_back, bias_back = torch.zeros_like(weight), weight.new_zeros(size)
        carried = torch.zeros_like(start)
        length = max(1, _STRETCH // max(1, n_batch * size))
        for end in range(n_steps, 0, -length):
            at = slice(max(0, end - length), end)
            first = hidden[at.start - 1] if at.start else start
            before = torch.cat([first[None], hidden[at.start : end - 1]])
            total = gradients[0][at].clone(memory_format=torch.contiguous_format)
            total[-1] += carried
            to_n, back = _stretch_back(total, carried, gates[at], new[at], before, weight)
            flat = back.flatten(2)
            weight_back.addmm_(flat.flatten(0, 1).t(), before.flatten(0, 1))
            bias_back += back[:, :, 2].sum((0, 1))
            to_driven[at] = flat
            torch.mul(total, to_n, out=to_driven[at][..., 2 * size :])
        return to_driven, carried, weight_back, bias_back


_STRETCH = 65_536  # hidden values whose slopes are held at a time: what they need stays in a core's cache


def _stretch_back(
    total: torch.Tensor,
    carried: torch.Tensor,
    gates: torch.Tensor,
    new: torch.Tensor,
    before: torch.Tensor,
    weight: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient through some steps, the last first; all but weight and carried (steps, batch, ...).

    total: the gradient that reaches each step from outside, the last one's whole; becomes that of each step whole.
    carried (batch, hidden) becomes the gradient of the state before the first. Returns d n / d driven_n and the
    gradients (steps, batch, 3, hidden) of the three gates' recurrent inputs.
    """
    r, z, state_n = gates.chunk(3, dim=2)
    # d(gate)/d(hidden) at every step at once; the loop then only carries the hidden gradient back.
    to_n = (1 - z) * (1 - new * new)
    slopes = torch.stack([to_n * state_n * r * (1 - r), (before - new) * z * (1 - z), to_n * r], dim=2)
    back = torch.empty_like(slopes)
    earlier = [carried.zero_(), *total.unbind(0)[:-1]]
    steps = [x.unbind(0) for x in (total, total[:, :, None], slopes, back, back.flatten(2), z)]
    for step in range(len(total) - 1, -1, -1):
        now, wide, slope, out, flat, keep = (x[step] for x in steps)
        torch.mul(wide, slope, out=out)
        earlier[step].addcmul_(now, keep).addmm_(flat, weight)
    return to_n, back


CELL = GRU
