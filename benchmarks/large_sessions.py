"""What each rule costs on a large session: peak memory and seconds, and how both grow.

    python -m benchmarks.large_sessions measure --units 1000 --trials 1000 --rules ingest psth
    python -m benchmarks.large_sessions measure --units 1000 --trials 1000 --rules lstm_batch
    python -m benchmarks.large_sessions growth        (units, trials and bins grow in turn, each rule)
    python -m benchmarks.large_sessions spikes        (ingest of 10^6 to 10^8 spikes)
    python -m benchmarks.large_sessions table

Each rule's own function runs in a process of its own on files that stand where a run of the workflow would have
them; the peak is all that the process held, libraries too, and seconds are those of the processor. Rules that fit
models do so to ``--folds`` folds of five; ``score`` scores those that were fitted to as many. ``lstm_batch``: two
steps of training an ``lstm`` on one made batch of a session of that size, which is what training holds beside the
session. What is measured already is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks._large_recording import RecordingSize, write_recording
from benchmarks._rows import RESULTS, ROOT, Rows, commit, machine, status_bytes
from benchmarks.cost_curves import exponent

COLUMNS = (
    *("commit", "machine", "grows", "rule", "settings", "folds", "n_units", "n_trials", "n_bins", "rate_hz"),
    *("pause_s", "n_spikes", "file_bytes", "cpu_seconds", "peak_bytes"),
)
N_FOLDS = 5
MODELS: dict[str, dict[str, Any]] = {name: {"family": name} for name in ("psth", "poisson", "glm", "lstm")}
RULES = ("ingest", *MODELS)
SCORE = "score"
BATCH = "lstm_batch"
FIT_FILES = ("predictions.npy", "samples.npz", "parameters.safetensors", "fit.json")
BASE = RecordingSize(n_units=64, n_trials=60, n_bins=500)
GROWTH = {"n_units": (32, 64, 128), "n_trials": (60, 120, 240), "n_bins": (250, 500, 1000)}
SPIKES = tuple(RecordingSize(n, n_trials=100, n_bins=1000, rate_hz=50.0, pause_s=18.5) for n in (10, 100, 1000))


def files(folder: Path) -> dict[str, Path]:
    """Where a session's files stand."""
    names = {"trials": "trials.npz", "splits": "splits.csv", "quality": "quality.json"}
    return {name: folder / file for name, file in names.items()}


def ingest(recording: Path, folder: Path, size: RecordingSize) -> None:
    """What the rule of this name does."""
    from neurodecode.evaluation.recordings import ingest_recording

    ingest_recording(
        recording=recording,
        trials_table=None,
        session="large",
        entry=size.entry(recording),
        n_folds=N_FOLDS,
        split="stratified",
        gap_s=0.0,
        seed=0,
        outputs=files(folder),
    )


def fit(folder: Path, rule: str, model: Mapping[str, Any], n_folds: int) -> None:
    """What the rule fit_model does, with the first ``n_folds`` folds."""
    from neurodecode.data.store import load_splits, save_splits
    from neurodecode.evaluation.folds import fit_and_predict

    some = folder / f"splits.{n_folds}.csv"
    save_splits(some, load_splits(folder / "splits.csv")[:n_folds])
    fit_and_predict(
        trials=folder / "trials.npz",
        splits=some,
        model=model,
        name=rule,
        session="large",
        seed=0,
        threads=1,
        outputs={Path(name).stem: folder / rule / name for name in FIT_FILES},
    )


def fitted(folder: Path, n_folds: int) -> list[str]:
    """Models that were fitted to ``n_folds`` folds here."""

    def folds(model: str) -> int:
        path = folder / model / "fit.json"
        return len(json.loads(path.read_text(encoding="utf-8"))["folds"]) if path.is_file() else 0

    return [model for model in MODELS if folds(model) == n_folds]


def score(folder: Path, models: Sequence[str], n_folds: int) -> None:
    """What the rule score_session does, with the default number of resamples."""
    from neurodecode.evaluation.scores import write_session_scores

    write_session_scores(
        trials=folder / "trials.npz",
        splits=folder / f"splits.{n_folds}.csv",
        predictions={name: folder / name / "predictions.npy" for name in models},
        samples={name: folder / name / "samples.npz" for name in models},
        fits={name: folder / name / "fit.json" for name in models},
        session="large",
        control="",
        n_bootstrap=1000,
        seed=0,
        output=folder / "scores.csv",
        likelihoods=folder / "likelihoods.npz",
    )


def work(asked: Mapping[str, Any]) -> None:
    """One measurement, in this process; prints it."""
    folder, size = Path(asked["folder"]), RecordingSize(**asked["size"])
    started = time.process_time()
    if asked["rule"] == BATCH:
        from benchmarks._large_batch import train_on_a_batch

        train_on_a_batch(size)
    elif asked["rule"] == SCORE:
        score(folder, asked["model"]["models"], asked["folds"])
    elif asked["rule"] == "ingest":
        ingest(Path(asked["recording"]), folder, size)
    else:
        fit(folder, asked["rule"], asked["model"], asked["folds"])
    peak_bytes = status_bytes("VmHWM")  # ru_maxrss would begin with the peak of the process that started this one
    print(json.dumps({"cpu_seconds": time.process_time() - started, "peak_bytes": peak_bytes}))


