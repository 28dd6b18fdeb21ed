"""The network's few main directions beside the latent trajectories of the spikes themselves."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from neurodecode.dynamics.trajectories import linear_r2
from neurodecode.evaluation.dynamics import PathDynamics
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.dynamics.figures._planes import draw_mean_path, group_colour
from neurodecode.report.dynamics.results import NO_NETWORK, DynamicsResults
from neurodecode.report.style import new_figure, shortened
from neurodecode.report.wording import number

HEADING = "Latent trajectories"


def draw(results: DynamicsResults) -> Drawn:
    """Mean paths of conditions: the network's principal axes left, GPFA right."""
    if results.latents.reason:
        return absent(HEADING, results.latents.reason)
    found = [(model, path) for model, path in results.seen if path == "population"]
    if not found:
        reason = NO_NETWORK if not results.seen else "networks were kept with a cell of each unit alone"
        return absent(HEADING, f"{reason}; there is no state of the population beside which GPFA could stand")
    model = found[0][0]
    one = results.folds(model, "population")[0]
    ours, theirs, condition = _on_one_clock(results, one)
    if not len(condition):
        return absent(HEADING, "no trial is both among those of GPFA and held out of the network's fold")
    share = linear_r2(theirs.reshape(-1, theirs.shape[2]), ours.reshape(-1, ours.shape[2]))
    ratio = results.value(model, "participation_ratio", "population")
    title = (
        f"GPFA's {theirs.shape[2]} latents hold {share:.0%} of {shortened(model)}'s path in its main axes; "
        f"the state fills {number(ratio, 1)} dimensions"
    )
    figure = new_figure(3.9, title)
    left, right = figure.subplots(1, 2)
    _draw_means(left, ours, condition, one.group_names, f"{shortened(model)}: principal axes of hidden activity")
    _draw_means(right, theirs, condition, one.group_names, "GPFA of the same trials")
    left.legend(loc="best", fontsize=7.5)
    return Drawn(
        figure=figure,
        title=title,
        caption="Means over trials of a condition, in 25 stretches of time from the square at the window's start "
        "on. Left: the population cell's hidden activity on trials that "
        "its fold did not see. Right: Gaussian-process factor analysis of the same trials' spikes, "
        "which smooths over time in both directions and saw these trials. The axes of the two are "
        "not the same; the share is the variance of the left that a linear map of the right "
        f"explains, single trials together, bin by bin of {1000 * results.latents.bin_size_s:.3g} ms. Dimensions: "
        "participation ratio.",
        alt=f"Two planes of latent trajectories. {title}.",
        rule="The first network of the first fold in which one was kept, and its trials that GPFA was fitted to.",
    )


def _on_one_clock(results: DynamicsResults, one: PathDynamics) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The network's coordinates in GPFA's bins, GPFA's, and each row's condition, of trials that both have."""
    _, rows, places = np.intersect1d(one.arrays["trial"], results.latents.trial, return_indices=True)
    known = one.arrays["group"][rows] >= 0
    rows, places = rows[known], places[known]
    width = round(results.latents.bin_size_s / results.trials.bin_size_s)
    theirs = results.latents.values[places]
    at = one.arrays["coordinates"][rows].astype(np.float64)
    n_bins = min(theirs.shape[1], at.shape[1] // width)
    ours = at[:, : n_bins * width].reshape(len(rows), n_bins, width, at.shape[2]).mean(axis=2)
    return ours, theirs[:, :n_bins], one.arrays["group"][rows]


def _draw_means(axes: Axes, values: np.ndarray, condition: np.ndarray, names: tuple[str, ...], label: str) -> None:
    for number_, name in enumerate(names):
        mine = values[condition == number_]
        if not len(mine):
            continue
        draw_mean_path(axes, mine.mean(axis=0), group_colour(number_, len(names)), name)
    axes.set_title(label)
    axes.set_xlabel("1st latent (arbitrary units)")
    axes.set_ylabel("2nd latent (arbitrary units)")
