"""What one network forgets of a session when it learns another, without and with remedies.

    python -m benchmarks.continual_learning fit [--repeats N]      (goes on after a stop: whole repeats stand)
    python -m benchmarks.continual_learning table
    python -m benchmarks.continual_learning figure OUTPUT.png

Populations of `neurodecode.simulate`, of the same units, are learnt in turn by one GRU that adds to each session's
own PSTH. After each, its gain over the PSTH is scored on test trials of all populations. A repeat draws spikes and
weights anew; remedies go on from the same first task. Settings were fixed before a score was seen, but for one:
consolidation at strength 5 was added when the scores at 1 and 30 were known, the one too weak, the other too
strong.
`fit` appends to `benchmarks/results/continual_learning.csv`.
"""

from __future__ import annotations

import argparse
import copy
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector

from benchmarks import _forgetting
from benchmarks._command import begin
from benchmarks._rows import RESULTS, Rows, commit, machine
from benchmarks._tasks_in_turn import BIN_SIZE_S, Inputs, Task, tasks_in_turn, together
from neurodecode.nn.cells import cell_type
from neurodecode.nn.continual import (
    Anchor,
    ElasticWeightConsolidation,
    GradientProjection,
    Replay,
    joined,
    loss_gradient,
    overlap,
    sensitive_subspace,
    trial_gradients,
)
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.remedy import NO_REMEDY, Remedy
from neurodecode.nn.sequences import Sequences
from neurodecode.nn.training import TrainingPlan, mean_loss, train

log = logging.getLogger("benchmarks.continual_learning")

POPULATIONS = ("refractory_adapting", "bursting", "shared_gain")
COLUMNS = ("commit", "machine", "repeat", "remedy", "after", "task", "measure", "value")
HIDDEN = 16
N_DRAWS, SHARE = 3, 0.9  # of counts for each trial's gradients; of the Fisher information in the subspace
CPU = torch.device("cpu")
TOGETHER = "together"
PLAN = TrainingPlan(
    epochs=8,
    batches_per_epoch=6,
    segment_bins=250,
    learning_rate=1e-2,
    weight_decay=0.01,
    gradient_norm=1.0,
    patience=4,
)


class Learner:
    """One network, what it kept of the tasks that it has learnt, and a remedy made of that."""

    def __init__(self, network: RateNetwork, rng: np.random.Generator) -> None:
        self.network, self.rng = network, rng
        self.anchors: list[Anchor] = []
        self.subspaces: list[torch.Tensor] = []
        self.old: list[Sequences] = []

    def learn(self, task: Task, remedy: Remedy) -> None:
        """Train on a task, then look at what it is sensitive to."""
        train(self.network, task.train, task.validation, PLAN, self.rng, CPU, task.name, remedy=remedy)
        gradients = trial_gradients(self.network, task.train, self.rng, CPU, n_draws=N_DRAWS)
        self.anchors.append(Anchor.of(self.network, gradients, task.train))
        self.subspaces.append(sensitive_subspace(gradients, SHARE))
        self.old.append(task.train)

    def subspace(self) -> torch.Tensor:
        """What the tasks so far are sensitive to."""
        return joined(self.subspaces)

    def copied(self, rng: np.random.Generator) -> Learner:
        """The same network with the same past, on its own from here."""
        other = Learner(copy.deepcopy(self.network), rng)
        other.anchors, other.subspaces, other.old = list(self.anchors), list(self.subspaces), list(self.old)
        return other


REMEDIES: dict[str, Callable[[Learner], Remedy]] = {
    "none": lambda learner: NO_REMEDY,
    "consolidation 1": lambda learner: ElasticWeightConsolidation(tuple(learner.anchors), 1.0),
    "consolidation 5": lambda learner: ElasticWeightConsolidation(tuple(learner.anchors), 5.0),
    "consolidation 30": lambda learner: ElasticWeightConsolidation(tuple(learner.anchors), 30.0),
    "replay": lambda learner: Replay(tuple(learner.old), n_trials=5),
    "projection": lambda learner: GradientProjection(learner.subspace()),
}


