"""Curves of the recording beside those of sampled trains: the panels that the generative figures share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurodecode.metrics.generative import ObservedOverExpected
from neurodecode.report.choice import representative_units
from neurodecode.report.colours import ORACLE, RECORDING
from neurodecode.report.results import SessionResults
from neurodecode.report.style import model_legend, new_figure, shortened, unit_label, zero_line
from neurodecode.report.wording import listed, short

POOLED_UNITS = 30  # curves over more units would not look different, and cost minutes
UNIT_PANELS = 3
LEAST_EXPECTED = 5.0  # spikes: below it a ratio is noise
MERGED_EXPECTED = 12.0
Curve = TypeVar("Curve")


def compared_models(results: SessionResults) -> list[str]:
    """Models whose samples are drawn: the PSTH (else the plainest aggregate), single-trial models, the oracle."""
    sampled = [m for m in results.models if m in results.samples]
    flat = [m for m in sampled if m in results.aggregates]
    kept = results.psth if results.psth in flat else next(iter(flat), None)
    return [m for m in sampled if m not in flat or m == kept]


def sampled_curves(
    results: SessionResults, units: Sequence[int], curve: Callable[[np.ndarray, np.ndarray], Curve]
) -> dict[str, Curve]:
    """``curve(counts, mask)`` of the recording and of each compared model's samples, for some units."""
    mask = results.scored(units)
    curves = {RECORDING: curve(results.counts(units), mask)}
    for model in compared_models(results):
        curves[model] = curve(results.samples[model][:, :, list(units)], mask)
    return curves


@dataclass(frozen=True)
class Panels:
    """Rows of the curves' unit axis that each panel sums: all of them together, then single units."""

    rows: tuple[tuple[int, ...], ...]
    titles: tuple[str, ...]
    units: tuple[int, ...]
    rule: str


def choose_panels(results: SessionResults) -> Panels | None:
    """All units together and a few of them; only the one where there is one. None where no unit spikes."""
    pooled = representative_units(results, POOLED_UNITS)
    names = results.trials.unit_names
    if not pooled.indices:
        return None
    if len(pooled.indices) == 1:
        return Panels(((0,),), (unit_label(names[pooled.indices[0]]),), pooled.indices, "")
    few = representative_units(results, UNIT_PANELS)
    rows = [
        tuple(range(len(pooled.indices))),
        *((pooled.indices.index(u),) for u in few.indices if u in pooled.indices),
    ]
    titles = [f"{len(pooled.indices)} units together"]
    titles += [unit_label(names[u]) for u in few.indices if u in pooled.indices]
    return Panels(tuple(rows), tuple(titles), pooled.indices, f"Together: {pooled.rule} Single units: {few.rule}")


@dataclass(frozen=True, eq=False)
class RatioFigure:
    """A figure of ratios, its panels, and the models whose curves leave it on top."""

    figure: Figure
    axes: list[Axes]
    clipped: tuple[str, ...]

    @property
    def said(self) -> str:
        """The sentence on the curves that leave the figure; empty where there are none."""
        named = listed([shortened(model) for model in self.clipped])
        return f" Off the scale: trains sampled from {named}." if self.clipped else ""


