"""Where a network's gain over the PSTH comes from: slow gain, own history, other units, the network alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from neurodecode.evaluation.decomposition import FALLEN_BACK, REMAINDER, TASK, TERMS, TOTAL
from neurodecode.report.colours import TERM_COLOURS
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.style import FAINT, INK, new_figure, shortened, zero_line
from neurodecode.report.wording import interval, number, plural, signed

HEADING = "Where the gain comes from"
NAMED_UNITS = 40
WHOLE = "#D0D0D0"  # the bar of all terms together
WORDS = {
    "drive": "time-course, covariates",
    "slow_gain": "slow gain of the trial",
    "own_below_10ms": "own spikes, last 10 ms",
    "own_above_10ms": "own spikes before that",
    "other_units": "other units",
}


def draw(results: SessionResults) -> Drawn:
    """The terms of the pooled gain, one after the other, and the same for each unit as stacked bars."""
    table = results.tasks.get(TASK, ScoreTable({}))
    models = [m for m in table.models(TOTAL) if table.get(m, TOTAL).known]
    if not models:
        return absent(HEADING, "this run does not decompose gains (configuration: decomposition)")
    best = max(models, key=lambda m: table.get(m, TOTAL).value)
    terms = [term for term in TERMS if table.get(best, term).known]
    colours = {**TERM_COLOURS, REMAINDER: results.colours.get(best, INK)}
    totals = {u: e.value for u, e in table.units(best, TOTAL).items() if e.known}
    units = sorted(totals, key=lambda u: -totals[u])
    title = _title(table, best, terms)
    several = len(units) > 1
    n_rows = len(terms) + sum(len(_ends(table, m)) for m in models) + 1
    figure = new_figure(0.95 + 0.3 * n_rows + (3.1 if several else 0.0), title)
    panels = figure.subplots(
        2 if several else 1, 1, squeeze=False, height_ratios=[0.3 * n_rows + 0.45, 2.7][: 1 + several]
    )[:, 0]
    _draw_pooled(panels[0], table, models, best, terms, results.colours)
    if several:
        _draw_units(panels[1], table, best, [*terms, *_ends(table, best)], units, colours)
    return Drawn(
        figure=figure,
        title=title,
        caption=_caption(table, best, terms, results, several=several),
        alt=_alt(table, best, terms, title),
        rule=f"Units sorted by the whole gain of {best}; every unit that fired on held-out trials is shown."
        if several
        else "",
    )


def _ends(table: ScoreTable, model: str) -> list[str]:
    """The terms beyond the nested models: what stands in a network's place, and what the network holds."""
    return [term for term in (FALLEN_BACK, REMAINDER) if table.get(model, term).known]


def _words(model: str) -> dict[str, str]:
    """What each term is called beside this network."""
    return {
        **WORDS,
        FALLEN_BACK: f"the GLM in place of {shortened(model)}",
        REMAINDER: f"what {shortened(model)} alone holds",
    }


