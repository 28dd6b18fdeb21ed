"""Gain of each model over all sessions, and on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from neurodecode.evaluation._score_rows import ALL, PSTH
from neurodecode.evaluation.comparison import ORACLE
from neurodecode.evaluation.summary import Gain
from neurodecode.report.drawn import Drawn
from neurodecode.report.style import INK, drawing, new_figure, shortened, zero_line
from neurodecode.report.wording import signed

HEADING = "All sessions together"
SPREAD = 0.26  # of a model's row over which its sessions lie


def draw(gains: Sequence[Gain], models: Sequence[str], colours: Mapping[str, str], title: str) -> Drawn:
    """A row for each model: the mean over sessions with its interval, and each session's own value."""
    with drawing():
        figure = new_figure(1.35 + 0.5 * len(models), title)
        axes = figure.add_subplot()
        for place, model in enumerate(models):
            _draw_model(axes, [g for g in gains if g.model == model and g.against == PSTH], colours[model], place)
        zero_line(axes, horizontal=False)
        axes.set_yticks(range(len(models)), [shortened(model, 24) for model in models])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(len(models) - 0.4, -0.6)
        axes.margins(x=0.08)
        axes.grid(axis="x")
        axes.set_xlabel("gain over PSTH on held-out single trials (bits/spike)")
    said = [f"{g.model} {signed(g.value)}" for g in gains if g.session == ALL and g.against == PSTH]
    return Drawn(
        figure=figure,
        title=title,
        caption="Large dot: mean over sessions, each counting the same; line: 95% interval of the hierarchical "
        "bootstrap. Small dots: single sessions; diamonds: the true intensity of simulated sessions.",
        alt=f"{title}. Mean gain by model in bits/spike: {', '.join(said)}.",
    )


def _draw_model(axes: Axes, gains: Sequence[Gain], colour: str, place: int) -> None:
    each = np.array([g.value for g in gains if g.session != ALL and g.unit == ALL])
    y = place + 0.24 + SPREAD * (np.linspace(0, 1, each.size) - 0.5 if each.size > 1 else np.zeros(each.size))
    axes.plot(each, y, "o", color=colour, ms=3.4, alpha=0.55, mec="none")
    for gain in gains:
        if gain.session != ALL:
            continue
        axes.plot([gain.low, gain.high], [place - 0.12] * 2, color=colour, linewidth=2.6, solid_capstyle="butt")
        marker = "D" if gain.model == ORACLE else "o"
        axes.plot(gain.value, place - 0.12, marker, color=colour, ms=7.5, mec="white", mew=0.9)
