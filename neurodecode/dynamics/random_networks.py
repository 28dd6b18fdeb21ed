"""Random networks between order and chaos: the transition at a gain of 1.

Weights are drawn with standard deviation g / sqrt(n), so that the eigenvalues fill a disc of radius g (circular
law: Girko 1984; Ginibre 1965, J Math Phys 6:440). Below g = 1 the network falls silent, above it is chaotic
(Sompolinsky, Crisanti & Sommers 1988, Phys Rev Lett 61:259).
"""

from __future__ import annotations

from itertools import repeat

import torch
from jaxtyping import Float

from neurodecode.dynamics.integration import euler_step
from neurodecode.dynamics.lyapunov import lyapunov_exponents


def random_weights(n_units: int, g: float, seed: int) -> Float[torch.Tensor, "n n"]:
    """Independent Gaussian weights (float64) of variance g^2 / n."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n_units, n_units, generator=generator, dtype=torch.float64)
    weights: torch.Tensor = drawn * (g / n_units**0.5)
    return weights


def chaos_of_random_networks(
    g: float,
    *,
    n_units: int,
    n_networks: int,
    duration: float = 100.0,
    burn_in: float = 50.0,
    dt: float = 0.1,
    seed: int = 0,
) -> Float[torch.Tensor, " networks"]:
    """Largest Lyapunov exponent, per time constant, of random rate networks without input.

    dh/dt = -h + tanh(W h), time in time constants: ``duration`` after ``burn_in``, in Euler steps of ``dt``. The
    networks run as one, a block each.
    """
    weights = torch.stack([random_weights(n_units, g, seed + number) for number in range(n_networks)])

    def of_all(states: torch.Tensor) -> torch.Tensor:
        return -states + torch.tanh((weights @ states[..., None])[..., 0])

    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(n_networks, n_units, generator=generator, dtype=torch.float64)
    n_burn, n_steps = round(burn_in / dt), round(duration / dt)
    steps = repeat(euler_step(of_all, dt), n_burn + n_steps)
    return lyapunov_exponents(steps, start, burn_in=n_burn, interval=10)[:, 0] / dt