def _draw_pooled(
    axes: Axes,
    table: ScoreTable,
    models: Sequence[str],
    best: str,
    terms: Sequence[str],
    colours: Mapping[str, str],
) -> None:
    """Each term begins where the one before it ended; every network's own begin at the end of the chain."""
    bars = [(WORDS[t], table.get(best, t), TERM_COLOURS[t]) for t in terms]
    reached = np.concatenate([[0.0], np.cumsum([table.get(best, t).value for t in terms])])
    starts = list(reached[:-1])
    for model in models:
        start = float(reached[-1])
        for term in _ends(table, model):
            label = {FALLEN_BACK: f"GLM in place of {shortened(model)}", REMAINDER: f"{shortened(model)} alone"}[
                term
            ]
            bars.append((label, table.get(model, term), TERM_COLOURS.get(term, colours.get(model, INK))))
            starts.append(start)
            start += table.get(model, term).value
    bars.append((f"together ({shortened(best)})", table.get(best, TOTAL), WHOLE))
    starts.append(0.0)
    for row, ((_, estimate, colour), start) in enumerate(zip(bars, starts, strict=True)):
        _draw_bar(axes, row, start, estimate, colour)
        if row < len(terms):  # where the next one begins
            axes.plot([start + estimate.value] * 2, [row - 0.33, row + 1.33], color=FAINT, linewidth=0.7)
    axes.set_yticks(range(len(bars)), [label for label, *_ in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    zero_line(axes, horizontal=False)
    axes.margins(x=0.12)
    axes.grid(axis="x")
    axes.set_xlabel("gain over PSTH, all units together (bits/spike, 95% interval of each term)")


def _draw_bar(axes: Axes, row: int, start: float, estimate: Estimate, colour: str) -> None:
    axes.barh(row, estimate.value, left=start, color=colour, height=0.66, linewidth=0)
    end = max(start, start + estimate.value)
    if estimate.has_interval:
        axes.plot([start + estimate.low, start + estimate.high], [row, row], color=INK, linewidth=1.1)
        end = max(end, start + estimate.high)
    label = signed(estimate.value)
    axes.annotate(
        label, (end, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK
    )


def _draw_units(
    axes: Axes,
    table: ScoreTable,
    best: str,
    terms: Sequence[str],
    units: Sequence[str],
    colours: Mapping[str, str],
) -> None:
    x = np.arange(len(units))
    above, below = np.zeros(len(units)), np.zeros(len(units))
    few = len(units) <= NAMED_UNITS
    width = 0.72 if few else 1.0
    for term in terms:
        per_unit = table.units(best, term)
        values = np.array([per_unit.get(u, Estimate(0.0)).value for u in units])
        up, down = np.maximum(values, 0.0), np.minimum(values, 0.0)
        axes.bar(x, up, width, bottom=above, color=colours[term], linewidth=0)
        axes.bar(x, down, width, bottom=below, color=colours[term], linewidth=0)
        above, below = above + up, below + down
    totals = [table.get(best, TOTAL, unit=u).value for u in units]
    axes.plot(x, totals, "o", color="white", mec=INK, mew=0.9, ms=4.6 if few else 1.8)
    zero_line(axes)
    axes.grid(axis="y")
    axes.set_xlim(-0.7, len(units) - 0.3)
    axes.set_ylim(min(0.0, 1.08 * below.min()), 1.06 * max(above.max(), 1e-3))
    axes.set_ylabel("gain over PSTH\n(bits/spike)")
    if few:
        long = sum(map(len, units)) > 80 or len(units) > 24
        axes.set_xticks(
            x, [shortened(u, 16) for u in units], rotation=60 if long else 0, ha="right" if long else "center"
        )
        axes.set_xlabel("unit")
    else:
        axes.set_xlabel(f"{len(units)} units, sorted by their whole gain")


def _title(table: ScoreTable, best: str, terms: Sequence[str]) -> str:
    total = table.get(best, TOTAL)
    if total.value <= 0 or (total.has_interval and not total.above_zero):
        return f"{shortened(best)} shows no gain over the PSTH to decompose ({signed(total.value)} bits/spike)"
    words = _words(best)
    largest = max((*terms, *_ends(table, best)), key=lambda t: table.get(best, t).value)
    share = table.get(best, largest).value / total.value
    told = words[largest][0].upper() + words[largest][1:]
    of = f"of the {number(total.value)} bits/spike that {shortened(best)} gains over the PSTH"
    if share > 1:
        return f"{told}: more than all {of}, the other terms cost"
    return f"{told}: {share:.0%} {of}"


def _caption(table: ScoreTable, best: str, terms: Sequence[str], results: SessionResults, *, several: bool) -> str:
    parts = [
        "Models of which each contains the one before it: the PSTH, then one further source of information at a "
        "time, last the network. Above: each bar is what its source adds on held-out trials, and begins where the "
        "one before ended; line: 95% bootstrap interval over trials.",
        "Below: the same terms for each unit, stacked; what lies below 0 cost more to estimate than it told; "
        "ring: the whole gain, the sum of all terms."
        if several
        else "",
        "Order matters: what two sources could both explain is given to the earlier one. Slow gain comes first, "
        "so that drift is not taken for spike history; what only a network holds comes last.",
    ]
    bin_ms = 1000 * results.trials.bin_size_s
    if "own_below_10ms" not in terms:
        parts.append(
            f"Bins of {bin_ms:.3g} ms are too wide to tell the last 10 ms apart: all own history is one term."
        )
    elif 10 % bin_ms > 1e-6 and bin_ms - 10 % bin_ms > 1e-6:
        parts.append(f"Bins of {bin_ms:.3g} ms: the last {np.ceil(10 / bin_ms) * bin_ms:.3g} ms stand for 10 ms.")
    if "other_units" not in terms:
        parts.append(
            "There are no other units." if results.trials.n_units == 1 else "Other units were not fitted."
        )
    if table.get(best, FALLEN_BACK).known:
        parts.append(
            f"{shortened(best)} fell back to the GLM that it starts from in some folds, and holds nothing alone "
            "in these: what that GLM, whose time-course has another form, adds there is a term of its own."
        )
    if not table.get(best, REMAINDER).known:
        parts.append("No network was fitted, so the chain ends before it.")
    return " ".join(part for part in parts if part)


def _alt(table: ScoreTable, best: str, terms: Sequence[str], title: str) -> str:
    words = {**_words(best), REMAINDER: f"{best} alone"}
    known = [*terms, *_ends(table, best)]
    said = []
    for term in known:
        estimate = table.get(best, term)
        bounds = f" [{interval(estimate)}]" if estimate.has_interval else ""
        said.append(f"{words[term]} {signed(estimate.value)}{bounds}")
    return f"{title}. Terms in bits/spike over {plural(len(table.units(best, TOTAL)), 'unit')}: {'; '.join(said)}."