def fit(arguments: argparse.Namespace) -> None:
    """Learn the tasks in turn with every remedy, and once all together, where that has no rows yet."""
    rows, origin = Rows(arguments.csv, COLUMNS), {"commit": commit(), "machine": machine()}
    for repeat in range(arguments.repeats):
        last = {"repeat": repeat, "after": POPULATIONS[-1], "task": POPULATIONS[-1], "measure": "gain"}
        asked = [name for name in (*REMEDIES, TOGETHER) if not rows.has(remedy=name, **last)]
        if not asked:
            continue
        tasks, inputs = tasks_in_turn(POPULATIONS, repeat)
        for name, found in measured(tasks, inputs, repeat, asked):
            for row in found:
                rows.append({**origin, "repeat": repeat, **row})
            log.info("repeat %d of %d: %s", repeat + 1, arguments.repeats, name)


def measured(
    tasks: list[Task], inputs: Inputs, repeat: int, asked: list[str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of each of the remedies ``asked`` for; of each the last is the gain on the last task."""
    first = Learner(_network(tasks[0], inputs, repeat), np.random.default_rng([repeat, 0]))
    if set(asked) - {TOGETHER}:
        first.learn(tasks[0], NO_REMEDY)
    for name in asked:
        if name == TOGETHER:
            network, rng = _network(tasks[0], inputs, repeat), np.random.default_rng([repeat, 0])
            parts = (together([getattr(task, part) for task in tasks]) for part in ("train", "validation"))
            train(network, *parts, PLAN, rng, CPU, name)
            yield name, _scored(network, tasks, name, tasks[-1].name)
            continue
        learner = first.copied(np.random.default_rng([repeat, 1]))
        found = _scored(learner.network, tasks, name, tasks[0].name)
        for task in tasks[1:]:
            found += _learnt_next(learner, task, tasks, name, REMEDIES[name](learner))
        yield name, found


def _network(task: Task, inputs: Inputs, repeat: int) -> RateNetwork:
    torch.manual_seed(repeat)
    n_units = task.train.counts.shape[2]
    n_inputs = n_units * inputs.basis.n_features
    return RateNetwork(cell_type("gru")(), n_inputs, HIDDEN, n_units, 0.0, bin_size_s=BIN_SIZE_S)


def _learnt_next(
    learner: Learner, task: Task, tasks: list[Task], name: str, remedy: Remedy
) -> list[dict[str, Any]]:
    """Learn one more task; scores, and how much of the gradient and of the move the old ones are sensitive to."""
    subspace = learner.subspace()
    before = parameters_to_vector(learner.network.parameters()).detach().clone()
    gradient = loss_gradient(learner.network, task.train, CPU)
    learner.learn(task, remedy)
    moved = parameters_to_vector(learner.network.parameters()).detach() - before
    measures = {
        "gradient_overlap": overlap(gradient, subspace),
        "moved_overlap": overlap(moved, subspace) if float(moved.norm()) else float("nan"),
        "chance_overlap": subspace.shape[1] / subspace.shape[0],
        "directions": float(subspace.shape[1]),
    }
    rows = [
        {"remedy": name, "after": task.name, "task": task.name, "measure": measure, "value": value}
        for measure, value in measures.items()
    ]
    return rows + _scored(learner.network, tasks, name, task.name)


def _scored(network: RateNetwork, tasks: list[Task], remedy: str, after: str) -> list[dict[str, Any]]:
    """Gain over the PSTH (bits/spike) on the test trials of every task."""
    about = {"remedy": remedy, "after": after, "measure": "gain"}
    return [about | {"task": task.name, "value": _gain(network, task.test)} for task in tasks]


def _gain(network: RateNetwork, test: Sequences) -> float:
    class Silent(torch.nn.Module):
        """What the network starts from."""

        def forward(self, inputs: torch.Tensor, offset: torch.Tensor) -> tuple[torch.Tensor, None]:
            return offset, None

    return (mean_loss(Silent(), test, CPU) - mean_loss(network, test, CPU)) / float(np.log(2.0))


def main() -> None:
    """Fit, print tables, or draw."""
    parser = argparse.ArgumentParser(description="forgetting, and remedies against it, on simulated sessions")
    parser.add_argument("what", choices=("fit", "table", "figure"))
    parser.add_argument("output", nargs="?", help="of figure: where to draw it")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--csv", type=Path, default=RESULTS / "continual_learning.csv")
    arguments = parser.parse_args()
    begin()
    if arguments.what == "fit":
        fit(arguments)
        return
    results = _forgetting.Forgetting.read(Rows(arguments.csv, COLUMNS), POPULATIONS)
    if arguments.what == "table":
        print(results.tables())
    elif arguments.output is None:
        parser.error("figure: say where to draw it, such as docs/figures/continual_learning.png")
    else:
        _forgetting.draw(results, arguments.output)


if __name__ == "__main__":
    main()
