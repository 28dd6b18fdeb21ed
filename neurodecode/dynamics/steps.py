"""A network seen as a map of its states, and what follows from running it: trajectories and Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float

Step = Callable[[torch.Tensor], torch.Tensor]
"""States (batch, n) of one bin -> those of the next, each row by itself; differentiable torch.

A network driven by inputs is a sequence of such steps, one for each bin; an autonomous one is the same step again
and again (``itertools.repeat``). Cells of ``nn.cells`` become steps in ``cells.py``.
"""


def trajectory(steps: Iterable[Step], start: Float[torch.Tensor, "batch n"]) -> torch.Tensor:
    """States (1 + steps, batch, n), the first of them ``start``."""
    states = [start]
    with torch.no_grad():
        for step in steps:
            states.append(step(states[-1]))
    return torch.stack(states)


def jacobians(step: Step, states: Float[torch.Tensor, "batch n"]) -> Float[torch.Tensor, "batch n n"]:
    """d step(h)_i / d h_j of every row, by one backward pass for each i that all rows share."""
    n_batch, n = states.shape
    pull_back = torch.func.vjp(step, states)[1]
    which = torch.eye(n, dtype=states.dtype, device=states.device)[:, None].expand(n, n_batch, n)
    (rows,) = torch.func.vmap(pull_back)(which)
    found: torch.Tensor = rows.detach().transpose(0, 1)
    return found


def pushed_forward(
    step: Step, states: Float[torch.Tensor, "batch n"], tangents: Float[torch.Tensor, "batch n k"]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The next states (batch, n), and the Jacobians times ``tangents`` (batch, n, k), without the Jacobians.

    A gradient is linear in what is pulled back, so its gradient pushes forward: two backward passes, whatever n.
    """
    with torch.enable_grad():
        here = states.detach().requires_grad_(True)
        after = step(here)
        pulled = torch.zeros_like(after, requires_grad=True)
        (gradient,) = torch.autograd.grad(after, here, pulled, create_graph=True)
        (moved,) = torch.autograd.grad(gradient, pulled, tangents.permute(2, 0, 1), is_grads_batched=True)
    return after.detach(), moved.permute(1, 2, 0)
