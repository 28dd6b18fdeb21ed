"""What one recurrent path of a fitted network does, on held-out trials and left alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Float, Int

from neurodecode.dynamics.cells import cell_step, driven_steps, hidden_activity
from neurodecode.dynamics.fixed_points import FixedPoints, find_fixed_points
from neurodecode.dynamics.gradient_flow import (
    Horizon,
    fitted_discount,
    gradient_norms,
    memory_horizon,
    product_singular_values,
)
from neurodecode.dynamics.lipschitz import measured_lipschitz
from neurodecode.dynamics.lyapunov import lyapunov_exponents
from neurodecode.dynamics.network_paths import NetworkPath
from neurodecode.dynamics.spectra import participation_ratio
from neurodecode.dynamics.steps import jacobians
from neurodecode.dynamics.trajectories import PrincipalAxes, principal_axes

LONGEST_S = 1.0  # how far back gradients are followed
N_ENDS = 4  # bins that gradients are followed back from, in the later half of the window
N_STARTS, N_SAMPLED, N_ROWS, N_FREE = 32, 64, 8, 400
"""Searches for fixed points of each group, states whose Jacobians are looked at, rows whose Jacobians are
multiplied, steps that a cell runs alone."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """lag_s, norms (lags,): root mean square over rows of d loss(t) / d h(t - k) for k = 1, 2, ..., over that of
    k = 1, the first that has passed through a step: what a cell shows of its state (of an LSTM h and not c) is not
    what it keeps.
    product_lags (p,), singular (p, n): singular values of Jacobian products, geometric means over rows.
    axes: of hidden activity; coordinates (rows, bins, k) of it in them, group (rows,).
    points: group -> fixed and slow points with its mean input held, points_at: group -> (points, 3) in the axes.
    eigenvalues (states, n) of Jacobians at visited states. summary: every number, by name."""

    lag_s: Float[np.ndarray, " lags"]
    norms: Float[np.ndarray, " lags"]
    product_lags: Int[np.ndarray, " p"]
    singular: Float[np.ndarray, "p n"]
    axes: PrincipalAxes
    coordinates: Float[np.ndarray, "rows bins k"]
    group: Int[np.ndarray, " rows"]
    points: tuple[FixedPoints, ...]
    points_at: tuple[Float[np.ndarray, "points k"], ...]
    eigenvalues: np.ndarray
    summary: dict[str, float]


def portrait(path: NetworkPath, rng: np.random.Generator) -> Portrait:
    """Look at a path; ``rng``: which visited states are looked at."""
    states = path.states()
    hidden = path.hidden(states)
    n_axes = min(3, hidden.shape[2])
    axes = principal_axes(hidden.reshape(-1, hidden.shape[2]), n_axes)
    lag_s, norms = _gradient_flow(path, states)
    product_lags, singular = _products(path, states)
    points = tuple(_held_points(path, states, group, rng) for group in range(len(path.group_names)))
    eigenvalues, at_states = _visited(path, states, rng)
    summary = {
        "participation_ratio": participation_ratio(hidden.reshape(-1, hidden.shape[2])),
        **at_states,
        **_told_of_points(points, path.bin_size_s),
        **_exponents(path, states, rng),
        **_told_of_flow(norms, product_lags, singular, path.bin_size_s),
    }
    return Portrait(
        lag_s,
        norms,
        product_lags,
        singular,
        axes,
        axes.project(hidden),
        path.group,
        points,
        tuple(axes.project(_activity(path, found)) for found in points),
        eigenvalues,
        summary,
    )


def path_horizon(path: NetworkPath) -> Horizon:
    """How far back the losses of the window's later half reach through the states of a path."""
    _, norms = _gradient_flow(path, path.states())
    return memory_horizon(norms, path.bin_size_s)


def _activity(path: NetworkPath, found: FixedPoints) -> np.ndarray:
    activity: np.ndarray = hidden_activity(path.cell, torch.from_numpy(found.points)).numpy()
    return activity


