"""Every recurrent cell on one split of recordings and simulated populations, one seed, and the table they make.

    python -m benchmarks.cells fit                (again after a stop: rows that are there are left out)
    python -m benchmarks.cells fit --folds 0 1 2 3 4 --models lstm gru
    python -m benchmarks.cells table

`fit` appends a row to `benchmarks/results/cells.csv` for each session, model and fold that has none by the same
code, hyper-parameters and trials. Folds are the session's five, 70/10/20, the first alone unless others are asked
for. Memory is how far back gradients of the loss on test trials reach through a path's states before less than 1/e
is left. A name such as `lstm:dropout_masks=per_step` is that cell with other hyper-parameters than its defaults.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from threadpoolctl import threadpool_limits

from benchmarks._rows import RESULTS, ROOT, Rows, claimed, commit, digest, machine
from benchmarks._sessions import code_of, fell_back, hyperparameters, read_recording, trial_scores
from benchmarks.recovery import simulated
from neurodecode.data.splits import ROLES, Split, make_splits
from neurodecode.data.trials import Trials
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics.bits import NATS_PER_BIT
from neurodecode.models import PointProcessModel, build_model, cell_names
from neurodecode.models.constant import Constant

log = logging.getLogger("benchmarks.cells")

RECORDINGS = ("roach_three_odours", "it_objects_1014")
SIMULATED = {"refractory_adapting": 100, "bursting": 230, "shared_gain": 100}  # trials
PER_STEP = ("lstm:dropout_masks=per_step", "gru:dropout_masks=per_step")
BASELINES = ("psth", "glm")
COLUMNS = (
    *("commit", "code", "machine", "session", "model", "fold", "settings", "bits_per_spike", "gain_over_glm"),
    *("spikes", "parameters", "learnt", "seconds_per_epoch", "best_epoch", "share", "fallback", "cpu_seconds"),
    *("memory_population_ms", "memory_own_ms"),
)


@dataclass(frozen=True, eq=False)
class Session:
    """Trials and the split that everything is fitted to."""

    name: str
    trials: Trials
    split: Split

    @property
    def content(self) -> str:
        """Digest of the spikes and the split."""
        return digest(self.trials.counts.tobytes(), [getattr(self.split, role).tolist() for role in ROLES])

    def part(self, role: str) -> Trials:
        """The trials of one role."""
        return self.trials.select(getattr(self.split, role))


def read_session(name: str, folder: Path) -> list[Session]:
    """A recording of `examples/`, or a simulated population, once for each of its folds."""
    if name in SIMULATED:
        trials, _ = simulated(name, SIMULATED[name], "cells", 0)
        splits = make_splits(trials.condition, trials.condition_names, 5, np.random.default_rng(0))
    else:
        recording = read_recording(name, folder)
        trials, splits = recording.trials, list(recording.splits)
    return [Session(name, trials, split) for split in splits]


def unfitted(name: str) -> PointProcessModel:
    """The model of a name: a family, and after a colon hyper-parameters; networks with one seed."""
    family, _, given = name.partition(":")
    chosen: dict[str, Any] = yaml.safe_load("{" + given.replace("=", ": ") + "}")
    return build_model(family, **({"seeds": 1} if family in cell_names() else {}), **chosen)


def fit(arguments: argparse.Namespace) -> None:
    """Fit what has no row yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for name in arguments.sessions:
        folds = read_session(name, arguments.recordings_dir)
        for model, fold in product(arguments.models, arguments.folds):
            _fit_once(rows, folds[fold], model, arguments.claims)


def _fit_once(rows: Rows, session: Session, name: str, claims: Path) -> None:
    model = unfitted(name)
    settings = digest(hyperparameters(model), session.content)
    fold = session.split.fold
    key = {"session": session.name, "model": name, "fold": fold, "code": code_of(model), "settings": settings}
    with ExitStack() as stack:
        mine = stack.enter_context(claimed(claims / f"{session.name}.{digest(name)}.{fold}"))
        if not mine or rows.has(**key):
            log.info("%s, %s, fold %d: %s", session.name, name, fold, "there" if mine else "another is at it")
            return
        row = measured(session, name, model)
        rows.append({"commit": commit(), "machine": machine(), **key, **row})
    log.info("%s, %s, fold %d: %.4f bits/spike", session.name, name, fold, row["bits_per_spike"])


