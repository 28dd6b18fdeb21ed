"""What firing much does to firing more: recorded and sampled trains against the PSTH."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from neurodecode.metrics.generative import Adaptation, adaptation
from neurodecode.report.colours import RECORDING
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.figures._curves import (
    LEAST_EXPECTED,
    choose_panels,
    early_ratio,
    ratio_figure,
    sampled_curves,
    told_apart,
)
from neurodecode.report.results import SessionResults
from neurodecode.report.wording import number, plural

HEADING = "Adaptation"
NAMED_EXPECTED = 50.0  # the title names the largest number of recent spikes at which so many more were expected


def draw(results: SessionResults) -> Drawn:
    """Observed over expected spikes against the number of spikes in the last 100 ms."""
    panels = choose_panels(results)
    if results.psth is None:
        return absent(HEADING, "this run has no model called psth, whose rate would be expected")
    if panels is None:
        return absent(HEADING, "no unit of this session fires a spike in the window")
    bin_size_s = results.trials.bin_size_s
    expected_hz = results.predictions[results.psth][:, :, list(panels.units)]

    def curve(counts: np.ndarray, mask: np.ndarray) -> Adaptation:
        return adaptation(counts, mask, bin_size_s, expected_hz)

    curves = sampled_curves(results, panels.units, curve)
    real = curves[RECORDING]
    seen = np.flatnonzero(real.expected.sum(axis=0) >= LEAST_EXPECTED)
    if seen.size < 2:
        return absent(
            HEADING, "the window is too short, or the units too silent, for spikes of the last 100 ms to vary"
        )
    title = _title(results, curves)
    made = ratio_figure(results, panels, curves, real.n_recent[: seen[-1] + 1], title, merge=False)
    last = int(real.n_recent[seen[-1]])
    for axes in made.axes:
        axes.set_xlim(-0.3, last + 0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label = f"spikes in the last {1000 * real.window_s:.3g} ms"
    for axes in made.axes[-2:]:
        axes.set_xlabel(label)
    made.figure.supylabel("rate / rate expected by the PSTH", fontsize=9.5)
    return Drawn(
        figure=made.figure,
        title=title,
        caption="Spikes found after so many others, over those that the PSTH expects in the same bins: falling "
        "curves adapt, rising ones burst or follow a gain that the trials share. Bins within "
        f"{1000 * real.recovery_s:.3g} ms of a spike are left out, where the hazard rules. Shading: 95% counting "
        "error of the recording." + made.said,
        alt=f"Adaptation of recorded and sampled trains relative to the PSTH. {title}.",
        rule=panels.rule,
    )


def _title(results: SessionResults, curves: dict[str, Adaptation]) -> str:
    real = curves[RECORDING]
    named = np.flatnonzero(real.expected.sum(axis=0) >= NAMED_EXPECTED)
    at = int(named[-1]) if named.size else 0
    after = plural(int(real.n_recent[at]), "spike")
    values = {model: early_ratio(curve, np.array([at])) for model, curve in curves.items()}
    return (
        f"After {after} in {1000 * real.window_s:.3g} ms, real units fire {number(values[RECORDING], 2)} times "
        f"the PSTH's rate{told_apart(results, values)}"
    )
