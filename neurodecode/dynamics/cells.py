"""Recurrent cells of ``nn.cells`` as steps: their state laid out as one vector, of an LSTM (h, c) side by side."""

from __future__ import annotations

import copy
from typing import Any

import torch
from jaxtyping import Float

from neurodecode.dynamics.steps import Step


def exact(cell: torch.nn.Module) -> Any:
    """A copy in float64 whose weights are constants: fixed points and long products need the digits."""
    return copy.deepcopy(cell).double().eval().requires_grad_(False)


def flattened(state: Any) -> Float[torch.Tensor, "batch n"]:
    """The state of a cell, a tensor (1, batch, hidden) or a tuple of such, as rows."""
    parts = state if isinstance(state, tuple) else (state,)
    return torch.cat([part[0] for part in parts], dim=1)


def shaped(rows: torch.Tensor, cell: Any) -> Any:
    """Rows as the state that ``cell`` takes: the other way round."""
    like = cell.initial_state(1)
    if not isinstance(like, tuple):
        return rows[None]
    return tuple(part[None] for part in torch.split(rows, [part.shape[2] for part in like], dim=1))


def resting(cell: Any, n_rows: int) -> Float[torch.Tensor, "batch n"]:
    """Where sequences begin."""
    return flattened(cell.initial_state(n_rows))


def hidden_activity(cell: Any, rows: torch.Tensor) -> torch.Tensor:
    """What others see of states (..., n): hidden activity (..., hidden)."""
    hidden: torch.Tensor = cell.hidden_of(shaped(rows.reshape(-1, rows.shape[-1]), cell))
    return hidden.reshape(*rows.shape[:-1], -1)


def cell_step(cell: Any, inputs: torch.Tensor) -> Step:
    """The cell under ``inputs``: (batch, n_inputs), one for each row of the states, or (n_inputs,) for all."""

    def step(states: torch.Tensor) -> torch.Tensor:
        seen = inputs.to(states.dtype)
        seen = seen if seen.ndim == 2 else seen.expand(len(states), -1)
        return flattened(cell.step(seen, shaped(states, cell)))

    return step


def driven_steps(cell: Any, inputs: Float[torch.Tensor, "batch steps n_inputs"]) -> list[Step]:
    """The cell under the inputs of one bin after the other."""
    return [cell_step(cell, inputs[:, number]) for number in range(inputs.shape[1])]
