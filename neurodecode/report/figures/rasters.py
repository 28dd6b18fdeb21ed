"""Every trial of one unit, and the averages that models make of them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.evaluation.comparison import BITS, GAIN
from neurodecode.report.choice import shown_unit
from neurodecode.report.colours import RECORDING
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.style import GRID, INK, model_legend, new_figure, shortened, unit_label
from neurodecode.report.wording import number, signed

HEADING = "Rasters and averages"
N_CONDITIONS, N_TRIALS = 3, 60
AVERAGE_BINS = 40  # bars of the recorded average over the window


def draw(results: SessionResults) -> Drawn:
    """One unit's raster in up to three conditions, over the recorded and the predicted averages."""
    chosen = shown_unit(results)
    if not chosen.indices:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    unit = chosen.indices[0]
    conditions, rule = _conditions(results, unit)
    averaged = [m for m in dict.fromkeys([results.psth, results.best]) if m is not None]
    title = _title(results, unit)
    figure = new_figure(4.9, title)
    panels = figure.subplots(
        2, len(conditions), sharex=True, sharey="row", squeeze=False, gridspec_kw={"height_ratios": [3, 2]}
    )
    thinned = False
    for column, condition in enumerate(conditions):
        trials = np.flatnonzero(results.trials.condition == condition)
        thinned |= trials.size > N_TRIALS
        _raster(panels[0, column], results, unit, trials)
        _averages(panels[1, column], results, unit, trials, averaged)
        panels[1, column].set_xlabel("time (s)")
        if results.trials.n_conditions > 1:
            name = shortened(results.trials.condition_names[condition])
            panels[0, column].set_title(f"{name} ({trials.size} trials)")
    panels[0, 0].set_ylabel("trial")
    panels[1, 0].set_ylabel("rate (spikes/s)")
    panels[1, 0].set_ylim(bottom=0)
    model_legend(figure, {m: results.colours[m] for m in [RECORDING, *averaged]})
    few = f" At most {N_TRIALS} trials a condition, evenly spaced, are drawn." if thinned else ""
    return Drawn(
        figure=figure,
        title=title,
        caption="Ticks: spikes, one row a trial in order of recording; shaded: not recorded. Below: the recorded "
        "average over trials (filled) and the averages of what models predict for the same held-out trials.",
        alt=f"Spike raster of {unit_label(results.trials.unit_names[unit])} above its average rate. {title}.",
        rule=f"{chosen.rule}{rule}{few}".strip(),
    )


def _conditions(results: SessionResults, unit: int) -> tuple[list[int], str]:
    trials = results.trials
    present = np.unique(trials.condition)
    if present.size <= N_CONDITIONS:
        return [int(c) for c in present], ""
    spikes = trials.window_counts[:, :, unit].sum(axis=1, dtype=np.int64)
    means = np.array([spikes[trials.condition == c].mean() for c in present])
    ranked = present[np.argsort(-means, kind="stable")]
    chosen = [int(ranked[0]), int(ranked[ranked.size // 2]), int(ranked[-1])]
    return chosen, f" Of {present.size} conditions those in which it fires most, in the middle, and least."


def _raster(axes: Axes, results: SessionResults, unit: int, trials: np.ndarray) -> None:
    if trials.size > N_TRIALS:
        trials = trials[np.linspace(0, trials.size - 1, N_TRIALS).round().astype(int)]
    times = results.trials.bin_times_s
    counts = results.trials.window_counts[trials, :, unit]
    busiest = results.trials.window_counts[:, :, unit].sum(axis=1, dtype=np.int64).max()
    width = float(np.clip(70 / max(busiest, 1), 0.35, 1.0))  # ticks of busy units must not run together
    axes.eventplot([times[row > 0] for row in counts], colors=INK, linelengths=0.8, linewidths=width)
    mask = results.trials.window_mask[trials]
    seen = mask[:, :, unit if mask.shape[2] > 1 else 0]
    for row in np.flatnonzero(~seen.all(axis=1)):
        axes.fill_between(times, row - 0.5, row + 0.5, where=~seen[row], color=GRID, step="mid", linewidth=0)
    axes.set_ylim(trials.size - 0.4, -0.6)
    axes.set_xlim(times[0] - results.trials.bin_size_s, times[-1] + results.trials.bin_size_s)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _averages(axes: Axes, results: SessionResults, unit: int, trials: np.ndarray, models: list[str]) -> None:
    """Means over trials and over the bins of each bar: what is recorded and what is predicted in the same bins."""
    times, bin_size_s = results.trials.bin_times_s, results.trials.bin_size_s
    scored = results.scored([unit])[trials, :, 0]
    starts = np.arange(0, times.size, max(1, times.size // AVERAGE_BINS))
    weight = np.add.reduceat(scored.sum(axis=0), starts)

    def averaged(rate_hz: np.ndarray) -> np.ndarray:
        total = np.add.reduceat(np.where(scored, rate_hz, 0.0).sum(axis=0), starts)
        return np.asarray(np.divide(total, weight, out=np.full(starts.size, np.nan), where=weight > 0))

    recorded = averaged(results.trials.window_counts[trials, :, unit] / bin_size_s)
    edges = times[0] - bin_size_s / 2 + bin_size_s * np.r_[starts, times.size]
    axes.stairs(recorded, edges, fill=True, color=results.colours[RECORDING], alpha=0.28, linewidth=0)
    for model, width in zip(models, (3.4, 1.5), strict=False):
        predicted = averaged(results.predictions[model][trials, :, unit])
        axes.plot((edges[:-1] + edges[1:]) / 2, predicted, color=results.colours[model], linewidth=width)


def _title(results: SessionResults, unit: int) -> str:
    name = results.trials.unit_names[unit]
    psth, best = results.psth, results.best
    told = results.scores.get(psth, BITS, unit=name) if psth else None
    gain = results.scores.get(best, GAIN, unit=name) if best else None
    label = unit_label(name)
    start = label[0].upper() + label[1:]
    if told is not None and gain is not None and told.known and gain.known:
        return (
            f"{start}: the PSTH tells {number(told.value)} bits/spike, {shortened(best or '')} "
            f"on single trials {signed(gain.value)}"
        )
    counts = results.trials.window_counts[:, :, unit]
    seconds = float(
        np.broadcast_to(results.trials.window_mask, results.trials.window_counts.shape)[:, :, unit].sum()
    )
    return f"{start} fires {number(counts.sum() / (seconds * results.trials.bin_size_s), 1)} spikes/s"