def measured(session: Session, name: str, model: PointProcessModel) -> dict[str, object]:
    """Fit, score the test trials and give the figures. Seconds are those of one processor, so that what else runs
    on the machine counts little."""
    torch.set_num_threads(1)
    train, validation, test = (session.part(role) for role in ROLES)
    rng = np.random.default_rng(seed_sequence(0, session.name, "cells"))  # the same for all
    started = time.process_time()
    with threadpool_limits(limits=1):
        fitted: Any = model.fit(train, validation, rng)
        each = trial_scores(fitted, test).sum()
        seconds = time.process_time() - started
        constant = trial_scores(Constant().fit(train, validation, np.random.default_rng(0)), test).sum()
        network = dict.fromkeys((*NETWORK, *MEMORY), "")
        if hasattr(fitted, "networks"):
            network = {**network_figures(fitted, train), **memory_figures(fitted, test)}
    spikes = int(test.window_counts.sum(where=np.broadcast_to(test.window_mask, test.window_counts.shape)))
    glm = trial_scores(fitted.inputs.glm, test).sum() if network["parameters"] != "" else None
    return {
        "bits_per_spike": float((each - constant) / spikes / NATS_PER_BIT),
        "gain_over_glm": "" if glm is None else float((each - glm) / spikes / NATS_PER_BIT),
        "spikes": spikes,
        **network,
        "fallback": int(fell_back(fitted)),
        "cpu_seconds": round(seconds, 1),
    }


NETWORK = ("parameters", "learnt", "seconds_per_epoch", "best_epoch", "share")
MEMORY = ("memory_population_ms", "memory_own_ms")


def network_figures(fitted: Any, train: Trials) -> dict[str, object]:
    """Of the network with both paths: its numbers, how many are learnt, seconds of an epoch (the second of two);
    of the one that was kept: its best epoch and its share."""
    from neurodecode.nn.training import Optimisation

    model, inputs = fitted.model, fitted.inputs
    network = model.network(model.ladder(inputs)[0])
    sequences, plan = inputs.sequences(train, leave_out=True).cached(), replace(model.plan(), epochs=2)
    run = Optimisation.of(network, sequences, plan, np.random.default_rng(0), torch.device("cpu"))
    run.epoch(1)
    started = time.process_time()
    run.epoch(2)
    values = [w for w in network.state_dict().values() if w.is_floating_point()]
    return {
        "parameters": sum(w.numel() for w in values),
        "learnt": sum(w.numel() for w in network.parameters() if w.requires_grad),
        "seconds_per_epoch": round(time.process_time() - started, 3),
        "best_epoch": fitted.curves[0]["best_epoch"],
        "share": fitted.share.value,
    }


def memory_figures(fitted: Any, test: Trials) -> dict[str, object]:
    """Memory horizon of each path that was kept; > where more than 1/e is left as far back as is looked."""
    from neurodecode.dynamics.network_paths import network_paths
    from neurodecode.dynamics.portrait import path_horizon

    found: dict[str, object] = dict.fromkeys(MEMORY, "")
    for path in network_paths(fitted, test):
        horizon = path_horizon(path)
        found[f"memory_{path.name}_ms"] = f"{'>' if horizon.beyond else ''}{1000 * horizon.seconds:.3g}"
    return found


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown."""
    rows = [r for r in Rows(arguments.csv, COLUMNS).read() if r["session"] in arguments.sessions]
    if not rows:
        sys.exit(f"no row of these sessions in {arguments.csv}: `fit` first")
    for line in lines(rows):
        print(line)


def lines(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    """All sessions in one table, then two for each, the best model first: of the first fold, and of models with
    more folds, pooled. Of several rows of one model and fold the last counts."""
    yield from together_lines({(r["session"], r["model"]): r for r in rows if r["fold"] == "0"})
    for session in dict.fromkeys(row["session"] for row in rows):
        latest = {(row["model"], int(row["fold"])): row for row in rows if row["session"] == session}
        yield f"\n{session}, the first fold\n"
        yield from first_fold_lines([row for (_, fold), row in latest.items() if fold == 0])
        names = dict.fromkeys(model for model, fold in latest if fold)
        if names:
            yield f"\n{session}, several folds\n"
            yield from pooled_lines({n: [row for (model, _), row in latest.items() if model == n] for n in names})


def together_lines(latest: Mapping[tuple[str, str], dict[str, str]]) -> Iterator[str]:
    """Bits/spike of the first fold, and what they are above the network's GLM; "the GLM" where it fell back."""
    sessions = list(dict.fromkeys(session for session, _ in latest))
    yield f"| model | {' | '.join(sessions)} |"
    yield f"|{' --- |' * (1 + len(sessions))}"
    networks = dict.fromkeys(model for _, model in latest if model not in BASELINES)
    for model in (*networks, *BASELINES):
        cells = [_reached(latest.get((session, model))) for session in sessions]
        yield f"| `{model}` | {' | '.join(cells)} |"


