"""The one training loop: AdamW on a one-cycle rate, clipped gradients, the best epoch by validation."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from neurodecode.nn.checkpoint import TrainingCheckpoint, Weights
from neurodecode.nn.memory import keep_freed_memory
from neurodecode.nn.progress import epochs_shown
from neurodecode.nn.remedy import NO_REMEDY, Remedy
from neurodecode.nn.scheduled_sampling import ramp, with_own_draws
from neurodecode.nn.sequences import Remake

UNITS_PER_BATCH = 48  # with more, each batch is of some of them: a unit's own cell keeps its states of all steps
_TRIALS_PER_RUN = 32  # trials at a time when nothing is trained


@dataclass(frozen=True)
class TrainingPlan:
    """How to train. ``patience``: epochs without a better validation loss before stopping.

    ``scheduled_sampling``: probability, in the last epoch, that a bin of the past is the network's own draw.
    """

    epochs: int
    batches_per_epoch: int
    segment_bins: int
    learning_rate: float
    weight_decay: float
    gradient_norm: float
    patience: int
    scheduled_sampling: float = 0.0


@runtime_checkable
class Trainable(Protocol):
    """What a network is trained on or run through: ``nn.sequences.Sequences``, or sequences of another target.

    Batches are ``nn.sequences.Batch``, or have what the loop asks of it: inputs, offset, carried, separable, loss,
    size and seen. ``loss_unit``: in words, of the loss over what was ``seen``.
    """

    loss_unit: str
    remake: Remake | None

    def n_batches(self, length: int, wanted: int) -> int:
        """How many batches ``shuffled`` gives, at most."""

    def shuffled(self, length: int, wanted: int, rng: np.random.Generator, device: torch.device) -> Iterator[Any]:
        """The batches of one epoch."""

    def whole(self, n_per_batch: int, device: torch.device) -> Iterator[Any]:
        """Whole trials in order."""


@dataclass
class LearningCurve:
    """Loss after each epoch, in its sequences' unit (nats per spike, without log n!, of those of rates).

    Entry 0 is the network before training.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0

    @property
    def n_epochs(self) -> int:
        """Epochs of training so far."""
        return len(self.validation) - 1

    def over(self, plan: TrainingPlan) -> bool:
        """Whether all epochs are done, or too many since the best one."""
        return self.n_epochs >= plan.epochs or self.n_epochs - self.best_epoch >= plan.patience


@dataclass(frozen=True, eq=False)
class Optimisation:
    """A network on its way: AdamW on a one-cycle rate, over batches of ``sequences``."""

    network: torch.nn.Module
    sequences: Trainable
    plan: TrainingPlan
    rng: np.random.Generator
    device: torch.device
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    remedy: Remedy = NO_REMEDY

    @classmethod
    def of(
        cls,
        network: torch.nn.Module,
        sequences: Trainable,
        plan: TrainingPlan,
        rng: np.random.Generator,
        device: torch.device,
        remedy: Remedy = NO_REMEDY,
    ) -> Optimisation:
        """Ready for the first of ``plan.epochs`` epochs."""
        network.to(device)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
        n_steps = plan.epochs * sequences.n_batches(plan.segment_bins, plan.batches_per_epoch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.learning_rate, total_steps=n_steps)
        return cls(network, sequences, plan, rng, device, optimizer, schedule, remedy)

    def epoch(self, number: int) -> float:
        """One step for each batch, in epoch 1, 2, ...; the loss under dropout, before each step.

        Backpropagation through time stops where a segment begins; what the state held there is carried over.
        """
        total, n_seen = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        share = ramp(self.plan.scheduled_sampling, number, self.plan.epochs)
        state, units = None, None
        self.network.train()
        for batch in self.sequences.shuffled(
            self.plan.segment_bins, self.plan.batches_per_epoch, self.rng, self.device
        ):
            state = detached(state) if batch.carried else None
            units = units if batch.carried else some_units(batch.separable, self.device)
            if share > 0 and self.sequences.remake is not None:
                drawn_from = state if units is None else None  # the state of some units cannot draw for all
                batch = with_own_draws(self.network, batch, drawn_from, self.sequences.remake, share, self.rng)
            batch = batch if units is None else batch.of_units(units)
            outputs, state = self.network(batch.inputs, batch.offset, state, units)
            loss = batch.loss(outputs)
            self._step(loss / batch.size)
            total += loss.detach()  # stays where it is: asking for its value would wait for a GPU
            n_seen += batch.seen
        return float(total / n_seen.clamp(min=1.0))

    def _step(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        torch.autograd.backward(self.remedy.added_to(loss, self.network, self.rng))
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.gradient_norm)
        self.remedy.step(self.network, self.optimizer.step)
        self.schedule.step()


