"""Remedies against forgetting do what their formulas say, on networks small enough to know the answer."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn.utils import parameters_to_vector

from neurodecode.metrics.transfer import backward_transfer, learnt_when_new
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
from neurodecode.nn.remedy import NO_REMEDY
from neurodecode.nn.sequences import Sequences
from neurodecode.nn.training import Optimisation, TrainingPlan, mean_loss, train

torch.set_num_threads(1)
CPU = torch.device("cpu")
N = 500
PLAN = TrainingPlan(
    epochs=6,
    batches_per_epoch=4,
    segment_bins=50,
    learning_rate=0.05,
    weight_decay=0.01,
    gradient_norm=1.0,
    patience=6,
)


def sequences(n_trials: int, weights: list[float], seed: int = 0) -> Sequences:
    """One unit whose log expected count is -1 + x . weights; x is what the network sees."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_trials, 20, 2)).astype(np.float32)
    counts = rng.poisson(np.exp(-1 + x @ np.array(weights)))[..., None].astype(np.uint8)
    offset = np.full(counts.shape, -1.0, np.float32)
    return Sequences(lambda t: x[t], 0, counts, np.ones(counts.shape, bool), offset)


def linear() -> RateNetwork:
    """Two weights and a bias: a Poisson regression."""
    return RateNetwork(cell_type("lstm")(), 2, 0, 1, 0.0, bin_size_s=0.01, gain_inputs=torch.tensor([0, 1]))


def recurrent() -> RateNetwork:
    torch.manual_seed(1)
    network = RateNetwork(cell_type("lstm")(), 2, 3, 1, 0.0, bin_size_s=0.01)
    torch.nn.init.normal_(network.population.readout.weight)
    return network


def vector(network: torch.nn.Module) -> torch.Tensor:
    return parameters_to_vector(network.parameters()).detach().clone()


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def test_gradients_of_drawn_trials_have_the_fisher_information_as_their_square():
    network, task = linear(), sequences(N, [0.4, -0.2])
    with torch.no_grad():
        network.gain.weights.copy_(torch.tensor([0.4, -0.2]))
    gradients = trial_gradients(network, task, rng(), CPU)
    x = task.make_inputs(np.arange(N))
    mu = np.exp(-1 + x @ np.array([0.4, -0.2]))
    known = np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2)  # weights, then the bias
    fisher = np.einsum("tb,tbi,tbj->ij", mu, known, known) / N
    found = (gradients.T @ gradients).numpy() / N
    assert_allclose(found, fisher, atol=0.25 * np.diag(fisher).max())  # 500 draws: 6 percent of the diagonal
    assert_allclose(gradients.mean(dim=0).numpy(), 0.0, atol=4 * np.sqrt(np.diag(fisher).max() / N))
    anchor = Anchor.of(network, gradients, task)
    assert_allclose(anchor.fisher.numpy(), np.diag(found) / 20, rtol=1e-4)


def test_the_penalty_pulls_each_weight_by_its_fisher_information():
    network = linear()
    anchors = tuple(Anchor(torch.randn(3), torch.rand(3)) for _ in range(2))
    remedy = ElasticWeightConsolidation(anchors, strength=3.0)
    zero = torch.zeros(())
    remedy.added_to(zero, network, rng()).backward()
    found = torch.cat([p.grad.reshape(-1) for p in network.parameters()])
    expected = 3.0 * sum(a.fisher * (vector(network) - a.weights) for a in anchors)
    assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5)


def test_replay_adds_the_loss_of_old_trials():
    network, old = recurrent(), sequences(5, [0.3, 0.0])
    remedy = Replay((old,), n_trials=5)  # all of them, in whatever order
    remedy.added_to(torch.zeros(()), network, rng()).backward()
    found = torch.cat([p.grad.reshape(-1) for p in network.parameters()])
    expected = loss_gradient(network, old, CPU) / old.counts.size
    assert_allclose(found.numpy(), expected.numpy(), atol=1e-6)