def in_a_process(asked: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of the processor and peak memory (bytes) of one measurement."""
    command = [sys.executable, "-m", "benchmarks.large_sessions", "work", "--asked", json.dumps(asked)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{asked} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_session(arguments: argparse.Namespace, grows: str, size: RecordingSize, rules: Sequence[str]) -> None:
    """The rules on one session, which is made where it is not there."""
    rows = Rows(arguments.csv, COLUMNS)
    folder = arguments.folder / "_".join(f"{value:g}" for value in asdict(size).values())
    recording, count = folder / "recording.nwb", folder / "n_spikes.txt"
    if not count.is_file():
        count.parent.mkdir(parents=True, exist_ok=True)
        count.write_text(str(write_recording(recording, size)))
    origin = {"machine": machine(), "grows": grows, **asdict(size)}
    about = {"n_spikes": count.read_text(), "file_bytes": recording.stat().st_size}
    for rule in rules:
        folds = arguments.folds if rule in (*MODELS, SCORE) else 0
        model = MODELS.get(rule, {}) | (json.loads(arguments.settings) if rule in MODELS else {})
        if rule == SCORE:
            model = {"models": fitted(folder, folds)}
        key = {**origin, "rule": rule, "settings": json.dumps(model, sort_keys=True), "folds": folds}
        if rows.has(**key, commit=commit()) and all(path.is_file() for path in files(folder).values()):
            continue
        asked = {"folder": str(folder), "recording": str(recording), "size": asdict(size), "rule": rule}
        found = in_a_process({**asked, "model": model, "folds": folds})
        rows.append({"commit": commit(), **key, **about, **found})
        print(f"{rule}, {size}: {found['cpu_seconds']:.3g} s, {found['peak_bytes'] / 2**20:.0f} MiB", flush=True)


def sessions(arguments: argparse.Namespace) -> Iterator[tuple[str, RecordingSize, Sequence[str]]]:
    """What grows, the size and the rules of each session that a command asks for."""
    if arguments.command == "measure":
        size = RecordingSize(arguments.units, arguments.trials, arguments.bins, arguments.rate_hz)
        yield "", size, arguments.rules
    elif arguments.command == "spikes":
        for size in SPIKES:
            yield "n_spikes", size, ["ingest"]
    else:
        for grows, values in GROWTH.items():
            for value in values:
                yield grows, replace(BASE, **{grows: value}), arguments.rules


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown: every measurement, and the exponents of what grew."""
    rows = Rows(arguments.csv, COLUMNS).read()
    print("| rule | units | trials | bins | spikes | folds | seconds | peak (MiB) |\n" + "|" + " --- |" * 8)
    for row in rows:
        shown = (row["rule"], row["n_units"], row["n_trials"], row["n_bins"], row["n_spikes"], row["folds"])
        seconds, mebibytes = float(row["cpu_seconds"]), float(row["peak_bytes"]) / 2**20
        print(f"| {' | '.join(shown)} | {seconds:.0f} | {mebibytes:.0f} |")
    print("\n| rule | grows | exponent of seconds | exponent of memory |\n|" + " --- |" * 4)
    for rule in RULES:
        for grows in GROWTH:
            curve = {int(r[grows]): r for r in rows if r["rule"] == rule and r["grows"] == grows}
            sizes = sorted(curve)
            if len(sizes) < 2:
                continue
            costs = [[float(curve[size][cost]) for size in sizes] for cost in ("cpu_seconds", "peak_bytes")]
            seconds, memory = (exponent(sizes, cost) for cost in costs)
            print(f"| {rule} | {grows} | {seconds:.2f} | {memory:.2f} |")


def parsed(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_sessions", description=__doc__.split("\n")[0]
    )
    parser.add_argument("command", choices=["measure", "growth", "spikes", "table", "work"])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--bins", type=int, default=1000)
    parser.add_argument("--rate-hz", type=float, default=10.0, help="mean rate of a unit")
    parser.add_argument("--rules", nargs="+", choices=[*RULES, SCORE, BATCH], default=list(RULES))
    parser.add_argument("--settings", default="{}", help="hyper-parameters of the models that are fitted, as JSON")
    parser.add_argument("--folds", type=int, default=1, help="of five, that models are fitted to")
    parser.add_argument("--folder", type=Path, default=Path("results_large"), help="where sessions are kept")
    parser.add_argument("--csv", type=Path, default=RESULTS / "large_sessions.csv")
    parser.add_argument("--asked", help=argparse.SUPPRESS)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    arguments = parsed(given)
    if arguments.command == "work":
        work(json.loads(arguments.asked))
    elif arguments.command == "table":
        table(arguments)
    else:
        for grows, size, rules in sessions(arguments):
            measure_session(arguments, grows, size, rules)


if __name__ == "__main__":
    main()
