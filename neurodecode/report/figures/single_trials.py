"""Each model's intensity on a few held-out trials of one unit."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.report.choice import busiest_stretch, shown_trials, shown_unit
from neurodecode.report.colours import ORACLE
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.style import GRID, INK, model_legend, new_figure, shortened, unit_label
from neurodecode.report.wording import plural

HEADING = "Single trials as the models see them"
SPIKES_SHOWN = 12  # the stretch is as long as the unit needs for about so many, where it fires most
STRETCH_BINS = (60, 500)
SPIKE_STRIP = 0.12  # of each panel's height


def draw(results: SessionResults) -> Drawn:
    """Spikes of three held-out trials over every model's intensity, on one shared axis."""
    chosen = shown_unit(results)
    if not chosen.indices:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    unit = chosen.indices[0]
    start, stop = _stretch(results, unit)
    shown = shown_trials(results, unit, start, stop)
    title = _title(results, unit)
    figure = new_figure(1.2 + 1.45 * len(shown.indices), title)
    panels = figure.subplots(len(shown.indices), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, trial in zip(panels, shown.indices, strict=True):
        _draw_trial(axes, results, unit, trial, slice(start, stop))
    _share_axis(panels, results, unit, shown.indices, slice(start, stop))
    figure.supylabel("intensity (spikes/s)", fontsize=9.5)
    panels[-1].set_xlabel("time (s)")
    model_legend(figure, {m: results.colours[m] for m in results.models})
    seconds = (stop - start) * results.trials.bin_size_s
    return Drawn(
        figure=figure,
        title=title,
        caption="Ticks: the trial's spikes. Lines: each model's intensity, predicted from what lies before each "
        "bin by the fold that did not see the trial. Aggregate models draw the same line on each trial.",
        alt=f"Spikes and predicted intensities of {len(shown.indices)} held-out trials of "
        f"{unit_label(results.trials.unit_names[unit])}. {title}.",
        rule=f"{chosen.rule} {shown.rule} The {seconds:.3g} s in which the unit fires most.",
    )


def _stretch(results: SessionResults, unit: int) -> tuple[int, int]:
    trials = results.trials
    first, last = busiest_stretch(results, unit, trials.n_bins * trials.bin_size_s / 8)
    spikes_per_bin = trials.window_counts[:, first:last, unit].mean()
    wanted = SPIKES_SHOWN / max(spikes_per_bin, 1e-9)
    n_bins = int(np.clip(wanted, *STRETCH_BINS))
    return busiest_stretch(results, unit, n_bins * trials.bin_size_s)


def _draw_trial(axes: Axes, results: SessionResults, unit: int, trial: int, bins: slice) -> None:
    times = results.trials.bin_times_s[bins]
    best = results.best
    for model in results.models:
        aggregate = model in results.aggregates
        axes.plot(
            times,
            results.predictions[model][trial, bins, unit],
            color=results.colours[model],
            linewidth=2.8 if model == best else 1.5 if aggregate else 1.1,
            linestyle=(0, (1, 1.2)) if model == ORACLE else "-",
            zorder=4 if model == ORACLE else 2 if aggregate else 2.5 if model == best else 3,
        )
    counts = results.trials.window_counts[trial, bins, unit]
    spikes, n_spikes = times[counts > 0], int(counts.sum())
    top = axes.get_xaxis_transform()
    axes.vlines(spikes, 1 - SPIKE_STRIP, 1, transform=top, color=INK, linewidth=1.4, zorder=5)
    unseen = ~results.scored([unit])[trial, bins, 0]
    axes.fill_between(times, 0, 1, where=unseen, transform=top, color=GRID, step="mid", linewidth=0)
    axes.annotate(
        f"trial {trial}: {plural(n_spikes, 'spike')}",
        (1, 1),
        xycoords="axes fraction",
        xytext=(2, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8.5,
    )


def _share_axis(
    panels: np.ndarray, results: SessionResults, unit: int, trials: tuple[int, ...], bins: slice
) -> None:
    shown = [results.predictions[m][list(trials), bins, unit] for m in results.models]
    highest = max((float(np.nanmax(values)) for values in shown if np.isfinite(values).any()), default=1.0)
    times = results.trials.bin_times_s[bins]
    for axes in panels:
        axes.set_ylim(0, highest * 1.05 / (1 - SPIKE_STRIP))
        axes.set_xlim(times[0] - results.trials.bin_size_s, times[-1] + results.trials.bin_size_s)


def _title(results: SessionResults, unit: int) -> str:
    best, psth = results.best, results.psth
    left = _left_after_spikes(results, unit, best) if best else None
    if best is None or left is None:
        return f"Intensities of {len(results.models)} models on single trials"
    flat = _left_after_spikes(results, unit, psth) if psth and psth != best else None
    against = "" if flat is None else f"; the PSTH expects {flat:.0%}"
    return (
        f"{1000 * results.trials.bin_size_s:.3g} ms after a spike, {shortened(best)} expects {left:.0%} "
        f"of the rate it expected at the spike{against}"
    )


def _left_after_spikes(results: SessionResults, unit: int, model: str) -> float | None:
    """Intensity in the bin after a spike over that in the spike's own bin, summed over all spikes."""
    scored = results.scored([unit])[:, :, 0]
    intensity = np.asarray(results.predictions[model][:, :, unit])
    spikes = (results.trials.window_counts[:, :-1, unit] > 0) & scored[:, :-1] & scored[:, 1:]
    before = float(intensity[:, :-1][spikes].sum())
    return float(intensity[:, 1:][spikes].sum()) / before if before > 0 else None
