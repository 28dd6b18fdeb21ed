"""Eigenvalues of each network's Jacobian where trials pass, and where the state comes to rest."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurodecode.evaluation.dynamics import PathDynamics
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.dynamics.results import NO_NETWORK, DynamicsResults, left_out, path_label
from neurodecode.report.style import FAINT, INK, new_figure, shortened, zero_line
from neurodecode.report.wording import number

HEADING = "What decays, and how fast"
MOST_PANELS, COLUMNS = 8, 4
TIMES_MS = (5, 20, 100)  # rings


def draw(results: DynamicsResults) -> Drawn:
    """A panel for each network: the complex plane with the unit circle and rings of equal time constants."""
    if not results.seen:
        return absent(HEADING, NO_NETWORK)
    shown = results.seen[:MOST_PANELS]
    title = _title(results, shown)
    figure, panels = _panels(len(shown), title)
    for axes, (model, path) in zip(panels, shown, strict=True):
        _draw_plane(axes, results.folds(model, path)[0], results.colours[model], results.trials.bin_size_s)
        axes.set_title(path_label(shortened(model, 14), path))
    handles = [
        Line2D([], [], marker="o", linestyle="", color=FAINT, alpha=0.5, markersize=4),
        Line2D([], [], marker="o", linestyle="", color="white", mec=INK, markersize=6),
        Line2D([], [], color=INK, linewidth=1.0),
        Line2D([], [], color=FAINT, linewidth=0.8, linestyle=":"),
    ]
    rings = ", ".join(f"{t}" for t in TIMES_MS)
    names = ["where trials pass", "at fixed and slow points", "neither grows nor decays", f"1/e in {rings} ms"]
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    return Drawn(
        figure=figure,
        title=title,
        caption="Eigenvalues of the Jacobian d h(t + 1) / d h(t): at 64 states on held-out trials under the "
        "inputs met there (faint), and at the fixed and slow points with the input held (rings). "
        "Inside the unit circle a direction decays from bin to bin, beyond it grows, off the real "
        "axis it turns. Dotted: where it decays to 1/e in the times given. Lyapunov exponents, in "
        "the table, say the same of whole trials.",
        alt=f"Eigenvalues in the complex plane. {title}.",
        rule=f"The first network of the first fold in which one was kept{left_out(results, MOST_PANELS)}.",
    )


def _panels(n: int, title: str) -> tuple[Figure, list[Axes]]:
    """As many planes, up to four in a row."""
    columns = min(n, COLUMNS)
    rows = -(-n // columns)
    figure = new_figure((3.5 if columns < COLUMNS else 3.0) + 2.3 * (rows - 1), title)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid[:, 0]:
        axes.set_ylabel("imaginary part")
    for axes in grid.flat[n:]:
        axes.set_axis_off()
    for axes in grid.flat[max(0, n - columns) : n]:  # the lowest of each column, also where the last row is short
        axes.set_xlabel("real part")
        axes.tick_params(labelbottom=True)
    return figure, list(grid.flat[:n])


def _draw_plane(axes: Axes, one: PathDynamics, colour: str, bin_size_s: float) -> None:
    circle = np.exp(2j * np.pi * np.linspace(0, 1, 200))
    axes.plot(circle.real, circle.imag, color=INK, linewidth=1.0, zorder=1)
    for time_ms in TIMES_MS:
        ring = np.exp(-1000 * bin_size_s / time_ms) * circle
        axes.plot(ring.real, ring.imag, color=FAINT, linewidth=0.7, linestyle=":", zorder=1)
    zero_line(axes)
    zero_line(axes, horizontal=False)
    seen = one.arrays["eigenvalues"].ravel()
    axes.plot(seen.real, seen.imag, ".", color=colour, markersize=2.5, alpha=0.25, zorder=2)
    for group in range(len(one.group_names)):
        values = one.arrays[f"values.{group}"].ravel()
        axes.plot(values.real, values.imag, "o", mfc="none", mec=INK, mew=0.7, markersize=4.5, zorder=3)
    axes.set_aspect("equal")


def _title(results: DynamicsResults, shown: list[tuple[str, str]]) -> str:
    slowest = {key: results.value(key[0], "slowest_ms", key[1]) for key in shown}
    known = [key for key in shown if np.isfinite(slowest[key])]
    if not known:
        return "None of these networks has a stable point: held input leads none of them to rest"
    model, path = max(known, key=lambda key: slowest[key])
    told = number(slowest[model, path], 0)
    return f"Left alone, {path_label(shortened(model), path)} takes at most {told} ms to forget to 1/e"
