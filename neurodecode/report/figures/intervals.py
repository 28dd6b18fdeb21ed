"""Interspike intervals, recorded and sampled."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.metrics.generative import (
    IsiHistogram,
    interval_counts,
    isi_distance,
    isi_histogram,
    isi_violations,
)
from neurodecode.report.choice import representative_units
from neurodecode.report.colours import ORACLE, RECORDING
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.figures._curves import (
    compared_models,
    curve_legend,
    order_of_drawing,
    panel_grid,
    sampled_curves,
    told_apart,
)
from neurodecode.report.results import SessionResults
from neurodecode.report.style import FAINT, log_axis, shortened, unit_label
from neurodecode.report.wording import number

HEADING = "Interspike intervals"
N_UNITS, N_GROUPS, MAX_S = 4, (12, 36), 1.0
REFRACTORY_MS = 2.0


def draw(results: SessionResults) -> Drawn:
    """Distributions of intervals of a few units on a logarithmic axis."""
    if not results.trials.has_spike_times:
        return absent(
            HEADING, "this recording holds counts, not spike times: intervals between spikes are unknown"
        )
    chosen = representative_units(results, N_UNITS)
    if not chosen.indices:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    bin_size_s = results.trials.bin_size_s

    def curve(counts: np.ndarray, mask: np.ndarray) -> IsiHistogram:
        return isi_histogram(counts, mask, bin_size_s, max_s=MAX_S, n_groups=n_groups)

    n_groups = _groups(results, chosen.indices)
    curves = sampled_curves(results, chosen.indices, curve)
    if not curves[RECORDING].n_intervals.any():
        return absent(HEADING, "no unit fires two spikes within a trial's window, so there are no intervals")
    title, reason = _title(results, chosen.indices)
    figure, axes_of = panel_grid(len(chosen.indices), title)
    for place, (axes, unit) in enumerate(zip(axes_of, chosen.indices, strict=True)):
        for model in order_of_drawing(results, curves):
            _draw_histogram(axes, results, model, curves[model], place)
        axes.set_title(unit_label(results.trials.unit_names[unit]))
    clipped = _share_axes(axes_of, curves[RECORDING], bin_size_s)
    figure.supylabel("share of intervals (% per doubling)", fontsize=9.5)
    curve_legend(figure, results, curves)
    notes = [f"The dotted line marks {REFRACTORY_MS:g} ms." if bin_size_s * 1000 < REFRACTORY_MS else ""]
    notes += [f"Violations are not counted: {reason}." if reason else ""]
    notes += ["Some sampled intervals leave the scale." if clipped else ""]
    return Drawn(
        figure=figure,
        title=title,
        caption="Intervals between neighbouring spikes of a trial: recorded (filled) and in trains sampled from "
        "each model. On this axis equal areas are equal shares of intervals. "
        + " ".join(note for note in notes if note),
        alt=f"Interval distributions of recorded and sampled trains. {title}.",
        rule=chosen.rule,
    )


def _share_axes(axes_of: list[Axes], held: IsiHistogram, bin_size_s: float) -> bool:
    """Scale the panels to the recording; returns whether sampled intervals leave them on top."""
    edges_ms, filled = held.edges_s * 1000, np.flatnonzero(held.n_intervals.any(axis=0))
    for axes in axes_of:
        axes.set_xlim(edges_ms[0] * 0.9, edges_ms[filled[-1] + 1] * 1.2)
        _label(axes, bin_size_s)
    for axes in axes_of[-2:]:
        axes.set_xlabel("interspike interval (ms)")
    drawn, tallest = axes_of[0].get_ylim()[1], float(np.nanmax(100 * held.share / np.diff(np.log2(edges_ms))))
    axes_of[0].set_ylim(0, min(drawn, 1.8 * tallest))
    return drawn > 1.8 * tallest


def _groups(results: SessionResults, units: tuple[int, ...]) -> int:
    """So many that a typical group holds some dozens of a typical unit's intervals."""
    spikes = np.median(results.counts(units).sum(axis=(0, 1), dtype=np.int64))
    return int(np.clip(spikes / 30, *N_GROUPS))


def _draw_histogram(axes: Axes, results: SessionResults, model: str, held: IsiHistogram, row: int) -> None:
    edges_ms = held.edges_s * 1000
    percent = 100 * held.share[row] / np.diff(np.log2(edges_ms))
    if model == RECORDING:
        axes.stairs(percent, edges_ms, fill=True, color=results.colours[model], alpha=0.35, linewidth=0)
    else:
        style = (0, (1, 1.2)) if model == ORACLE else "-"
        width = 2.0 if model == results.best else 1.4
        axes.stairs(
            percent, edges_ms, color=results.colours[model], linewidth=width, linestyle=style, baseline=None
        )


def _label(axes: Axes, bin_size_s: float) -> None:
    log_axis(axes)
    if bin_size_s * 1000 < REFRACTORY_MS:
        axes.axvline(REFRACTORY_MS, color=FAINT, linewidth=1, linestyle=":")


def _title(results: SessionResults, units: tuple[int, ...]) -> tuple[str, str]:
    """The message, and why violations stand in it or not."""
    trials = results.trials
    mask = results.scored(units)
    sources = {RECORDING: results.counts(units)}
    named = [m for m in (results.best, results.psth) if m in compared_models(results)]
    sources |= {m: results.samples[m][:, :, list(units)] for m in named}
    found = {
        m: isi_violations(c, mask, trials.bin_size_s, has_spike_times=trials.has_spike_times)
        for m, c in sources.items()
    }
    reason = found[RECORDING].reason
    if not reason:
        shares = {
            m: 100 * float(np.sum(v.n_violations)) / max(1.0, float(np.sum(v.n_intervals)))
            for m, v in found.items()
            if v.n_violations is not None and v.n_intervals is not None
        }
        below = f"{number(shares[RECORDING], 2)}% of real intervals are below {REFRACTORY_MS:g} ms"
        return f"{below}{told_apart(results, shares, unit='%')}", ""
    real = interval_counts(sources[RECORDING], mask)
    apart = {m: float(np.nanmean(isi_distance(real, interval_counts(sources[m], mask)))) for m in named}
    misses = [f"{shortened(m)}'s by {number(d, 2)}" for m, d in apart.items() if np.isfinite(d)]
    told = f"Sampled intervals miss the real ones: {', '.join(misses)} (KS distance)"
    return told if misses else HEADING, reason
