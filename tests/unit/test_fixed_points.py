"""Fixed points of networks small enough to be solved on paper."""

import numpy as np
import pytest
import torch

from neurodecode.dynamics.cells import cell_step, exact
from neurodecode.dynamics.fixed_points import find_fixed_points
from neurodecode.dynamics.steps import jacobians, pushed_forward, trajectory
from neurodecode.nn.cells import cell_type

torch.set_num_threads(1)


def starts(n: int, n_starts: int, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return scale * (2 * torch.rand(n_starts, n, generator=generator, dtype=torch.float64) - 1)


def crossing(w: float) -> float:
    """The positive solution of x = tanh(w x)."""
    x = 1.0
    for _ in range(500):
        x = np.tanh(w * x)
    return x


def test_two_units_that_inhibit_each_other_hold_one_of_two_states():
    w, step_of_tau = 2.0, 0.2
    weights = torch.tensor([[0.0, -w], [-w, 0.0]], dtype=torch.float64)
    found = find_fixed_points(lambda h: h + step_of_tau * (torch.tanh(h @ weights.T) - h), starts(2, 40))
    x = crossing(w)
    expected = {(round(x, 8), round(-x, 8)): "stable", (round(-x, 8), round(x, 8)): "stable", (0.0, 0.0): "saddle"}
    assert {
        tuple(float(v) for v in np.round(p, 8) + 0.0): k for p, k in zip(found.points, found.kinds, strict=True)
    } == expected
    assert found.fixed.all()
    assert found.n_starts.sum() == 40
    saddle = found.kinds.index("saddle")
    np.testing.assert_allclose(found.eigenvalues[saddle], [1 - 0.2 + 0.2 * w, 1 - 0.2 - 0.2 * w], atol=1e-8)
    slope = w * (1 - x**2)  # of tanh(w x) where it crosses
    stable = found.kinds.index("stable")
    np.testing.assert_allclose(
        found.eigenvalues[stable], [1 - 0.2 + 0.2 * slope, 1 - 0.2 - 0.2 * slope], atol=1e-7
    )
    expected_s = -0.01 / np.log(1 - 0.2 + 0.2 * slope)
    np.testing.assert_allclose(found.time_constants_s(0.01)[stable, 0], expected_s, rtol=1e-6)


def test_two_units_apart_have_nine_fixed_points():
    found = find_fixed_points(lambda h: torch.tanh(2.0 * h), starts(2, 150, 1.2))
    assert sorted(found.kinds) == ["saddle"] * 4 + ["stable"] * 4 + ["unstable"]
    np.testing.assert_array_equal(found.n_unstable[np.argsort(np.abs(found.points).sum(axis=1))[:1]], [2])


def test_a_turning_point_has_its_frequency():
    angle = 2 * np.pi * 8 * 0.005  # 8 Hz at bins of 5 ms
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=torch.float64)
    found = find_fixed_points(lambda h: 0.9 * h @ turn.T + 0.3, starts(2, 5))
    np.testing.assert_allclose(found.frequencies_hz(0.005), [[8.0, 8.0]], rtol=1e-6)
    assert found.kinds == ["stable"]


def test_a_ghost_is_a_slow_point_and_no_fixed_point():
    """x + (1e-4 + x^2) never stands still; it lingers at 0, moving 1e-4 in a step."""
    found = find_fixed_points(lambda h: h + 1e-4 + h**2, starts(1, 12, 0.5))
    assert not found.fixed.any()
    np.testing.assert_allclose(found.speeds, [1e-4], rtol=1e-3)
    np.testing.assert_allclose(found.points, [[0.0]], atol=2e-3)


def test_fixed_points_of_an_lstm_are_of_what_it_holds_as_well():
    """F(h, c) = (h, c) by torch's own cell, and the eigenvalues are those of its Jacobian by autograd."""
    torch.manual_seed(4)
    n = 6
    cell = cell_type("lstm")().build(2, n, None).double()
    theirs = torch.nn.LSTMCell(2, n).double()
    with torch.no_grad():
        cell.weight_hh_l0 *= 6.0  # so that it may hold more than one state
    theirs.load_state_dict({key.removesuffix("_l0"): w for key, w in cell.state_dict().items()})
    held = torch.tensor([0.3, -0.2], dtype=torch.float64)
    found = find_fixed_points(cell_step(exact(cell), held), starts(2 * n, 60, 1.5))
    assert found.fixed.sum() >= 1

    def after(point: torch.Tensor) -> torch.Tensor:
        return torch.cat(theirs(held[None], (point[None, :n], point[None, n:])), dim=1)[0]

    for point, values in zip(found.points[found.fixed], found.eigenvalues[found.fixed], strict=True):
        here = torch.from_numpy(point)
        np.testing.assert_allclose(after(here).detach(), here, atol=1e-6)
        own = np.linalg.eigvals(torch.autograd.functional.jacobian(after, here).numpy())
        for value in values:  # of equal modulus they come in any order
            assert np.abs(own - value).min() < 1e-7
        assert np.abs(own.sum() - values.sum()) < 1e-7


def test_nothing_is_found_where_nothing_lingers():
    found = find_fixed_points(lambda h: h + 1.0, starts(3, 4))
    assert found.points.shape == found.eigenvalues.shape == (0, 3)
    assert found.kinds == []


def test_jacobians_and_pushed_vectors_agree_with_the_formula():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    states = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    drive = torch.randn(3, 4, generator=generator, dtype=torch.float64)  # of each row its own

    def step(h: torch.Tensor) -> torch.Tensor:
        return torch.tanh(h @ weights.T + drive)

    expected = (1 - step(states) ** 2)[:, :, None] * weights
    np.testing.assert_allclose(jacobians(step, states), expected, rtol=1e-12)
    tangents = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64)
    after, pushed = pushed_forward(step, states, tangents)
    np.testing.assert_allclose(pushed, expected @ tangents, rtol=1e-12)
    np.testing.assert_array_equal(after, trajectory([step], states)[1])


@pytest.mark.parametrize(("reach", "expected"), [(2.0, [0.0]), (3.0, [0.0, 100.0])])
def test_points_beyond_what_was_visited_are_left_out(reach, expected):
    """x + x (x - 100) / 1000 stands still at 0 and at 100, which lies outside of the starts 0 and 60."""
    starts = torch.tensor([[0.0], [60.0]], dtype=torch.float64)
    found = find_fixed_points(lambda h: h + h * (h - 100) / 1000, starts, reach=reach)
    np.testing.assert_allclose(np.sort(found.points[:, 0]), expected, atol=1e-6)