def _reached(row: dict[str, str] | None) -> str:
    if row is None:
        return ""
    bits = f"{float(row['bits_per_spike']):.3f}"
    if not row["gain_over_glm"]:
        return bits
    return f"{bits} (the GLM)" if row["fallback"] == "1" else f"{bits} ({float(row['gain_over_glm']):+.3f})"


def first_fold_lines(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    """What one fold's networks reach, how many numbers they learn, how fast, and how far back they remember."""
    yield "| model | bits/spike | over its GLM | learnt | s/epoch | memory (ms): population, own | kept |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in sorted(rows, key=lambda row: -float(row["bits_per_spike"])):
        gain = f"{float(row['gain_over_glm']):+.4f}" if row["gain_over_glm"] else ""
        kept = row["share"] if row["fallback"] == "0" else "nothing"
        bits = f"{float(row['bits_per_spike']):.4f}"
        memory = ", ".join(row[name] or "none" for name in MEMORY) if row["learnt"] else ""
        learnt = f"{row['learnt']} | {row['seconds_per_epoch']} | {memory} | {kept}"
        yield f"| `{row['model']}` | {bits} | {gain} | {learnt} |"


def pooled_lines(rows_of: Mapping[str, Sequence[dict[str, str]]]) -> Iterator[str]:
    """Gains over all test spikes of a model's folds, and of gain and memory the least and the most of a fold."""
    yield "| model | folds | bits/spike | over its GLM [least fold, best fold] | memory (ms): population, own |"
    yield "| --- | --- | --- | --- | --- |"
    for model, rows in sorted(rows_of.items(), key=lambda item: -_pooled(item[1], "bits_per_spike")):
        gain = ""
        if all(row["gain_over_glm"] for row in rows):
            each = sorted(float(row["gain_over_glm"]) for row in rows)
            gain = f"{_pooled(rows, 'gain_over_glm'):+.4f} [{each[0]:+.4f}, {each[-1]:+.4f}]"
        memory = ", ".join(_from_to([row[name] for row in rows]) for name in MEMORY) if gain else ""
        yield f"| `{model}` | {len(rows)} | {_pooled(rows, 'bits_per_spike'):.4f} | {gain} | {memory} |"


def _from_to(horizons: Sequence[str]) -> str:
    """The least and the most of those that are known, with the > of those that lie beyond what was looked at."""
    known = sorted((h for h in horizons if h), key=lambda h: float(h.lstrip(">")))
    return f"{known[0]} to {known[-1]}" if known else "none"


def _pooled(rows: Sequence[dict[str, str]], column: str) -> float:
    spikes = [int(row["spikes"]) for row in rows]
    return float(np.average([float(row[column]) for row in rows], weights=spikes))


def parsed(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    sessions, models = [*RECORDINGS, *SIMULATED], [*BASELINES, *cell_names(), *PER_STEP]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cells", description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=["fit", "table"])
    parser.add_argument("--sessions", nargs="+", choices=sessions, default=sessions)
    parser.add_argument("--models", nargs="+", default=models, help="families, or family:name=value,name=value")
    parser.add_argument(
        "--folds", nargs="+", type=int, choices=range(5), default=[0], help="numbers of the folds (0)"
    )
    parser.add_argument("--recordings-dir", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--csv", type=Path, default=RESULTS / "cells.csv")
    parser.add_argument("--claims", type=Path, default=ROOT / "results_cells" / ".claims")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments = parsed(given)
    {"fit": fit, "table": table}[arguments.command](arguments)


if __name__ == "__main__":
    main()
