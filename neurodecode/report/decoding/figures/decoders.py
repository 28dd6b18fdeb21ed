"""Every decoder of a session beside its aggregate baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from neurodecode.evaluation._class_scores import PRIOR
from neurodecode.report.decoding.appearance import is_likelihood, mark_of, told
from neurodecode.report.decoding.results import DecodingResults
from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.scoretable import Estimate
from neurodecode.report.style import FAINT, INK, new_figure, shortened, zero_line
from neurodecode.report.wording import number, signed, with_interval

HEADING = "Decoders compared"
CHANCE = "#D9D9D9"
PANELS = {"class": ("accuracy", "log_loss"), "signal": ("r2", "median_error"), "value": ("r2", "median_error")}
_HEADROOM = 1.25  # raw losses beyond so many times the largest other one leave the axis


def draw(results: DecodingResults) -> Drawn:
    """Two scores of each decoder with intervals, and of classes what chance and the class prior alone reach."""
    metrics = PANELS[results.kind]
    decoders = [d for d in results.decoders if results.scores.get(d, metrics[0]).known]
    if not decoders:
        return absent(HEADING, "no decoder of this session was scored")
    title = _title(results)
    figure = new_figure(1.5 + 0.4 * len(decoders), title)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, metric in zip(panels, metrics, strict=True):
        for place, name in enumerate(reversed(decoders)):
            _draw_decoder(axes, results, name, metric, place)
        axes.grid(axis="x")
        axes.set_xlabel(_label(results, metric))
    names = [told(name, results.causal, "\n") for name in reversed(decoders)]
    panels[0].set_yticks(range(len(decoders)), names)
    panels[0].set_ylim(-0.6, len(decoders) - 0.4)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    beyond = _references(panels, results, decoders)
    figure.legend(handles=_handles(results, decoders), loc="outside lower center", ncols=3)
    said = "; ".join(
        f"{told(d, results.causal)} {with_interval(results.scores.get(d, metrics[0]))}" for d in decoders
    )
    return Drawn(
        figure=figure,
        title=title,
        caption=_caption(results, beyond),
        alt=f"{_label(results, metrics[0])} with 95% interval by decoder: {said}.",
        rule="All decoders of the session, aggregates first.",
    )


def _draw_decoder(axes: Axes, results: DecodingResults, name: str, metric: str, place: int) -> None:
    colour, estimate = results.colours[name], results.scores.get(name, metric)
    if metric == "accuracy":
        chance, before = results.scores.get(name, "accuracy_null"), results.before.get(name, "accuracy")
        axes.barh(place, chance.high - chance.low, left=chance.low, height=0.62, color=CHANCE, zorder=0.5)
        _draw_interval(axes, before, place - 0.24, FAINT, 1.6)
        axes.plot(before.value, place - 0.24, "D", mfc="white", mec=FAINT, mew=1.2, ms=5)
    if metric == "log_loss":
        axes.plot(results.scores.get(name, "log_loss_raw").value, place, "|", color=colour, ms=13, mew=2.0)
    else:
        folds = np.array([fold.value for fold in results.scores.folds(name, metric)])
        if metric != "accuracy" or not results.before.held:
            axes.plot(folds, np.full(folds.size, place - 0.28), "o", ms=3, mfc="none", mec=colour, mew=0.9)
    _draw_interval(axes, estimate, place, colour, 3.0)
    axes.plot(estimate.value, place, **mark_of(name, results.families, results.causal, colour))


def _draw_interval(axes: Axes, estimate: Estimate, place: float, colour: str, width: float) -> None:
    if estimate.has_interval:
        axes.plot([estimate.low, estimate.high], [place] * 2, color=colour, linewidth=width, solid_capstyle="butt")


def _references(panels: Sequence[Axes], results: DecodingResults, decoders: list[str]) -> list[str]:
    """Lines that decoders must pass; returns those whose raw loss lies beyond the axis."""
    if results.kind != "class":
        zero_line(panels[0], horizontal=False)
        panels[1].set_xlim(left=0)
        return []
    entropy = results.scores.get(PRIOR, "prior_entropy").value
    panels[1].axvline(entropy, color=INK, linewidth=1.2, linestyle=":")
    losses = [results.scores.get(d, "log_loss") for d in decoders]
    most = _HEADROOM * np.nanmax([entropy, *(e.value for e in losses), *(e.high for e in losses)])
    raw = {d: results.scores.get(d, "log_loss_raw").value for d in decoders}
    beyond = [d for d in decoders if raw[d] > most]
    if beyond:
        panels[1].set_xlim(right=most)
    panels[1].set_xlim(left=0)
    for name in beyond:
        panels[1].annotate(
            f"raw {number(raw[name], 2 if raw[name] < 100 else 0)} \N{RIGHTWARDS ARROW}",
            (0.995, len(decoders) - 1 - decoders.index(name) + 0.33),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            fontsize=8,
            color=results.colours[name],
        )
    return beyond


def _label(results: DecodingResults, metric: str) -> str:
    unit = results.unit
    return {
        "accuracy": "accuracy (share of trials, 95% interval)",
        "log_loss": "log loss (nats per trial, 95% interval)",
        "r2": "R2" + (", all dims together" if results.n_dims > 1 else "") + " (95% interval)",
        "median_error": f"median error ({unit}, 95% interval)",
    }[metric]


def _handles(results: DecodingResults, decoders: list[str]) -> list[Any]:
    line: dict[str, Any] = {"linestyle": "none", "color": INK}
    handles: list[Any] = []
    if any(is_likelihood(results.families[d]) for d in decoders):
        handles.append(Line2D([], [], marker="s", ms=7, label="reads a model of spikes", **line))
    if not all(results.causal[d] for d in decoders):
        handles.append(Line2D([], [], marker="o", ms=7, mfc="white", mew=1.8, label="not causal", **line))
    if results.kind != "class":
        handles.append(Line2D([], [], marker="o", ms=4, mfc="none", label="single folds", **line))
        return handles
    handles.append(Patch(color=CHANCE, label="95% of permuted labels"))
    if results.before.held:
        handles.append(
            Line2D(
                [], [], marker="D", ms=5, mfc="white", color=FAINT, linestyle="none", label="before the stimulus"
            )
        )
    handles.append(Line2D([], [], color=INK, linestyle=":", label="entropy of the class prior"))
    if any(results.scores.get(d, "log_loss_raw").known for d in decoders):
        handles.append(Line2D([], [], marker="|", ms=11, mew=2, label="log loss before tempering", **line))
    return handles


def _caption(results: DecodingResults, beyond: list[str]) -> str:
    if results.kind != "class":
        worth = (
            "0: no better than the mean of the fold" if results.kind == "signal" else "0: no better than the mean"
        )
        return (
            f"Out-of-fold trials. R2 is 1 for a perfect read-out ({worth}); the median error is that of a typical "
            f"{'bin' if results.kind == 'signal' else 'trial'}. Lines: 95% bootstrap intervals over "
            f"{'windows' if results.kind == 'signal' else 'trials'}."
        )
    told_ = [
        "Out-of-fold trials, read from the whole window. Left of the dotted line probabilities are worth more "
        "than knowing how frequent each class is. Likelihood decoders are tempered by one exponent, chosen on "
        "validation trials."
    ]
    if results.before.held:
        told_.append(
            "Diamonds: the same decoder on the window before the stimulus; above the grey band it tells drift or "
            "the order of trials, not the stimulus."
        )
    if beyond:
        told_.append(f"Beyond the axis before tempering: {', '.join(beyond)}.")
    return " ".join(told_)


def _title(results: DecodingResults) -> str:
    found = results.comparison
    best, baseline = found.best, found.baseline
    metric = "accuracy" if results.kind == "class" else "r2"
    told_ = "accuracy" if results.kind == "class" else "R2"
    if best is None:
        return f"{HEADING}: {results.target.name}"
    value = number(results.scores.get(best, metric).value, 2)
    reached = f"{shortened(best)} reads {results.target.name} with {told_} {value}"
    if baseline is None:
        return reached
    gain, unit = found.gain(best), " nats of log loss" if results.kind == "class" else " R2"
    against = f"{shortened(baseline)} with {number(results.scores.get(baseline, metric).value, 2)}"
    if found.wins(best):
        return f"{reached}, {against}: a gain of {number(gain.value)}{unit}"
    shown = "it loses" if gain.below_zero else "no gain is shown"
    if gain.above_zero and results.kind == "class":  # the losses differ clearly, and still it is no win
        shown = "not better by both accuracy and log loss"
    return f"{reached}, {against}: {shown} ({signed(gain.value)}{unit})"
