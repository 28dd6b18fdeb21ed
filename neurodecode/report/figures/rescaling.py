"""Time rescaling: can the spikes be told from draws of each model's intensity?"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.metrics.rescaling import Rescaling, rescale
from neurodecode.report.choice import shown_unit
from neurodecode.report.colours import ORACLE
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.style import (
    FAINT,
    GRID,
    log_axis,
    model_legend,
    new_figure,
    shortened,
    unit_label,
    zero_line,
)
from neurodecode.report.tables import units_passed
from neurodecode.report.wording import plural

HEADING = "Time rescaling (KS plots)"
KS = "ks_time_rescaling"


def draw(results: SessionResults) -> Drawn:
    """The KS plot of one unit with its band, and every unit's statistic over its band."""
    chosen = shown_unit(results)
    if not chosen.indices:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    unit = chosen.indices[0]
    rescaled = {m: _rescaled(results, m, unit) for m in results.models}
    passed = {m: units_passed(results.scores, m) for m in results.models}
    title = _title(results, passed)
    figure = new_figure(4.1, title)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1, 1.15]})
    _draw_plot(left, results, rescaled)
    left.set_title(unit_label(results.trials.unit_names[unit]))
    _draw_statistics(right, results)
    model_legend(figure, {m: results.colours[m] for m in results.models})
    told = "; ".join(f"{m} {ok} of {n}" for m, (ok, n) in passed.items() if n)
    return Drawn(
        figure=figure,
        title=title,
        caption="Left: intervals stretched by each model's intensity against what the true one would give "
        "(diagonal) with its 95% band. Right: each unit's largest distance from the diagonal, over its band; "
        "shaded: inside it. About one unit in twenty of a true model lies beyond its own band, so that units "
        "pass (numbers in brackets) unless Holm's correction over all units still rejects them.",
        alt=f"Kolmogorov-Smirnov plots of rescaled intervals. Units that pass: {told}.",
        rule=chosen.rule,
    )


def _rescaled(results: SessionResults, model: str, unit: int) -> Rescaling:
    return rescale(
        results.counts([unit]),
        np.asarray(results.predictions[model][:, :, [unit]], dtype=np.float32),
        results.trials.bin_size_s,
        results.scored([unit]),
        np.random.default_rng(results.seed),  # the same draws for each model: they differ by their rates alone
    )


def _draw_plot(axes: Axes, results: SessionResults, rescaled: dict[str, Rescaling]) -> None:
    diagonal = np.array([0.0, 1.0])
    band = float(np.nanmax([held.band[0] for held in rescaled.values()]))
    if np.isfinite(band):
        axes.fill_between(diagonal, diagonal - band, diagonal + band, color=GRID, linewidth=0)
    axes.plot(diagonal, diagonal, color=FAINT, linewidth=0.8)
    best = results.best
    for model in results.models:
        found = rescaled[model].uniforms[0]
        axes.plot(
            (np.arange(found.size) + 0.5) / max(found.size, 1),
            found,
            color=results.colours[model],
            linewidth=2.2 if model == best else 1.5,
            linestyle=(0, (1, 1.2)) if model == ORACLE else "-",
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("quantile under the true intensity")
    axes.set_ylabel("quantile of rescaled intervals")


def _draw_statistics(axes: Axes, results: SessionResults) -> None:
    models = [m for m in results.models if units_passed(results.scores, m)[1]]
    spread = np.random.default_rng(0)  # vertical scatter, so that equal dots show
    for place, model in enumerate(reversed(models)):
        values = np.array([e.value for e in results.scores.units(model, KS).values() if e.known])
        height = place + (spread.uniform(-0.24, 0.24, values.size) if values.size > 1 else np.zeros(1))
        few = values.size <= 40
        axes.plot(
            values, height, "o", color=results.colours[model], ms=5 if few else 3, alpha=0.75, mec="white", mew=0.3
        )
    known = [e.value for m in models for e in results.scores.units(m, KS).values() if e.value > 0]
    axes.set_xlim(min([0.4, *known]) / 1.15, max([2.2, *known]) * 1.15)
    log_axis(axes)
    axes.axvspan(axes.get_xlim()[0], 1.0, color=GRID, linewidth=0, zorder=0)
    zero_line(axes, at=1.0, horizontal=False)
    passed = {m: units_passed(results.scores, m) for m in reversed(models)}
    axes.set_yticks(range(len(models)), [f"{shortened(m, 14)} ({ok}/{n})" for m, (ok, n) in passed.items()])
    axes.set_ylim(-0.6, len(models) - 0.4)
    axes.set_xlabel("KS distance / 95% band")
    axes.set_title("(units that pass / all)", loc="right", fontsize=8.5, color=FAINT)


def _title(results: SessionResults, passed: dict[str, tuple[int, int]]) -> str:
    best = results.best
    named = [m for m in dict.fromkeys([best, results.psth]) if m is not None and passed[m][1]]
    told = [f"{shortened(m)} in {passed[m][0]} of {plural(passed[m][1], 'unit')}" for m in named]
    return (
        f"Spike timing is as expected by {', by '.join(told)}"
        if told
        else "Rescaled intervals against the true ones"
    )
