"""Work of a given size: trials of a toy population and what is done with them, each size in its own process.

    python -m benchmarks._workloads '{"work": "glm", "n_trials": 100, "n_bins": 1000, "n_units": 4}'

prints seconds, the memory that the work took at its peak and the bytes of its dense counts, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._rows import ROOT, status_bytes
from neurodecode.data.trials import Trials
from neurodecode.models import build_model
from neurodecode.models.psth import fit_psth

BIN_S, LEAD = 0.001, 100
RATE_HZ = 20.0


@dataclass(frozen=True)
class Size:
    """Of a session and of a network. ``segment_bins``: 0 for whole trials. ``own_hidden``: 0 for no own cells.
    ``checkpoint_bins``: 0 where all that the way back needs is kept."""

    n_trials: int = 100
    n_bins: int = 1000
    n_units: int = 8
    hidden: int = 64
    own_hidden: int = 32
    segment_bins: int = 0
    n_batches: int = 10
    checkpoint_bins: int = 0

    @property
    def segment(self) -> int:
        """Bins of the longest sequence that is trained on."""
        return self.segment_bins or self.n_bins


def toy_trials(size: Size) -> Trials:
    """Four conditions of modulated rates around 20 Hz; a unit rests for two bins after each spike."""
    rng = np.random.default_rng(0)
    steps = np.arange(LEAD + size.n_bins)
    condition = np.arange(size.n_trials) % 4
    phase = condition[:, None] * np.pi / 2 + steps * 2 * np.pi / 1000
    mu = RATE_HZ * BIN_S * (1 + 0.8 * np.sin(phase))
    counts = np.zeros((size.n_trials, steps.size, size.n_units), np.uint8)
    for step in steps:
        spikes = rng.random((size.n_trials, size.n_units)) < mu[:, step, None]
        resting = counts[:, max(0, step - 2) : step].any(axis=1)
        counts[:, step] = spikes & ~resting
    return Trials.from_counts(counts, BIN_S, lead=LEAD, condition=condition)


def optimisation(family: str, trials: Trials, size: Size, device: str) -> Any:
    """A network as ``fit`` trains it, ``nn.training.Optimisation``, one epoch at a time."""
    from neurodecode.nn.training import Optimisation

    chosen, inputs = model_and_inputs(family, trials, size)
    plan = replace(chosen.plan(), epochs=100_000)
    torch.manual_seed(0)
    network = chosen.network(chosen.ladder(inputs)[0])
    sequences = inputs.sequences(trials, leave_out=True).cached()
    return Optimisation.of(network, sequences, plan, np.random.default_rng(0), torch.device(device))


def model_and_inputs(family: str, trials: Trials, size: Size) -> tuple[Any, Any]:
    """The family with its defaults, but for its size and its GLM, which has one penalty to choose from, and what
    its networks see of the trials: ``models._network_inputs.NetworkInputs``."""
    from neurodecode.models._network_inputs import NetworkInputs
    from neurodecode.models.glm import SpikeHistoryGLM

    chosen = replace(
        build_model(family),
        hidden=size.hidden,
        own_hidden=size.own_hidden,
        segment_bins=size.segment,
        batches_per_epoch=size.n_batches,
        checkpoint_bins=size.checkpoint_bins,
    )
    glm = SpikeHistoryGLM(
        coupling="own", history_penalties=(30.0,), time_course="none", coupling_penalties=()
    ).fit_training(trials, trials.select(np.arange(min(4, trials.n_trials))))
    return chosen, NetworkInputs.measured(glm, trials, burn_in=min(trials.lead, chosen.burn_in_bins))


def work(name: str, size: Size, device: str = "cpu") -> Callable[[], object]:
    """What is to be measured, everything before it done."""
    trials = toy_trials(size)
    if name == "psth":
        return lambda: fit_psth(trials)
    if name == "glm":
        validation = trials.select(np.arange(max(1, size.n_trials // 8)))
        return lambda: build_model("glm").fit(trials, validation, np.random.default_rng(0))
    family, _, part = name.partition("_")
    if part != "epoch":
        raise ValueError(f"no work {name!r}; known: psth, glm, lstm_epoch, gru_epoch")
    training = optimisation(family, trials, size, device)
    return lambda: training.epoch(1)


def in_a_process(name: str, size: Size, device: str = "cpu", repeats: int = 1) -> dict[str, float]:
    """``seconds``, ``peak_bytes`` beyond what stood before, ``counts_bytes``.

    Seconds are the least of ``repeats`` after the run that is measured for memory, or that run's own without them.
    """
    asked = json.dumps({"work": name, "device": device, "repeats": repeats, **asdict(size)})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._workloads", asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{asked} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def peak_memory(device: str) -> Iterator[dict[str, int]]:
    """``bytes``: the most that was held beyond what stood before; the GPU's own where it works there."""
    found = {"bytes": 0}
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield found
        found["bytes"] = torch.cuda.max_memory_allocated() - before
        return
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark of Linux
    before = status_bytes("VmRSS")
    yield found
    found["bytes"] = status_bytes("VmHWM") - before


def clocked(job: Callable[[], object], device: str) -> float:
    """Seconds until it is done: of the processor on a CPU, where one thread works; of the wall on a GPU."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    started = clock()
    job()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - started


def main(asked: str) -> None:
    """Do the work and print what it took."""
    given = json.loads(asked)
    name, device, repeats = given.pop("work"), given.pop("device", "cpu"), given.pop("repeats", 1)
    size = Size(**given)
    torch.set_num_threads(1)
    work(name, Size(n_trials=8, n_bins=60, n_units=1, hidden=4), device)()  # what is only loaded once
    job = work(name, size, device)
    with peak_memory(device) as peak:
        seconds = [clocked(job, device)]
    seconds = [clocked(job, device) for _ in range(repeats)] or seconds
    counts_bytes = size.n_trials * (LEAD + size.n_bins) * size.n_units
    print(json.dumps({"seconds": min(seconds), "peak_bytes": peak["bytes"], "counts_bytes": counts_bytes}))


if __name__ == "__main__":
    main(sys.argv[1])
