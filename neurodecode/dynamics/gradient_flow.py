"""How a loss at one bin reaches back through the states before it: vanishing, exploding, or carried along.

d loss(t) / d h(t - k) is the loss's gradient at bin t times k Jacobians. Its size against k is how far back a
network can have learnt from, and how far back what it holds still matters (Bengio, Simard & Frasconi 1994, IEEE
Trans Neural Netw 5:157; Pascanu, Mikolov & Bengio 2013, ICML).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from neurodecode.dynamics.steps import Step, jacobians, trajectory
from neurodecode.errors import DataError

KEPT = float(np.exp(-1.0))  # what is left of a gradient at the memory horizon


def gradient_norms(
    steps: Sequence[Step], start: Float[torch.Tensor, "batch n"], loss: Callable[[torch.Tensor], torch.Tensor]
) -> Float[np.ndarray, "lags batch"]:
    """Norm of d loss(t) / d h(t - k) for k = 0 (the state that ``loss`` reads) to the number of steps.

    steps: those from h(t - K) = ``start`` to h(t). loss: states (batch, n) of bin t -> the loss of each row.
    """
    with torch.enable_grad():
        states = [start.detach().requires_grad_(True)]
        for step in steps:
            states.append(step(states[-1]))
        gradients = torch.autograd.grad(loss(states[-1]).sum(), states)
    norms: np.ndarray = torch.stack([g.norm(dim=1) for g in reversed(gradients)]).cpu().numpy()
    return norms


def product_singular_values(
    steps: Sequence[Step], start: Float[torch.Tensor, "batch n"], lags: Sequence[int]
) -> Float[np.ndarray, "lags batch n"]:
    """Singular values, largest first, of d h(t) / d h(t - k) at ``lags`` k; ``steps`` lead from h(t - K) to h(t).

    Those below 1e-16 of the largest are lost in rounding. Raises DataError for lags that there are no steps for.
    """
    if not lags or min(lags) < 1 or max(lags) > len(steps):
        raise DataError(f"lags must lie in 1 to {len(steps)}, the number of steps; given {list(lags)}")
    states = trajectory(steps, start)
    product = torch.eye(start.shape[1], dtype=start.dtype, device=start.device).expand(len(start), -1, -1)
    found = {}
    for lag in range(1, max(lags) + 1):
        product = product @ jacobians(steps[-lag], states[-lag - 1])
        if lag in lags:
            found[lag] = torch.linalg.svdvals(product).cpu().numpy()
    return np.stack([found[lag] for lag in lags])


@dataclass(frozen=True)
class Discount:
    """``gamma``: what is left of a gradient after one step more, as a discount gamma^k; ``r2``: how much of the
    variance of its logs over lags a single gamma explains."""

    gamma: float
    r2: float

    def time_constant_s(self, bin_size_s: float) -> float:
        """How long gamma^k takes to fall to 1/e; infinite where it does not fall."""
        return float("inf") if self.gamma >= 1 else float(-bin_size_s / np.log(self.gamma))


def fitted_discount(lags: Sequence[int], sizes: Sequence[float] | Float[np.ndarray, " lags"]) -> Discount:
    """A line through the logs of ``sizes`` against ``lags``; its slope is log gamma.

    Sizes of 0 (below the range of floats) are left out. Raises DataError where fewer than two are left.
    """
    at, size = np.asarray(lags, np.float64), np.asarray(sizes, np.float64)
    kept = (size > 0) & np.isfinite(size)
    if kept.sum() < 2:
        raise DataError(f"a discount takes two sizes above 0 or more; given {size.tolist()} at {at.tolist()}")
    x, y = at[kept], np.log(size[kept])
    slope, level = np.polyfit(x, y, 1)
    spread = float(((y - y.mean()) ** 2).sum())
    left = float(((y - level - slope * x) ** 2).sum())
    return Discount(float(np.exp(slope)), 1.0 if spread < 1e-20 else 1 - left / spread)


@dataclass(frozen=True)
class Horizon:
    """``seconds`` after which less than 1/e of a gradient is left for good; ``beyond``: it was not seen to fall so
    far, and the horizon is longer than ``seconds``."""

    seconds: float
    beyond: bool


def memory_horizon(sizes: Float[np.ndarray, " lags"], bin_size_s: float) -> Horizon:
    """The last lag at which a gradient still has 1/e of its size at lag 0; ``sizes``: at lags 0, 1, 2, ...

    Between lags it is taken to fall exponentially, so that gamma^k has its time constant for a horizon. Raises
    DataError where there is no gradient at lag 0.
    """
    relative = np.asarray(sizes, np.float64) / sizes[0] if sizes[0] > 0 else np.array([np.nan])
    if not np.isfinite(relative).all():
        raise DataError("a memory horizon takes finite gradients, and one at lag 0 that is not 0")
    last = int(np.flatnonzero(relative >= KEPT)[-1])
    if last == len(relative) - 1:
        return Horizon(last * bin_size_s, beyond=True)
    above, below = np.log(relative[last]), np.log(max(relative[last + 1], np.finfo(np.float64).tiny))
    return Horizon(float((last + (above + 1.0) / (above - below)) * bin_size_s), beyond=False)
