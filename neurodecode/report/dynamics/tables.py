"""The page's table of what networks do: a row for each path of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurodecode.evaluation.dynamics import KEPT
from neurodecode.report.dynamics.results import DynamicsResults, path_label
from neurodecode.report.tables import Cell, Row
from neurodecode.report.wording import NONE, number


@dataclass(frozen=True)
class Heading:
    """A column's name and what it means."""

    heading: str
    meaning: str


COLUMNS = (
    Heading("memory horizon", "ms until 1/e is left of the loss's gradient; folds"),
    Heading("discount", "gamma of the Jacobian products, r2 of its fit"),
    Heading("Lyapunov, driven", "largest exponent (1/s) along trials; folds"),
    Heading("Lyapunov, held", "with the mean input held (1/s); above 0: chaos"),
    Heading("radius, gain", "of a step's Jacobian at visited states, medians"),
    Heading("Lipschitz", "largest stretch of a step that was met"),
    Heading("fixed points", "stable / all fixed / slow, mean of a condition or unit"),
    Heading("slowest", "ms to 1/e at a stable point"),
    Heading("dimensions", "participation ratio of hidden activity"),
    Heading("weights", "balance of excitation (1) and inhibition (-1), or outlier eigenvalues and the largest"),
)


def dynamics_rows(results: DynamicsResults) -> list[Row]:
    """Medians over folds; a network that fell back to the GLM everywhere has a row that says so."""
    rows = []
    for model in results.models:
        family, colour = results.families[model], results.colours[model]
        kept = results.value(model, KEPT)
        note = "" if kept == 1.0 else f"networks kept in {kept:.0%} of folds"
        paths = [path for name, path in results.seen if name == model]
        if not paths:
            blank = (Cell(NONE),) * len(COLUMNS)
            rows.append(
                Row(model, family, colour, "model", blank, "the GLM in all folds, or a gain alone: no state")
            )
        for path in paths:
            label = path_label(model, path)
            rows.append(Row(label, family, colour, "model", _cells(results, model, path), note))
    return rows


def _cells(results: DynamicsResults, model: str, path: str) -> tuple[Cell, ...]:
    def of(metric: str) -> float:
        return results.value(model, metric, path)

    def told(metric: str, digits: int) -> Cell:
        return Cell(number(of(metric), digits), _range(results, model, path, metric, lambda v: number(v, digits)))

    beyond = "> " if of("horizon_beyond") > 0.5 else ""
    horizon = told("memory_horizon_ms", 1)
    return (
        Cell(beyond + horizon.text, horizon.interval),
        Cell(f"{number(of('discount'))} ({number(of('discount_r2'), 2)})"),
        told("lyapunov_driven_per_s", 1),
        Cell(number(of("lyapunov_held_per_s"), 1)),
        Cell(f"{number(of('spectral_radius'), 2)}, {number(of('gain'), 2)}"),
        Cell(number(of("lipschitz"), 2)),
        Cell(" / ".join(number(of(m), 1) for m in ("stable_points", "fixed_points", "slow_points"))),
        Cell(number(of("slowest_ms"), 0)),
        Cell(number(of("participation_ratio"), 1)),
        Cell(_of_weights(of)),
    )


def _of_weights(of: Callable[[str], float]) -> str:
    """What the cell tells of its weights: excitatory and inhibitory units, or weights of low rank."""
    if np.isfinite(of("balance")):
        return f"balance {number(of('balance'), 2)}"
    if not np.isfinite(of("n_outliers")):
        return NONE
    largest = f", {number(of('largest_outlier'), 2)}" if of("n_outliers") else ""
    return f"{number(of('n_outliers'), 1)} outliers{largest} (bulk {number(of('bulk_radius'), 2)})"


def _range(results: DynamicsResults, model: str, path: str, metric: str, write: Callable[[float], str]) -> str:
    """From the smallest fold to the largest, where there are several."""
    values = [one.summary[metric] for one in results.folds(model, path)]
    return f"{write(min(values))} to {write(max(values))}" if len(values) > 1 else ""
