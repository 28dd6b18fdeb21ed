"""What cells reach on sequences whose dependencies are known, and how far back their gradients reach.

    python -m benchmarks.synthetic_tasks fit              (goes on after a stop: rows that are there are left out)
    python -m benchmarks.synthetic_tasks table
    python -m benchmarks.synthetic_tasks figure [NAME ...]

`gait` has a dependency of 300 to 500 steps, asked for at every step after the cue, or in `gait_late` 300 steps
after it for the first time; `emg` has one of some tens (`benchmarks/_synthetic_sequences.py`). A repeat draws
sequences and weights anew. All cells have one setting but for the learning rate, the one of two that validates
better. `fit` appends to `benchmarks/results/synthetic_tasks.csv` and keeps weights in `results_synthetic_tasks/`,
of which `figure` makes docs/figures/NAME.png.
"""

from __future__ import annotations

import argparse
import copy
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from benchmarks._command import run
from benchmarks._flow import gradient_flow
from benchmarks._rows import RESULTS, ROOT, Rows, commit, digest, machine
from benchmarks._synthetic_sequences import TASKS, Sequences, Task, rectified_reference
from neurodecode.data.store import written_whole
from neurodecode.dynamics.gradient_flow import memory_horizon
from neurodecode.nn.cells import cell_type
from neurodecode.nn.decoding_network import DecodingNetwork, Shape
from neurodecode.nn.training import LearningCurve, TrainingPlan, outputs_at_rest, train

log = logging.getLogger("benchmarks.synthetic_tasks")

CELLS = ("rnn", "lstm", "gru", "lstm:chrono", "gru:chrono")
REFERENCE, REFERENCE_LAGS = "rectified, linear", 150
N_SEQUENCES = (200, 50, 200)  # to train on, to choose the epoch by, to test
HIDDEN, N_TRACED = 32, 64  # N_TRACED: test sequences whose gradients are followed back
CPU = torch.device("cpu")
COLUMNS = (
    *("commit", "machine", "task", "model", "settings", "repeat", "r2", "horizon_ms", "horizon_beyond"),
    *("left_fresh", "left_fitted", "learning_rate", "best_epoch", "seconds"),
)
PLAN = TrainingPlan(
    epochs=60,
    batches_per_epoch=10,
    segment_bins=10_000,  # whole sequences: the gradient goes back to the first step
    learning_rate=3e-3,  # one of RATES
    weight_decay=0.0,
    gradient_norm=1.0,
    patience=60,
)
RATES = (3e-3, 1e-3)
SETTINGS = digest(asdict(PLAN), RATES, HIDDEN, N_SEQUENCES)


def parts_of(task: Task, repeat: int) -> tuple[Sequences, Sequences, Sequences]:
    """Sequences to train on, to validate and to test."""
    streams = np.random.SeedSequence([repeat, list(TASKS).index(task.name)]).spawn(len(N_SEQUENCES))
    train_on, validation, test = (
        task.make(n, np.random.default_rng(stream)) for n, stream in zip(N_SEQUENCES, streams, strict=True)
    )
    return train_on, validation, test


def network_of(task: Task, model: str, n_inputs: int, repeat: int) -> DecodingNetwork:
    """Untrained; ``:chrono`` draws gates for times up to the longest of the task."""
    family, _, chrono = model.partition(":")
    chosen = {"chrono_s": task.longest_s} if chrono else {}
    torch.manual_seed(repeat)
    return DecodingNetwork(Shape(cell_type(family)(**chosen), n_inputs, HIDDEN, 1, task.bin_size_s))


def fitted(task: Task, model: str, repeat: int, folder: Path) -> DecodingNetwork:
    """The network whose weights ``fit`` left; FileNotFoundError without them."""
    network = network_of(task, model, 2, repeat)
    network.load_state_dict(load_file(_weights(task, model, repeat, folder)))
    return network.eval()


def untrained(task: Task, model: str, repeat: int, network: DecodingNetwork) -> DecodingNetwork:
    """The cell that ``network`` began from, read out by its weights: those of an untrained network are 0."""
    fresh = network_of(task, model, network.shape.n_inputs, repeat)
    with torch.no_grad():
        fresh.readout.weight.copy_(network.readout.weight)
    return fresh.eval()


def _weights(task: Task, model: str, repeat: int, folder: Path) -> Path:
    return folder / f"{task.name}.{model.replace(':', '_')}.{repeat}.safetensors"


