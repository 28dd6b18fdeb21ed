"""The figures of docs/theory.md, each from the package's own functions.

    python -m benchmarks.theory [NAME ...] [--output FOLDER]      (all figures where none is named)
    python -m benchmarks.theory lipschitz jacobians               (prints the page's tables)

Writes NAME.png into docs/figures, or into FOLDER. Nothing here is fitted to a recording.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks._fresh_cells import gradient_flow, jacobians_table, lipschitz_table
from neurodecode.dynamics.cells import driven_steps, exact, resting
from neurodecode.dynamics.fixed_points import find_fixed_points
from neurodecode.dynamics.integration import Field, euler_errors, euler_step, rate_field
from neurodecode.dynamics.memory_capacity import memory_capacity, memory_curve
from neurodecode.dynamics.random_networks import chaos_of_random_networks
from neurodecode.dynamics.steps import Step, jacobians, trajectory
from neurodecode.nn.cells import cell_type
from neurodecode.report.colours import FAMILY_COLOURS
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
POINTS = {"stable": "o", "saddle": "X"}
PSTH, RESERVOIR = FAMILY_COLOURS["psth"], FAMILY_COLOURS["reservoir"]


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
    for spikes, colour, label in ((unit, INK, "the unit"), (poisson, PSTH, "drawn from its PSTH")):
        smooth = np.convolve(spikes.mean(axis=0), np.ones(15) / 15, mode="same")[8:-8]
        left.plot(np.arange(n_bins)[8:-8], 1000 * smooth, color=colour, label=label)
        right.plot(np.arange(1, 31), hazard(spikes), color=colour)
    left.set_xlabel("time in the trial (ms)")
    left.set_ylabel("mean rate (Hz), over 15 ms")
    left.set_ylim(0)
    left.legend()
    right.set_xlabel("time since a spike (ms)")
    right.set_ylabel("rate (Hz)")
    right.set_ylim(0)
    return figure


def two_units() -> Figure:
    """Two units that inhibit each other: paths from many states, and the points where they stand still."""
    tau_s, dt_s, n_steps, colour = 0.1, 0.005, 160, FAMILY_COLOURS["rate"]
    weights = torch.tensor([[0.0, -2.0], [-2.0, 0.0]], dtype=torch.float64)
    step = euler_step(rate_field(weights, 0.0, tau_s), dt_s)
    side = torch.linspace(-1.2, 1.2, 7, dtype=torch.float64)
    starts = torch.cartesian_prod(side, side)
    paths = trajectory(repeat(step, n_steps), starts).numpy()
    found = find_fixed_points(step, starts)
    figure = new_figure(4.2, "Two units that inhibit each other hold one of two states, a saddle between them")
    left, right = figure.subplots(1, 2)
    left.plot(paths[:, :, 0], paths[:, :, 1], color=colour, linewidth=0.8)
    for path in paths.transpose(1, 0, 2):
        if np.ptp(path[:30], axis=0).max() > 0.2:  # those that begin near a point hardly move
            arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.8}
            left.annotate("", path[12], xytext=path[10], arrowprops=arrow)
    for point, kind in zip(found.points, found.kinds, strict=True):
        left.plot(*point, POINTS[kind], color="white", mec=INK, mew=1.6, markersize=11, zorder=4)
    left.set_aspect("equal")
    left.set_xlabel("activity of unit 1")
    left.set_ylabel("activity of unit 2")
    time = np.arange(n_steps + 1) * dt_s / tau_s
    right.plot(time, paths[:, :, 0] - paths[:, :, 1], color=colour, linewidth=0.8)
    right.set_xlabel("time (time constants)")
    right.set_ylabel("activity of unit 1, less that of unit 2")
    for point, kind in zip(found.points, found.kinds, strict=True):
        right.plot(time[-1], point[0] - point[1], POINTS[kind], color="white", mec=INK, mew=1.6, ms=11, zorder=4)
    handles = [Line2D([], [], marker=m, color="white", mec=INK, mew=1.4, ls="", ms=8) for m in POINTS.values()]
    figure.legend(handles, ["stable point", "saddle"], loc="outside lower center", ncols=2)
    return figure


NETWORKS = {50: ("#C5BAF8", "o", 3), 300: (FAMILY_COLOURS["rate"], "s", 3), 1500: ("#3A1FA8", "D", 2)}
"""Units of a random network -> colour, from light to dark, mark and number of networks."""


def order_to_chaos() -> Figure:
    """Largest Lyapunov exponent of random rate networks against their gain."""
    gains = np.array([0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0])
    figure = new_figure(
        3.8, "Random networks fall silent below a gain of 1; the larger they are, the nearer to 1 chaos begins"
    )
    axes = figure.subplots()
    for n_units, (colour, mark, n_networks) in NETWORKS.items():
        found = [
            chaos_of_random_networks(g, n_units=n_units, n_networks=n_networks, duration=60.0, dt=0.2)
            for g in gains
        ]
        mean, low, high = (np.array([getattr(one, of)() for one in found]) for of in ("mean", "min", "max"))
        label = f"{n_units:,} units, mean of {n_networks} networks"
        axes.plot(gains, mean, marker=mark, color=colour, markersize=4.5, label=label)
        axes.fill_between(gains, low, high, color=colour, alpha=0.2, linewidth=0)
    settled = gains[gains <= 1.01]
    axes.plot(settled, settled - 1, color=INK, linestyle=":", label="g - 1, the slowest decay")
    zero_line(axes)
    zero_line(axes, at=1.0, horizontal=False)
    axes.set_xlabel("gain g (standard deviation of the weights times the root of their number)")
    axes.set_ylabel("largest Lyapunov exponent\n(per time constant)")
    axes.legend(loc="lower right", title="shaded: from the least to the most of the networks")
    return figure


def euler_error() -> Figure:
    """Euler's error of the `rate` cell against its time step, and where its steps stop being stable."""
    tau_s = 0.1
    field, leak = _rate_cell_and_leak(tau_s)
    shares = np.array([3, 2.4, 2, 1.6, 1.2, 1, 0.5, 1 / 4, 1 / 8, 1 / 16, 1 / 32])  # all divide 24
    start = torch.randn(4, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    errors = euler_errors(field, start, 24 * tau_s, (tau_s * shares).tolist(), finer=10)
    title = "Euler's error halves with the time step, and explodes beyond two time constants, or sooner"
    figure = new_figure(3.5, title)
    left, right = figure.subplots(1, 2)
    left.plot(shares, errors, "o-", color=FAMILY_COLOURS["rate"], markersize=4)
    left.plot(shares, errors[-1] * shares / shares[-1], color=INK, linestyle=":", label="in proportion to dt")
    log_axis(left)
    log_ordinate(left)
    left.set_ylabel("largest error within 24 tau")
    left.legend(loc="upper left")
    ratios = np.linspace(0.05, 3.0, 119)
    for told, one, colour, style in (
        ("50 units, recurrent weights of g = 0.8", field, FAMILY_COLOURS["rate"], "-"),
        ("the same without recurrent weights", leak, INK, "--"),
    ):
        factors = [_factor_at_rest(euler_step(one, ratio * tau_s)) for ratio in ratios]
        right.plot(ratios, factors, color=colour, linestyle=style, label=told)
    zero_line(right, at=1.0)
    right.set_ylabel("factor of a step\non a small change")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for axes in (left, right):
        axes.set_xlabel("time step dt / tau")
        zero_line(axes, at=2.0, horizontal=False)
    return figure


def _rate_cell_and_leak(tau_s: float) -> tuple[Field, Field]:
    """What the `rate` cell's steps are Euler's steps of (a test holds them to that), and its leak alone.

    The cell itself refuses bins of two time constants and more, which are to be seen here.
    """
    torch.manual_seed(0)
    cell = exact(cell_type("rate")(tau_s=tau_s, learn_tau=False, gain=0.8).build(1, 50, tau_s))
    weights = cell.recurrent()
    return rate_field(weights, 0.0, tau_s), rate_field(torch.zeros_like(weights), 0.0, tau_s)


def _factor_at_rest(step: Step) -> float:
    """Spectral radius of the step's Jacobian at 0."""
    at_rest = jacobians(step, torch.zeros(1, 50, dtype=torch.float64))[0]
    return float(torch.linalg.eigvals(at_rest).abs().max())


def memory() -> Figure:
    """Linear memory capacity of echo state networks against their spectral radius, for weak and strong input."""
    n_units, n_steps, delays = 50, 2000, 120
    signal = np.random.default_rng(0).uniform(-1, 1, n_steps)
    inputs = torch.from_numpy(signal)[None, :, None]
    radii = np.array([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4])
    figure = new_figure(3.4, "An echo state network remembers most near a spectral radius of 1")
    axes = figure.subplots()
    for strength, colour, mark in ((0.01, "#57430F", "D"), (0.1, "#A88538", "s"), (1.0, RESERVOIR, "o")):
        capacities = []
        for radius in radii:
            torch.manual_seed(0)
            fresh = cell_type("reservoir")(radius=radius, leak=1.0, input_scale=strength).build(1, n_units, 0.005)
            cell = exact(fresh)
            states = trajectory(driven_steps(cell, inputs), resting(cell, 1))[1:, 0].numpy()
            capacities.append(memory_capacity(memory_curve(states[200:], signal[200:], delays)))
        axes.plot(radii, capacities, marker=mark, color=colour, markersize=5, label=f"input scale {strength:g}")
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


TABLES: dict[str, Callable[[], str]] = {"lipschitz": lipschitz_table, "jacobians": jacobians_table}


def main(given: Sequence[str] | None = None) -> None:
    """Draw the figures, and print the tables, that are named."""
    parser = argparse.ArgumentParser(description="draw the figures of docs/theory.md")
    known = {**FIGURES, **TABLES}
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)} (default: all figures)")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="FOLDER", help="where figures are written")
    asked = parser.parse_args(given)
    if unknown := [name for name in asked.names if name not in known]:
        parser.error(f"no figure or table is called {unknown[0]!r}; there are {', '.join(known)}")
    torch.set_num_threads(1)
    asked.output.mkdir(parents=True, exist_ok=True)
    with drawing():
        for name in asked.names or FIGURES:
            if name in TABLES:
                print(TABLES[name]())
                continue
            path = asked.output / f"{name}.png"
            save_figure(FIGURES[name](), path)
            print(path, flush=True)


if __name__ == "__main__":
    main()
