"""An epoch of the package's networks against the bare recurrent layer, and where its time goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import torch

from benchmarks._clock import Ratio, interleaved, ratio
from benchmarks._workloads import Size, model_and_inputs, optimisation, toy_trials
from neurodecode.nn.memory import keep_freed_memory
from neurodecode.nn.sequences import Sequences
from neurodecode.nn.training import Optimisation

INPUTS_INCLUDED = "LSTM epoch, its inputs' share included, over bare torch.nn.LSTM"
PARTS = ("batches", "forward", "backward", "clipping", "optimiser", "rest")


def measured(size: Size, repeats: int, device: str = "cpu") -> dict[str, Ratio]:
    """LSTM epoch over the bare layer's, GRU epoch over the LSTM's; the same inputs, batches and threads.

    A fit makes its inputs once, before the first epoch: an epoch takes its share of that, over the default epochs.
    """
    keep_freed_memory()  # as `train` does, and for both sides
    trials = toy_trials(size)
    lstm, gru = (optimisation(family, trials, size, device) for family in ("lstm", "gru"))
    bare = bare_epoch(lstm)
    ways = {
        "lstm": lambda: lstm.epoch(1),
        "bare lstm": bare,
        "gru": lambda: gru.epoch(1),
    }
    chosen, inputs = model_and_inputs("lstm", trials, size)
    ways["inputs"] = lambda: inputs.sequences(trials, leave_out=True).cached()
    seconds = interleaved({name: synchronised(way, device) for name, way in ways.items()}, repeats)
    seconds["lstm, inputs"] = seconds["lstm"] + seconds["inputs"] / chosen.epochs
    return {
        INPUTS_INCLUDED: ratio(seconds, "lstm, inputs", "bare lstm"),
        "LSTM epoch over bare torch.nn.LSTM": ratio(seconds, "lstm", "bare lstm"),
        "GRU epoch over LSTM epoch": ratio(seconds, "gru", "lstm"),
    }


def synchronised(way: Callable[[], object], device: str) -> Callable[[], object]:
    """Until the GPU is done too, where there is one."""
    if device != "cuda":
        return way

    def until_done() -> None:
        way()
        torch.cuda.synchronize()

    return until_done


def bare_epoch(training: Optimisation) -> Callable[[], object]:
    """Forward and backward of plain `torch.nn.LSTM` layers of the same sizes on the same tensors, made beforehand.

    One layer for the population, one that runs each unit's own inputs, as the network has.
    """
    plan, network, device = training.plan, training.network, training.device
    batches = training.sequences.shuffled(
        plan.segment_bins, plan.batches_per_epoch, np.random.default_rng(0), device
    )
    whole = [batch.inputs.clone() for batch in batches]
    paths = [(whole, network.population.cell.hidden_size)]
    if network.own is not None:
        all_units = torch.arange(len(network.own.columns), device=device)
        with torch.no_grad():
            paths.append(([network.own.rows(x, all_units) for x in whole], network.own.cell.hidden_size))
    torch.manual_seed(0)
    layers = [torch.nn.LSTM(x[0].shape[2], hidden, batch_first=True).to(device) for x, hidden in paths]

    def epoch() -> None:
        for number in range(len(whole)):
            for layer, (inputs, _) in zip(layers, paths, strict=True):
                layer.zero_grad()
                hidden, _ = layer(inputs[number])
                torch.autograd.backward(hidden.sum())

    return epoch


def parts(family: str, size: Size, device: str = "cpu", epochs: int = 3) -> dict[str, float]:
    """Shares of an epoch's time: making batches, forward and loss, backward, clipping, optimiser, the rest.

    Inputs are made once before the first epoch where they fit in memory: batches only take from them.
    """
    trials = toy_trials(size)
    training = optimisation(family, trials, size, device)
    training.epoch(1)
    spent = dict.fromkeys(PARTS, 0.0)
    started = time.perf_counter()
    with ExitStack() as stack:
        _watch(stack, training, spent, device)
        for _ in range(epochs):
            training.epoch(1)
    total = time.perf_counter() - started
    spent["rest"] = total - sum(spent.values())
    return {part: spent[part] / total for part in PARTS} | {"seconds": total / epochs}


def _watch(stack: ExitStack, training: Optimisation, spent: dict[str, float], device: str) -> None:
    """Add the time of each part to ``spent`` from here on."""

    def clocked(part: str, function: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **kwargs: object) -> object:
            started = time.perf_counter()
            result = function(*args, **kwargs)
            if device == "cuda":
                torch.cuda.synchronize()
            spent[part] += time.perf_counter() - started
            return result

        return run

    shuffled = Sequences.shuffled

    def batches(*args: object) -> Iterator[object]:
        made = shuffled(*args)
        following = clocked("batches", lambda: next(made, None))
        while (batch := following()) is not None:
            yield batch

    clip = torch.nn.utils.clip_grad_norm_
    stack.enter_context(patch.object(training.network, "forward", clocked("forward", training.network.forward)))
    stack.enter_context(patch("torch.autograd.backward", clocked("backward", torch.autograd.backward)))
    stack.enter_context(patch("torch.nn.utils.clip_grad_norm_", clocked("clipping", clip)))
    stack.enter_context(patch.object(training.optimizer, "step", clocked("optimiser", training.optimizer.step)))
    stack.enter_context(patch.object(Sequences, "shuffled", batches))
