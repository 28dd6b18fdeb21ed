"""Outliers of low-rank weights: what the learnt part puts outside of the random bulk."""

import numpy as np
import pytest
import torch

from neurodecode.nn.cells import cell_type
from neurodecode.nn.cells._recurrent_weights import LowRankWeights

BIN_S = 0.005


def test_outliers_of_low_rank_weights_are_found():
    cell = cell_type("low_rank")(rank=1, gain=0.5)
    torch.manual_seed(3)
    module = cell.build(3, 200, BIN_S)
    with torch.no_grad():
        module.recurrent.left.fill_(2.0)
        module.recurrent.right.fill_(1.0)  # M N^T / N has the eigenvalue 2, and that of W is near it
    told = cell.diagnostics({key: w.detach().numpy() for key, w in module.state_dict().items()})
    assert told["bulk_radius"] == pytest.approx(0.5, rel=0.15)
    ((real, imaginary),) = told["outliers"]
    assert real == pytest.approx(2.0, abs=0.1)
    assert imaginary == 0


@pytest.mark.parametrize(("rank", "turn", "expected"), [(2, 0.7, 2), (3, 0.7, 3), (2, 0.0, 2)])
def test_complex_outliers_come_in_pairs(rank, turn, expected):
    cell, weights = cell_type("low_rank")(rank=rank, gain=0.3), low_rank_state(3, hidden=100, rank=rank, gain=0.3)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(100, rank)))[0]
    inner = 2.0 * np.eye(rank)  # of rank 3 the third, real outlier is the smallest
    inner[:2, :2] = 3.0 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    weights |= {"recurrent.left": 100 * axes @ inner, "recurrent.right": axes}
    values = [complex(*pair) for pair in cell.diagnostics(weights)["outliers"]]
    assert len(values) == expected
    assert values[0] == values[1].conjugate() or turn == 0.0
    assert np.abs(np.array(values[:2])) == pytest.approx(3.0, abs=0.2)


def test_weights_of_low_rank_that_have_learnt_nothing_have_no_outliers():
    cell = cell_type("low_rank")(rank=2, gain=0.8)
    states = [low_rank_state(seed, hidden=64, rank=2, gain=0.8) for seed in range(20)]
    assert sum(bool(cell.diagnostics(state)["outliers"]) for state in states) <= 3


def low_rank_state(seed: int, *, hidden: int, rank: int, gain: float) -> dict[str, np.ndarray]:
    """Weights as they are drawn."""
    torch.manual_seed(seed)
    drawn = LowRankWeights(hidden, rank, gain).state_dict()
    return {f"recurrent.{name}": w.double().numpy() for name, w in drawn.items()}
