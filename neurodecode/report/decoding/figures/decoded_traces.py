"""Decoded against true traces."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from neurodecode.metrics.regression import angles, angular_distances, distances, known_bins
from neurodecode.report.colours import FAMILY_COLOURS, RECORDING
from neurodecode.report.decoding.appearance import told
from neurodecode.report.decoding.results import DecodingResults
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.style import model_legend, new_figure, shortened
from neurodecode.report.wording import number

HEADING = "Decoded against true traces"
QUANTILES = (0.25, 0.5, 0.75)
FULL = 0.5  # of the bins of the fullest window that a shown one must have


def draw(results: DecodingResults) -> Drawn:
    """Windows of typical error: the recorded signal, the aggregate decoder and the best of single trials."""
    if results.kind != "signal":
        return absent(HEADING, f"a {results.kind} is decoded, not a signal")
    found = results.comparison
    shown = [d for d in (found.baseline, found.best) if d is not None]
    if not shown:
        return absent(HEADING, "no decoder of this session was scored")
    windows = _windows(results, shown[-1])
    if not windows:
        return absent(HEADING, "no window was decoded")
    title = _title(results, shown)
    n_dims = 1 if results.target.circular else results.target.values.shape[2]
    figure = new_figure(1.4 + max(1.9, 1.5 * n_dims), title)
    panels = figure.subplots(n_dims, len(windows), sharex=True, sharey="row", squeeze=False)
    for column, trial in enumerate(windows):
        for dim in range(n_dims):
            _draw_window(panels[dim, column], results, shown, trial, dim)
        panels[0, column].set_title(f"window {trial + 1}")
        panels[-1, column].set_xlabel("time (s)")
    for dim in range(n_dims):
        name = results.target.name if n_dims == 1 else f"{results.target.name}[{dim}]"
        panels[dim, 0].set_ylabel(f"{shortened(name)} ({results.unit})")
    named = {told(d, results.causal): results.colours[d] for d in shown}
    model_legend(figure, {"recorded": FAMILY_COLOURS[RECORDING], **named})
    return Drawn(
        figure=figure,
        title=title,
        caption=f"The recorded {results.target.name} and what was decoded of it from spikes, by decoders that "
        "were fitted to other windows. Gaps: bins in which it is not decoded.",
        alt=f"Traces of {results.target.name}, recorded and decoded. {title}.",
        rule=f"Held-out windows at the 25th, 50th and 75th percentile of the error of {shown[-1]}, of those with "
        "at least half of the bins of the fullest.",
    )


def _true(results: DecodingResults, bin_size_s: float) -> np.ndarray:
    return results.target.signal(bin_size_s)


def _windows(results: DecodingResults, decoder: str) -> list[int]:
    decoded = results.decoded[decoder]
    true, values = _true(results, decoded.bin_size_s), decoded.of_kind("signal", decoder).astype(float)
    known = known_bins(true) & np.isfinite(values).all(axis=-1) & results.tested[:, None]
    if not known.any():
        return []
    apart = angular_distances(angles(true), angles(values)) if results.target.circular else distances(true, values)
    per_window = known.sum(axis=1)
    full = np.flatnonzero(per_window >= FULL * per_window.max())
    error = np.where(known, apart, 0.0).sum(axis=1)[full] / per_window[full]
    ranked = full[np.argsort(error, kind="stable")]
    return list(dict.fromkeys(int(ranked[round(q * (ranked.size - 1))]) for q in QUANTILES))


def _draw_window(axes: Axes, results: DecodingResults, shown: list[str], trial: int, dim: int) -> None:
    start_s = results.target.trials.window_start_s
    for place, name in enumerate(shown):
        decoded = results.decoded[name]
        true = _true(results, decoded.bin_size_s)[trial]
        values = decoded.of_kind("signal", name)[trial].astype(float)
        times = start_s + (np.arange(len(true)) + 0.5) * decoded.bin_size_s
        if place == len(shown) - 1:
            _trace(axes, times, true, dim, results, FAMILY_COLOURS[RECORDING], 3.2)
        values = np.where(np.isfinite(true).all(axis=-1, keepdims=True), values, np.nan)
        _trace(axes, times, values, dim, results, results.colours[name], 1.5)
    axes.grid(axis="y")


def _trace(
    axes: Axes,
    times: np.ndarray,
    values: np.ndarray,
    dim: int,
    results: DecodingResults,
    colour: str,
    width: float,
) -> None:
    recorded = colour == FAMILY_COLOURS[RECORDING]
    layer: dict[str, Any] = {
        "color": colour,
        "alpha": 0.45 if recorded else 1.0,
        "zorder": 1.5 if recorded else 2.5,
    }
    if results.target.circular:  # a line would cross the panel where the angle wraps
        axes.plot(times, angles(values), ".", ms=2.5 * width, **layer)
    else:
        axes.plot(times, values[:, dim], linewidth=width, **layer)


def _title(results: DecodingResults, shown: list[str]) -> str:
    errors = [
        f"{number(results.scores.get(d, 'median_error').value, 2)} {results.unit} ({told(d, results.causal)})"
        for d in reversed(shown)
    ]
    return f"The decoded {results.target.name} is off by {', '.join(errors)} at the median"
