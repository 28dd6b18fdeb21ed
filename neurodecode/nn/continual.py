"""One network trained on one task after another: what it would forget, and three remedies.

To learn a new task is to move the weights; the old one is forgotten as far as they move along the directions in
which it is sensitive. With g the gradient of a trial's log-likelihood, these are the leading eigenvectors of the
Fisher information F = E[g g'], counts being drawn from the network itself. Elastic weight consolidation holds the
weights by F's diagonal, gradient projection keeps steps out of the leading eigenvectors, replay shows old trials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector

from neurodecode.nn.remedy import Remedy
from neurodecode.nn.sequences import Batch, Sequences


def trial_gradients(
    network: torch.nn.Module,
    sequences: Sequences,
    rng: np.random.Generator,
    device: torch.device,
    *,
    n_draws: int = 1,
) -> torch.Tensor:
    """Gradient (trials x draws, weights) of a trial's log-likelihood, its counts drawn from the network (nats).

    Inputs are the recorded past. Counts are drawn and not the recorded ones: with these, where the network does
    not fit, the outer products are not the Fisher information (Kunstner, Hennig & Balles 2019, NeurIPS 32).
    """
    network.to(device).eval()
    rows = []
    for batch in sequences.whole(1, device):
        log_mean, _ = network(batch.inputs, batch.offset)
        mean = torch.exp(log_mean.detach()).cpu().numpy().astype(float)
        for _ in range(n_draws):
            counts = torch.from_numpy(rng.poisson(mean).astype(np.float32)).to(device)
            rows.append(-_gradient(network, replace(batch, counts=counts).loss(log_mean)))
    return torch.stack(rows)


def loss_gradient(network: torch.nn.Module, sequences: Sequences, device: torch.device) -> torch.Tensor:
    """Gradient (weights,) of the loss of all trials, as recorded: where training on them sets out to."""
    network.to(device).eval()
    total = torch.zeros_like(parameters_to_vector(network.parameters()).detach())
    for batch in sequences.whole(1, device):
        log_mean, _ = network(batch.inputs, batch.offset)
        total += _gradient(network, batch.loss(log_mean))
    return total


def _gradient(network: torch.nn.Module, loss: torch.Tensor) -> torch.Tensor:
    gradients = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True, retain_graph=True)
    parts = zip(network.parameters(), gradients, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).reshape(-1) for p, g in parts])


def sensitive_subspace(gradients: torch.Tensor, share: float) -> torch.Tensor:
    """Orthonormal directions (weights, directions) that hold ``share`` of the Fisher information's trace.

    gradients (trials, weights): of ``trial_gradients``. As in gradient projection memory (Saha, Garg & Roy 2021,
    ICLR, eq. 5, there of layers' inputs), by the singular vectors of what was stored.
    """
    _, singular, directions = torch.linalg.svd(gradients, full_matrices=False)
    held = torch.cumsum(singular**2, 0) / (singular**2).sum()
    n_directions = int((held < share).sum()) + 1
    leading: torch.Tensor = directions[:n_directions].T.contiguous()
    return leading


def joined(subspaces: Sequence[torch.Tensor]) -> torch.Tensor:
    """An orthonormal basis of the subspaces of several tasks together."""
    left, singular, _ = torch.linalg.svd(torch.cat(list(subspaces), dim=1), full_matrices=False)
    basis: torch.Tensor = left[:, singular > 1e-5 * singular[0]].contiguous()
    return basis


def overlap(gradient: torch.Tensor, subspace: torch.Tensor) -> float:
    """Share of a gradient's squared length within a subspace; by chance: its directions over all weights."""
    return float((subspace.T @ gradient).square().sum() / gradient.square().sum())


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where a task left the weights, and F's diagonal there, nats per count; both (weights,)."""

    weights: torch.Tensor
    fisher: torch.Tensor

    @classmethod
    def of(cls, network: torch.nn.Module, gradients: torch.Tensor, sequences: Sequences) -> Anchor:
        """From ``trial_gradients`` of the task whose optimum the network stands at."""
        counts_per_trial = sequences.counts[0].size
        weights = parameters_to_vector(network.parameters()).detach().clone()
        return cls(weights, gradients.square().mean(dim=0) / counts_per_trial)


@dataclass(frozen=True, eq=False)
class ElasticWeightConsolidation(Remedy):
    """Adds strength / 2 sum_tasks sum_i F_i (w_i - w*_i)^2 to the loss.

    Strength 1: the old tasks' posterior by Laplace's approximation with a diagonal covariance, each old count
    counting as a new one. Source: Kirkpatrick et al. 2017, PNAS 114:3521, eq. 3.
    """

    anchors: tuple[Anchor, ...]
    strength: float = 1.0

    def added_to(self, loss: torch.Tensor, network: torch.nn.Module, rng: np.random.Generator) -> torch.Tensor:
        """The loss and the penalty."""
        weights = parameters_to_vector(network.parameters())
        penalty = sum((a.fisher * (weights - a.weights).square()).sum() for a in self.anchors)
        return loss + self.strength / 2 * penalty


@dataclass(frozen=True, eq=False)
class Replay(Remedy):
    """Adds the loss per count of ``n_trials`` trials of each old task, drawn anew for each step.

    Rehearsal: Robins 1995, Connection Science 7:123; experience replay: Rolnick et al. 2019, NeurIPS 32.
    """

    memories: tuple[Sequences, ...]
    n_trials: int = 4

    def added_to(self, loss: torch.Tensor, network: torch.nn.Module, rng: np.random.Generator) -> torch.Tensor:
        """The loss of new and old trials."""
        device = next(network.parameters()).device
        for memory in self.memories:
            batch = self._drawn(memory, rng, device)
            log_mean, _ = network(batch.inputs, batch.offset)
            loss = loss + batch.loss(log_mean) / batch.size
        return loss

    def _drawn(self, memory: Sequences, rng: np.random.Generator, device: torch.device) -> Batch:
        trials = rng.choice(memory.n_trials, min(self.n_trials, memory.n_trials), replace=False)
        return memory.batch(trials, 0, memory.n_bins, device)


@dataclass(frozen=True, eq=False)
class GradientProjection(Remedy):
    """Takes from each step what lies in the old tasks' ``subspace`` (weights, directions).

    Orthogonal gradient descent (Farajtabar et al. 2020, AISTATS, alg. 1) projects the gradient; AdamW's step does
    not lie along it, so here the step itself is projected.
    """

    subspace: torch.Tensor

    def step(self, network: torch.nn.Module, step: Callable[[], Any]) -> None:
        """Step, and take back the part within the subspace."""
        before = parameters_to_vector(network.parameters()).detach().clone()
        step()
        moved = parameters_to_vector(network.parameters()).detach() - before
        back = self.subspace @ (self.subspace.T @ moved)
        parts = torch.split(back, [weights.numel() for weights in network.parameters()])
        with torch.no_grad():
            for weights, part in zip(network.parameters(), parts, strict=True):
                weights.sub_(part.view_as(weights))
