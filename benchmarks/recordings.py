"""Every model on every fold of the recordings of `examples/`, one row at a time, and the table they make.

    python -m benchmarks.recordings fit                (again after a stop: rows that are there are left out)
    python -m benchmarks.recordings table

`fit` appends a row to `benchmarks/results/recordings.csv` for each recording, model and fold that has none by the
same code, hyper-parameters, trials and folds. Started twice, it shares the work between two processes. Trials,
folds and seeds are the workflow's. What single trials scored goes to `results_recordings/`; `table` pairs it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from benchmarks import _paired
from benchmarks._rows import RESULTS, ROOT, Rows, claimed, commit, digest, machine
from benchmarks._sessions import (
    REFERENCE,
    Recording,
    code_of,
    constant_log_likelihood,
    example_names,
    fell_back,
    fit_fold,
    hyperparameters,
    model_of,
    read_recording,
    trial_scores,
)
from neurodecode.data.splits import Split

log = logging.getLogger("benchmarks.recordings")

MODELS = ("psth", "psth_gain", "poisson", "glm", REFERENCE, "lstm", "gru")
COLUMNS = (
    *("commit", "code", "machine", "threads", "recording", "model", "fold", "settings", "seconds"),
    *("bits_per_spike", "spikes", "log_likelihood", "constant_log_likelihood", "fallback"),
)


def fit(arguments: argparse.Namespace) -> None:
    """Fit what has no row yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for name in arguments.recordings:
        recording = read_recording(name, arguments.recordings_dir)
        for model, split in product(arguments.models, recording.splits):
            if arguments.folds is None or split.fold in arguments.folds:
                _fit_once(rows, arguments, name, recording, model, split)


def _fit_once(
    rows: Rows, arguments: argparse.Namespace, name: str, recording: Recording, model: str, split: Split
) -> None:
    """Unless the row is there or another process is at it."""
    unfitted = model_of(recording.config, model)
    key = {"recording": name, "model": model, "fold": split.fold}
    if not arguments.any_code:
        settings = digest(hyperparameters(unfitted), recording.config.seed, recording.content)
        key |= {"code": code_of(unfitted), "settings": settings}
    claims = Path(arguments.trials_dir, ".claims", f"{name}.{model}.{split.fold}")
    with ExitStack() as stack:
        mine = stack.enter_context(claimed(claims))
        if not mine or (rows.has(**key) and not arguments.again):
            log.info("%s, %s, fold %d: %s", name, model, split.fold, "there" if mine else "another is at it")
            return
        row = measured(recording, name, model, split, threads=arguments.threads, trials_dir=arguments.trials_dir)
        rows.append(row)
    log.info(
        "%s, %s, fold %d: %.4f bits/spike in %.1f s%s",
        *(name, model, split.fold, row["bits_per_spike"], row["seconds"]),
        ", fell back to the GLM" if row["fallback"] else "",
    )


def measured(
    recording: Recording, name: str, model: str, split: Split, *, threads: int, trials_dir: str | Path
) -> dict[str, object]:
    """Fit and score one fold, keep what each trial scored, and give the row. Seconds: to fit and to predict."""
    unfitted = model_of(recording.config, model)
    test = recording.trials.select(split.test)
    made_by = (code_of(unfitted), digest(hyperparameters(unfitted), recording.config.seed, recording.content))
    started = time.perf_counter()
    fitted = fit_fold(unfitted, recording, model, split, threads=threads)
    each = trial_scores(fitted, test)
    seconds = time.perf_counter() - started
    scored = _paired.Scored.of(test, split.test, each, constant_log_likelihood(recording, split), made_by)
    scored.save(_paired.trials_file(trials_dir, name, model, split.fold))
    return {
        "commit": commit(),
        "code": made_by[0],
        "machine": machine(),
        "threads": threads,
        "recording": name,
        "model": model,
        "fold": split.fold,
        "settings": made_by[1],
        "seconds": round(seconds, 1),
        **scored.figures(),
        "fallback": int(fell_back(fitted)),
    }


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown."""
    rows = Rows(arguments.csv, COLUMNS).read()
    chosen = [r for r in rows if r["recording"] in arguments.recordings and r["model"] in arguments.models]
    if not chosen:
        sys.exit(f"no row of these recordings and models in {arguments.csv}: `fit` first")
    for line in lines(chosen, arguments):
        print(line)


def lines(rows: Sequence[dict[str, str]], arguments: argparse.Namespace) -> Iterator[str]:
    """The table of bits per spike, then the paired differences."""
    latest = _paired.latest(rows)
    yield from _paired.bits_lines(latest, arguments.models)
    yield from _paired.difference_lines(latest, arguments.trials_dir, arguments.bootstrap)


def parsed(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recordings", description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["fit", "table"])
    parser.add_argument("--recordings", nargs="+", choices=example_names(), default=example_names())
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--folds", nargs="+", type=int, help="numbers of the folds to fit (all)")
    parser.add_argument("--threads", type=int, default=1, help="of one fit (1)")
    parser.add_argument("--recordings-dir", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--csv", type=Path, default=RESULTS / "recordings.csv")
    parser.add_argument("--trials-dir", type=Path, default=ROOT / "results_recordings")
    parser.add_argument("--any-code", action="store_true", help="rows made by other code or settings count too")
    parser.add_argument("--again", action="store_true", help="fit also where the row is there")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamplings behind an interval")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments = parsed(given)
    {"fit": fit, "table": table}[arguments.command](arguments)


if __name__ == "__main__":
    main()
