"""The bidirectional shortcut: recall of the first token of a sequence, read forward or from both ends.

    python -m benchmarks.recall fit              (goes on after a stop: rows that are there are left out)
    python -m benchmarks.recall table
    python -m benchmarks.recall figure

A sequence holds tokens at random; its class is the first. Networks answer once, from the state in which each of
their cells ends. That of a forward cell is as many steps from the first token as the sequence is long; a second
cell that runs from the last token to the first (Schuster & Paliwal 1997, IEEE Trans Signal Process 45:2673) ends
right on it. `chrono`: gates drawn for times up to the length. `fit` appends to `benchmarks/results/recall.csv`,
`figure` makes `docs/figures/recall.png`.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from benchmarks._cell_lines import cell_line
from benchmarks._command import run
from benchmarks._rows import RESULTS, ROOT, Rows, commit, digest, machine
from neurodecode.nn.cells import cell_type
from neurodecode.nn.decoding_sequences import DecodingSequences
from neurodecode.nn.training import TrainingPlan, outputs_at_rest, train
from neurodecode.report.style import FAINT, drawing, log_axis, log_ordinate, new_figure, save_figure

log = logging.getLogger("benchmarks.recall")

N_TOKENS, HIDDEN = 4, 32
N_SEQUENCES = (400, 100, 400)  # to train on, to choose the epoch by, to test
LENGTHS, SHOWN = (10, 30, 100, 300), 100  # SHOWN: length whose gradients are drawn
READERS = (
    *((cell, direction) for cell in ("rnn", "lstm", "gru") for direction in ("forward", "both")),
    ("lstm:chrono", "forward"),
    ("gru:chrono", "forward"),
)
CPU = torch.device("cpu")
COLUMNS = (
    *("commit", "machine", "cell", "direction", "length", "settings", "repeat", "accuracy"),
    *("first_over_last", "gradients", "best_epoch"),
)
PLAN = TrainingPlan(
    epochs=20,
    batches_per_epoch=16,
    segment_bins=10_000,  # whole sequences
    learning_rate=3e-3,
    weight_decay=0.0,
    gradient_norm=1.0,
    patience=20,
)
SETTINGS = digest(asdict(PLAN), HIDDEN, N_SEQUENCES, N_TOKENS)


class Reader(torch.nn.Module):
    """Log odds of the first token, from the last state of a cell, or of two that run against each other."""

    def __init__(self, cell: str, length: int, *, both: bool) -> None:
        super().__init__()
        family, _, chrono = cell.partition(":")
        kind = cell_type(family)(**({"chrono_s": float(length)} if chrono else {}))
        self.cell = kind.build(N_TOKENS, HIDDEN, 1.0)  # a step is a second
        self.back = kind.build(N_TOKENS, HIDDEN, 1.0) if both else None
        self.readout = torch.nn.Linear(HIDDEN * (1 + both), N_TOKENS)

    def forward(
        self, inputs: torch.Tensor, offset: torch.Tensor, state: Any = None, units: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Any]:
        """inputs (batch, steps, tokens), offset (batch, 1, tokens): the answer (batch, 1, tokens)."""
        ends = [self.cell(inputs)[0][:, -1]]
        if self.back is not None:
            ends.append(self.back(inputs.flip(1))[0][:, -1])
        return offset + self.readout(torch.cat(ends, dim=1))[:, None], None


def sequences(
    n_sequences: int, length: int, rng: np.random.Generator
) -> tuple[DecodingSequences, Int[np.ndarray, " sequences"]]:
    """Tokens at random, one-hot in every step, and the first of each sequence; scored at the last step alone."""
    tokens = rng.integers(0, N_TOKENS, (n_sequences, length))
    inputs = np.eye(N_TOKENS, dtype=np.float32)[tokens]
    to_decode = DecodingSequences(
        make_inputs=lambda which, steps: inputs[which[:, None], steps],
        targets=np.eye(N_TOKENS)[tokens[:, :1]],
        weights=np.ones((n_sequences, 1)),
        offset=np.zeros((n_sequences, 1, N_TOKENS)),
        kind="cross-entropy",
        lead=length - 1,
    )
    return to_decode, tokens[:, 0]


def input_gradients(reader: Reader, to_decode: DecodingSequences) -> Float[np.ndarray, " steps"]:
    """Root mean square over sequences of d loss / d inputs at each step, of all sequences in one batch."""
    batch = next(iter(to_decode.whole(len(to_decode.targets), CPU)))
    inputs = batch.inputs.to(reader.readout.weight.dtype, copy=True).requires_grad_(True)
    said, _ = reader(inputs, batch.offset)
    (gradient,) = torch.autograd.grad(batch.loss(said), inputs)
    return np.asarray(gradient.double().square().sum(2).mean(0).sqrt().numpy())


def fit(arguments: argparse.Namespace) -> None:
    """Fit what has no row yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for repeat in range(arguments.repeats):
        for length in arguments.lengths:
            for cell, direction in READERS:
                key = {"cell": cell, "direction": direction, "length": length, "settings": SETTINGS}
                if rows.has(**key, repeat=repeat):
                    continue
                found = measured(cell, direction, length, repeat)
                rows.append({"commit": commit(), "machine": machine(), **key, "repeat": repeat, **found})
                log.info("%s, %s, %d steps: %.3f", cell, direction, length, found["accuracy"])


