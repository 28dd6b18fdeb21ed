"""Fixed points and slow points of a network, and what it does near them.

Where a state h moves little in a step, |F(h) - h| is small. q(h) = |F(h) - h|^2 / 2 is minimised from many visited
states at once; a minimum at 0 is a fixed point, another low one a slow point, where the network lingers. The
Jacobian there says which directions decay, grow or turn (Sussillo & Barak 2013, Neural Comput 25:626).

q is a sum of squares, so it is minimised by damped Gauss-Newton steps (Levenberg 1944; Marquardt 1963, J SIAM
11:431), which end at 1e-10 of a fixed point where gradient descent stops at 1e-3.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Complex, Float, Int

from neurodecode.dynamics.steps import Step, jacobians

log = logging.getLogger(__name__)

FIXED = 1e-6  # a point that moves less than this in a step, per square root of its dimension, is fixed
MARGIN = 1e-3  # moduli of eigenvalues this near to 1 decide nothing
_DAMPING = (1e-9, 1e9)
_STALLED = 15  # iterations in a row that win less than a thousandth: the search has ended

Kind = Literal["stable", "saddle", "unstable", "marginal"]


@dataclass(frozen=True, eq=False)
class FixedPoints:
    """Points where a network stands still or lingers, the stillest first.

    speeds: |F(h) - h| per step, over the square root of the dimension. eigenvalues of the Jacobian, by falling
    modulus. n_starts: how many of the searches ended at each. fixed: False for slow points.
    """

    points: Float[np.ndarray, "points n"]
    speeds: Float[np.ndarray, " points"]
    eigenvalues: Complex[np.ndarray, "points n"]
    n_starts: Int[np.ndarray, " points"]

    @property
    def fixed(self) -> Bool[np.ndarray, " points"]:
        """Which are fixed points."""
        return np.asarray(self.speeds < FIXED)

    @property
    def n_unstable(self) -> Int[np.ndarray, " points"]:
        """Directions that grow away from each point."""
        return np.asarray((np.abs(self.eigenvalues) > 1 + MARGIN).sum(axis=1))

    @property
    def kinds(self) -> list[Kind]:
        """Stable: every direction decays. Unstable: every one grows. Saddle: some do each. Else marginal: none
        grows, and some neither grow nor decay."""
        growing, decaying = self.n_unstable, (np.abs(self.eigenvalues) < 1 - MARGIN).sum(axis=1)
        n = self.points.shape[1]
        return [
            "stable" if d == n else "unstable" if g == n else "saddle" if g else "marginal"
            for g, d in zip(growing, decaying, strict=True)
        ]

    def time_constants_s(self, bin_size_s: float) -> Float[np.ndarray, "points n"]:
        """How long (s) each direction takes to decay to 1/e; negative where it grows, infinite where neither."""
        with np.errstate(divide="ignore"):
            return np.asarray(-bin_size_s / np.log(np.abs(self.eigenvalues)))

    def frequencies_hz(self, bin_size_s: float) -> Float[np.ndarray, "points n"]:
        """How fast each direction turns; 0 where it does not."""
        return np.asarray(np.abs(np.angle(self.eigenvalues)) / (2 * np.pi * bin_size_s))


def find_fixed_points(
    step: Step,
    starts: Float[torch.Tensor, "batch n"],
    *,
    slow_share: float = 0.1,
    apart: float = 0.01,
    reach: float = 3.0,
    n_iterations: int = 200,
) -> FixedPoints:
    """Minimise q from every row of ``starts``, visited states, best in float64; ``step`` takes any number of rows.

    slow_share: a minimum that is no fixed point counts as slow where it moves less than this share of the median
    speed of the starts. apart: points nearer than this share of the starts' spread are one. reach: points farther
    from the starts' mean than so many times the farthest start are where the network never is, and are left out.
    """
    found, speeds = _minimised(step, starts, n_iterations)
    centre = starts.mean(0)
    spread = (starts - centre).norm(dim=1)
    farthest = torch.clamp(spread.max(), min=1e-3 * starts.shape[1] ** 0.5)
    still = torch.clamp(slow_share * _speeds(step, starts).median(), min=FIXED)
    near = (found - centre).norm(dim=1) <= reach * farthest
    kept = near & (speeds < still) & torch.isfinite(speeds)
    if not bool(kept.all()):
        log.info(
            "of %d searches %d ended beyond the states visited, %d where the network does not linger",
            len(starts),
            int((~near).sum()),
            int((near & ~kept).sum()),
        )
    return _distinct(step, found[kept], speeds[kept], float(apart * farthest))


def _speeds(step: Step, states: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        moved: torch.Tensor = (step(states) - states).norm(dim=1) / states.shape[1] ** 0.5
    return moved


def _minimised(step: Step, starts: torch.Tensor, n_iterations: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Where every search ends, and the speeds there. Searches that have ended are left alone."""
    states, speeds = starts.clone(), _speeds(step, starts)
    damping = torch.full_like(speeds, 1e-2)
    stalled = torch.zeros(len(starts), dtype=torch.int64, device=starts.device)
    for _ in range(n_iterations):
        at = ((speeds >= 1e-3 * FIXED) & (stalled < _STALLED)).nonzero()[:, 0]
        if not len(at):
            break
        tried = states[at] - _damped_step(step, states[at], damping[at])
        moving = _speeds(step, tried)
        better = moving < speeds[at]
        gained = moving < (1 - 1e-3) * speeds[at]
        stalled[at] = torch.where(gained, 0, stalled[at] + 1)
        states[at] = torch.where(better[:, None], tried, states[at])
        speeds[at] = torch.where(better, moving, speeds[at])
        damping[at] = torch.where(better, damping[at] / 4, damping[at] * 4).clamp(*_DAMPING)
    return states, speeds


def _damped_step(step: Step, states: torch.Tensor, damping: torch.Tensor) -> torch.Tensor:
    identity = torch.eye(states.shape[1], dtype=states.dtype, device=states.device)
    slope = jacobians(step, states) - identity
    with torch.no_grad():
        residual = (step(states) - states)[..., None]
        curvature = slope.mT @ slope + damping[:, None, None] * identity
        change: torch.Tensor = torch.linalg.solve(curvature, slope.mT @ residual)[..., 0]
    return change


def _distinct(step: Step, points: torch.Tensor, speeds: torch.Tensor, apart: float) -> FixedPoints:
    """Points nearer to each other than ``apart`` told once, by the stillest."""
    order = torch.argsort(speeds)
    points, speeds = points[order], speeds[order]
    near = torch.cdist(points, points) <= apart
    chosen, n_starts = [], []
    free = torch.ones(len(points), dtype=torch.bool)
    for index in range(len(points)):
        if free[index]:
            same = near[index].cpu() & free
            chosen.append(index)
            n_starts.append(int(same.sum()))
            free &= ~same
    points, speeds = points[chosen], speeds[chosen]
    n = points.shape[1]
    values = np.zeros((0, n), complex)
    if chosen:
        values = np.linalg.eigvals(jacobians(step, points).cpu().numpy()).astype(complex)
    values = np.take_along_axis(values, np.argsort(-np.abs(values), axis=1, kind="stable"), axis=1)
    return FixedPoints(points.cpu().numpy(), speeds.cpu().numpy(), values, np.array(n_starts, dtype=np.int64))
