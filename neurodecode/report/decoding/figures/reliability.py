"""Whether probabilities of classes mean what they say."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurodecode.metrics.calibration import reliability_curve
from neurodecode.report.decoding.appearance import told
from neurodecode.report.decoding.results import DecodingResults
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.style import FAINT, INK, grid_of, new_figure, shortened
from neurodecode.report.wording import number

HEADING = "Reliability"
COLUMNS = 4
ECE = "expected_calibration_error"


def draw(results: DecodingResults) -> Drawn:
    """Accuracy against confidence, a panel for each decoder; grey: before tempering."""
    if results.kind != "class":
        return absent(HEADING, f"a {results.kind} is decoded, not a class")
    decoders = [d for d in results.decoders if results.scores.get(d, ECE).known]
    if not decoders:
        return absent(HEADING, "no decoder of this session was scored")
    title = _title(results, decoders)
    rows, columns = grid_of(len(decoders), COLUMNS)
    figure = new_figure(1.2 + 2.05 * rows, title)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(panels.ravel(), decoders, strict=False):
        _draw_decoder(axes, results, name)
    for axes in panels.ravel()[len(decoders) :]:
        axes.set_axis_off()
    for axes in panels.ravel()[max(0, len(decoders) - columns) : len(decoders)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("confidence")
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    _legend(figure, tempered=any(results.decoded[d].raw_probabilities is not None for d in decoders))
    said = "; ".join(f"{told(d, results.causal)} {number(results.scores.get(d, ECE).value, 2)}" for d in decoders)
    return Drawn(
        figure=figure,
        title=title,
        caption="Held-out trials sorted by their confidence, the probability of the most probable class, into "
        "tenths: on the diagonal a decoder that is 80% sure is right in 80% of trials; below it, it is too sure "
        "of itself. Crosses: before tempering. Vertical lines: Wilson's 95% interval; areas of dots grow with "
        "trials. ECE: expected calibration error, the mean distance from the diagonal; with few trials it is "
        "above 0 even for honest probabilities.",
        alt=f"Expected calibration error by decoder: {said}.",
    )


def _draw_decoder(axes: Axes, results: DecodingResults, name: str) -> None:
    decoded, codes = results.decoded[name], results.codes[results.tested]
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    raw = decoded.raw_probabilities_of(results.classes, name)
    if raw is not None:
        before = reliability_curve(raw[results.tested], codes)
        axes.plot(before.confidence, before.accuracy, "x", color=FAINT, ms=4.5, mew=1.2)
    curve = reliability_curve(decoded.probabilities_of(results.classes, name)[results.tested], codes)
    colour, seen = results.colours[name], curve.n_trials > 0
    axes.vlines(curve.confidence[seen], curve.low[seen], curve.high[seen], color=colour, linewidth=1.3, alpha=0.7)
    area = 8 + 90 * curve.n_trials[seen] / curve.n_trials.sum()
    face = colour if results.causal[name] else "white"
    axes.scatter(
        curve.confidence[seen], curve.accuracy[seen], s=area, color=face, edgecolor=colour, zorder=3, clip_on=False
    )
    axes.set_title(
        f"{told(name, results.causal)}\nECE {number(results.scores.get(name, ECE).value, 2)}", fontsize=8.5
    )
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.grid()


def _legend(figure: Figure, *, tempered: bool) -> None:
    handles = [Line2D([], [], color=FAINT, linewidth=0.8), Line2D([], [], color=INK, marker="o", linestyle="none")]
    names = ["honest", "probabilities"]
    if tempered:
        handles.append(Line2D([], [], color=FAINT, marker="x", linestyle="none"))
        names = ["honest", "probabilities (of a likelihood: tempered)", "before tempering"]
    figure.legend(handles, names, loc="outside lower center", ncols=3)


def _title(results: DecodingResults, decoders: list[str]) -> str:
    errors = {d: results.scores.get(d, ECE).value for d in decoders}
    best, worst = min(errors, key=lambda d: errors[d]), max(errors, key=lambda d: errors[d])
    if best == worst:
        return f"Confidence of {shortened(best)} is off by {number(errors[best], 2)} on average"
    return (
        f"Confidence is off by {number(errors[best], 2)} ({shortened(best)}) to {number(errors[worst], 2)} "
        f"({shortened(worst)}) on average"
    )