def test_replay_draws_other_trials_for_each_step():
    network, old, draws = recurrent(), sequences(30, [0.3, 0.0]), rng()
    remedy = Replay((old,), n_trials=2)
    losses = {remedy.added_to(torch.zeros(()), network, draws).item() for _ in range(4)}
    assert len(losses) == 4


def test_steps_stay_out_of_the_old_subspace():
    network = recurrent()
    old, new = sequences(12, [0.5, 0.0]), sequences(12, [0.0, 0.7], seed=1)
    subspace = sensitive_subspace(trial_gradients(network, old, rng(), CPU), 0.9)
    before = vector(network)
    run = Optimisation.of(network, new, PLAN, rng(), CPU, GradientProjection(subspace))
    run.epoch(1)
    moved = vector(network) - before
    assert moved.norm() > 0.01
    assert float((subspace.T @ moved).norm()) < 1e-5 * float(moved.norm()) * 10  # float32 sums of 50 weights
    freely = recurrent()
    Optimisation.of(freely, new, PLAN, rng(), CPU).epoch(1)
    assert float((subspace.T @ (vector(freely) - before)).norm()) > 0.01


def test_the_subspace_is_orthonormal_and_holds_its_share():
    gradients = torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.0])) @ torch.linalg.qr(torch.randn(4, 4))[0]
    for share, n_directions in ((0.5, 1), (9 / 14 + 0.01, 2), (0.99, 3)):
        found = sensitive_subspace(gradients, share)
        assert found.shape == (4, n_directions)
        assert_allclose((found.T @ found).numpy(), np.eye(n_directions), atol=1e-6)
        kept = (gradients @ found).square().sum() / gradients.square().sum()
        assert float(kept) >= share - 1e-6


def test_subspaces_of_several_tasks_are_joined_without_counting_directions_twice():
    axes = torch.eye(5)
    both = joined([axes[:, :2], axes[:, 1:3]])
    assert both.shape == (5, 3)
    assert_allclose((both @ both.T).numpy(), np.diag([1.0, 1, 1, 0, 0]), atol=1e-6)


def test_overlap_is_the_share_of_the_squared_length():
    subspace = torch.eye(4)[:, :2]
    assert overlap(torch.tensor([3.0, 0.0, 4.0, 0.0]), subspace) == pytest.approx(9 / 25)
    assert overlap(torch.tensor([1.0, 2.0, 0.0, 0.0]), subspace) == pytest.approx(1.0)
    assert overlap(torch.tensor([0.0, 0.0, 0.0, 1.0]), subspace) == pytest.approx(0.0)


def test_each_remedy_forgets_less_than_none():
    """The tasks ask opposite things of one weight, and the new one something of the other as well."""
    old, new = sequences(40, [0.8, 0.0]), sequences(40, [-0.8, 0.8], seed=1)
    first = linear()
    train(first, old, old, PLAN, rng(), CPU, "old")
    gradients = trial_gradients(first, old, rng(), CPU)
    remedies = {
        "none": NO_REMEDY,
        "ewc": ElasticWeightConsolidation((Anchor.of(first, gradients, old),), strength=5.0),
        "replay": Replay((old,), n_trials=10),
        "projection": GradientProjection(sensitive_subspace(gradients, 0.5)),
    }
    forgot, learnt = {}, {}
    for name, remedy in remedies.items():
        network = copy.deepcopy(first)
        before = mean_loss(network, new, CPU)
        train(network, new, new, PLAN, rng(), CPU, name, remedy=remedy)
        forgot[name] = mean_loss(network, old, CPU) - mean_loss(first, old, CPU)
        learnt[name] = before - mean_loss(network, new, CPU)
    for name in ("ewc", "replay", "projection"):
        assert forgot[name] < 0.8 * forgot["none"], forgot
        assert learnt[name] > 0, learnt


def test_transfer_by_hand():
    scores = np.array([[0.5, 0.1, 0.0], [0.3, 0.6, 0.1], [0.2, 0.5, 0.7]])
    assert backward_transfer(scores) == pytest.approx(((0.2 - 0.5) + (0.5 - 0.6)) / 2)
    assert learnt_when_new(scores) == pytest.approx((0.6 + 0.7) / 2)
