"""The figures of docs/theory.md, each from the package's own functions.

    python -m benchmarks.theory [NAME ...]        (all where none is named)

Writes docs/figures/NAME.png. Nothing here is fitted to a recording.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurodecode.dynamics.cells import cell_step, driven_steps, exact, hidden_activity, resting
from neurodecode.dynamics.fixed_points import find_fixed_points
from neurodecode.dynamics.gradient_flow import gradient_norms
from neurodecode.dynamics.integration import euler_errors, euler_step, rate_field
from neurodecode.dynamics.lipschitz import measured_lipschitz
from neurodecode.dynamics.memory_capacity import memory_capacity, memory_curve
from neurodecode.dynamics.random_networks import chaos_of_random_networks, random_weights
from neurodecode.dynamics.steps import Step, trajectory
from neurodecode.models import cell_names
from neurodecode.nn.cells import cell_type
from neurodecode.report.colours import FAMILY_COLOURS, model_colours
from neurodecode.report.style import (
    FAINT,
    INK,
    drawing,
    log_axis,
    log_ordinate,
    new_figure,
    save_figure,
    zero_line,
)

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "figures"
N_LAGS = 200
LAGS = np.arange(1, N_LAGS + 1)
ORANGE, BLUE, GREEN = FAMILY_COLOURS["psth"], FAMILY_COLOURS["gru"], FAMILY_COLOURS["glm"]


def what_the_average_loses() -> Figure:
    """Rate against the time since the last spike: of a unit that refracts, and of trials drawn from its PSTH."""
    rng = np.random.default_rng(0)
    n_trials, n_bins = 2000, 400
    drive = 0.06 * (1 + 0.8 * np.sin(2 * np.pi * np.arange(n_bins) / 200))

    def drawn(rate: np.ndarray, recovery: np.ndarray) -> np.ndarray:
        spikes, since = np.zeros((n_trials, n_bins), bool), np.full(n_trials, 100)
        for bin_ in range(n_bins):
            spikes[:, bin_] = rng.random(n_trials) < rate[bin_] * recovery[np.minimum(since, recovery.size - 1)]
            since = np.where(spikes[:, bin_], 1, since + 1)
        return spikes

    def hazard(spikes: np.ndarray) -> np.ndarray:
        return np.array([1000 * spikes[:, k:][spikes[:, :-k]].mean() for k in range(1, 31)])

    recovery = np.concatenate([np.zeros(3), 1 - np.exp(-np.arange(40) / 5)])
    unit = drawn(drive, recovery)
    poisson = drawn(unit.mean(axis=0), np.ones(2))
    figure = new_figure(3.3, "The average has the rate of every moment, and forgets what a spike does to the next")
    left, right = figure.subplots(1, 2)
    for spikes, colour, label in ((unit, INK, "the unit"), (poisson, ORANGE, "drawn from its PSTH")):
        smooth = np.convolve(spikes.mean(axis=0), np.ones(15) / 15, mode="same")[8:-8]
        left.plot(np.arange(n_bins)[8:-8], 1000 * smooth, color=colour, label=label)
        right.plot(np.arange(1, 31), hazard(spikes), color=colour)
    left.set_xlabel("time in the trial (ms)")
    left.set_ylabel("mean rate (Hz)")
    left.set_ylim(0)
    left.legend()
    right.set_xlabel("time since a spike (ms)")
    right.set_ylabel("rate (Hz)")
    right.set_ylim(0)
    return figure


def two_units() -> Figure:
    """Two units that inhibit each other: paths from many states, and the points where they stand still."""
    weights = torch.tensor([[0.0, -2.0], [-2.0, 0.0]], dtype=torch.float64)
    step = euler_step(rate_field(weights, 0.0, tau_s=0.1), 0.02)
    side = torch.linspace(-1.2, 1.2, 7, dtype=torch.float64)
    starts = torch.cartesian_prod(side, side)
    paths = trajectory(repeat(step, 100), starts)
    found = find_fixed_points(step, starts)
    figure = new_figure(3.9, "Two units that inhibit each other hold one of two states, a saddle between them")
    axes = figure.subplots()
    axes.plot(paths[:, :, 0], paths[:, :, 1], color=BLUE, linewidth=0.7, alpha=0.6)
    for point, kind in zip(found.points, found.kinds, strict=True):
        axes.plot(
            *point, "o" if kind == "stable" else "X", color="white", mec=INK, mew=1.6, markersize=11, zorder=4
        )
    handles = [Line2D([], [], marker=m, color="white", mec=INK, mew=1.4, linestyle="", markersize=8) for m in "oX"]
    figure.legend(handles, ["stable point", "saddle"], loc="outside right upper")
    axes.set_aspect("equal")
    axes.set_xlabel("activity of unit 1")
    axes.set_ylabel("activity of unit 2")
    return figure


def order_to_chaos() -> Figure:
    """Largest Lyapunov exponent of random rate networks against their gain."""
    gains = np.array([0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0])
    figure = new_figure(
        3.5, "Random networks fall silent below a gain of 1; above it activity lasts, in large ones as chaos"
    )
    axes = figure.subplots()
    for n_units, colour in ((50, ORANGE), (300, BLUE)):
        found = [chaos_of_random_networks(g, n_units=n_units, n_networks=3, duration=60.0, dt=0.2) for g in gains]
        mean = np.array([one.mean() for one in found])
        axes.plot(gains, mean, "o-", color=colour, markersize=4, label=f"{n_units} units, mean of 3 networks")
        low, high = (np.array([getattr(one, side)() for one in found]) for side in ("min", "max"))
        axes.fill_between(gains, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        gains[gains <= 1.01], gains[gains <= 1.01] - 1, color=INK, linestyle=":", label="g - 1, the slowest decay"
    )
    zero_line(axes)
    zero_line(axes, at=1.0, horizontal=False)
    axes.set_xlabel("gain g (standard deviation of the weights times the root of their number)")
    axes.set_ylabel("largest Lyapunov exponent\n(per time constant)")
    axes.legend(loc="lower right")
    return figure


def gradient_flow() -> Figure:
    """How far back a loss reaches in fresh cells, and in an LSTM whose forget gate stays open."""
    hidden, generator = 64, torch.Generator().manual_seed(0)
    inputs = torch.randn(8, 50 + N_LAGS, 4, generator=generator, dtype=torch.float64)
    pull = torch.randn(8, hidden, generator=generator, dtype=torch.float64)  # d loss(t) / d hidden activity
    colours = model_colours({name: name for name in cell_names()})
    figure = new_figure(4.0, "What a cell does to gradients before it has learnt anything")
    axes = figure.subplots()
    fresh = [(name.replace("_", " "), cell_type(name)(), colours[name], "-") for name in cell_names()]
    fresh += [("lstm, forget gate at 1", cell_type("lstm")(forget_bias=20.0), colours["lstm"], "--")]
    for label, hyperparameters, colour, style in fresh:
        torch.manual_seed(0)
        cell = exact(hyperparameters.build(4, hidden, 0.005))
        steps = driven_steps(cell, inputs)
        visited = trajectory(steps[:50], resting(cell, len(inputs)))[-1]
        most = measured_lipschitz(cell_step(cell, inputs[0, 0]), visited, n_ascents=10).found
        left = _left_of_gradient(
            steps[50:], visited, lambda rows, c=cell: (hidden_activity(c, rows) * pull).sum(1)
        )
        axes.plot(LAGS, left, color=colour, linestyle=style, label=f"{label} ({most:.2f})")
    for g, style in ((0.9, ":"), (1.6, "-.")):
        weights = random_weights(hidden, g, seed=1)
        steps = [
            lambda h, u=u, w=weights: torch.tanh(h @ w.T + 0.1 * u.sum(1, keepdim=True))
            for u in inputs.transpose(0, 1)
        ]
        left = _left_of_gradient(steps[50:], trajectory(steps[:50], pull)[-1], lambda rows: (rows * pull).sum(1))
        axes.plot(LAGS, left, color=FAINT, linestyle=style, label=f"tanh network, g = {g}")
    log_ordinate(axes)
    axes.set_ylim(1e-8, 1e4)
    axes.set_xlabel("lag k (bins)")
    axes.set_ylabel("size of d loss(t) / d h(t - k),\nover that of k = 1")
    axes.grid()
    figure.legend(loc="outside right center")
    return figure


def _left_of_gradient(
    steps: Sequence[Step], start: torch.Tensor, loss: Callable[[torch.Tensor], torch.Tensor]
) -> np.ndarray:
    """Root mean square over rows of d loss / d h(t - k), over that of k = 1, t being after the last step."""
    mean = np.sqrt((gradient_norms(steps, start, loss)[1:] ** 2).mean(axis=1))
    return np.asarray(mean / mean[0])


def euler_error() -> Figure:
    """Euler's global error against the time step, and where its steps stop being stable."""
    tau_s = 0.1
    field = rate_field(random_weights(50, 1.2, seed=0), 0.0, tau_s)
    start = torch.randn(4, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shares = 1 / np.array([2, 4, 8, 16, 32])
    errors = euler_errors(field, start, 2 * tau_s, (tau_s * shares).tolist(), finer=8)
    figure = new_figure(3.4, "Euler's error halves with the time step; beyond two time constants it explodes")
    left, right = figure.subplots(1, 2)
    left.plot(shares, errors, "o-", color=BLUE, markersize=4, label="50 units, g = 1.2")
    left.plot(shares, errors[-1] * shares / shares[-1], color=INK, linestyle=":", label="in proportion to dt")
    log_axis(left)
    log_ordinate(left)
    left.set_xlabel("time step dt / tau")
    left.set_ylabel("largest error within 2 tau")
    left.legend()
    leak = rate_field(torch.zeros(1, 1, dtype=torch.float64), 0.0, tau_s)
    ratios = np.linspace(0.1, 2.5, 49)
    one = torch.ones(1, 1, dtype=torch.float64)
    after = [float(trajectory(repeat(euler_step(leak, r * tau_s), 20), one)[-1].abs()) for r in ratios]
    right.plot(ratios, np.maximum(after, 1e-9), color=GREEN)
    log_ordinate(right)
    right.set_ylim(1e-6, 1e4)
    zero_line(right, at=1.0)
    zero_line(right, at=2.0, horizontal=False)
    right.set_xlabel("time step dt / tau")
    right.set_ylabel("what is left of 1 after 20 steps")
    return figure


def memory() -> Figure:
    """Linear memory capacity of echo state networks against their spectral radius, for weak and strong input."""
    n_units, n_steps, delays = 50, 2000, 120
    signal = np.random.default_rng(0).uniform(-1, 1, n_steps)
    inputs = torch.from_numpy(signal)[None, :, None]
    radii = np.array([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4])
    figure = new_figure(3.4, "An echo state network remembers most near a spectral radius of 1")
    axes = figure.subplots()
    for strength, colour in ((0.01, BLUE), (0.1, GREEN), (1.0, ORANGE)):
        capacities = []
        for radius in radii:
            torch.manual_seed(0)
            fresh = cell_type("reservoir")(radius=radius, leak=1.0, input_scale=strength).build(1, n_units, 0.005)
            cell = exact(fresh)
            states = trajectory(driven_steps(cell, inputs), resting(cell, 1))[1:, 0].numpy()
            capacities.append(memory_capacity(memory_curve(states[200:], signal[200:], delays)))
        axes.plot(radii, capacities, "o-", color=colour, markersize=4, label=f"input scale {strength:g}")
    axes.axhline(n_units, color=FAINT, linewidth=0.8, linestyle=":")
    axes.annotate("number of units", (radii[0], n_units), xytext=(0, -11), textcoords="offset points", color=FAINT)
    axes.set_xlabel("spectral radius")
    axes.set_ylabel("memory capacity (steps)")
    axes.set_ylim(0)
    axes.legend()
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "what_the_average_loses": what_the_average_loses,
    "two_units": two_units,
    "gradient_flow": gradient_flow,
    "order_to_chaos": order_to_chaos,
    "euler_error": euler_error,
    "memory": memory,
}


def main() -> None:
    """Draw the figures that are named."""
    parser = argparse.ArgumentParser(description="draw the figures of docs/theory.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FIGURES)} (default: all)")
    names = parser.parse_args().names or list(FIGURES)
    if unknown := [name for name in names if name not in FIGURES]:
        parser.error(f"no figure is called {unknown[0]!r}; there are {', '.join(FIGURES)}")
    torch.set_num_threads(1)
    with drawing():
        for name in names:
            save_figure(FIGURES[name](), FOLDER / f"{name}.png")
            print(f"{FOLDER / name}.png", flush=True)


if __name__ == "__main__":
    main()
