"""Gain over the PSTH, unit by unit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from neurodecode.evaluation.comparison import GAIN
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import PSTH, SessionResults
from neurodecode.report.scoretable import Estimate
from neurodecode.report.style import model_legend, new_figure, shortened, zero_line
from neurodecode.report.wording import plural, signed

HEADING = "Gain of each unit"
DODGED_UNITS = 12  # up to here all models stand beside each other over each unit
NAMED_UNITS = 40


def draw(results: SessionResults) -> Drawn:
    """Each unit's gain over the PSTH with its interval, sorted by the best model's."""
    if results.psth is None:
        return absent(HEADING, "this run has no model called psth, so there is nothing to gain over")
    flat = [m for m in results.models if m in ("constant", PSTH)]
    models = [m for m in results.models if m not in flat and results.scores.units(m, GAIN)]
    best = results.best
    if not models or best not in models:
        return absent(HEADING, "no model of this session has a gain over the PSTH for single units")
    gains = {m: results.scores.units(m, GAIN) for m in models}
    units = sorted((u for u, e in gains[best].items() if e.known), key=lambda u: -gains[best][u].value)
    if not units:
        return absent(HEADING, "no unit fired a spike on held-out trials")
    title = _title(best, [gains[best][u] for u in units])
    dodge = len(units) <= DODGED_UNITS
    figure = new_figure(3.6 if dodge else 1.4 + 1.0 * len(models), title)
    panels = figure.subplots(1 if dodge else len(models), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    if len(units) == 1:
        _draw_single(panels[0], {m: gains[m].get(units[0], Estimate()) for m in models}, results)
    elif dodge:
        for place, model in enumerate(models):
            _draw_units(panels[0], gains[model], units, results.colours[model], _offset(place, len(models)))
        model_legend(figure, {m: results.colours[m] for m in models})
    else:
        for axes, model in zip(panels, models, strict=True):
            _draw_units(axes, gains[model], units, results.colours[model], 0.0)
            axes.set_title(shortened(model), color=results.colours[model], fontweight="bold", pad=2)
    if len(units) > 1:
        _label(panels, units, results)
    figure.supylabel("gain over PSTH (bits/spike)", fontsize=9.5)
    return Drawn(
        figure=figure,
        title=title,
        caption="Held-out log-likelihood above the PSTH's, per spike of the unit, with 95% bootstrap intervals "
        "over trials. Above 0: single trials hold what their average threw away.",
        alt=f"{title}. Units sorted by the gain of {best}; models shown: {', '.join(models)}.",
        rule=f"Units are sorted by the gain of {best}; every unit that fired on held-out trials is shown."
        if len(units) > 1
        else "The only unit that fired on held-out trials.",
    )


def _offset(place: int, n_models: int) -> float:
    return 0.0 if n_models == 1 else 0.64 * (place / (n_models - 1) - 0.5)


def _draw_units(axes: Axes, gains: Mapping[str, Estimate], units: list[str], colour: str, offset: float) -> None:
    found = [gains.get(unit, Estimate()) for unit in units]
    x = np.arange(len(units)) + offset
    values, lows, highs = (np.array([getattr(e, name) for e in found]) for name in ("value", "low", "high"))
    many = len(units) > NAMED_UNITS
    axes.vlines(x, lows, highs, color=colour, linewidth=1.0 if many else 1.8, alpha=0.55)
    axes.plot(x, values, "o", color=colour, ms=2.6 if many else 4.6, mec="white", mew=0.3)


def _draw_single(axes: Axes, gains: Mapping[str, Estimate], results: SessionResults) -> None:
    """One unit: the models stand side by side."""
    for place, (model, gain) in enumerate(gains.items()):
        colour = results.colours[model]
        axes.plot([place, place], [gain.low, gain.high], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(place, gain.value, "o", color=colour, ms=8, mec="white", mew=1)
    axes.set_xticks(range(len(gains)), [shortened(m, 16) for m in gains])
    axes.set_xlim(-0.7, len(gains) - 0.3)
    zero_line(axes)
    axes.grid(axis="y")


def _label(panels: np.ndarray, units: list[str], results: SessionResults) -> None:
    for axes in panels:
        zero_line(axes)
        axes.grid(axis="y")
        axes.set_xlim(-0.7, len(units) - 0.3)
    if len(units) <= NAMED_UNITS:
        long = sum(map(len, units)) > 80
        names = [shortened(unit, 16) for unit in units]
        panels[-1].set_xticks(
            range(len(units)), names, rotation=60 if long else 0, ha="right" if long else "center"
        )
        for label in panels[-1].get_xticklabels():
            label.set_rotation_mode("anchor")
        panels[-1].set_xlabel("unit")
    else:
        panels[-1].set_xlabel(f"units, sorted ({len(units)} of {results.trials.n_units} with held-out spikes)")


def _title(best: str, estimates: list[Estimate]) -> str:
    better = sum(e.above_zero for e in estimates)
    worse = sum(e.below_zero for e in estimates)
    if len(estimates) == 1:
        gain = estimates[0]
        return f"{shortened(best)} gains {signed(gain.value)} bits/spike over the PSTH on single trials"
    tail = f", worse in {worse}" if worse else ""
    return f"{shortened(best)} predicts {better} of {plural(len(estimates), 'unit')} better than the PSTH{tail}"
