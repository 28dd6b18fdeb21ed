"""The forward algorithms of the latent populations against sums over every path of the hidden state."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.simulate.bursting import BurstProcess
from neurodecode.simulate.refractory_adapting import HistoryProcess
from neurodecode.simulate.shared_gain import GainProcess, ehrenfest_chain

EXACT = {"rtol": 1e-10, "atol": 0.0}  # the same sums in another order


def predictions(process, spikes: np.ndarray) -> np.ndarray:
    """E[count | past] of each step of given trains (steps, units), as the process has it."""
    expected = []
    for step, row in enumerate(spikes):
        expected.append(process.expected(step)[0])
        process.observe(step, row[None].astype(bool))
    return np.array(expected)


def ready(train: np.ndarray, step: int) -> bool:
    return not train[max(step - 2, 0) : step].any()


@pytest.mark.parametrize("seed", range(4))
def test_burst_filter_is_the_sum_over_all_paths(seed):
    rng = np.random.default_rng(seed)
    n_steps, offset, burst = 8, 0.3, 0.6
    onset, rest = rng.uniform(0.1, 0.5, (1, n_steps, 1)), rng.uniform(0.05, 0.3, (1, n_steps, 1))
    train = (rng.random(n_steps) < 0.4).astype(int)
    train[1:][train[:-1] > 0] = 0
    train[2:][train[:-2] > 0] = 0

    def chance(state: int, step: int) -> float:
        return (burst if state else rest[0, step, 0]) * ready(train, step)

    def joint(path: tuple[int, ...], n_seen: int) -> float:
        """Probability of a path of states and of the first ``n_seen`` bins of the train."""
        start = onset[0, 0, 0] / (onset[0, 0, 0] + offset)
        p = start if path[0] else 1 - start
        for step in range(1, len(path)):
            to_burst = 1 - offset if path[step - 1] else onset[0, step, 0]
            p *= to_burst if path[step] else 1 - to_burst
        for step in range(n_seen):
            p *= chance(path[step], step) if train[step] else 1 - chance(path[step], step)
        return p

    reference = []
    for step in range(n_steps):
        paths = list(itertools.product((0, 1), repeat=step + 1))
        weights = np.array([joint(path, step) for path in paths])
        reference.append(weights @ [chance(path[-1], step) for path in paths] / weights.sum())

    process = BurstProcess(
        np.zeros(1, int),
        onset=onset,
        offset=np.array([offset]),
        rest_spike=rest,
        burst_spike=np.array([burst]),
        rng=rng,
    )
    assert_allclose(predictions(process, train[:, None])[:, 0], reference, **EXACT)


@pytest.mark.parametrize("seed", range(4))
def test_gain_filter_is_the_sum_over_all_paths(seed):
    rng = np.random.default_rng(seed)
    n_steps, n_units = 6, 2
    gain, start = np.array([0.5, 1.0, 2.0]), np.array([0.25, 0.5, 0.25])
    move = rng.dirichlet(np.ones(3), 3)
    probability = rng.uniform(0.1, 0.4, (1, n_steps, n_units))
    spikes = (rng.random((n_steps, n_units)) < 0.3).astype(int)

    def joint(path: tuple[int, ...], n_seen: int) -> float:
        p = start[path[0]]
        for before, after in itertools.pairwise(path):
            p *= move[before, after]
        for step in range(n_seen):
            chance = probability[0, step] * gain[path[step]]
            p *= np.prod(np.where(spikes[step], chance, 1 - chance))
        return p

    reference = []
    for step in range(n_steps):
        paths = list(itertools.product(range(3), repeat=step + 1))
        weights = np.array([joint(path, step) for path in paths])
        mean_gain = weights @ [gain[path[-1]] for path in paths] / weights.sum()
        reference.append(probability[0, step] * mean_gain)

    process = GainProcess(probability, np.zeros(1, int), gain=gain, stationary=start, transition=move, rng=rng)
    assert_allclose(predictions(process, spikes), reference, **EXACT)


def test_history_intensity_is_the_formula():
    """One unit, spikes in bins 2 and 7: recovery, trace and hazard written out."""
    hazard, rate_of_recovery, decay, per_spike = 0.2, 0.25, 0.98, 0.5
    train = np.zeros(12, int)
    train[[2, 7]] = 1
    process = HistoryProcess(
        np.full((1, 12, 1), hazard),
        np.zeros(1, int),
        recovery_per_step=np.array([rate_of_recovery]),
        trace_decay=np.array([decay]),
        adaptation_per_spike=np.array([per_spike]),
    )
    reference = []
    for step in range(12):
        before = np.flatnonzero(train[:step])
        trace = sum(decay ** (step - 1 - spike) for spike in before)
        lag = step - before[-1] if before.size else np.inf
        recovered = 0.0 if lag <= 2 else 1 - np.exp(-(lag - 2) * rate_of_recovery)
        reference.append(1 - np.exp(-hazard * recovered * np.exp(-per_spike * trace)))
    assert_allclose(predictions(process, train[:, None])[:, 0], reference, **EXACT)


def test_ehrenfest_chain_is_binomial_with_exponential_autocorrelation():
    law, move = ehrenfest_chain(5, 0.3)
    assert_allclose(law, np.array([1, 4, 6, 4, 1]) / 16, **EXACT)
    assert_allclose(move.sum(axis=1), 1.0, **EXACT)
    assert_allclose(law @ move, law, **EXACT)
    level = np.arange(5) - 2.0
    assert_allclose(level @ (law[:, None] * move) @ level / (law @ level**2), np.exp(-0.3), **EXACT)
    half = ehrenfest_chain(5, 0.15)[1]
    assert_allclose(half @ half, move, rtol=1e-10, atol=1e-15)


def test_a_twin_leaves_the_first_alone():
    rng = np.random.default_rng(2)
    law, move = ehrenfest_chain(3, 0.5)
    process = GainProcess(
        np.full((1, 9, 4), 0.1),
        np.zeros(5, int),
        gain=np.array([0.5, 1.0, 1.5]),
        stationary=law,
        transition=move,
        rng=rng,
    )
    before = process.expected(0).copy()
    twin = process.twin(rng)
    twin.observe(0, np.ones((5, 4), bool))
    assert_allclose(process.expected(0), before, **EXACT)
    assert np.all(twin.expected(1) > before)
