"""How much of what single trials hold each model recovers, where the truth is known, against the number of trials.

    python -m benchmarks.recovery fit                  (again after a stop: rows that are there are left out)
    python -m benchmarks.recovery table

Populations of `neurodecode.simulate`; the oracle is their true conditional intensity. Models are fitted to so many
training trials, and a seventh of that number for validation as in the workflow's folds, and scored on test trials
of their own, simulated apart. A repeat draws both anew. `fit` appends to `benchmarks/results/recovery.csv`; what
single trials scored goes to `results_recovery/`. `table` prints the share of the oracle's gain over the PSTH that
each model recovers, and differences between models paired by trial, with 95 percent intervals.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks import _paired
from benchmarks._rows import RESULTS, ROOT, Rows, claimed, commit, digest, machine
from benchmarks._sessions import code_of, fell_back, hyperparameters, trial_scores
from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.trials import Trials
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights
from neurodecode.models import build_model
from neurodecode.models.constant import Constant
from neurodecode.simulate import simulate

log = logging.getLogger("benchmarks.recovery")

ORACLE, PSTH = "oracle", "psth"
MODELS = (PSTH, "glm", "lstm", "gru", ORACLE)
N_TRIALS = {"refractory_adapting": (80, 160, 300, 1000), "bursting": (160, 300), "shared_gain": (160, 300, 1000)}
TRAINING_PER_VALIDATION = 7
COLUMNS = (
    *("commit", "code", "machine", "threads", "recording", "population", "trials", "model", "fold", "settings"),
    *("seconds", "bits_per_spike", "spikes", "log_likelihood", "constant_log_likelihood", "fallback"),
)


@dataclass(frozen=True, eq=False)
class Task:
    """Trials to fit to, and test trials with their true rates (Hz)."""

    train: Trials
    validation: Trials
    test: Trials
    oracle_hz: np.ndarray

    @property
    def content(self) -> str:
        """Digest of all spikes."""
        return digest(*(t.counts.tobytes() for t in (self.train, self.validation, self.test)))


@lru_cache(maxsize=2)
def task(population: str, n_trials: int, repeat: int, n_test: int) -> Task:
    """Simulated on seeds of their names; the same test trials for every number of trials."""
    n_validation = -(-n_trials // TRAINING_PER_VALIDATION)
    fitted_to, _ = simulated(population, n_trials + n_validation, f"{n_trials} trials", repeat)
    test, oracle_hz = simulated(population, n_test, "test", repeat)
    train, held = np.split(np.arange(n_trials + n_validation), [n_trials])  # conditions stand in random order
    return Task(fitted_to.select(train), fitted_to.select(held), test, oracle_hz)


def simulated(population: str, n_trials: int, purpose: str, repeat: int) -> tuple[Trials, np.ndarray]:
    """Trials of a population, cut as the workflow cuts them, and the true rates (Hz)."""
    rng = np.random.default_rng(seed_sequence(repeat, population, purpose))
    found = simulate(population, n_trials=n_trials, rng=rng)
    window = Window(
        bin_size_s=found.bin_size_s,
        window_s=found.window_s,
        lead_s=found.lead_s,
        align=found.align,
        condition=found.condition,
    )
    return trials_from_session(found.session, window), found.oracle_hz


def fit(arguments: argparse.Namespace) -> None:
    """Fit what has no row yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for population, repeat in product(arguments.populations, range(arguments.repeats)):
        for n_trials in arguments.trials or N_TRIALS[population]:
            for model in arguments.models:
                _fit_once(rows, arguments, population, n_trials, model, repeat)


def _fit_once(
    rows: Rows, arguments: argparse.Namespace, population: str, n_trials: int, model: str, repeat: int
) -> None:
    """Unless the row is there or another process is at it."""
    these = task(population, n_trials, repeat, arguments.test_trials)
    name = f"{population}.{n_trials}"
    key: dict[str, object] = {"recording": name, "model": model, "fold": repeat}
    if not arguments.any_code:
        code, settings = made_by(model, these)
        key |= {"code": code, "settings": settings}
    with ExitStack() as stack:
        mine = stack.enter_context(claimed(Path(arguments.trials_dir, ".claims", f"{name}.{model}.{repeat}")))
        if not mine or rows.has(**key):
            log.info("%s, %s, repeat %d: %s", name, model, repeat, "there" if mine else "another is at it")
            return
        numbers = repeat * arguments.test_trials + np.arange(arguments.test_trials)
        path = _paired.trials_file(arguments.trials_dir, name, model, repeat)
        rng = np.random.default_rng(seed_sequence(repeat, name, model))
        figures = measured(model, these, rng, numbers, path, threads=arguments.threads)
        place = {"recording": name, "population": population, "trials": n_trials, "model": model, "fold": repeat}
        rows.append({"commit": commit(), "machine": machine(), "threads": arguments.threads, **place, **figures})
    log.info("%s, %s, repeat %d: %.4f bits/spike", name, model, repeat, figures["bits_per_spike"])


