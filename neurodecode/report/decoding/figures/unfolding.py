"""Accuracy as the trial unfolds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics.classification import accuracy
from neurodecode.report.decoding.appearance import line_of, mark_of, told
from neurodecode.report.decoding.results import DecodingResults
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.style import legend_below, new_figure, shortened
from neurodecode.report.wording import number

HEADING = "Accuracy as the trial unfolds"
CHANCE = "#D9D9D9"
N_TIMES = 80  # more is not seen
N_PERMUTATIONS = 400


def draw(results: DecodingResults) -> Drawn:
    """Accuracy after each bin, a line for each decoder that says so, over the band of permuted labels."""
    if results.kind != "class":
        return absent(HEADING, f"a {results.kind} is decoded, not a class")
    curves = {d: _curve(results, d) for d in results.decoders if _unfolds(results, d)}
    if not curves:
        return absent(HEADING, "no decoder of this session says in every bin what the trial so far tells")
    once = [d for d in results.decoders if d not in curves and results.scores.get(d, "accuracy").known]
    title = _title(results, curves)
    figure = new_figure(4.4, title)
    axes = figure.add_subplot()
    _draw_chance(axes, curves)
    for name, (times, share, _, _) in curves.items():
        axes.plot(times, share, color=results.colours[name], linestyle=line_of(results.families[name]))
    _draw_once(axes, results, once)
    axes.set_ylim(0, 1.02)
    axes.grid(axis="y")
    axes.set_xlabel("end of what is known of the trial (s, from the event that trials are aligned to)")
    axes.set_ylabel("accuracy (share of trials)")
    _legend(figure, results, [*curves], once)
    return Drawn(
        figure=figure,
        title=title,
        caption="Share of held-out trials whose most probable class is the true one, knowing the trial up to each "
        "time. Dashed: read from a model of spikes by Bayes' rule. Marks at the right edge: decoders that decide "
        "once, from the whole window. Grey: middle 95% of accuracies when labels are permuted within folds, at "
        "each time the widest over decoders; not corrected for looking at many times.",
        alt=f"Accuracy against time. {title}.",
        rule="All decoders that say after every bin what they know, and are causal.",
    )


def _unfolds(results: DecodingResults, name: str) -> bool:
    return results.decoded[name].bin_probabilities is not None and results.causal[name]


Curve = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _curve(results: DecodingResults, name: str) -> Curve:
    """Times (s), accuracy, and bounds of chance."""
    decoded, trials = results.decoded[name], results.target.trials
    probabilities = decoded.bin_probabilities_of(results.classes, name)[results.tested]
    n_bins = probabilities.shape[1]
    shown = np.unique(np.linspace(0, n_bins - 1, min(n_bins, N_TIMES)).round().astype(int))
    times = trials.window_start_s + (shown + 1) * decoded.bin_size_s
    codes, fold = results.codes[results.tested], results.fold[results.tested]
    guessed = probabilities[:, shown].argmax(axis=-1)
    rng = np.random.default_rng(seed_sequence(results.seed, results.session, name, "unfolding"))
    low, high = chance_band(guessed, codes, fold, rng)
    return times, accuracy(probabilities[:, shown], codes), low, high


def chance_band(
    guessed: np.ndarray, codes: np.ndarray, fold: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds (times,) of the middle 95 percent of accuracies under labels permuted within folds.

    guessed: (trials, times) decoded classes. codes: (trials,) true ones. As ``metrics.permutation_null``, for many
    times at once.
    """
    labels = np.broadcast_to(codes, (N_PERMUTATIONS, codes.size)).copy()
    for one in np.unique(fold):
        members = np.flatnonzero(fold == one)
        labels[:, members] = rng.permuted(labels[:, members], axis=1)
    null = np.stack([(labels == guessed[:, time]).mean(axis=1) for time in range(guessed.shape[1])])
    low, high = np.quantile(null, [0.025, 0.975], axis=1)
    return low, high


def _draw_chance(axes: Axes, curves: dict[str, Curve]) -> None:
    times = np.unique(np.concatenate([curve[0] for curve in curves.values()]))
    lows = [np.interp(times, t, low) for t, _, low, _ in curves.values()]
    highs = [np.interp(times, t, high) for t, _, _, high in curves.values()]
    axes.fill_between(times, np.min(lows, axis=0), np.max(highs, axis=0), color=CHANCE, linewidth=0, zorder=0.5)


def _draw_once(axes: Axes, results: DecodingResults, once: list[str]) -> None:
    start, stop = axes.get_xlim()
    step = 0.022 * (stop - start)
    for place, name in enumerate(once, start=1):
        estimate, x, colour = results.scores.get(name, "accuracy"), stop + place * step, results.colours[name]
        axes.plot([x, x], [estimate.low, estimate.high], color=colour, linewidth=2.0, solid_capstyle="butt")
        axes.plot(x, estimate.value, **mark_of(name, results.families, results.causal, colour))
    if once:
        axes.set_xlim(start, stop + (len(once) + 1) * step)


def _legend(figure: Figure, results: DecodingResults, lines: list[str], once: list[str]) -> None:
    handles = [
        Line2D([], [], color=results.colours[d], linestyle=line_of(results.families[d]), linewidth=2.2)
        for d in lines
    ]
    handles += [Line2D([], [], **mark_of(d, results.families, results.causal, results.colours[d])) for d in once]
    names = [*(shortened(d) for d in lines), *(told(d, results.causal) for d in once), "95% of permuted labels"]
    legend_below(figure, [*handles, Patch(color=CHANCE)], names, handlelength=2.6)


def _title(results: DecodingResults, curves: dict[str, Curve]) -> str:
    """When the best of the drawn decoders first stands above chance for good, or that it never does."""
    name = max(curves, key=lambda d: curves[d][1][-1])
    times, share, _, high = curves[name]
    above = share > high
    if not above[-1]:
        return f"At the end of the window {shortened(name)} stands within chance ({number(share[-1], 2)})"
    inside = np.flatnonzero(~above)
    if inside.size == 0:
        return f"{shortened(name)} stands above chance from the first bin on and ends at {number(share[-1], 2)}"
    left = f"{shortened(name)} leaves chance for good by {number(times[inside[-1] + 1], 2)} s"
    return f"{left} and ends at an accuracy of {number(share[-1], 2)}"
