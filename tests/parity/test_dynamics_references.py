"""Lyapunov exponents, spectra and memory of systems whose numbers stand in the literature."""

from itertools import repeat

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from neurodecode.dynamics.integration import euler_errors, euler_step, rate_field, runge_kutta_step
from neurodecode.dynamics.lyapunov import lyapunov_exponents
from neurodecode.dynamics.memory_capacity import memory_capacity, memory_curve
from neurodecode.dynamics.random_networks import chaos_of_random_networks, random_weights
from neurodecode.dynamics.spectra import gain, spectral_radius
from neurodecode.dynamics.steps import trajectory
from neurodecode.errors import ConvergenceError, DataError

torch.set_num_threads(1)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_exponents_of_a_linear_map_are_the_logs_of_its_eigenvalues():
    basis, values = drawn(3, 3), torch.tensor([1.3, 0.8, -0.2], dtype=torch.float64)
    matrix = basis @ torch.diag(values) @ torch.linalg.inv(basis)
    found = lyapunov_exponents(repeat(lambda h: h @ matrix.T, 200), drawn(2, 3), n_exponents=3, burn_in=60)
    # What is left of the turning of the first vectors falls like (0.8 / 1.3)^60.
    np.testing.assert_allclose(found, np.log([[1.3, 0.8, 0.2]] * 2), atol=1e-9)


def test_the_logistic_map_parts_by_a_factor_of_two_a_step():
    start = torch.linspace(0.11, 0.87, 200, dtype=torch.float64)[:, None]
    found = lyapunov_exponents(repeat(lambda x: 4 * x * (1 - x), 400), start, burn_in=20)
    # Ulam and von Neumann: log 2; 200 orbits of 380 steps leave a standard error of 0.003.
    assert abs(float(found.mean()) - np.log(2)) < 0.01


def test_exponents_of_the_lorenz_system():
    """0.9056, 0 and -14.5723 per unit of time (Sprott 2003, Chaos and Time-Series Analysis, sect. 5.1)."""

    def field(h: torch.Tensor) -> torch.Tensor:
        x, y, z = h.unbind(1)
        return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], dim=1)

    step, dt = runge_kutta_step(field, 0.02), 0.02
    start = trajectory(repeat(step, 1500), 8 * drawn(1000, 3))[-1]  # orbits leave the two unstable spirals slowly
    found = lyapunov_exponents(repeat(step, 520), start, n_exponents=3, burn_in=120, interval=5) / dt
    mean = found.mean(0).numpy()
    np.testing.assert_allclose(mean.sum(), -(10 + 1 + 8 / 3), atol=0.01)  # the flow's divergence
    np.testing.assert_allclose(mean, [0.9056, 0.0, -14.5723], atol=0.03)


def test_what_has_no_exponent_is_refused():
    with pytest.raises(DataError, match="burn-in of 5"):
        lyapunov_exponents(repeat(torch.tanh, 5), drawn(1, 2), burn_in=5)
    with pytest.raises(DataError, match="1 to 2"):
        lyapunov_exponents(repeat(torch.tanh, 5), drawn(1, 2), n_exponents=3)
    with pytest.raises(ConvergenceError, match="not finite"):
        lyapunov_exponents(repeat(lambda h: h**3, 20), 1e30 * drawn(1, 2), interval=20)


def test_the_spectral_radius_of_random_weights_is_their_gain():
    drawn = [random_weights(1000, 1.5, seed=seed).numpy() for seed in range(3)]
    weights = drawn[0]
    with threadpool_limits(limits=1):
        assert abs(np.median([spectral_radius(w) for w in drawn]) / 1.5 - 1) < 0.03
        assert abs(gain(weights[:300, :300]) / (3.0 * 0.3**0.5) - 1) < 0.05, "twice the radius: it is not normal"


def test_random_networks_turn_chaotic_at_a_gain_of_one():
    """Close to 1 on both sides, which takes large networks: in small ones the transition is blurred."""

    def exponents(g: float, time: float, n_networks: int) -> np.ndarray:
        settings = {"n_units": 1000, "n_networks": 1, "duration": time, "burn_in": time, "dt": 0.2}
        return np.array([float(chaos_of_random_networks(g, seed=seed, **settings)) for seed in range(n_networks)])

    # Silence: the slowest direction is the rightmost eigenvalue of -1 + W, near g - 1.
    np.testing.assert_allclose(exponents(0.9, 50.0, 2), 0.9 - 1, atol=0.03)
    # Chaos: near (g - 1)^2 / 2 where networks are endless, less in these, and different in each.
    found = exponents(1.25, 100.0, 3)
    assert np.median(found) > 0.003, found
    assert found.mean() > 0.003, found


def test_eulers_error_falls_with_the_time_step():
    field = rate_field(random_weights(20, 1.2, seed=3), drawn(20), tau_s=0.05)
    coarse, fine, finest = euler_errors(field, drawn(4, 20), 0.1, [0.01, 0.005, 0.0025])
    np.testing.assert_allclose([coarse / fine, fine / finest], 2.0, rtol=0.15)  # of first order
    with pytest.raises(DataError, match="does not divide"):
        euler_errors(field, drawn(4, 20), 0.1, [0.03])


@pytest.mark.parametrize(("dt_of_tau", "stable"), [(1.0, True), (1.9, True), (2.1, False)])
def test_eulers_steps_of_a_leak_are_stable_below_two_time_constants(dt_of_tau, stable):
    leak = rate_field(torch.zeros(2, 2, dtype=torch.float64), 0.0, tau_s=0.02)
    after = trajectory(repeat(euler_step(leak, dt_of_tau * 0.02), 50), drawn(3, 2))[-1]
    left = after.norm() / drawn(3, 2).norm()
    np.testing.assert_allclose(left, abs(1 - dt_of_tau) ** 50, atol=1e-12)
    assert (left < 1) == stable


def test_a_delay_line_holds_as_much_as_it_has_units():
    rng = np.random.default_rng(0)
    signal = rng.uniform(-1, 1, 400)
    line = np.stack([np.roll(signal, lag) for lag in range(1, 6)], axis=1)
    curve = memory_curve(line[10:], signal[10:], 9)
    np.testing.assert_allclose(curve[:5], 1.0, atol=1e-6)
    assert curve[5:].max() < 0.05
    np.testing.assert_allclose(memory_capacity(curve), 5.0, atol=0.1)
    with pytest.raises(DataError, match="too few"):
        memory_curve(line[:20], signal[:20], 9)


def test_memory_of_one_leaky_unit_decays_with_its_leak():
    """r^2 of x(t - k) from sum of a^j x(t - j): a^(2k) (1 - a^2)."""
    rng = np.random.default_rng(1)
    signal, state, a = rng.normal(size=20_000), 0.0, 0.8
    states = np.array([[state := a * state + x] for x in signal])
    np.testing.assert_allclose(memory_curve(states, signal, 6), 0.36 * 0.64 ** np.arange(1, 7), atol=0.02)
