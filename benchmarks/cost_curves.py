"""What a fit costs as a session or a network grows: time, memory, and the exponents of both.

    python -m benchmarks.cost_curves fit               (again after a stop: points that are there are left out)
    python -m benchmarks.cost_curves table
    python -m benchmarks.cost_curves figure                   (docs/figures/memory_of_time.png)
    python -m benchmarks.cost_curves device --device cuda     (epochs per second there and on the CPU)

One of trials, bins, units and hidden units grows from a common base, all else stays. Each point is a process of
its own, so that its memory is its own: the most that was held beyond the data. Where the bins grow, an epoch of a
network is run on whole trials, through which the gradient goes back at once (memory grows with the bins), in
segments of 250 bins, as many in a batch (it does not), and on whole trials with checkpoints every 100 bins, which
give the whole gradient. Seconds are the processor's. An exponent is the slope of log cost over log size, by least
squares over the three largest sizes.
"""

from __future__ import annotations

import argparse
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks._rows import RESULTS, ROOT, Rows, commit, machine
from benchmarks._workloads import Size, in_a_process, optimisation, toy_trials
from neurodecode.nn.training import Optimisation

COLUMNS = (
    *("commit", "machine", "device", "work", "grows", "n_trials", "n_bins", "n_units", "hidden", "own_hidden"),
    *("segment_bins", "n_batches", "checkpoint_bins", "seconds", "peak_bytes", "counts_bytes"),
)
SEGMENT, CHECKPOINT = 250, 100
BASE = Size(n_trials=80, n_bins=500, n_units=8, hidden=64, n_batches=10)
LONG = replace(BASE, n_trials=40, n_batches=2)  # twenty sequences in a batch
GROWTH = {
    "n_trials": (40, 80, 160, 320),
    "n_bins": (500, 1000, 2000, 4000),
    "n_units": (4, 8, 16, 32),
    "hidden": (32, 64, 128, 256),
}
NETWORKS = ("lstm_epoch", "gru_epoch")
WORK = ("psth", "glm", *NETWORKS)
ASK_GPU = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
FITTED = 3  # largest sizes that an exponent is fitted to
DEVICE_SIZES = (Size(160, 1000, 12, segment_bins=1000), Size(500, 1000, 40, 256, segment_bins=1000))


