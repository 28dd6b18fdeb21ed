"""Paths of a state in a plane of two axes: what figures of states and of latents draw alike."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes

from neurodecode.report.style import shortened

N_STRETCHES = 25  # a mean over a handful of trials wanders too much to be followed bin by bin
Colour = tuple[float, float, float, float]


def draw_mean_path(axes: Axes, mean: Float[np.ndarray, "bins axes"], colour: Colour, name: str) -> None:
    """A path's means over stretches of a ``N_STRETCHES``th of the window, from a square at its start on."""
    parts = np.array_split(mean, min(N_STRETCHES, len(mean)))
    path = np.stack([part.mean(axis=0) for part in parts])
    axes.plot(*plane(path), color=colour, linewidth=1.4, label=shortened(name, 14), zorder=3)
    axes.plot(*plane(path[:1]), "s", color=colour, markersize=5, zorder=4)


def plane(values: Float[np.ndarray, "points axes"]) -> tuple[np.ndarray, np.ndarray]:
    """The first two axes; 0 for the second where there is one alone."""
    return values[:, 0], values[:, 1] if values.shape[1] > 1 else np.zeros(len(values))


def group_colour(index: int, n: int) -> Colour:
    """Along viridis, whose lightness alone tells its colours apart."""
    return colormaps["viridis"](0.45 if n == 1 else 0.8 * index / (n - 1))
