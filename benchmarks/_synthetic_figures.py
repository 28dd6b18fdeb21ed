"""Figures of `benchmarks.synthetic_tasks`: what cells reach, how far their gradients do, what a step keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks._cell_lines import cell_line
from benchmarks._flow import singular_values
from benchmarks._rows import Rows
from benchmarks._synthetic_sequences import TASKS, Sequences, Task
from benchmarks.synthetic_tasks import (
    CELLS,
    COLUMNS,
    CPU,
    REFERENCE,
    SETTINGS,
    fitted,
    flow_of,
    network_of,
    parts_of,
    untrained,
)
from neurodecode.dynamics.gradient_flow import fitted_discount
from neurodecode.nn.decoding_network import DecodingNetwork
from neurodecode.nn.training import outputs_at_rest
from neurodecode.report.style import FAINT, INK, log_axis, log_ordinate, new_figure

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "figures"
NO_CUE = 0.3**2 / (1 + 0.3**2)  # R2 of the part of a limb's angle that both gaits share
N_ROWS = 8  # sequences whose Jacobians are multiplied
SINCE = np.arange(0, 500, 50)  # steps since the cue
TOLD = {"gait": "gait", "gait_late": "gait, asked late", "emg": "EMG"}
TARGETS = {"gait": "the limb's angle", "gait_late": "the limb's angle", "emg": "the torque"}
Fits = Mapping[str, list[DecodingNetwork]]


def synthetic_tasks(folder: Path, csv: Path) -> Figure:
    """Each task: what cells reach, and the gradient of the last step's loss before and after learning."""
    title = "LSTM and GRU hold a cue for seconds; asked for it late alone, only if their gates start open"
    figure = new_figure(8.4, title)
    axes = figure.subplots(3, 3)
    rows = Rows(csv, COLUMNS).read()
    for (reached, before, after), task in zip(axes, TASKS.values(), strict=True):
        fits, tests = _fits(task, folder)
        if task.name == "gait":
            _since_the_cue(reached, fits, tests)
        else:
            _by_cell(reached, rows, task.name)
        fresh = {model: [untrained(task, model, n, net) for n, net in enumerate(fits[model])] for model in CELLS}
        for panel, networks, told in ((before, fresh, "untrained"), (after, fits, "fitted")):
            _gradients(panel, task, networks, tests)
            panel.set_title(f"{told}, {TOLD[task.name]}")
        before.set_ylabel("size of d loss(t) / d h(t - k),\nover that of k = 1")
    handles = [Line2D([], [], label=model.replace(":", ", "), markersize=5, **_line(model)) for model in CELLS]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(CELLS), handlelength=3.0)
    return figure


def discounts(folder: Path, csv: Path) -> Figure:
    """What products of Jacobians keep, of fresh and of fitted cells, and the discount gamma^k that fits best."""
    del csv
    task, models = TASKS["gait"], ("rnn", "lstm", "gru")
    inputs = parts_of(task, 0)[2].inputs[:N_ROWS]
    lags = np.unique(np.geomspace(1, 400, 24).round().astype(int)).tolist()
    figure = new_figure(
        3.6, "What is left of a change of the state falls like a discount, before and after learning"
    )
    for panel, model in zip(figure.subplots(1, 3, sharey=True), models, strict=True):
        fresh = network_of(task, model, 2, 0)
        colour = _line(model)["color"]
        for network, shade, label in ((fresh, FAINT, "fresh"), (fitted(task, model, 0, folder), colour, "fitted")):
            found = singular_values(network.cell, inputs, lags)
            largest, middle = found[:, 0], np.median(found, axis=1)
            gamma = fitted_discount(lags, largest)
            panel.plot(lags, largest, color=shade, label=f"{label}, gamma = {gamma.gamma:.3f}")
            panel.plot(lags, middle, color=shade, linewidth=0.9, linestyle="--")
            panel.plot(lags, largest[0] * gamma.gamma ** (np.array(lags) - 1.0), color=shade, linestyle=":")
        log_ordinate(panel)
        panel.set_ylim(1e-10, 1e5)
        panel.set_title(model)
        panel.set_xlabel("lag k (steps of 10 ms)")
        panel.legend(loc="upper right")
    figure.axes[0].set_ylabel("singular value of d h(t) / d h(t - k)")
    styles = (("largest", "-"), ("median", "--"), ("discount fitted to the largest", ":"))
    handles = [Line2D([], [], color=INK, linestyle=style, label=label) for label, style in styles]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _fits(task: Task, folder: Path) -> tuple[Fits, list[Sequences]]:
    """The networks of each model, one a repeat, and the test sequences of each repeat."""
    found: dict[str, list[DecodingNetwork]] = {model: [] for model in CELLS}
    tests = []
    for repeat in count():
        try:
            each = {model: fitted(task, model, repeat, folder) for model in CELLS}
        except FileNotFoundError:
            break
        tests.append(parts_of(task, repeat)[2])
        for model, network in each.items():
            found[model].append(network)
    if not tests:
        raise FileNotFoundError(f"no fitted networks in {folder}: `fit` first")
    return found, tests