def points(
    works: Sequence[str], largest: int | None, growing: Sequence[str] = tuple(GROWTH)
) -> Iterator[tuple[str, str, Size]]:
    """Work, what grows, and the size; ``largest``: how many of the sizes, from the smallest."""
    for work in works:
        for grows, values in GROWTH.items():
            if grows not in growing or (grows == "hidden" and work not in NETWORKS):
                continue
            base = LONG if grows == "n_bins" and work in NETWORKS else BASE
            for value in values[:largest]:
                size = replace(base, **{grows: value})
                yield work, grows, size
                if grows == "n_bins" and work in NETWORKS:
                    n_batches = size.n_batches * -(-size.n_bins // SEGMENT)
                    yield work, grows, replace(size, segment_bins=SEGMENT, n_batches=n_batches)
                    yield work, grows, replace(size, checkpoint_bins=CHECKPOINT)


def fit(arguments: argparse.Namespace) -> None:
    """Measure what has no row yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for work, grows, size in points(arguments.work, arguments.largest, arguments.grows):
        key = {"machine": machine(), "device": arguments.device, "work": work, "grows": grows, **asdict(size)}
        if rows.has(**key):
            continue
        found = in_a_process(work, size, arguments.device, arguments.repeats)
        rows.append({"commit": commit(), **key, **found})
        print(
            f"{work}{way(size.segment_bins, size.checkpoint_bins)}, {grows} {getattr(size, grows)}: "
            f"{found['seconds']:.3g} s, {found['peak_bytes'] / 2**20:.0f} MiB",
            flush=True,
        )


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown: each curve with its exponents."""
    print("| work | grows | sizes | seconds | exponent | MiB at the peak | exponent |")
    print("|" + " --- |" * 7)
    for (work, grows), by_size in curves(arguments).items():
        sizes, seconds, mebibytes = drawn_out(by_size)
        cells = (
            *(work, grows, _listed(sizes, ".0f")),
            *(_listed(seconds, ".3g"), f"{exponent(sizes, seconds):.2f}"),
            *(_listed(mebibytes, ".0f"), f"{exponent(sizes, mebibytes):.2f}"),
        )
        print(f"| {' | '.join(cells)} |")


def way(segment_bins: int, checkpoint_bins: int) -> str:
    """How the gradient goes back, in words; nothing where at once."""
    if segment_bins:
        return f", segments of {segment_bins}"
    return f", checkpoints every {checkpoint_bins}" if checkpoint_bins else ""


def curves(arguments: argparse.Namespace) -> dict[tuple[str, str], dict[int, dict[str, str]]]:
    """Work and what grows -> size -> row, of several rows of one size the last."""
    found: dict[tuple[str, str], dict[int, dict[str, str]]] = {}
    for row in Rows(arguments.csv, COLUMNS).read():
        if row["device"] == arguments.device:
            work = row["work"] + way(int(row["segment_bins"]), int(row["checkpoint_bins"]))
            found.setdefault((work, row["grows"]), {})[int(row[row["grows"]])] = row
    return found


def drawn_out(by_size: dict[int, dict[str, str]]) -> tuple[list[int], list[float], list[float]]:
    """Sizes, seconds and MiB at the peak."""
    sizes = sorted(by_size)
    seconds = [float(by_size[size]["seconds"]) for size in sizes]
    return sizes, seconds, [float(by_size[size]["peak_bytes"]) / 2**20 for size in sizes]


def figure(arguments: argparse.Namespace) -> None:
    """Draw memory of the LSTM's epoch against the length of trials, for each way back."""
    from neurodecode.report.colours import FAMILY_COLOURS
    from neurodecode.report.style import drawing, new_figure, save_figure

    found = curves(arguments)
    ways = (
        ("", "whole trials", "-", "o"),
        (way(0, CHECKPOINT), f"checkpoints every {CHECKPOINT} bins", ":", "D"),
        (way(SEGMENT, 0), f"segments of {SEGMENT} bins", "--", "s"),
    )
    with drawing():
        title = "Segments bound memory as trials grow; checkpoints keep the whole gradient in a quarter"
        drawn = new_figure(3.4, title)
        axes = drawn.subplots()
        for told, label, style, mark in ways:
            sizes, _, mebibytes = drawn_out(found["lstm_epoch" + told, "n_bins"])
            line = {"color": FAMILY_COLOURS["lstm"], "linestyle": style, "marker": mark, "markersize": 5}
            axes.plot(sizes, mebibytes, label=label, **line)
        axes.set_ylim(0)
        axes.grid()
        axes.set_xlabel("bins of a trial")
        axes.set_ylabel("memory of an epoch\nat the peak (MiB)")
        drawn.legend(loc="outside right center", title="an LSTM's way back", alignment="left")
        save_figure(drawn, ROOT / "docs" / "figures" / "memory_of_time.png")


def _listed(values: Sequence[float], form: str) -> str:
    return ", ".join(format(float(value), form) for value in values)


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Slope of log cost over log size at the largest sizes; NaN for fewer than two, or costs not above 0."""
    x, y = (np.array(values[-FITTED:], dtype=float) for values in (sizes, costs))
    if x.size < 2 or not (y > 0).all():
        return float("nan")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def device(arguments: argparse.Namespace) -> None:
    """Epochs per second of LSTM and GRU on a device and on the CPU, one thread; how busy the GPU was."""
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no GPU here: epochs are measured on the CPU alone")
    there = "cuda" if arguments.device == "cuda" and torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)
    print(f"{machine()}{'; ' + torch.cuda.get_device_name() if there == 'cuda' else ''}")
    for size in DEVICE_SIZES[: arguments.largest]:
        trials = toy_trials(size)
        for family in ("lstm", "gru"):
            cpu = epochs_per_second(optimisation(family, trials, size, "cpu"), arguments.seconds)
            shape = f"{size.n_trials} trials x {size.n_bins} bins x {size.n_units} units, hidden {size.hidden}"
            line = f"{family}, {shape}: {cpu:.3g} epochs/s on the CPU"
            if there == "cuda":
                training = optimisation(family, trials, size, there)
                with utilisation() as busy:
                    gpu = epochs_per_second(training, arguments.seconds)
                shown = f"{np.mean(busy):.0f}%" if busy else "not known"
                line += f", {gpu:.3g} on the GPU ({gpu / cpu:.3g} times), utilisation {shown}"
            print(line, flush=True)


def epochs_per_second(training: Optimisation, at_least_s: float) -> float:
    """After one epoch that does not count."""
    training.epoch(1)
    started, done = time.perf_counter(), 0
    while (taken := time.perf_counter() - started) < at_least_s or done == 0:
        training.epoch(1)
        if training.device.type == "cuda":
            torch.cuda.synchronize()
        done += 1
    return done / taken


@contextmanager
def utilisation() -> Iterator[list[float]]:
    """Percent of time in which the GPU was at work, as its driver says every 0.2 s; empty if it is mute."""
    seen: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            try:
                done = subprocess.run(ASK_GPU, capture_output=True, text=True, check=True, timeout=5)
                seen.append(float(done.stdout.split()[0]))
            except (OSError, subprocess.SubprocessError, ValueError, IndexError):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def parsed(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_curves", description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["fit", "table", "figure", "device"])
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--grows", nargs="+", choices=list(GROWTH), default=list(GROWTH))
    parser.add_argument("--largest", type=int, help="only so many sizes of each curve, from the smallest")
    parser.add_argument("--repeats", type=int, default=2, help="of each point; the least counts")
    parser.add_argument("--seconds", type=float, default=20.0, help="at least, for epochs per second")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--csv", type=Path, default=RESULTS / "cost_curves.csv")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    arguments = parsed(given)
    if arguments.command == "fit" and arguments.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no GPU here: nothing was measured")
        return
    {"fit": fit, "table": table, "figure": figure, "device": device}[arguments.command](arguments)


if __name__ == "__main__":
    main()
