"""Lyapunov exponents: how fast neighbouring states part (positive: chaos) or meet.

Tangent vectors are carried along and made orthonormal again by QR, whose diagonal holds how much each grew
(Benettin, Galgani, Giorgilli & Strelcyn 1980, Meccanica 15:9; of recurrent networks: Engelken, Wolf & Abbott
2023, Phys Rev Research 5:043044).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float

from neurodecode.dynamics.steps import Step, pushed_forward
from neurodecode.errors import ConvergenceError, DataError


def lyapunov_exponents(
    steps: Iterable[Step],
    start: Float[torch.Tensor, "batch n"],
    *,
    n_exponents: int = 1,
    burn_in: int = 0,
    interval: int = 1,
    seed: int = 0,
) -> Float[torch.Tensor, "batch k"]:
    """The ``n_exponents`` largest, nats per step, of each trajectory from ``start``.

    burn_in: first steps that turn the tangent vectors and are not counted. interval: steps between two QR; keep it
    so short that no vector outgrows another by more than 1e12. ``steps`` of a driven network give exponents
    conditional on its inputs. Raises DataError where no step is left to count, ConvergenceError where states or
    tangent vectors leave the range of floats.
    """
    n_batch, n = start.shape
    if not 1 <= n_exponents <= n:
        raise DataError(f"n_exponents must lie in 1 to {n}, the dimension of the state; given {n_exponents}")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n_batch, n, n_exponents, generator=generator, dtype=torch.float64)
    tangents = torch.linalg.qr(drawn)[0].to(start)
    states, grown, counted = start, start.new_zeros(n_batch, n_exponents), 0
    for number, step in enumerate(steps, start=1):
        states, tangents = pushed_forward(step, states, tangents)
        if number % interval and number != burn_in:
            continue
        if not torch.isfinite(tangents).all():
            raise ConvergenceError(f"step {number}: states or tangent vectors are not finite; start elsewhere")
        tangents, triangle = torch.linalg.qr(tangents)
        if number > burn_in:
            size = triangle.diagonal(dim1=1, dim2=2).abs()
            grown = grown + size.clamp_min(torch.finfo(size.dtype).tiny).log()  # a map may lose a direction
            counted = number - burn_in
    if counted == 0:
        raise DataError(f"no step is left to count after a burn-in of {burn_in}; give more steps")
    return grown / counted
