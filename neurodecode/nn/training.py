"""The one training loop: AdamW on a one-cycle rate, clipped gradients, the best epoch by validation."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from neurodecode.nn.loss import poisson_loss
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.progress import epochs_shown
from neurodecode.nn.scheduled_sampling import ramp, with_own_draws
from neurodecode.nn.sequences import Batch, Sequences

_TRIALS_PER_RUN = 64  # trials at a time when nothing is trained


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


@dataclass
class LearningCurve:
    """Loss per spike (nats, without log n!) after each epoch; entry 0 is the network before training."""

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0


def train(
    network: RateNetwork,
    sequences: Sequences,
    validation: Sequences,
    plan: TrainingPlan,
    rng: np.random.Generator,
    device: torch.device,
    title: str,
) -> LearningCurve:
    """Train ``network`` in place and leave it at its best epoch by validation, the untrained one included.

    Validation sees the recorded past, also where scheduled sampling shows training another.
    """
    started = time.perf_counter()
    network.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    n_batches = min(plan.batches_per_epoch, len(sequences.segments(plan.segment_bins)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, plan.learning_rate, total_steps=plan.epochs * n_batches
    )
    curve = LearningCurve(
        train=[mean_loss(network, sequences, device)], validation=[mean_loss(network, validation, device)]
    )
    best = copy.deepcopy(network.state_dict())
    with epochs_shown(title, plan.epochs) as show:
        for epoch in range(1, plan.epochs + 1):
            batches = sequences.shuffled(plan.segment_bins, n_batches, rng, device)
            share = ramp(plan.scheduled_sampling, epoch, plan.epochs)
            if share > 0 and sequences.remake is not None:
                batches = with_own_draws(network, batches, sequences.remake, share, rng)
            curve.train.append(_train_epoch(network, batches, optimizer, schedule, plan.gradient_norm))
            curve.validation.append(mean_loss(network, validation, device))
            if curve.validation[-1] < curve.validation[curve.best_epoch]:
                curve.best_epoch = epoch
                best = copy.deepcopy(network.state_dict())
            show(epoch, f"validation {curve.validation[-1]:.4f} nats/spike, best epoch {curve.best_epoch}")
            if epoch - curve.best_epoch >= plan.patience:
                break
    network.load_state_dict(best)
    network.eval()
    curve.seconds = time.perf_counter() - started
    return curve


def _train_epoch(
    network: RateNetwork,
    batches: Iterator[Batch],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    gradient_norm: float,
) -> float:
    """One step of the optimiser for each batch; the loss per spike under dropout, before each step."""
    total, n_seen = 0.0, 0.0  # the last segment of a trial may overlap, so that spikes are seen twice
    network.train()
    for batch in batches:
        log_mean, _ = network(batch.inputs, batch.offset)
        loss = poisson_loss(log_mean, batch.counts, batch.mask)
        optimizer.zero_grad()
        torch.autograd.backward(loss / batch.counts.numel())
        torch.nn.utils.clip_grad_norm_(network.parameters(), gradient_norm)
        optimizer.step()
        schedule.step()
        total += loss.item()
        n_seen += batch.counts.sum().item()
    return total / max(1.0, n_seen)


def log_means(network: RateNetwork, sequences: Sequences, device: torch.device) -> np.ndarray:
    """Log expected counts (trials, bins, units) of whole trials, the network at rest."""
    network.to(device).eval()
    with torch.inference_mode():
        parts = [
            network(batch.inputs, batch.offset)[0].cpu().numpy()
            for batch in sequences.whole(_TRIALS_PER_RUN, device)
        ]
    return np.concatenate(parts)


def mean_loss(network: RateNetwork, sequences: Sequences, device: torch.device) -> float:
    """Loss per spike (nats, without log n!) of whole trials."""
    network.eval()
    total = 0.0
    with torch.inference_mode():
        for batch in sequences.whole(_TRIALS_PER_RUN, device):
            log_mean, _ = network(batch.inputs, batch.offset)
            total += float(poisson_loss(log_mean, batch.counts, batch.mask))
    return total / max(1, int(sequences.counts.sum(dtype=np.int64)))