def fit(arguments: argparse.Namespace) -> None:
    """Fit what has no row or no weights yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for repeat in range(arguments.repeats):
        for task in TASKS.values():
            parts = parts_of(task, repeat)
            for model in (*CELLS, *([REFERENCE] if task.name == "emg" else [])):
                key = {"task": task.name, "model": model, "settings": SETTINGS, "repeat": repeat}
                kept = model == REFERENCE or _weights(task, model, repeat, arguments.folder).is_file()
                if kept and rows.has(**key):
                    continue
                found = measured(task, model, repeat, parts, arguments.folder)
                rows.append({"commit": commit(), "machine": machine(), **key, **found})
                log.info("%s, %s, repeat %d: R2 %.3f", task.name, model, repeat, found["r2"])


def measured(
    task: Task, model: str, repeat: int, parts: tuple[Sequences, Sequences, Sequences], folder: Path
) -> dict[str, object]:
    """Fit, keep the weights, score the test sequences."""
    train_on, validation, test = parts
    if model == REFERENCE:
        said = rectified_reference(train_on, validation, test, REFERENCE_LAGS)
        return {**dict.fromkeys(COLUMNS[7:], ""), "r2": test.r2(said, test.judged)}
    fresh = network_of(task, model, test.inputs.shape[2], repeat)
    network, curve, rate = min(
        (trained(copy.deepcopy(fresh), train_on, validation, rate, repeat) for rate in RATES),
        key=lambda tried: tried[1].validation[tried[1].best_epoch],
    )
    with written_whole(_weights(task, model, repeat, folder)) as part:
        save_file(network.state_dict(), part)
    said = outputs_at_rest(network, test.to_decode(), CPU)
    norms = flow_of(network, test)
    horizon = memory_horizon(norms, task.bin_size_s)
    return {
        "r2": test.r2(said, test.judged),
        "horizon_ms": round(1000 * horizon.seconds, 1),
        "horizon_beyond": int(horizon.beyond),
        "left_fresh": float(flow_of(untrained(task, model, repeat, network), test)[-1]),
        "left_fitted": float(norms[-1]),
        "learning_rate": rate,
        "best_epoch": curve.best_epoch,
        "seconds": round(curve.seconds, 1),
    }


def trained(
    network: DecodingNetwork, train_on: Sequences, validation: Sequences, rate: float, repeat: int
) -> tuple[DecodingNetwork, LearningCurve, float]:
    """Trained in place, at one learning rate."""
    plan, rng = replace(PLAN, learning_rate=rate), np.random.default_rng(repeat)
    title = f"{network.shape.cell.name} at {rate:g}"
    return network, train(network, train_on.to_decode(), validation.to_decode(), plan, rng, CPU, title), rate


def flow_of(network: DecodingNetwork, test: Sequences) -> np.ndarray:
    """Gradient of the last step's loss against lag, to the first step but a few."""
    return gradient_flow(
        network, test.inputs[:N_TRACED], test.target[:N_TRACED, -1], n_lags=test.inputs.shape[1] - 1
    )


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown: means over repeats, and ranges."""
    rows = [row for row in Rows(arguments.csv, COLUMNS).read() if row["settings"] == SETTINGS]
    if not rows:
        sys.exit(f"no row of these settings in {arguments.csv}: `fit` first")
    for line in lines(rows):
        print(line)


def lines(rows: list[dict[str, str]]) -> Iterator[str]:
    """One table; of several rows of one repeat the last. Gradients: of the last step's loss.

    Each cell: mean over repeats (of what is left, geometric) [least, most]. ">": in a repeat no less than 1/e was
    left at the first step, so that the horizon lies beyond the sequence, and the mean and the most are bounds.
    """
    yield "| task | model | R2, mean [least, most] | 1/e of it left (ms) | left at the first step | untrained |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for task, model in dict.fromkeys((row["task"], row["model"]) for row in rows):
        latest = {r["repeat"]: r for r in rows if (r["task"], r["model"]) == (task, model)}
        reached = _column(latest, "r2")
        told = f"| {task} | {model} | {np.mean(reached):.3f} [{min(reached):.3f}, {max(reached):.3f}] |"
        if model == REFERENCE:
            yield f"{told} | | |"
            continue
        lefts = (_told_left(_column(latest, name)) for name in ("left_fitted", "left_fresh"))
        yield f"{told} {_told_horizon(latest)} | {' | '.join(lefts)} |"


def _column(latest: dict[str, dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in latest.values()]


def _told_horizon(latest: dict[str, dict[str, str]]) -> str:
    """Repeats that did not see the gradient fall are bounds from below."""
    values = _column(latest, "horizon_ms")
    beyond = [row["horizon_beyond"] == "1" for row in latest.values()]
    largest = max(zip(values, beyond, strict=True))
    least = min(zip(values, beyond, strict=True))
    mean = f"{'>' * any(beyond)}{np.mean(values):.0f}"
    return f"{mean} [{'>' * least[1]}{least[0]:.0f}, {'>' * largest[1]}{largest[0]:.0f}]"


def _told_left(values: list[float]) -> str:
    return f"{np.exp(np.mean(np.log(values))):.0e} [{min(values):.0e}, {max(values):.0e}]"


def figure(arguments: argparse.Namespace) -> None:
    """Draw what is named."""
    from benchmarks._synthetic_figures import FIGURES, FOLDER
    from neurodecode.report.style import drawing, save_figure

    with drawing():
        for name in arguments.names or FIGURES:
            save_figure(FIGURES[name](arguments.folder, arguments.csv), FOLDER / f"{name}.png")
            print(f"{FOLDER / name}.png", flush=True)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description="cells on sequences whose dependencies are known")
    parser.add_argument("command", choices=("fit", "table", "figure"))
    parser.add_argument("names", nargs="*", help="of figure: which (default: all)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--csv", type=Path, default=RESULTS / "synthetic_tasks.csv")
    parser.add_argument("--folder", type=Path, default=ROOT / "results_synthetic_tasks")
    run(parser.parse_args(), {"fit": fit, "table": table, "figure": figure})


if __name__ == "__main__":
    main()
