"""What the recording is worth: rates, intervals within the refractory period, drift over trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurodecode.report.colours import RECORDING
from neurodecode.report.drawn import Drawn
from neurodecode.report.quality_table import DRIFT_P, drifting_units
from neurodecode.report.results import SessionResults
from neurodecode.report.style import new_figure
from neurodecode.report.wording import number, plural

HEADING = "Data quality"
LIGHT, DARK = "#9AA5AE", "#33414C"
TREND_TRIALS = 10  # a point of the trend averages a tenth of the session


def draw(results: SessionResults) -> Drawn:
    """Rate and short intervals of each unit, and the population's rate from trial to trial."""
    units = results.quality.get("units", [])
    rates = _rates(results)
    title = _title(results, units, rates)
    figure = new_figure(3.9, title)
    order = np.argsort(-rates, kind="stable")
    intervals_known = any(unit.get("isi_below_2ms_fraction") is not None for unit in units)
    n_rows = 2 if intervals_known else 1
    grid = figure.add_gridspec(n_rows, 2, width_ratios=[1.25, 1])
    panels = [figure.add_subplot(grid[row, 0]) for row in range(n_rows)]
    _draw_rates(panels[0], rates[order])
    if intervals_known:
        _draw_intervals(panels[1], units, results.trials.unit_names, order)
    panels[-1].set_xlabel(f"units, from the highest rate ({rates.size})")
    _draw_drift(figure.add_subplot(grid[:, 1]), results)
    reason = results.quality.get("isi_reason") or ("" if intervals_known else "no intervals were recorded")
    return Drawn(
        figure=figure,
        title=title,
        caption="Top left: each unit's rate in the window. Bottom left: its intervals below 1 and 2 ms in the "
        "whole recording; many of them say that a unit holds several neurons. Right: mean rate of all units in "
        "each trial, and its average over neighbouring trials; a trend is drift, which a PSTH cannot follow."
        + (f" Intervals are not shown: {reason}." if not intervals_known else ""),
        alt=f"{title}. Rates from {number(rates.min(), 2)} to {number(rates.max(), 2)} spikes/s.",
        rule=f"Drift of a unit: Spearman correlation of rate and trial, p < {DRIFT_P:g}." if units else "",
    )


def _rates(results: SessionResults) -> np.ndarray:
    trials = results.trials
    observed = trials.window_mask.sum(axis=(0, 1)) * trials.bin_size_s
    return np.asarray(
        trials.window_counts.sum(axis=(0, 1), dtype=np.int64) / np.maximum(observed, trials.bin_size_s)
    )


def _draw_rates(axes: Axes, rates: np.ndarray) -> None:
    axes.bar(np.arange(rates.size), rates, width=0.85, color=LIGHT)
    axes.set_ylabel("rate (spikes/s)")
    axes.set_xticks([])
    axes.set_xlim(-0.7, rates.size - 0.3)


def _draw_intervals(axes: Axes, units: list[Mapping[str, Any]], names: tuple[str, ...], order: np.ndarray) -> None:
    by_name = {str(unit["unit"]): unit for unit in units}
    for limit, colour, size in (("isi_below_2ms", LIGHT, 7.0), ("isi_below_1ms", DARK, 4.0)):
        found = [by_name.get(names[unit], {}).get(f"{limit}_fraction") for unit in order]
        percent = np.array([np.nan if value is None else 100 * value for value in found])
        label = f"< {limit[-3]} ms"
        axes.plot(
            np.arange(order.size),
            percent,
            "o",
            color=colour,
            ms=size if order.size <= 40 else size / 2,
            label=label,
        )
    axes.set_ylabel("intervals (%)")
    highest = max([0.1, *(share for line in axes.lines for share in np.nan_to_num(line.get_ydata()))])
    axes.set_ylim(-0.08 * highest, 1.15 * highest)
    axes.set_xlim(-0.7, order.size - 0.3)
    axes.set_xticks([])
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.22), ncols=2, handletextpad=0.1)


def _draw_drift(axes: Axes, results: SessionResults) -> None:
    rate = _population_rate(results)
    place = np.arange(1, rate.size + 1)
    axes.plot(place, rate, "o", ms=3, color=LIGHT, alpha=0.8, mec="none")
    reach = max(1, rate.size // (2 * TREND_TRIALS))
    trend = [np.nanmean(rate[max(0, i - reach) : i + reach + 1]) for i in range(rate.size)]
    axes.plot(place, trend, color=results.colours[RECORDING], linewidth=2.2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("trial, in order of recording")
    axes.set_ylabel("mean rate of units (spikes/s)")
    axes.set_title("drift over the session")


def _population_rate(results: SessionResults) -> np.ndarray:
    """Mean over units of each trial's rate, in order of recording; trials that were not observed are NaN."""
    trials = results.trials
    seconds = (
        trials.window_mask.sum(axis=(1, 2)) * trials.bin_size_s * (trials.n_units / trials.window_mask.shape[2])
    )
    spikes = trials.window_counts.sum(axis=(1, 2), dtype=np.int64)
    rate = np.divide(spikes, seconds, out=np.full(spikes.shape, np.nan), where=seconds > 0)
    return np.asarray(rate[np.argsort(trials.t0_s, kind="stable")])


def _title(results: SessionResults, units: list[Mapping[str, Any]], rates: np.ndarray) -> str:
    told = [f"{plural(rates.size, 'unit')} at {number(float(np.median(rates)), 1)} spikes/s (median)"]
    shares = [u["isi_below_2ms_fraction"] for u in units if u.get("isi_below_2ms_fraction") is not None]
    if shares:
        told.append(f"{number(100 * float(np.median(shares)), 2)}% of intervals below 2 ms")
    if units:
        told.append(f"{len(drifting_units(units)) or 'none'} drifting over the session")
    return ", ".join(told)
