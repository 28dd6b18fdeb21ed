"""How counts vary from trial to trial, recorded and sampled."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from neurodecode.metrics.generative import Fano, NoiseCorrelation, fano, noise_correlation
from neurodecode.report.choice import representative_units
from neurodecode.report.colours import RECORDING
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.figures._curves import (
    POOLED_UNITS,
    curve_legend,
    order_of_drawing,
    sampled_curves,
    told_apart,
)
from neurodecode.report.results import SessionResults
from neurodecode.report.style import log_axis, new_figure, shortened, zero_line
from neurodecode.report.wording import number

WIDE = 8.0  # Fano factors beyond it need a logarithmic axis
HEADING = "Variability across trials"
PAIRS_CAPTION = (
    " Right: correlations of pairs of units across trials (bar: middle half of the pairs, line: 5th to 95th "
    "percentile, dot: mean)."
)


def draw(results: SessionResults) -> Drawn:
    """Fano factor against window, and the pairs' noise correlations."""
    chosen = representative_units(results, POOLED_UNITS)
    if not chosen.indices:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    trials = results.trials
    fanos = sampled_curves(
        results,
        chosen.indices,
        lambda counts, mask: fano(counts, mask, trials.bin_size_s, condition=trials.condition),
    )
    if not np.isfinite(fanos[RECORDING].pooled).any():
        return absent(HEADING, "no condition has two trials that were wholly observed, so counts cannot vary")
    of_pairs = partial(noise_correlation, bin_size_s=trials.bin_size_s, condition=trials.condition)
    pairs = sampled_curves(results, chosen.indices, of_pairs) if len(chosen.indices) > 1 else {}
    title = _title(results, fanos)
    figure = new_figure(3.6, title)
    panels = figure.subplots(1, 2 if pairs else 1, squeeze=False)[0]
    _draw_fano(panels[0], results, fanos)
    if pairs:
        _draw_correlations(panels[1], results, pairs)
    curve_legend(figure, results, fanos)
    means = [f"{m} {number(held.pooled, 3)}" for m, held in pairs.items()]
    return Drawn(
        figure=figure,
        title=title,
        caption="Variance over mean of counts across trials of a condition; 1 is Poisson, below it firing is "
        "regular, above it gain differs between trials." + (PAIRS_CAPTION if pairs else ""),
        alt=f"{title}. Mean noise correlation: {'; '.join(means) or 'needs two units'}.",
        rule=chosen.rule,
    )


def _draw_fano(axes: Axes, results: SessionResults, fanos: dict[str, Fano]) -> None:
    for model in order_of_drawing(results, fanos):
        held = fanos[model]
        real = model == RECORDING
        axes.plot(
            held.windows_s * 1000,
            held.pooled,
            "o-",
            color=results.colours[model],
            ms=5 if real else 3.5,
            linewidth=3 if real else 1.5,
        )
    zero_line(axes, at=1.0)
    known = np.concatenate([held.pooled[np.isfinite(held.pooled)] for held in fanos.values()])
    if known.max() > WIDE and known.min() > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    log_axis(axes)
    axes.minorticks_off()
    axes.set_xticks(fanos[RECORDING].windows_s * 1000)
    axes.set_xlabel("counting window (ms)")
    axes.set_ylabel("Fano factor")


def _draw_correlations(axes: Axes, results: SessionResults, pairs: dict[str, NoiseCorrelation]) -> None:
    ordered = [RECORDING, *(m for m in results.models if m in pairs)]
    for place, model in enumerate(reversed(ordered)):
        values = pairs[model].correlation
        values = values[np.isfinite(values)]
        if values.size:
            lowest, low, high, highest = np.quantile(values, [0.05, 0.25, 0.75, 0.95])
            colour = results.colours[model]
            axes.plot([lowest, highest], [place, place], color=colour, linewidth=1.2)
            axes.plot([low, high], [place, place], color=colour, linewidth=6, alpha=0.5, solid_capstyle="butt")
            axes.plot(values.mean(), place, "o", color=colour, ms=6, mec="white", mew=0.8)
    zero_line(axes, horizontal=False)
    axes.set_yticks(range(len(ordered)), [shortened(m, 14) for m in reversed(ordered)])
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.set_xlabel("noise correlation of unit pairs")


def _title(results: SessionResults, fanos: dict[str, Fano]) -> str:
    known = np.flatnonzero(np.isfinite(fanos[RECORDING].pooled))[-1]
    values = {model: float(held.pooled[known]) for model, held in fanos.items()}
    window_ms = 1000 * fanos[RECORDING].windows_s[known]
    return (
        f"Real counts in {window_ms:.4g} ms have a Fano factor of {number(values[RECORDING], 2)}"
        f"{told_apart(results, values)}"
    )