def _line(model: str) -> dict[str, Any]:
    """A family's colour and mark; dashed and hollow with gates drawn for long times."""
    family, _, chrono = model.partition(":")
    line = cell_line(family)
    return line | ({"linestyle": "--", "markerfacecolor": "white"} if chrono else {"linestyle": "-"})


def _since_the_cue(axes: Axes, fits: Fits, tests: Sequence[Sequences]) -> None:
    width = int(SINCE[1] - SINCE[0])
    for place, (model, networks) in enumerate(fits.items()):
        curves = []
        for network, test in zip(networks, tests, strict=True):
            said = outputs_at_rest(network, test.to_decode(), CPU)
            windows = [(test.since >= first) & (test.since < first + width) for first in SINCE]
            curves.append([test.r2(said, where) for where in windows if where.any()])
        seconds = TASKS["gait"].bin_size_s * (SINCE[: len(curves[0])] + width / 2)
        aside = 0.07 * (place - (len(fits) - 1) / 2)  # seconds: marks of lines that meet stay seen
        axes.plot(seconds + aside, np.mean(curves, axis=0), markersize=4, linewidth=1.0, **_line(model))
    axes.axhline(NO_CUE, color=FAINT, linewidth=0.8, linestyle=":")
    axes.annotate(
        "without the cue", (4.8, NO_CUE), xytext=(0, 3), textcoords="offset points", ha="right", color=FAINT
    )
    axes.set_ylim(-0.02, 1.08)
    axes.set_xlabel("time since the cue (s)")
    axes.set_ylabel(f"R² of {TARGETS['gait']}")
    axes.set_title(TOLD["gait"])


def _by_cell(axes: Axes, rows: Sequence[dict[str, str]], task: str) -> None:
    reached = {
        model: [float(r["r2"]) for r in rows if (r["task"], r["model"], r["settings"]) == (task, model, SETTINGS)]
        for model in (*CELLS, REFERENCE)
    }
    for place, model in enumerate(CELLS):
        line = _line(model) | {"linestyle": "", "markeredgewidth": 1.4}
        axes.plot([place] * len(reached[model]), reached[model], clip_on=False, **line)
    level, told = (NO_CUE, "without the cue")
    if reached[REFERENCE]:
        level, told = float(np.mean(reached[REFERENCE])), "linear, of 150 ms rectified"
    axes.axhline(level, color=FAINT, linewidth=0.8, linestyle=":")
    axes.annotate(told, (4.1, level), xytext=(0, 6), textcoords="offset points", ha="right", color=FAINT)
    axes.set_xticks(range(len(CELLS)), [model.replace(":", "\n") for model in CELLS])
    axes.set_ylim(-0.02, 1.15)  # room for the words above the line
    axes.set_ylabel(f"R² of {TARGETS[task]}")
    axes.set_title(TOLD[task])


def _gradients(axes: Axes, task: Task, fits: Fits, tests: Sequence[Sequences]) -> None:
    for place, (model, networks) in enumerate(fits.items()):
        norms = np.array([flow_of(network, test) for network, test in zip(networks, tests, strict=True)])
        lag_ms = 1000 * task.bin_size_s * np.arange(1, norms.shape[1] + 1)
        sparse = {"markersize": 4, "markevery": (0.04 + 0.05 * place, 0.3)}  # shares of the axes' diagonal
        axes.plot(lag_ms, np.exp(np.log(np.maximum(norms, 1e-300)).mean(axis=0)), **sparse, **_line(model))
    log_axis(axes)
    log_ordinate(axes)
    axes.set_ylim(1e-9, 20)
    axes.grid()
    axes.set_xlabel("lag k (ms)")


FIGURES: dict[str, Callable[[Path, Path], Figure]] = {"synthetic_tasks": synthetic_tasks, "discounts": discounts}
