"""Ratios of speed, each measured side by side in one process, and what they must be.

    python -m benchmarks.speed               (all; --only epochs for one part, --record to keep the rows)

- binning: binning and PSTH of 100 units and 500 trials against elephant's, counts and rates found equal;
- epochs: a training epoch of the LSTM (batches, dropout, loss, clipping, optimiser) against forward and backward
  of bare `torch.nn.LSTM` layers of the network's sizes on the same inputs; the GRU's epoch against the LSTM's;
  where an epoch's time goes;
- memory: the most that fitting a PSTH and an epoch hold, against the dense counts.

A ratio is the median over interleaved repeats [quartiles]. Other work on the machine slows both sides alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from benchmarks._clock import Ratio
from benchmarks._epochs import INPUTS_INCLUDED
from benchmarks._rows import RESULTS, Rows, commit, machine
from benchmarks._workloads import Size, in_a_process

COLUMNS = ("commit", "machine", "threads", "device", "what", "size", "repeats", "value", "low", "high", "bar")
PARTS = ("binning", "epochs", "memory")
FASTER = 10.0
SLOWER = {INPUTS_INCLUDED: 1.25, "LSTM epoch over bare torch.nn.LSTM": 1.25, "GRU epoch over LSTM epoch": 1.5}


class Report:
    """Prints what was measured, and keeps it where that was asked for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.rows = Rows(arguments.csv, COLUMNS) if arguments.record else None
        self.arguments = arguments

    def add(self, what: str, size: str, value: Ratio, bar: str, *, met: bool | None) -> None:
        """One line; ``met`` None where there is no bar."""
        mark = {True: "ok    ", False: "MISSED", None: "      "}[met]
        print(f"{mark} {what} ({size}): {value}{f'  bar {bar}' if bar else ''}", flush=True)
        if self.rows is not None:
            given = self.arguments
            self.rows.append(
                {
                    "commit": commit(),
                    "machine": machine("elephant"),
                    "threads": given.threads,
                    "device": given.device,
                    "what": what,
                    "size": size,
                    "repeats": given.repeats,
                    "value": value.median,
                    "low": value.low,
                    "high": value.high,
                    "bar": bar,
                }
            )


def binning(report: Report, arguments: argparse.Namespace) -> None:
    """Against elephant."""
    from benchmarks._elephant import measured

    size = f"{arguments.units} units x {arguments.trials} trials x 1000 bins"
    for what, value in measured(arguments.units, arguments.trials, arguments.repeats).items():
        held = what == "binning and PSTH"
        met = value.median >= FASTER if held else None
        report.add(f"elephant over ours: {what}", size, value, f">= {FASTER:g}" if held else "", met=met)


def epochs(report: Report, arguments: argparse.Namespace) -> None:
    """Against the bare layer."""
    from benchmarks._epochs import measured, parts

    for size in sizes(arguments):
        shape = f"{size.n_trials} trials x {size.n_bins} bins x {size.n_units} units, hidden {size.hidden}"
        shape += f", own {size.own_hidden}" if size.own_hidden else ""
        for what, value in measured(size, arguments.repeats, arguments.device).items():
            report.add(what, shape, value, f"<= {SLOWER[what]}", met=value.median <= SLOWER[what])
        for family in ("lstm", "gru"):
            shares = parts(family, size, arguments.device)
            seconds = shares.pop("seconds")
            spelt = ", ".join(f"{part} {share:.1%}" for part, share in shares.items())
            print(f"       {family} epoch of {seconds:.3g} s: {spelt}")


def sizes(arguments: argparse.Namespace) -> list[Size]:
    """A small recording of one unit, and a population: without cells of its units' own, and with them."""
    population = Size(n_trials=160, n_bins=1000, n_units=12)
    asked = [Size(35, 2000, 1, own_hidden=0), replace(population, own_hidden=0), population]
    shortened = [replace(size, segment_bins=1000) for size in asked]  # the families' default
    if arguments.toy:
        return [replace(size, n_trials=12, n_bins=200, hidden=16) for size in shortened]
    return shortened


def memory(report: Report, arguments: argparse.Namespace) -> None:
    """Against the dense counts of one byte a bin."""
    asked = {"psth": Size(500, 1000, 100), "lstm_epoch": Size(100, 1000, 100, segment_bins=1000)}
    for work, full in asked.items():
        size = Size(12, 200, 3) if arguments.toy else full
        shape = f"{size.n_trials} trials x {size.n_bins} bins x {size.n_units} units"
        found = in_a_process(work, size, arguments.device, repeats=0)
        value = found["peak_bytes"] / found["counts_bytes"]
        report.add(f"peak memory over dense counts: {work}", shape, Ratio(value, value, value), "", met=None)


def parsed(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--units", type=int, default=100, help="of the comparison with elephant")
    parser.add_argument("--trials", type=int, default=500, help="of the comparison with elephant")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of the epochs")
    parser.add_argument("--toy", action="store_true", help="sizes that take a second: to see that it works")
    parser.add_argument("--record", action="store_true", help="append what was measured to --csv")
    parser.add_argument("--csv", type=Path, default=RESULTS / "speed.csv")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    arguments = parsed(given)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no GPU here: nothing was measured")
        return
    torch.set_num_threads(arguments.threads)
    print(f"{machine('elephant')}; {arguments.threads} thread(s), {arguments.device}")
    report = Report(arguments)
    with threadpool_limits(limits=arguments.threads):
        for part in arguments.only:
            {"binning": binning, "epochs": epochs, "memory": memory}[part](report, arguments)


if __name__ == "__main__":
    main()