def _n_lags(path: NetworkPath, n_steps: int) -> int:
    return max(2, min(round(LONGEST_S / path.bin_size_s), n_steps // 2))


def _gradient_flow(path: NetworkPath, states: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Lags (s) and the root mean square norm at each, over rows and a few bins to follow back from."""
    n_steps, n_bins = path.inputs.shape[1], path.pulls.shape[1]
    n_lags, squares = _n_lags(path, n_steps), 0.0
    for end in np.linspace(max(n_lags, n_steps - n_bins // 2), n_steps, N_ENDS).astype(int):
        first, pull = end - n_lags, path.pulls[:, end - path.burn_in - 1].detach()

        def loss(rows: torch.Tensor, pull: torch.Tensor = pull) -> torch.Tensor:
            return (hidden_activity(path.cell, rows) * pull).sum(1)

        steps = driven_steps(path.cell, path.inputs[:, first:end])
        squares = squares + (gradient_norms(steps, states[first], loss) ** 2).mean(axis=1)
    norms = np.sqrt(squares)[1:]
    return np.arange(1, n_lags + 1) * path.bin_size_s, norms / norms[0]


def _products(path: NetworkPath, states: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Lags, log-spaced, and the singular values of the Jacobian products over them up to the window's end."""
    n_steps = path.inputs.shape[1]
    n_lags = _n_lags(path, n_steps)
    lags = np.unique(np.geomspace(1, n_lags, 16).round().astype(np.int64))
    rows = slice(0, N_ROWS)
    steps = driven_steps(path.cell, path.inputs[rows, n_steps - n_lags :])
    found = product_singular_values(steps, states[n_steps - n_lags][rows], lags.tolist())
    tiny = np.finfo(np.float64).tiny
    return lags, np.exp(np.log(np.maximum(found, tiny)).mean(axis=1))


def _held_points(path: NetworkPath, states: torch.Tensor, group: int, rng: np.random.Generator) -> FixedPoints:
    visited = states[path.burn_in + 1 :, torch.from_numpy(path.group == group)].flatten(0, 1)
    starts = visited[rng.permutation(len(visited))[:N_STARTS]]
    return find_fixed_points(cell_step(path.cell, path.held_inputs(group)), starts)


def _visited(
    path: NetworkPath, states: torch.Tensor, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, float]]:
    """Eigenvalues at a sample of visited states under the inputs met there, and what a step can do to a state."""
    bins, rows = path.pulls.shape[1], len(path.inputs)
    number = rng.permutation(bins * rows)[:N_SAMPLED]
    step, row = path.burn_in + number // rows, number % rows
    here, inputs = states[step, row], path.inputs[row, step]
    slopes = jacobians(cell_step(path.cell, inputs), here).numpy()
    eigenvalues = np.linalg.eigvals(slopes).astype(complex)
    # Climbed with one input for all rows, since a search keeps the steepest rows alone.
    held = cell_step(path.cell, inputs.double().mean(0))
    stretch = measured_lipschitz(held, here)
    largest = np.linalg.svd(slopes, compute_uv=False)[:, 0]
    return eigenvalues, {
        "spectral_radius": float(np.median(np.abs(eigenvalues).max(axis=1))),
        "gain": float(np.median(largest)),
        "lipschitz": max(stretch.found, float(largest.max())),
    }


def _exponents(path: NetworkPath, states: torch.Tensor, rng: np.random.Generator) -> dict[str, float]:
    """Largest Lyapunov exponents, per second: along held-out trials, and left alone with the mean input."""
    few, first = slice(0, N_ROWS), path.burn_in
    steps = driven_steps(path.cell, path.inputs[few, first:])
    burn_in = len(steps) // 4
    driven = lyapunov_exponents(steps, states[first][few], burn_in=burn_in)
    alone = []
    for group in range(len(path.group_names)):
        rows = torch.from_numpy(np.flatnonzero(path.group == group)[:4])
        step = cell_step(path.cell, path.held_inputs(group))
        alone.append(lyapunov_exponents(repeat(step, N_FREE), states[-1][rows], burn_in=N_FREE // 2).mean())
    return {
        "lyapunov_driven_per_s": float(driven.mean()) / path.bin_size_s,
        "lyapunov_held_per_s": float(torch.stack(alone).max()) / path.bin_size_s,
    }


def _told_of_points(points: tuple[FixedPoints, ...], bin_size_s: float) -> dict[str, float]:
    """Means over groups, and the longest time that a stable point takes to forget."""
    stable = [[f and k == "stable" for f, k in zip(p.fixed, p.kinds, strict=True)] for p in points]
    slowest = [
        p.time_constants_s(bin_size_s)[here].max(initial=0.0) for p, here in zip(points, stable, strict=True)
    ]
    return {
        "fixed_points": float(np.mean([p.fixed.sum() for p in points])),
        "stable_points": float(np.mean([sum(here) for here in stable])),
        "slow_points": float(np.mean([(~p.fixed).sum() for p in points])),
        "slowest_ms": 1000 * float(max(slowest)) if max(slowest) > 0 else float("nan"),
    }


def _told_of_flow(
    norms: np.ndarray, lags: np.ndarray, singular: np.ndarray, bin_size_s: float
) -> dict[str, float]:
    horizon = memory_horizon(norms, bin_size_s)
    discount = fitted_discount(lags.tolist(), singular[:, 0])
    return {
        "memory_horizon_ms": 1000 * horizon.seconds,
        "horizon_beyond": float(horizon.beyond),
        "discount": discount.gamma,
        "discount_r2": discount.r2,
    }
