"""What a step of a cell does before learning: how far back a loss reaches, and its Lipschitz constant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks._cell_lines import cell_line
from benchmarks._flow import singular_values
from neurodecode.dynamics.cells import cell_step, driven_steps, exact, hidden_activity, resting
from neurodecode.dynamics.gradient_flow import fitted_discount, gradient_norms
from neurodecode.dynamics.lipschitz import Lipschitz, measured_lipschitz
from neurodecode.dynamics.random_networks import random_weights
from neurodecode.dynamics.steps import Step, trajectory
from neurodecode.models import cell_names
from neurodecode.nn.cells import cell_type
from neurodecode.report.style import FAINT, log_ordinate, new_figure

HIDDEN, N_INPUTS, N_ROWS = 64, 4, 8
N_LAGS, BURN_IN = 200, 50
BIN_SIZE_S = 0.005
OPEN = "lstm, forget gate at 1"


@dataclass(frozen=True, eq=False)
class Fresh:
    """A network before learning: ``steps`` through white inputs, ``start`` (rows, states) after the burn-in, a
    ``loss`` of each row that is linear in the hidden activity, and how its line looks. ``held``: the step under
    the first input; ``cell``: None where it is bare tanh units."""

    label: str
    steps: Sequence[Step]
    start: torch.Tensor
    loss: Callable[[torch.Tensor], torch.Tensor]
    held: Step
    line: dict[str, Any]
    cell: Any = None

    def left_of_gradient(self) -> np.ndarray:
        """Root mean square over rows of d loss / d h(t - k) over that of k = 1, t being after the last step."""
        mean = np.sqrt((gradient_norms(self.steps, self.start, self.loss)[1:] ** 2).mean(axis=1))
        return np.asarray(mean / mean[0])

    def lipschitz(self) -> Lipschitz:
        """Of a step under an input that is held, from visited states on."""
        return measured_lipschitz(self.held, self.start, n_ascents=10)

    def upper_bound(self) -> float | None:
        """max(1 - a) + max(a) ||W||_2 of leaky units, whose tanh has slopes up to 1; None for other cells."""
        if not (hasattr(self.cell, "leak") and hasattr(self.cell, "recurrent")):
            return None
        leak, weight = self.cell.leak(), self.cell.recurrent()
        return float((1 - leak).abs().max() + leak.max() * torch.linalg.matrix_norm(weight, 2))


def fresh_cells(hidden: int = HIDDEN) -> Iterator[Fresh]:
    """Every cell with its defaults, then the LSTM with its forget gate held open."""
    inputs, pull = _inputs(), _pull(hidden)
    asked = [(name.replace("_", " "), cell_type(name)(), cell_line(name)) for name in cell_names()]
    asked.append((OPEN, cell_type("lstm")(forget_bias=20.0), cell_line("lstm") | {"linestyle": "--"}))
    for label, hyperparameters, line in asked:
        torch.manual_seed(0)
        cell = exact(hyperparameters.build(N_INPUTS, hidden, BIN_SIZE_S))
        steps = driven_steps(cell, inputs)
        visited = trajectory(steps[:BURN_IN], resting(cell, N_ROWS))[-1]

        def loss(rows: torch.Tensor, cell: Any = cell) -> torch.Tensor:
            return (hidden_activity(cell, rows) * pull).sum(1)

        yield Fresh(label, steps[BURN_IN:], visited, loss, cell_step(cell, inputs[0, 0]), line, cell)


def tanh_networks(hidden: int = HIDDEN) -> Iterator[Fresh]:
    """Bare tanh units with weights of a gain below and one above 1."""
    inputs, pull = _inputs(), _pull(hidden)
    for g, style in ((0.9, ":"), (1.6, "-.")):
        weights = random_weights(hidden, g, seed=1)
        steps: list[Step] = [
            lambda h, u=u, w=weights: torch.tanh(h @ w.T + 0.1 * u.sum(1, keepdim=True))  # type: ignore[misc]
            for u in inputs.transpose(0, 1)
        ]
        start = trajectory(steps[:BURN_IN], pull)[-1]
        line = {"color": FAINT, "linestyle": style}
        yield Fresh(
            f"tanh units, g = {g}",
            steps[BURN_IN:],
            start,
            lambda rows: (rows * pull).sum(1),
            lambda h, w=weights: torch.tanh(h @ w.T),  # type: ignore[misc]
            line,
        )


def gradient_flow() -> Figure:
    """How far back a loss reaches in fresh cells, and in an LSTM whose forget gate stays open."""
    figure = new_figure(4.6, "Before learning, gradients vanish in every cell but an LSTM whose gate stands open")
    axes = figure.subplots()
    lags = np.arange(1, N_LAGS + 1)
    for number, fresh in enumerate([*fresh_cells(), *tanh_networks()]):
        marks = {"markersize": 5.5, "markevery": (4 + 2 * number, 25), "mec": "white", "mew": 0.5}
        label = f"{fresh.label} ({fresh.lipschitz().found:.2f})"
        axes.plot(lags, fresh.left_of_gradient(), label=label, **marks, **fresh.line)
    log_ordinate(axes)
    axes.set_ylim(1e-8, 1e4)
    axes.set_xlim(0, N_LAGS)
    axes.set_xlabel(f"lag k (bins of {1000 * BIN_SIZE_S:g} ms)")
    axes.set_ylabel("size of d loss(t) / d h(t - k),\nover that of k = 1")
    axes.grid()
    _in_ms(axes)
    title = "cell (the most that a step\nwas found to stretch a change)"
    figure.legend(loc="outside right center", title=title, handlelength=2.4, alignment="left")
    return figure


def _in_ms(axes: Axes) -> None:
    scale = 1000 * BIN_SIZE_S
    above = axes.secondary_xaxis("top", functions=(lambda k: k * scale, lambda ms: ms / scale))
    above.set_xlabel("lag (ms)")


def lipschitz_table() -> str:
    """Markdown: the most that a step of each fresh cell stretches a change; of leaky units, the most it can."""
    lines = [
        "| cell | at visited states | found by climbing from them | upper bound |",
        "| --- | --- | --- | --- |",
    ]
    for fresh in fresh_cells():
        found, most = fresh.lipschitz(), fresh.upper_bound()
        above = "" if most is None else f"{most:.2f}"
        lines.append(f"| {fresh.label} | {found.on_states:.2f} | {found.found:.2f} | {above} |")
    return "\n".join(lines)


def jacobians_table() -> str:
    """Markdown: singular values of products of k Jacobians of each fresh cell, geometric means over rows, and the
    discount gamma^k that fits the largest best."""
    lags, inputs = (1, 10, 30, 60, 100, 150, N_LAGS), _inputs().numpy()
    lines = [
        "| cell | largest, k = 1 | k = 10 | k = 100 | median, k = 10 | gamma (r²) | 1/e (ms) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for fresh in fresh_cells():
        found = singular_values(fresh.cell, inputs, lags)
        largest = found[:, 0]
        discount = fitted_discount(lags, largest)
        left = discount.time_constant_s(BIN_SIZE_S)
        told = "grows" if np.isinf(left) else f"{1000 * left:.0f}"
        hundred = float(f"{largest[lags.index(100)]:.1g}")
        sizes = f"{largest[0]:.2f} | {largest[1]:.2g} | {hundred:g} | {np.median(found[1]):.1g}"
        lines.append(f"| {fresh.label} | {sizes} | {discount.gamma:.3f} ({discount.r2:.2f}) | {told} |")
    return "\n".join(lines)


def _inputs() -> torch.Tensor:
    """White inputs (rows, steps, N_INPUTS)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N_ROWS, BURN_IN + N_LAGS, N_INPUTS, generator=generator, dtype=torch.float64)


def _pull(hidden: int) -> torch.Tensor:
    """d loss(t) / d hidden activity (rows, hidden)."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(N_ROWS, hidden, generator=generator, dtype=torch.float64)
