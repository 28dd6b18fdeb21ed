"""Vector fields as steps, and how far Euler's steps of a continuous network stray from its true flow.

The rate model tau dh/dt = -h + phi(W h + u + b) is run with Euler steps, h += dt f(h). Their error at a fixed time
falls in proportion to dt / tau, and a direction that decays at rate a is kept stable only by dt < 2 / a: of a unit
without input, dt < 2 tau (Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, sect. II.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

import torch
from jaxtyping import Float

from neurodecode.dynamics.steps import Step, trajectory
from neurodecode.errors import DataError

Field = Callable[[torch.Tensor], torch.Tensor]
"""States (batch, n) -> how fast they change, per second."""


def euler_step(field: Field, dt_s: float) -> Step:
    """h -> h + dt f(h)."""
    return lambda states: states + dt_s * field(states)


def runge_kutta_step(field: Field, dt_s: float) -> Step:
    """The classical step of fourth order (Kutta 1901)."""

    def step(states: torch.Tensor) -> torch.Tensor:
        first = field(states)
        second = field(states + dt_s / 2 * first)
        third = field(states + dt_s / 2 * second)
        fourth = field(states + dt_s * third)
        return states + dt_s / 6 * (first + 2 * second + 2 * third + fourth)

    return step


def rate_field(weights: Float[torch.Tensor, "n n"], drive: torch.Tensor | float, tau_s: float) -> Field:
    """tau dh/dt = -h + tanh(W h + drive)."""
    return lambda states: (-states + torch.tanh(states @ weights.T + drive)) / tau_s


def euler_errors(
    field: Field,
    start: Float[torch.Tensor, "batch n"],
    duration_s: float,
    dts_s: Sequence[float],
    *,
    finer: int = 20,
) -> list[float]:
    """Largest distance (root mean square over units) between Euler's path and the true one, for each time step.

    The true flow is that of Runge-Kutta steps ``finer`` times shorter. Raises DataError for a time step that does
    not divide ``duration_s``.
    """
    found = []
    for dt_s in dts_s:
        n_steps = round(duration_s / dt_s)
        if n_steps < 1 or abs(n_steps * dt_s - duration_s) > 1e-6 * duration_s:
            raise DataError(f"a time step of {dt_s:g} s does not divide {duration_s:g} s; choose one that does")
        ours = trajectory(repeat(euler_step(field, dt_s), n_steps), start)
        fine = trajectory(repeat(runge_kutta_step(field, dt_s / finer), finer * n_steps), start)
        apart = (ours - fine[::finer]).square().mean(dim=2).sqrt()
        found.append(float(apart.max()))
    return found
