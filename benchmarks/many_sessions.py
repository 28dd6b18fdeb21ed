"""What hundreds of sessions cost where they come together: the plan, the scores, the summary and the page.

    python -m benchmarks.many_sessions --sessions 20 100 300 --record

One recording is scored and drawn by the workflow; its results stand for those of all others, under their names.
Each step then runs in a process of its own. The peak is all that the process held, libraries too; seconds are
those of the processor. ``plan``: Snakemake's dry run of as many recordings that nothing was done for yet.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks._rows import RESULTS, ROOT, Rows, commit, machine, status_bytes
from benchmarks._slurm import environment

COLUMNS = (
    *("commit", "machine", "step", "n_sessions", "n_units", "n_trials", "n_models"),
    *("cpu_seconds", "peak_bytes", "output_bytes"),
)
MODELS = ("constant", "psth", "psth_gain", "poisson")
N_UNITS, N_TRIALS, N_BINS = 50, 200, 600
N_BOOTSTRAP = 1000
FIRST = "rat0"
COPIED = ("scores.csv", "sufficiency.csv", "figures/figures.json")  # these name their session


def snakemake(folder: Path, config: Path, *arguments: str) -> None:
    """The workflow in ``folder``; RuntimeError with its last words where it fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile"]
    done = subprocess.run(
        [*command, str(config), "--cores", "1", "--nocolor", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])


def write_config(folder: Path, n_sessions: int) -> Path:
    """A sheet of as many sessions, all of one recording of made-up counts, and the configuration that names it."""
    rng = np.random.default_rng(0)
    phase = np.where(np.arange(N_UNITS) % 2, 1, -1)
    expected = 0.02 + 0.01 * np.sin(np.arange(N_BINS) / 60)[:, None] * phase
    counts = rng.poisson(expected, (N_TRIALS, N_BINS, N_UNITS)).astype(np.uint8)
    np.savez(folder / "recording.npz", counts=counts, bin_size_s=0.001)
    rows = ["name,path", *(f"{name},recording.npz" for name in names(n_sessions))]
    (folder / f"{n_sessions}.csv").write_text("\n".join(rows) + "\n")
    config = {
        "sessions": f"{n_sessions}.csv",
        "session_defaults": {"window_s": [0.1, 0.6], "bin_size_s": 0.001, "lead_s": 0.1},
        "recordings_dir": str(folder),
        "models": {name: {"family": name} for name in MODELS},
        "evaluation": {"folds": 2, "bootstrap": N_BOOTSTRAP},
    }
    path = folder / f"{n_sessions}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def names(n_sessions: int) -> list[str]:
    """Of the sessions."""
    return [f"rat{number}" for number in range(n_sessions)]


def copy_results(results: Path, n_sessions: int) -> None:
    """What the first session has, under the others' names: figures by links, tables with the name put in."""
    for name in names(n_sessions)[1:]:
        if (results / name).is_dir():
            continue
        (results / name).mkdir()
        shutil.copytree(results / FIRST / "figures", results / name / "figures", copy_function=os.link)
        os.link(results / FIRST / "likelihoods.npz", results / name / "likelihoods.npz")
        for file in COPIED:
            text = (results / FIRST / file).read_text(encoding="utf-8")
            (results / name / file).unlink(missing_ok=True)
            (results / name / file).write_text(text.replace(FIRST, name), encoding="utf-8")


def collect(results: Path, held: list[str]) -> Path:
    """What the rule collect_scores does."""
    from neurodecode.evaluation.scores import collect_scores

    tables = [results / name / file for name in held for file in ("scores.csv", "sufficiency.csv")]
    collect_scores(tables, results / "scores.csv")
    return results / "scores.csv"


def summarise(results: Path, held: list[str]) -> Path:
    """What the rule summarise_sessions does."""
    from neurodecode.evaluation.summary import write_summary

    write_summary(
        likelihoods={name: results / name / "likelihoods.npz" for name in held},
        scores={name: results / name / "scores.csv" for name in held},
        n_bootstrap=N_BOOTSTRAP,
        seed=0,
        output=results / "summary.csv",
    )
    return results / "summary.csv"


def one_page(results: Path, held: list[str]) -> Path:
    """The page that holds every session whole."""
    return page(results, held, apart=False)


def linked_pages(results: Path, held: list[str]) -> Path:
    """The page that links to one of each session."""
    return page(results, held, apart=True)


def page(results: Path, held: list[str], *, apart: bool) -> Path:
    """What the rule report does."""
    from neurodecode.report.page import write_report

    write_report(
        scores=[results / "scores.csv"],
        summary=results / "summary.csv",
        sections=[results / name / "figures/figures.json" for name in held],
        pages=[results / name / "report.html" for name in held] if apart else (),
        config=json.loads((results / "config.json").read_text(encoding="utf-8")),
        output=results / "report.html",
    )
    return results / "report.html"


STEPS: dict[str, Callable[[Path, list[str]], Path]] = {
    step.__name__: step for step in (collect, summarise, one_page, linked_pages)
}


def measured(step: str, results: Path, n_sessions: int) -> dict[str, float]:
    """One step in this process: seconds, peak, and how large its file is."""
    started = time.process_time()
    output = STEPS[step](results, names(n_sessions))
    seconds, peak_bytes = time.process_time() - started, status_bytes("VmHWM")
    return {"cpu_seconds": seconds, "peak_bytes": peak_bytes, "output_bytes": output.stat().st_size}


def planned(folder: Path, config: Path) -> dict[str, float]:
    """The same of a dry run of all that there is to do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    snakemake(folder, config, "--dry-run", "--quiet")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": seconds, "peak_bytes": 1024 * after.ru_maxrss, "output_bytes": 0}


def main() -> None:
    """All steps at each number of sessions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[20, 100, 300])
    parser.add_argument("--record", action="store_true", help="append to benchmarks/results/many_sessions.csv")
    asked = parser.parse_args()
    rows = Rows(RESULTS / "many_sessions.csv", COLUMNS)
    origin = {"commit": commit(), "machine": machine(), "n_units": N_UNITS, "n_trials": N_TRIALS}
    print("| sessions | step | seconds | peak (MiB) | file (MB) |\n| --- | --- | --- | --- | --- |")

    def tell(step: str, n_sessions: int, found: dict[str, Any]) -> None:
        seconds, peak, size = found["cpu_seconds"], found["peak_bytes"] / 2**20, found["output_bytes"] / 1e6
        print(f"| {n_sessions} | {step} | {seconds:.1f} | {peak:.0f} | {size:.1f} |", flush=True)
        if asked.record:
            rows.append({**origin, "step": step, "n_sessions": n_sessions, "n_models": len(MODELS), **found})

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # Of children only the largest peak so far is known: smaller plans come first.
        plans = {n: planned(folder, write_config(folder, n)) for n in sorted(asked.sessions)}
        snakemake(folder, write_config(folder, 1))
        for n_sessions in asked.sessions:
            tell("plan", n_sessions, plans[n_sessions])
            copy_results(folder / "results", n_sessions)
            for step in STEPS:
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                    tell(step, n_sessions, pool.submit(measured, step, folder / "results", n_sessions).result())


if __name__ == "__main__":
    main()
