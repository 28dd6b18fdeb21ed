"""Where networks come to rest when their input is held, beside the paths that held-out trials take."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurodecode.evaluation.dynamics import PathDynamics
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.dynamics.figures._planes import draw_mean_path, group_colour, plane
from neurodecode.report.dynamics.results import NO_NETWORK, DynamicsResults, left_out, path_label
from neurodecode.report.style import FAINT, INK, new_figure, shortened
from neurodecode.report.wording import plural

HEADING = "Where the state comes to rest"
MOST_PANELS = 6
MARKERS = {"stable": "o", "marginal": "s", "saddle": "X", "unstable": "^", "slow": "D"}
SINGLES = 3


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
        "condition (of own cells: of a unit), in 25 stretches of time from the square at the window's start on; "
        "dots: bins of three trials. Markers: points where the state stands still while the input is held at its "
        "mean over the window of that condition or unit, past spikes among it; slow points move less than a tenth "
        "of what is usual there. No trial has such an input: these points say where the state is drawn to, not "
        "where it rests.",
        alt=f"States of networks in two dimensions, with fixed points. {title}.",
        rule="The first network of the first fold in which one was kept; at most 8 conditions and 4 units, "
        f"evenly spread{left_out(results, MOST_PANELS)}.",
    )


def _draw_path(axes: Axes, one: PathDynamics, label: str) -> None:
    at, group = one.arrays["coordinates"], one.arrays["group"]
    for number_, name in enumerate(one.group_names):
        colour = group_colour(number_, len(one.group_names))
        mine = at[group == number_]
        for trial in mine[:SINGLES]:
            axes.plot(*plane(trial), ".", color=colour, markersize=2.5, alpha=0.3, mew=0, zorder=1)
        draw_mean_path(axes, mine.mean(axis=0), colour, name)
        points = one.arrays[f"points.{number_}"]
        for point, kind in zip(points, one.kinds[number_], strict=True):
            x, y = plane(point[None])
            axes.plot(x, y, MARKERS[kind], color=colour, mec=INK, mew=0.9, markersize=8, zorder=5)
    shares = one.arrays["shares"]
    axes.set_xlabel(f"1st axis ({shares[0]:.0%} of variance)")
    axes.set_ylabel(f"2nd axis ({shares[1]:.0%})" if len(shares) > 1 else "")
    axes.set_title(label)
    axes.legend(loc="best", fontsize=7.5)


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
        kinds = [kind for held in first.kinds for kind in held]
        what = "condition" if path == "population" else "unit"
        stable, others = kinds.count("stable"), len(kinds) - kinds.count("stable")
        found = plural(stable, "stable point") + (f" and {plural(others, 'other')}" if others else "")
        told.append(f"{path_label(shortened(model), path)} has {found} in {plural(len(first.group_names), what)}")
    return "With its input held, " + "; ".join(told)
