"""How far gradients reach back, where it can be told on paper; spectra, trajectories, continuity."""

from itertools import repeat

import numpy as np
import pytest
import torch

from neurodecode.dynamics.gradient_flow import (
    Horizon,
    fitted_discount,
    gradient_norms,
    memory_horizon,
    product_singular_values,
)
from neurodecode.dynamics.lipschitz import measured_lipschitz
from neurodecode.dynamics.spectra import participation_ratio
from neurodecode.dynamics.trajectories import linear_r2, principal_axes
from neurodecode.errors import DataError

torch.set_num_threads(1)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shrink", [0.9, 1.0, 1.2])
def test_gradients_of_a_scaled_rotation_are_a_discount(shrink):
    turn = torch.linalg.qr(drawn(3, 3))[0]
    steps = list(repeat(lambda h: shrink * h @ turn.T, 30))
    norms = gradient_norms(steps, drawn(2, 3), lambda h: h[:, 0] * 5.0)
    np.testing.assert_allclose(norms, 5.0 * np.tile(shrink ** np.arange(31.0)[:, None], 2), rtol=1e-9)
    values = product_singular_values(steps, drawn(2, 3), [1, 7])
    np.testing.assert_allclose(values[:, 0], shrink ** np.array([[1.0], [7.0]]) * np.ones(3), rtol=1e-9)
    found = fitted_discount(range(31), norms[:, 0])
    np.testing.assert_allclose([found.gamma, found.r2], [shrink, 1.0], rtol=1e-9)


def test_gradients_are_those_of_finite_differences():
    weights, drives = 0.8 * drawn(4, 4), drawn(6, 2, 4, seed=1)
    steps = [lambda h, u=u: torch.tanh(h @ weights.T + u) for u in drives]

    def loss(h: torch.Tensor) -> torch.Tensor:
        return (h**2).sum(1)

    def from_lag(k: int, h: torch.Tensor) -> torch.Tensor:
        for step in steps[len(steps) - k :]:
            h = step(h)
        return loss(h)

    start = drawn(2, 4, seed=2)
    norms = gradient_norms(steps, start, loss)
    middle = start
    for step in steps[:3]:
        middle = step(middle)
    moved = torch.eye(4, dtype=torch.float64) * 1e-6
    slopes = torch.stack([(from_lag(3, middle + d) - from_lag(3, middle - d)) / 2e-6 for d in moved], dim=1)
    np.testing.assert_allclose(norms[3], slopes.norm(dim=1), rtol=1e-6)


def test_the_horizon_of_a_discount_is_its_time_constant():
    gamma = 0.93
    found = memory_horizon(gamma ** np.arange(200), 0.005)
    np.testing.assert_allclose(found.seconds, -0.005 / np.log(gamma), rtol=1e-9)
    assert not found.beyond
    np.testing.assert_allclose(fitted_discount([1, 2, 5], [gamma, gamma**2, gamma**5]).time_constant_s(0.005),
                               found.seconds, rtol=1e-9)  # fmt: skip
    assert memory_horizon(0.999 ** np.arange(50), 0.01) == Horizon(0.49, beyond=True)
    dips = memory_horizon(np.array([1.0, 0.1, 0.9, 0.1, 0.0]), 1.0)
    assert 2 < dips.seconds < 3, "a gradient that comes back is not gone"
    one_bin = memory_horizon(np.array([1.0, 0.0, 0.0]), 1.0)
    assert 0 < one_bin.seconds < 0.01


def test_what_has_no_gradient_is_refused():
    with pytest.raises(DataError, match="lag 0"):
        memory_horizon(np.zeros(4), 0.01)
    with pytest.raises(DataError, match="two sizes above 0"):
        fitted_discount([1, 2], [1.0, 0.0])
    with pytest.raises(DataError, match="1 to 2"):
        product_singular_values([torch.tanh, torch.tanh], drawn(1, 2), [3])


def test_a_participation_ratio_counts_dimensions():
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(20_000, 5))
    np.testing.assert_allclose(participation_ratio(ball), 5.0, atol=0.02)
    np.testing.assert_allclose(participation_ratio(ball[:, :1] * np.ones(5)), 1.0, rtol=1e-9)
    expected = (4 + 1) ** 2 / (16 + 1)  # variances 4 and 1
    np.testing.assert_allclose(participation_ratio(ball[:, :2] * [2, 1]), expected, rtol=0.03)
    assert participation_ratio(np.ones((4, 3))) == 0.0


def test_principal_axes_find_the_plane_that_states_lie_in():
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    at = rng.normal(size=(300, 2)) * [3, 1]
    states = at @ plane + 5.0
    found = principal_axes(states, 3)
    np.testing.assert_allclose(found.shares[:2].sum(), 1.0, rtol=1e-9)
    np.testing.assert_allclose(found.project(states)[:, :2] @ found.axes[:2] + found.mean, states, atol=1e-9)
    assert linear_r2(found.project(states)[:, :2], at) > 1 - 1e-9
    assert linear_r2(rng.normal(size=(300, 2)), at) < 0.1
    with pytest.raises(DataError, match="7 principal axes"):
        principal_axes(states, 7)


def test_a_tanh_step_stretches_no_more_than_its_weights_and_as_much_at_rest():
    weights = drawn(5, 5)
    most = float(torch.linalg.matrix_norm(weights, 2))
    found = measured_lipschitz(lambda h: torch.tanh(h @ weights.T), 0.8 * drawn(30, 5, seed=1), n_ascents=60)
    assert found.on_states < 0.95 * most, "away from rest tanh is flatter"
    assert found.on_states < found.found <= most * (1 + 1e-9)
    assert found.found > 0.97 * most
    linear = measured_lipschitz(lambda h: h @ weights.T, drawn(4, 5))
    np.testing.assert_allclose([linear.on_states, linear.found], most, rtol=1e-9)
