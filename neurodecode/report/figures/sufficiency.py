"""Whether the spike history still predicts beyond each model."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from neurodecode.evaluation.sufficiency import METRIC, TASK
from neurodecode.report.colours import ORACLE
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import PSTH, SessionResults
from neurodecode.report.scoretable import ScoreTable
from neurodecode.report.style import FAINT, INK, new_figure, shortened, zero_line
from neurodecode.report.wording import number, plural, signed, with_interval

HEADING = "What history still adds"
LINEAR = 0.01  # bits/spike within which the axis is linear


def draw(results: SessionResults) -> Drawn:
    """The remaining gain of each unit, a row for each model; on a scale that shows small and large ones."""
    table = results.tasks.get(TASK, ScoreTable({}))
    models = [m for m in results.models if m != "constant" and table.get(m, METRIC).known]
    if not models:
        return absent(HEADING, "sufficiency was not judged in this run (configuration: evaluation.sufficiency)")
    title = _title(results, table, models)
    figure = new_figure(1.2 + 0.42 * len(models), title)
    axes = figure.add_subplot()
    for row, model in enumerate(models):
        _draw_model(axes, row, model, results, table)
    _scale(axes)
    axes.set_yticks(range(len(models)), [shortened(m) for m in models])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(models) - 0.45, -0.55)
    if results.trials.n_units > 1:
        head = "together  units > 0"
        axes.annotate(head, (1.01, 1.0), xycoords="axes fraction", va="bottom", fontsize=8.5, color=FAINT)
    said = "; ".join(f"{m} {with_interval(table.get(m, METRIC))}" for m in models)
    return Drawn(
        figure=figure,
        title=title,
        caption="Bits/spike that the spike history (own and other units') predicts on held-out trials on top of "
        "each model's own intensity. 0: what the model has made of the past is sufficient. Small dots: units, "
        "filled where the 95% interval over trials lies above 0; large mark: all units together, with its "
        "interval, and beside it how many units lie above 0. The correction is fitted to half of the out-of-fold "
        "trials and scored on the other half, both ways; where no correction helped the trials that chose, the "
        "gain is exactly 0. The correction is linear in the logs of the history, as the GLM is: 0 for a GLM does "
        "not say that no network does better. "
        f"The axis is linear within {number(LINEAR, 2)} and logarithmic beyond.",
        alt=f"Remaining gain of history (bits/spike) with 95% interval by model: {said}.",
    )


def _draw_model(axes: Axes, row: int, model: str, results: SessionResults, table: ScoreTable) -> None:
    colour, estimate = results.colours[model], table.get(model, METRIC)
    units = {u: e for u, e in table.units(model, METRIC).items() if e.known}
    if len(units) > 1:
        # Spread so that dots do not hide each other: by name, so that a unit keeps its place in every row.
        spread = np.array([zlib.crc32(u.encode()) / 2**32 - 0.5 for u in units]) * 0.42
        values = np.array([e.value for e in units.values()])
        left = np.array([e.above_zero for e in units.values()])
        size = 4.2 if len(units) <= 40 else 2.8
        for some, face in ((left, colour), (~left, "white")):
            axes.plot(values[some], row + spread[some], "o", ms=size, mfc=face, mec=colour, mew=0.8, alpha=0.75)
    if estimate.has_interval:
        axes.plot([estimate.low, estimate.high], [row, row], color=INK, linewidth=2.2, solid_capstyle="butt")
    axes.plot(estimate.value, row, "D" if model == ORACLE else "o", ms=8.5, color=colour, mec=INK, mew=1.1)
    above = sum(e.above_zero for e in units.values())
    axes.annotate(
        f"{signed(estimate.value, 4)}   {above} of {len(units)}" if len(units) > 1 else signed(estimate.value, 4),
        (1.01, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8.5,
        color=INK,
    )


def _scale(axes: Axes) -> None:
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=0.8)
    low, high = axes.get_xlim()
    low, high = min(low, -LINEAR), max(high, 3 * LINEAR)
    marks = [s * m * d for d in (0.01, 0.1, 1.0, 10.0) for m in (1.0, 3.0) for s in (-1, 1)]
    shown = sorted({0.0, *(mark for mark in marks if low <= mark <= high)})
    axes.set_xlim(low, high)
    axes.set_xticks(shown, [f"{mark:g}".replace("-", "\N{MINUS SIGN}") for mark in shown])
    axes.set_xticks([], minor=True)
    zero_line(axes, horizontal=False)
    axes.grid(axis="x")
    axes.set_xlabel("remaining gain: what history adds to the model (bits/spike)")


def _title(results: SessionResults, table: ScoreTable, models: Sequence[str]) -> str:
    candidates = [m for m in models if m not in (*results.aggregates, ORACLE)] or list(models)
    best = results.best if results.best in candidates else candidates[0]
    left = table.get(best, METRIC)
    units = [e for e in table.units(best, METRIC).values() if e.known]
    above = sum(e.above_zero for e in units)
    of_units = f" (in {above} of {plural(len(units), 'unit')})" if len(units) > 1 else ""
    if left.above_zero:
        told = f"History still adds {number(left.value)} bits/spike to {shortened(best)}{of_units}"
    else:
        told = f"History adds nothing that is shown to {shortened(best)} ({signed(left.value)} bits/spike)"
    if best != PSTH and PSTH in models:
        return f"{told}, {number(table.get(PSTH, METRIC).value)} to the PSTH"
    return told
