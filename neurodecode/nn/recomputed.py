"""Gradient checkpointing: what a cell needs to go back through time is computed again where memory is scarce."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

_MOST_KEPT = 2**26  # sequences x steps x hidden units on a CPU: of an LSTM 9 GB with gates and gradients
_PIECES = 8  # that an activity of this size falls into


def run_cell(cell: Any, inputs: torch.Tensor, state: Any, checkpoint_bins: int) -> tuple[torch.Tensor, Any]:
    """``cell(inputs, state)`` in stretches of ``checkpoint_bins`` steps, of which the states between are kept.

    Going back, each stretch is run forward once more (Chen et al. 2016, arXiv:1604.06174): the gradient is the
    same, the memory that of one stretch and of the hidden activity. 0: one piece, unless a CPU's memory would be
    short of it. Where nothing is trained: one piece.
    """
    if torch.is_grad_enabled():
        checkpoint_bins = checkpoint_bins or _bins_that_fit(cell, inputs)
    if not checkpoint_bins or not torch.is_grad_enabled():
        whole: tuple[torch.Tensor, Any] = cell(inputs, state)
        return whole
    parts = []
    for part in torch.split(inputs, checkpoint_bins, dim=1):
        # A cell draws nothing at random: there is no generator to put back.
        hidden, state = checkpoint(cell, part, state, use_reentrant=False, preserve_rng_state=False)
        parts.append(hidden.transpose(0, 1))
    return torch.cat(parts).transpose(0, 1), state


def _bins_that_fit(cell: Any, inputs: torch.Tensor) -> int:
    """How many steps of a large batch to keep the gates of; 0: all of them, as ever on a GPU."""
    n_sequences, n_steps = inputs.shape[:2]
    activity = n_sequences * n_steps * cell.hidden_size
    if inputs.is_cuda or activity <= _MOST_KEPT:
        return 0
    return max(1, int(n_steps * _MOST_KEPT // (_PIECES * activity)))