def train(
    network: torch.nn.Module,
    sequences: Trainable,
    validation: Trainable,
    plan: TrainingPlan,
    rng: np.random.Generator,
    device: torch.device,
    title: str,
    *,
    of_epochs: list[Weights] | None = None,
    remedy: Remedy = NO_REMEDY,
) -> LearningCurve:
    """Train ``network`` in place and leave it at its best epoch by validation, the untrained one included.

    Validation sees the recorded past, also where scheduled sampling shows training another. of_epochs: an empty
    list, to which the weights after each epoch are added, on the CPU, those of the untrained network first.
    remedy: what keeps the network from forgetting what it was trained on before (``nn.continual``).
    Where checkpoints are open (``data.checkpoints``), an interrupted training goes on after its last kept epoch.
    """
    keep_freed_memory()
    curve = LearningCurve()
    run = Optimisation.of(network, sequences, plan, rng, device, remedy)
    checkpoint = TrainingCheckpoint(title, run, curve, of_epochs)
    best = checkpoint.restore() or {}
    if not best:
        curve.train.append(mean_loss(network, sequences, device))
        best = _after_epoch(network, validation, curve, device, of_epochs, best)
    with epochs_shown(title, plan.epochs) as show:
        while not curve.over(plan):
            curve.train.append(run.epoch(curve.n_epochs + 1))
            best = _after_epoch(network, validation, curve, device, of_epochs, best)
            status = f"validation {curve.validation[-1]:.4f} {validation.loss_unit}, best epoch {curve.best_epoch}"
            show(curve.n_epochs, status)
            checkpoint.save(best, over=curve.over(plan))
    network.load_state_dict(best)
    network.eval()
    curve.seconds = checkpoint.seconds
    return curve


def _after_epoch(
    network: torch.nn.Module,
    validation: Trainable,
    curve: LearningCurve,
    device: torch.device,
    of_epochs: list[Weights] | None,
    best: Weights,
) -> Weights:
    """Validate the network as the epoch left it; its weights if no epoch before was as good, else ``best``."""
    curve.validation.append(mean_loss(network, validation, device))
    if of_epochs is not None:
        of_epochs.append({name: values.detach().cpu().clone() for name, values in network.state_dict().items()})
    if curve.n_epochs and not curve.validation[-1] < curve.validation[curve.best_epoch]:
        return best
    curve.best_epoch = curve.n_epochs
    return copy.deepcopy(network.state_dict())


def some_units(n_units: int, device: torch.device) -> torch.Tensor | None:
    """Units to train a batch on: all of them (None), or as many at random as one batch's memory is to hold."""
    if n_units <= UNITS_PER_BATCH:
        return None
    return torch.randperm(n_units, device=device)[:UNITS_PER_BATCH]


def detached(state: Any) -> Any:
    """The state of cells, whatever its nesting, cut from what led to it."""
    if isinstance(state, tuple):
        return tuple(detached(part) for part in state)
    return None if state is None else state.detach()


def outputs_at_rest(network: torch.nn.Module, sequences: Trainable, device: torch.device) -> np.ndarray:
    """What the network says (trials, bins, outputs) of whole trials when it is not trained."""
    network.to(device).eval()
    with torch.inference_mode():
        parts = [
            network(batch.inputs, batch.offset)[0].cpu().numpy()
            for batch in sequences.whole(_TRIALS_PER_RUN, device)
        ]
    return np.concatenate(parts)


def log_means(network: torch.nn.Module, sequences: Trainable, device: torch.device) -> np.ndarray:
    """Log expected counts (trials, bins, units) of whole trials, under a network of rates."""
    return outputs_at_rest(network, sequences, device)


def mean_loss(network: torch.nn.Module, sequences: Trainable, device: torch.device) -> float:
    """Loss of whole trials, in the sequences' unit."""
    network.eval()
    total, n_seen = 0.0, 0.0
    with torch.inference_mode():
        for batch in sequences.whole(_TRIALS_PER_RUN, device):
            outputs, _ = network(batch.inputs, batch.offset)
            total += float(batch.loss(outputs))
            n_seen += float(batch.seen)
    return total / max(1.0, n_seen)
