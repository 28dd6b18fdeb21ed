"""A readout with weights of its own for each sequence, compiled for the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from neurodecode.nn.compiled import compiled, run


def read_each(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum over features of hidden (steps, sequences, features) times weights (sequences, features).

    Written as a product and a sum, torch would hold the product, as large as ``hidden``, and go through it thrice.
    """
    if hidden.is_cuda:
        return (hidden * weights).sum(-1)
    read: torch.Tensor = _EachReadout.apply(  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        hidden.contiguous(), weights.contiguous()
    )
    return read


class _EachReadout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(hidden, weights)
        read = hidden.new_empty(hidden.shape[:2])
        run(_forward, len(weights), hidden, weights, read)
        return read

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, weights = ctx.saved_tensors
        to_hidden, to_weights = torch.empty_like(hidden), torch.zeros_like(weights)
        run(_backward, len(weights), hidden, weights, gradients[0].contiguous(), to_hidden, to_weights)
        return to_hidden, to_weights


@compiled
def _forward(first: int, end: int, hidden: np.ndarray, weights: np.ndarray, read: np.ndarray) -> None:
    for step in range(len(hidden)):
        for row in range(first, end):
            values, factors = hidden[step, row], weights[row]
            total = hidden.dtype.type(0)
            for j in range(values.size):
                total += values[j] * factors[j]
            read[step, row] = total


@compiled
def _backward(
    first: int,
    end: int,
    hidden: np.ndarray,
    weights: np.ndarray,
    outer: np.ndarray,
    to_hidden: np.ndarray,
    to_weights: np.ndarray,
) -> None:
    for step in range(len(hidden)):
        for row in range(first, end):
            reaching = outer[step, row]
            factors, there = weights[row], to_hidden[step, row]
            for j in range(factors.size):
                there[j] = reaching * factors[j]
            values, total = hidden[step, row], to_weights[row]
            for j in range(values.size):
                total[j] += reaching * values[j]