def measured(cell: str, direction: str, length: int, repeat: int) -> dict[str, object]:
    """Accuracy on test sequences, and gradients there of the untrained network, from which it must learn."""
    rng = np.random.default_rng([repeat, length])
    (train_on, _), (validation, _), (test, first) = (sequences(n, length, rng) for n in N_SEQUENCES)
    torch.manual_seed(repeat)
    reader = Reader(cell, length, both=direction == "both")
    gradients = input_gradients(reader, test)
    curve = train(reader, train_on, validation, PLAN, np.random.default_rng(repeat), CPU, f"{cell}, {direction}")
    said = outputs_at_rest(reader, test, CPU)[:, 0]
    return {
        "accuracy": float((said.argmax(axis=1) == first).mean()),
        "first_over_last": float(gradients[0] / gradients[-1]),
        "gradients": " ".join(f"{g:.3g}" for g in gradients),
        "best_epoch": curve.best_epoch,
    }


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown."""
    for line in lines(latest(arguments.csv)):
        print(line)


def latest(csv: Path) -> list[dict[str, str]]:
    """Rows of these settings, of one piece of work the last."""
    rows = [row for row in Rows(csv, COLUMNS).read() if row["settings"] == SETTINGS]
    if not rows:
        sys.exit(f"no row of these settings in {csv}: `fit` first")
    return list({(r["cell"], r["direction"], r["length"], r["repeat"]): r for r in rows}.values())


def lines(rows: list[dict[str, str]]) -> Iterator[str]:
    """Means over repeats, [least, most]; ratios of gradients: geometric means."""
    lengths = sorted({int(row["length"]) for row in rows})
    titles = " | ".join(f"{n} steps" for n in lengths)
    yield f"| cell | reads | {titles} | gradient at the first token over the last, by length |"
    yield f"|{' --- |' * (3 + len(lengths))}"
    present = {(row["cell"], row["direction"]) for row in rows}
    for cell, direction in (reader for reader in READERS if reader in present):
        mine = [row for row in rows if (row["cell"], row["direction"]) == (cell, direction)]
        cells, ratios = [], []
        for length in lengths:
            there = [row for row in mine if int(row["length"]) == length]
            reached = [float(row["accuracy"]) for row in there]
            cells.append(f"{np.mean(reached):.2f} [{min(reached):.2f}, {max(reached):.2f}]")
            ratios.append(f"{_geometric_mean([float(row['first_over_last']) for row in there]):.1g}")
        yield f"| {cell} | {direction} | {' | '.join(cells)} | {', '.join(ratios)} |"


def _geometric_mean(values: Any) -> Any:
    """Over the first axis; sizes below 1e-30 count as that."""
    return np.exp(np.log(np.maximum(values, 1e-30)).mean(axis=0))


def figure(arguments: argparse.Namespace) -> None:
    """Draw accuracy against length, and gradients against the place in the sequence."""
    rows = latest(arguments.csv)
    with drawing():
        drawn = new_figure(3.7, "Read from both ends, the first token is one step away, whatever the cell")
        left, right = drawn.subplots(1, 2)
        for cell, direction in READERS:
            mine = [row for row in rows if (row["cell"], row["direction"]) == (cell, direction)]
            _draw_one(left, right, mine, _line(cell, direction))
        left.axhline(1 / N_TOKENS, color=FAINT, linewidth=0.8, linestyle=":")
        left.annotate("chance", (10, 1 / N_TOKENS), xytext=(0, -11), textcoords="offset points", color=FAINT)
        log_axis(left)
        left.set_ylim(0, 1.03)
        left.set_xlabel("length of the sequence (steps)")
        left.set_ylabel("share of first tokens recalled")
        log_ordinate(right)
        right.set_xlabel(f"place of the token in {SHOWN} steps")
        right.set_ylabel("size of d loss / d token,\nover that of the last, untrained")
        right.grid()
        handles = [Line2D([], [], **_line(*reader), label=", ".join(reader)) for reader in READERS]
        drawn.legend(handles=handles, loc="outside lower center", ncols=4, handlelength=3.0)
        save_figure(drawn, ROOT / "docs" / "figures" / "recall.png")


def _draw_one(left: Axes, right: Axes, rows: list[dict[str, str]], line: dict[str, Any]) -> None:
    lengths = sorted({int(row["length"]) for row in rows})
    reached = [np.mean([float(r["accuracy"]) for r in rows if int(r["length"]) == n]) for n in lengths]
    left.plot(lengths, reached, markersize=5, **line)
    shown = [np.array(r["gradients"].split(), float) for r in rows if int(r["length"]) == SHOWN]
    sparse = {"markersize": 5, "markevery": (9, 20)}
    right.plot(np.arange(1, SHOWN + 1), _geometric_mean([g / g[-1] for g in shown]), **sparse, **line)


def _line(cell: str, direction: str) -> dict[str, Any]:
    """A family's colour and mark, hollow and dashed from both ends, dotted with gates drawn for long times."""
    family, _, chrono = cell.partition(":")
    styled = cell_line(family) | {"linestyle": ":" if chrono else "--" if direction == "both" else "-"}
    return styled | ({"markerfacecolor": "white"} if direction == "both" else {})


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description="recall of the first token, forward and from both ends")
    parser.add_argument("command", choices=("fit", "table", "figure"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--csv", type=Path, default=RESULTS / "recall.csv")
    run(parser.parse_args(), {"fit": fit, "table": table, "figure": figure})


if __name__ == "__main__":
    main()
