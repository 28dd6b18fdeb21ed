"""Bits per spike of every model."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.evaluation.comparison import BITS
from neurodecode.report.colours import ORACLE
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.style import FAINT, new_figure, shortened, zero_line
from neurodecode.report.wording import number, with_interval

HEADING = "Models compared"


def draw(results: SessionResults) -> Drawn:
    """Pooled bits/spike with intervals, and the folds beside them."""
    models = [m for m in results.models if results.scores.get(m, BITS).known]
    if not models:
        return absent(HEADING, "no model of this session has a bits/spike score")
    title = _title(results, models)
    figure = new_figure(1.25 + 0.36 * len(models), title)
    axes = figure.add_subplot()
    for place, model in enumerate(reversed(models)):
        _draw_model(axes, place, model, results)
    zero_line(axes, horizontal=False)
    axes.set_yticks(range(len(models)), [shortened(m) for m in reversed(models)])
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.margins(x=0.12)
    axes.grid(axis="x")
    axes.set_xlabel("held-out information about single spikes (bits/spike above the unit's mean rate)")
    said = "; ".join(f"{m} {with_interval(results.scores.get(m, BITS))}" for m in models)
    return Drawn(
        figure=figure,
        title=title,
        caption="Log-likelihood of held-out trials above that of each unit's mean rate in training, summed over "
        "units and divided by their spikes. Dot: all folds pooled; line: 95% bootstrap interval over trials; "
        "small rings: single folds, which show the spread that the interval does not.",
        alt=f"Bits per spike with 95% interval by model: {said}.",
    )


def _draw_model(axes: Axes, place: int, model: str, results: SessionResults) -> None:
    colour, estimate = results.colours[model], results.scores.get(model, BITS)
    folds = np.array([fold.value for fold in results.scores.folds(model, BITS)])
    axes.plot(folds, np.full(folds.size, place - 0.3), "o", ms=3.2, mfc="none", mec=colour, mew=0.9)
    if estimate.has_interval:
        axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=3, solid_capstyle="butt")
    marker = "D" if model == ORACLE else "o"
    axes.plot(estimate.value, place, marker, ms=8, color=colour, mec="white", mew=1)
    axes.annotate(
        number(estimate.value),
        (max(estimate.value, np.nanmax([estimate.high, estimate.value])), place),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=FAINT,
    )


def _title(results: SessionResults, models: list[str]) -> str:
    best, psth = results.best, results.psth
    if best is None or not results.scores.get(best, BITS).known:
        highest = max(results.scores.get(m, BITS).value for m in models)
        return f"The best of {len(models)} models reaches {number(highest)} bits/spike"
    reached = (
        f"{shortened(best)} reaches {number(results.scores.get(best, BITS).value)} bits/spike on held-out trials"
    )
    others = []
    if psth and results.scores.get(psth, BITS).known:
        others.append(f"the PSTH {number(results.scores.get(psth, BITS).value)}")
    if results.scores.get(ORACLE, BITS).known:
        others.append(f"the true intensity {number(results.scores.get(ORACLE, BITS).value)}")
    return ", ".join([reached, *others])
