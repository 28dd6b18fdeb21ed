"""Where networks come to rest when their input is held, beside the paths that held-out trials take."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurodecode.evaluation.dynamics import PathDynamics
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.dynamics.results import NO_NETWORK, DynamicsResults, path_label
from neurodecode.report.style import FAINT, INK, new_figure, shortened
from neurodecode.report.wording import number, plural

HEADING = "Where the state comes to rest"
MOST_PANELS = 4
MARKERS = {"stable": "o", "marginal": "s", "saddle": "X", "unstable": "^", "slow": "D"}
SINGLES, N_STRETCHES = 3, 25


def draw(results: DynamicsResults) -> Drawn:
    """A panel for each network: mean paths of conditions (or units), a few trials, and fixed and slow points."""
    if not results.seen:
        return absent(HEADING, NO_NETWORK)
    shown = results.seen[:MOST_PANELS]
    title = _title(results, shown)
    rows = -(-len(shown) // 2)
    figure = new_figure(0.9 + 3.6 * rows, title)
    panels = figure.subplots(rows, min(2, len(shown)), squeeze=False).flat
    for axes, (model, path) in zip(panels, shown, strict=False):
        _draw_path(axes, results.folds(model, path)[0], path_label(shortened(model), path))
    for axes in list(panels)[len(shown) :]:
        axes.set_axis_off()
    _legend(figure, [results.folds(model, path)[0] for model, path in shown])
    return Drawn(
        figure=figure,
        title=title,
        caption="Hidden activity in its first two principal axes. Lines: mean over held-out trials of a "
        "condition (of own cells: of a unit), in 25 stretches from the square at the window's start on; dots: "
        "bins of three trials. Markers: points where the state stands still while the input is held at its mean "
        "over the window of that condition or unit, past spikes among it; slow points move less than a tenth of "
        "what is usual there. No trial has such an input: these points say where the state is drawn to, not where "
        "it rests.",
        alt=f"States of networks in two dimensions, with fixed points. {title}.",
        rule="The first network of the first fold in which one was kept; at most 8 conditions and 4 units, "
        "evenly spread.",
    )


def _draw_path(axes: Axes, one: PathDynamics, label: str) -> None:
    at, group = one.arrays["coordinates"], one.arrays["group"]
    for number_, name in enumerate(one.group_names):
        colour = _colour(number_, len(one.group_names))
        mine = at[group == number_]
        for trial in mine[:SINGLES]:
            axes.plot(*_plane(trial), ".", color=colour, markersize=2.5, alpha=0.3, mew=0, zorder=1)
        mean = _smooth(mine.mean(axis=0))
        axes.plot(*_plane(mean), color=colour, linewidth=1.4, label=shortened(name, 14), zorder=3)
        axes.plot(*_plane(mean[:1]), "s", color=colour, markersize=5, zorder=4)
        points = one.arrays[f"points.{number_}"]
        for point, kind in zip(points, one.kinds[number_], strict=True):
            x, y = _plane(point[None])
            axes.plot(x, y, MARKERS[kind], color=colour, mec=INK, mew=0.9, markersize=8, zorder=5)
    shares = one.arrays["shares"]
    axes.set_xlabel(f"1st axis ({shares[0]:.0%} of variance)")
    axes.set_ylabel(f"2nd axis ({shares[1]:.0%})" if len(shares) > 1 else "")
    axes.set_title(label)
    axes.legend(loc="best", fontsize=7.5)


def _smooth(path: np.ndarray) -> np.ndarray:
    """Means over stretches of a ``N_STRETCHES``th of the window."""
    return np.stack([part.mean(axis=0) for part in np.array_split(path, min(N_STRETCHES, len(path)))])


def _plane(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[:, 0], values[:, 1] if values.shape[1] > 1 else np.zeros(len(values))


def _colour(index: int, n: int) -> tuple[float, float, float, float]:
    """Along viridis, whose lightness alone tells its colours apart."""
    return colormaps["viridis"](0.45 if n == 1 else 0.8 * index / (n - 1))


def _legend(figure: Figure, shown: list[PathDynamics]) -> None:
    kinds = [k for k in MARKERS if any(k in held for one in shown for held in one.kinds)]
    handles = [Line2D([], [], marker=MARKERS[k], color=FAINT, mec=INK, linestyle="", markersize=7) for k in kinds]
    handles.append(Line2D([], [], marker="s", color=FAINT, linestyle="", markersize=5))
    names = [f"{k} point" for k in kinds] + ["start of the window"]
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))


def _title(results: DynamicsResults, shown: list[tuple[str, str]]) -> str:
    told = []
    for model, path in shown[:2]:
        first = results.folds(model, path)[0]
        n_groups = len(first.group_names)
        kinds = [kind for held in first.kinds for kind in held]
        what = "condition" if path == "population" else "unit"
        stable, others = kinds.count("stable"), len(kinds) - kinds.count("stable")
        more = f" and {plural(others, 'other')}" if others else ""
        mean = number(stable / n_groups, 1 if stable % n_groups else 0)
        points = "point" if stable == n_groups and not others else "points"
        told.append(f"{path_label(shortened(model), path)} has {mean} stable{more} {points} a {what}")
    return "With its input held, " + "; ".join(told)
