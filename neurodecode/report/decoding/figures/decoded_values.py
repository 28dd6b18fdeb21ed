"""Decoded against true values of trials."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.report.decoding.appearance import told
from neurodecode.report.decoding.results import DecodingResults
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.style import FAINT, grid_of, new_figure, shortened
from neurodecode.report.wording import number, with_interval

HEADING = "Decoded against true values"
COLUMNS = 3
SHOWN_QUANTILE = 0.005  # axes leave out what is rarer on either side, or one trial squeezes all others


def draw(results: DecodingResults) -> Drawn:
    """One dot a trial, a panel for each decoder."""
    if results.kind != "value":
        return absent(HEADING, f"a {results.kind} is decoded, not a value of each trial")
    decoders = [d for d in results.decoders if results.scores.get(d, "r2").known]
    if not decoders:
        return absent(HEADING, "no decoder of this session was scored")
    title = _title(results)
    rows, columns = grid_of(len(decoders), COLUMNS)
    figure = new_figure(1.0 + 2.5 * rows, title)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    left_out = [_draw_decoder(axes, results, name) for axes, name in zip(panels, decoders, strict=False)]
    for axes in panels[len(decoders) :]:
        axes.set_axis_off()
    for axes in panels[len(decoders) - columns : len(decoders)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel(f"true {results.target.name} ({results.unit})", fontsize=9.5)
    figure.supylabel(f"decoded {results.target.name} ({results.unit})", fontsize=9.5)
    said = "; ".join(f"{told(d, results.causal)} {with_interval(results.scores.get(d, 'r2'))}" for d in decoders)
    return Drawn(
        figure=figure,
        title=title,
        caption="A dot for each held-out trial; on the line it is decoded without error. R2 is 0 for one "
        f"who knows the mean of {results.target.name} alone; r: Pearson's correlation of decoded and true values."
        + (f" {max(left_out)} of {int(results.tested.sum())} trials leave the scale." if max(left_out) else ""),
        alt=f"R2 with 95% interval by decoder: {said}.",
        rule="All decoders of the session.",
    )


def _draw_decoder(axes: Axes, results: DecodingResults, name: str) -> int:
    """Returns how many trials leave the scale, which is that of the true values."""
    true = results.target.values[results.tested]
    decoded = results.decoded[name].of_kind("value", name)[results.tested]
    low, high = np.quantile(true, [SHOWN_QUANTILE, 1 - SHOWN_QUANTILE])
    margin = 0.05 * (high - low) or 1.0
    low, high = low - margin, high + margin
    axes.plot([low, high], [low, high], color=FAINT, linewidth=0.8)
    face = results.colours[name] if results.causal[name] else "none"
    size = 9 if true.size > 300 else 16
    axes.scatter(true, decoded, s=size, facecolor=face, edgecolor=results.colours[name], linewidth=0.8, alpha=0.75)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.grid()
    r2, r = (number(results.scores.get(name, metric).value, 2) for metric in ("r2", "correlation"))
    axes.set_title(f"{told(name, results.causal)}\nR2 {r2}, r {r}", fontsize=8.5)
    return int(((true < low) | (true > high) | (decoded < low) | (decoded > high)).sum())


def _title(results: DecodingResults) -> str:
    best = results.comparison.best
    if best is None:
        return f"No decoder reads {results.target.name} from spikes"
    r = results.scores.get(best, "correlation")
    if r.has_interval and not (r.above_zero or r.below_zero):
        told_ = f"{shortened(best)}: {with_interval(r, 2)}"
        return f"No correlation with the true {results.target.name} is shown ({told_})"
    true = f"the true {results.target.name}"
    return f"What {shortened(best)} decodes is correlated with {true} by {with_interval(r, 2)}"