def ratio_figure(
    results: SessionResults,
    panels: Panels,
    curves: Mapping[str, ObservedOverExpected],
    x: np.ndarray,
    title: str,
    *,
    merge: bool,
) -> RatioFigure:
    """Observed over expected against ``x`` in each panel, the recording with its counting error.

    ``x`` may leave out the last groups of the curves.
    ``merge``: join neighbouring groups of a positive ``x`` until each expects enough spikes to be worth drawing.
    The scale is the recording's: samples that run away would flatten everything else.
    """
    figure, axes_of = panel_grid(len(panels.rows), title)
    highest = dict.fromkeys(curves, 0.0)
    for axes, rows, name in zip(axes_of, panels.rows, panels.titles, strict=True):
        starts = _merged_groups(_summed(curves[RECORDING], rows, x.size)[1], merge=merge)
        places = np.exp(np.add.reduceat(np.log(x), starts) / np.diff([*starts, x.size])) if merge else x
        for model in order_of_drawing(results, curves):
            observed, expected = (np.add.reduceat(a, starts) for a in _summed(curves[model], rows, x.size))
            enough = expected >= LEAST_EXPECTED
            ratio = np.divide(observed, expected, out=np.full(starts.size, np.nan), where=enough)
            _draw_curve(axes, results, model, places, ratio)
            highest[model] = max(highest[model], float(np.nanmax(ratio, initial=0.0, where=enough)))
            if model == RECORDING:
                error = 1.96 * np.sqrt(np.maximum(observed, 1)) / np.maximum(expected, 1e-9)
                low, high = np.maximum(ratio - error, 0), ratio + error
                axes.fill_between(places, low, high, color=results.colours[model], alpha=0.15, lw=0)
        zero_line(axes, at=1.0)
        axes.set_title(name)
    top = max(1.1, min(max(highest.values()), 1.8 * max(1.0, highest[RECORDING])) * 1.08)
    axes_of[0].set_ylim(0, top)
    curve_legend(figure, results, curves)
    return RatioFigure(figure, axes_of, tuple(m for m in results.models if highest.get(m, 0.0) > top))


def early_ratio(curve: ObservedOverExpected, groups: np.ndarray) -> float:
    """Observed over expected of some groups, over all units."""
    expected = float(curve.expected[:, groups].sum())
    return float(curve.observed[:, groups].sum()) / expected if expected > 0 else float("nan")


def told_apart(results: SessionResults, values: Mapping[str, float], *, unit: str = "") -> str:
    """``; lstm samples 0.12, psth samples 1.01``, of the best model and the plainest one."""
    plain = next((m for m in compared_models(results) if m in results.aggregates), None)
    named = [m for m in dict.fromkeys([results.best, plain]) if m is not None and m in values]
    told = [f"{shortened(m)} samples {short(values[m])}{unit}" for m in named]
    return f"; {', '.join(told)}" if told else ""


def panel_grid(n_panels: int, title: str) -> tuple[Figure, list[Axes]]:
    """Up to four panels that share their axes, two to a row; below the last two stands nothing."""
    columns = min(2, n_panels)
    rows = -(-n_panels // columns)
    figure = new_figure(1.2 + 2.15 * rows if rows > 1 else 3.6, title)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[n_panels:]:
        axes.set_axis_off()
    for axes in grid[:n_panels][-2:]:
        axes.tick_params(labelbottom=True)  # also where nothing stands below
    return figure, list(grid[:n_panels])


def order_of_drawing(results: SessionResults, curves: Mapping[str, object]) -> list[str]:
    """The recording below, then models from the plainest to the best."""
    best = results.best
    return sorted(curves, key=lambda m: (m != RECORDING, m == ORACLE, m == best))


def curve_legend(figure: Figure, results: SessionResults, curves: Mapping[str, object]) -> None:
    """The recording first, then the models in their order."""
    model_legend(figure, {m: results.colours[m] for m in [RECORDING, *(n for n in results.models if n in curves)]})


def _merged_groups(expected: np.ndarray, *, merge: bool) -> np.ndarray:
    """Where each drawn group starts; with ``merge`` each expects ``MERGED_EXPECTED`` spikes but for the last."""
    if not merge:
        return np.arange(expected.size)
    starts, held = [0], 0.0
    for group, more in enumerate(expected[:-1]):
        held += more
        if held >= MERGED_EXPECTED:
            starts.append(group + 1)
            held = 0.0
    return np.array(starts)


def _draw_curve(axes: Axes, results: SessionResults, model: str, x: np.ndarray, y: np.ndarray) -> None:
    real = model == RECORDING
    axes.plot(
        x,
        y,
        color=results.colours[model],
        linewidth=3.2 if real else 1.5,
        linestyle=(0, (1, 1.2)) if model == ORACLE else "-",
        marker="o" if real and x.size < 15 else "",
        ms=6,
    )


def _summed(curve: ObservedOverExpected, rows: Sequence[int], n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    together = (values[list(rows), :n_groups].sum(axis=0) for values in (curve.observed, curve.expected))
    observed, expected = together
    return observed, expected
