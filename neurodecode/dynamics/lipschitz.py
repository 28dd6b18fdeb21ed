"""State continuity: how far apart one step can bring two states that were close."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float

from neurodecode.dynamics.steps import Step, jacobians


@dataclass(frozen=True)
class Lipschitz:
    """``on_states``: the largest gain of a step at visited states; ``found``: the largest that a search from them
    met. Both bound the step's Lipschitz constant from below; that of a step whose state has bounds is not far
    above ``found``."""

    on_states: float
    found: float


def measured_lipschitz(
    step: Step, states: Float[torch.Tensor, "batch n"], *, n_ascents: int = 30, n_kept: int = 16
) -> Lipschitz:
    """The largest singular value of the step's Jacobian at ``states``, then climbed from the ``n_kept`` largest.

    Between two states a smooth step stretches no more than its Jacobian does somewhere on the way, so the largest
    singular value over all states is the Lipschitz constant. The climb goes along the gradient of the stretch of
    the leading pair of singular vectors, with steps of a hundredth to a tenth of the states' size.
    """
    left, sizes, right = torch.linalg.svd(jacobians(step, states))
    largest, order = torch.sort(sizes[:, 0], descending=True)
    on_states = float(largest[0])
    best, here = on_states, states[order[:n_kept]].clone()
    length = 0.1 * states.norm(dim=1).median().clamp_min(1e-3)
    for number in range(n_ascents):
        left, sizes, right = torch.linalg.svd(jacobians(step, here))
        best = max(best, float(sizes[:, 0].max()))
        uphill = _stretch_gradient(step, here, left[:, :, 0], right[:, 0])
        unit = uphill / uphill.norm(dim=1, keepdim=True).clamp_min(1e-12)
        here = here + length * (1 - 0.9 * number / n_ascents) * unit
    return Lipschitz(on_states, best)


def _stretch_gradient(step: Step, states: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Of u^T J(h) v with respect to h: the gradient of a singular value, u and v held."""
    with torch.enable_grad():
        here = states.detach().requires_grad_(True)
        (pulled,) = torch.autograd.grad((step(here) * left).sum(), here, create_graph=True)
        if not pulled.requires_grad:
            return torch.zeros_like(states)  # a linear step stretches alike everywhere
        (uphill,) = torch.autograd.grad((pulled * right).sum(), here, allow_unused=True)
    return torch.zeros_like(states) if uphill is None else uphill