def made_by(model: str, these: Task) -> tuple[str, str]:
    """Digests of a fit's code, and of its hyper-parameters and data."""
    unfitted = build_model("constant" if model == ORACLE else model)
    return code_of(unfitted), digest(hyperparameters(unfitted), these.content)


def measured(
    model: str, these: Task, rng: np.random.Generator, numbers: np.ndarray, path: Path, *, threads: int
) -> dict[str, object]:
    """Fit with the family's defaults, score the test trials, keep what each scored, and give the figures."""
    test, fallback = these.test, False
    started = time.perf_counter()
    if model == ORACLE:
        each = trial_log_likelihood(test.window_counts, these.oracle_hz, test.bin_size_s, test.window_mask)
    else:
        torch.set_num_threads(threads)
        with threadpool_limits(limits=threads):
            fitted = build_model(model).fit(these.train, these.validation, rng)
            each, fallback = trial_scores(fitted, test), fell_back(fitted)
    seconds = time.perf_counter() - started
    constant = trial_scores(Constant().fit(these.train, these.validation, np.random.default_rng(0)), test)
    code, settings = made_by(model, these)
    scored = _paired.Scored.of(test, numbers, each, constant, (code, settings))
    scored.save(path)
    origin = {"code": code, "settings": settings, "seconds": round(seconds, 1), "fallback": int(fallback)}
    return {**origin, **scored.figures()}


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown."""
    rows = [r for r in Rows(arguments.csv, COLUMNS).read() if r["population"] in arguments.populations]
    if arguments.trials:
        rows = [r for r in rows if int(r["trials"]) in arguments.trials]
    if not rows:
        sys.exit(f"no row of these populations in {arguments.csv}: `fit` first")
    latest = _paired.latest(sorted(rows, key=lambda r: (r["population"], int(r["trials"]))))
    for line in (
        *_paired.bits_lines(latest, arguments.models),
        *recovered_lines(latest, arguments),
        *_paired.difference_lines(latest, arguments.trials_dir, arguments.bootstrap),
    ):
        print(line)


def recovered_lines(rows: Mapping[_paired.Key, _paired.Row], arguments: argparse.Namespace) -> Iterator[str]:
    """The share of the oracle's gain over the PSTH."""
    models = [model for model in arguments.models if model not in (PSTH, ORACLE)]
    yield f"\n| recovered of the oracle's gain over the PSTH | oracle's gain (bits/spike) | {' | '.join(models)} |"
    yield "|" + " --- |" * (len(models) + 2)
    for name in dict.fromkeys(key[0] for key in rows):
        gain = _paired.difference(rows, arguments.trials_dir, name, (ORACLE, PSTH), arguments.bootstrap)
        cells = []
        for model in models:
            found = recovered(rows, arguments.trials_dir, name, model, arguments.bootstrap)
            cells.append("" if found is None else "{:.3f} [{:.3f}, {:.3f}]".format(*found))
        yield f"| {name} | {'' if gain is None else f'{gain[0]:.3f}'} | {' | '.join(cells)} |"


def recovered(
    rows: Mapping[_paired.Key, _paired.Row], trials_dir: Path, name: str, model: str, n_bootstrap: int
) -> tuple[float, float, float] | None:
    """(L - L_psth) / (L_oracle - L_psth) with a 95 percent interval over test trials, all repeats together."""
    tops, bottoms, strata = [], [], []
    for fold in sorted({key[2] for key in rows if key[0] == name}):
        each = [_paired.load_scored(rows.get((name, m, fold)), trials_dir) for m in (model, PSTH, ORACLE)]
        found = [one for one in each if one is not None]
        if len(found) == len(each):
            ours, psth, oracle = (one.log_likelihood.sum(axis=1, keepdims=True) for one in found)
            tops.append(ours - psth)
            bottoms.append(oracle - psth)
            strata.append(found[0].condition)
    if not tops:
        return None
    top, bottom, condition = (np.concatenate(parts) for parts in (tops, bottoms, strata))
    weights = resampling_weights(condition, n_bootstrap, np.random.default_rng(0))
    low, high = ratio_interval(top, bottom, weights, condition)
    return float(top.sum() / bottom.sum()), float(low[0]), float(high[0])


def parsed(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["fit", "table"])
    parser.add_argument("--populations", nargs="+", choices=list(N_TRIALS), default=list(N_TRIALS))
    parser.add_argument("--trials", nargs="+", type=int, help="to train on (see N_TRIALS)")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--test-trials", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1, help="of one fit (1)")
    parser.add_argument("--csv", type=Path, default=RESULTS / "recovery.csv")
    parser.add_argument("--trials-dir", type=Path, default=ROOT / "results_recovery")
    parser.add_argument("--any-code", action="store_true", help="rows made by other code or settings count too")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamplings behind an interval")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments = parsed(given)
    {"fit": fit, "table": table}[arguments.command](arguments)


if __name__ == "__main__":
    main()
