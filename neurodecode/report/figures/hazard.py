"""What the last spike does to the next: recorded and sampled trains against the PSTH."""

from __future__ import annotations

import numpy as np

from neurodecode.metrics.generative import Hazard, hazard
from neurodecode.report.colours import RECORDING
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.figures._curves import (
    MERGED_EXPECTED,
    choose_panels,
    early_ratio,
    ratio_figure,
    sampled_curves,
    told_apart,
)
from neurodecode.report.results import SessionResults
from neurodecode.report.style import log_axis
from neurodecode.report.wording import number

HEADING = "Hazard after a spike"
EARLY_S = 0.003
MAX_S = 0.2


def draw(results: SessionResults) -> Drawn:
    """Observed over expected spikes against the time since the unit's last spike."""
    panels = choose_panels(results)
    if results.psth is None:
        return absent(HEADING, "this run has no model called psth, whose rate would be expected")
    if panels is None:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    bin_size_s = results.trials.bin_size_s
    expected_hz = results.predictions[results.psth][:, :, list(panels.units)]

    def curve(counts: np.ndarray, mask: np.ndarray) -> Hazard:
        return hazard(counts, mask, bin_size_s, expected_hz, max_s=MAX_S)

    curves = sampled_curves(results, panels.units, curve)
    if curves[RECORDING].expected.sum() < 2 * MERGED_EXPECTED:
        return absent(HEADING, "the units fire too few spikes for a rate after each of them")
    title = _title(results, curves)
    made = ratio_figure(results, panels, curves, curves[RECORDING].times_s * 1000, title, merge=True)
    for axes in made.axes:
        log_axis(axes)
    for axes in made.axes[-2:]:
        axes.set_xlabel("time since last spike (ms)")
    made.figure.supylabel("rate / rate expected by the PSTH", fontsize=9.5)
    return Drawn(
        figure=made.figure,
        title=title,
        caption="Spikes found at each time since the unit's last spike, over those that the PSTH expects in the "
        "same bins: 1 means that the last spike does not matter. Sampled trains are drawn from each model, one "
        "draw of every trial; shading: 95% counting error of the recording." + made.said,
        alt=f"Hazard of recorded and sampled trains relative to the PSTH. {title}.",
        rule=panels.rule,
    )


def _title(results: SessionResults, curves: dict[str, Hazard]) -> str:
    edges_s = curves[RECORDING].edges_s
    early = edges_s[1:] <= max(EARLY_S, edges_s[1]) + results.trials.bin_size_s * 0.51
    until_ms = 1000 * (edges_s[1:][early][-1] - results.trials.bin_size_s / 2)
    values = {model: early_ratio(curve, early) for model, curve in curves.items()}
    return (
        f"Within {until_ms:.3g} ms of a spike, real units fire {number(values[RECORDING], 2)} times the PSTH's "
        f"rate{told_apart(results, values)}"
    )
