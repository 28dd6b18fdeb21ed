"""How far back a loss reaches through the states of each network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.dynamics.results import NO_NETWORK, DynamicsResults, path_label
from neurodecode.report.style import FAINT, legend_below, log_axis, log_ordinate, new_figure, shortened
from neurodecode.report.wording import number

HEADING = "How far back gradients reach"
FLOOR = 1e-6  # what lies below is drawn there
STYLE: Mapping[str, Any] = {"population": "-", "own": (0, (4, 2))}


def draw(results: DynamicsResults) -> Drawn:
    """Gradient norms against the lag, and the stretch of Jacobian products with the discount that fits it."""
    if not results.seen:
        return absent(HEADING, NO_NETWORK)
    title = _title(results)
    figure = new_figure(4.0, title)
    left, right = figure.subplots(1, 2)
    for model, path in results.seen:
        _draw_norms(left, results, model, path)
        _draw_products(right, results, model, path)
    _finish(left, "gradient of the loss, over that one bin back")
    left.axhline(np.exp(-1), color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    _finish(right, "largest singular value of the Jacobian product")
    right.axhline(1.0, color=FAINT, linewidth=0.8, linestyle=":", zorder=1)
    _legend(figure, results)
    return Drawn(
        figure=figure,
        title=title,
        caption="Left: size of d loss(t) / d h(t - k), root mean square over held-out trials and four bins "
        "t, over its size one bin back; thin lines: folds, thick: their geometric mean. Dotted: 1/e,"
        " where the memory horizon is read. A gradient of an LSTM is one with respect to h and c "
        "together. Right: what the Jacobians of k bins in a row can do to a state at most; dotted "
        "lines: the discount gamma^k that fits it. Inputs, the recorded spikes among them, are held "
        "as they were.",
        alt=f"Gradient norms and Jacobian products against lag. {title}.",
        rule=f"The first network of each fold in which one was kept; what lies below {FLOOR:g} is not shown.",
    )


def _draw_norms(axes: Axes, results: DynamicsResults, model: str, path: str) -> None:
    colour, folds = results.colours[model], results.folds(model, path)
    for one in folds:
        axes.plot(1000 * one.arrays["lag_s"], one.arrays["norms"], color=colour, linewidth=0.6, alpha=0.45)
    together = results.across_folds(model, path, "norms")
    lag_ms = 1000 * folds[0].arrays["lag_s"][: len(together)]
    axes.plot(lag_ms, together, color=colour, linestyle=STYLE[path])


def _draw_products(axes: Axes, results: DynamicsResults, model: str, path: str) -> None:
    folds, colour = results.folds(model, path), results.colours[model]
    together = results.across_folds(model, path, "singular")[:, 0]
    lags = folds[0].arrays["product_lags"][: len(together)]
    at_ms = 1000 * lags * results.trials.bin_size_s
    axes.plot(at_ms, together, "o", color=colour, linestyle=STYLE[path], markersize=3)
    gamma = results.value(model, "discount", path)
    level = np.exp(np.mean(np.log(together) - lags * np.log(gamma)))
    axes.plot(at_ms, level * gamma**lags, color=colour, linestyle=":", linewidth=1.0)


def _finish(axes: Axes, label: str) -> None:
    log_axis(axes)
    log_ordinate(axes)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, FLOOR), high)
    axes.set_xlabel("lag k (ms)")
    axes.set_title(label)
    axes.grid()


def _legend(figure: Figure, results: DynamicsResults) -> None:
    handles = [
        Line2D([], [], color=results.colours[m], linestyle=STYLE[p], linewidth=2.0) for m, p in results.seen
    ]
    names = [path_label(shortened(model), path) for model, path in results.seen]
    legend_below(figure, handles, names, handlelength=2.4)


def _title(results: DynamicsResults) -> str:
    horizons = {key: results.value(key[0], "memory_horizon_ms", key[1]) for key in results.seen}
    longest = max(results.seen, key=lambda key: horizons[key])
    beyond = "more than " if results.value(longest[0], "horizon_beyond", longest[1]) > 0.5 else ""
    digits = 0 if horizons[longest] >= 10 else 1
    most = f"{beyond}{number(horizons[longest], digits)} ms"
    told = f"{path_label(shortened(longest[0]), longest[1])}: a loss reaches {most} back"
    if len(results.seen) == 1:
        return told
    shortest = min(results.seen, key=lambda key: horizons[key])
    less = number(horizons[shortest], 0 if horizons[shortest] >= 10 else 1)
    return f"{told}, in {path_label(shortened(shortest[0]), shortest[1])} {less} ms"
