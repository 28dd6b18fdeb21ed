"""The exercises of docs/theory.md run, and show what the page says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks._cell_lines import MARKS
from benchmarks._fresh_cells import fresh_cells
from benchmarks.theory import FIGURES, FOLDER, main
from neurodecode.dynamics.cells import cell_step, exact
from neurodecode.dynamics.gradient_flow import product_singular_values
from neurodecode.dynamics.integration import euler_step, rate_field
from neurodecode.models import cell_names
from neurodecode.nn.cells import cell_type

PAGE = Path(__file__).resolve().parents[2] / "docs" / "theory.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
OF_RUNS = {"free_running": "snakemake --cores all --configfile examples/free_running.yaml"}
MEASURED = {
    "markov_orders": "markov_orders",
    "synthetic_tasks": "synthetic_tasks",
    "discounts": "synthetic_tasks",
    "recall": "recall",
    "memory_of_time": "cost_curves",
    "continual_learning": "continual_learning",
}
torch.set_num_threads(1)


def run(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "theory"}
    exec(compile(SNIPPETS[number - 1], "docs/theory.md", "exec"), names)
    return names


def test_every_figure_is_there_and_shown():
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"\(figures/(\w+)\.png\)", page)) == set(FIGURES) | set(MEASURED) | set(OF_RUNS)
    for name in FIGURES:
        assert (FOLDER / f"{name}.png").is_file(), f"python -m benchmarks.theory {name}"
    for name, module in MEASURED.items():
        assert (FOLDER / f"{name}.png").is_file(), f"python -m benchmarks.{module} figure"
        assert f"`python -m benchmarks.{module}" in page
    for name, command in OF_RUNS.items():
        assert (FOLDER / f"{name}.png").is_file(), command
        assert f"`{command}`" in page


def test_nothing_is_left_to_be_filled_in():
    assert "@@" not in PAGE.read_text(encoding="utf-8")


def test_figures_are_drawn_where_they_are_asked_for(tmp_path):
    kept = (FOLDER / "two_units.png").stat().st_mtime_ns
    main(["two_units", "--output", str(tmp_path / "drawn")])
    assert (tmp_path / "drawn" / "two_units.png").stat().st_size > 0
    assert (FOLDER / "two_units.png").stat().st_mtime_ns == kept


def test_a_name_that_is_no_figure_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["no_such_figure"])
    assert "no_such_figure" in capsys.readouterr().err


def test_every_cell_has_a_mark_of_its_own():
    assert set(MARKS) == set(cell_names())
    assert len(set(MARKS.values())) == len(MARKS)


def test_no_step_of_leaky_units_stretches_more_than_its_upper_bound():
    bounded = {}
    for fresh in fresh_cells(hidden=10):
        if (most := fresh.upper_bound()) is not None:
            bounded[fresh.label] = fresh.lipschitz().found
            assert bounded[fresh.label] <= most + 1e-9
    assert set(bounded) == {"excitatory inhibitory", "low rank", "rate", "reservoir", "rnn"}


def test_the_table_of_jacobian_products_is_that_of_the_cells():
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \|.*\| ([\d.]+) \([\d.]+\) \| (\w+) \|$", page, re.MULTILINE)
    cells = {fresh.label: fresh for fresh in fresh_cells()}
    assert [label for label, *_ in rows] == list(cells)
    for label, largest, gamma, left in rows:
        fresh = cells[label]
        found = product_singular_values(fresh.steps, fresh.start, [1])[0, :, 0]
        assert float(largest) == pytest.approx(np.exp(np.log(found).mean()), abs=0.006)
        assert (
            left == "grows"
            if float(gamma) > 1
            else float(left) == pytest.approx(-5 / np.log(float(gamma)), rel=0.05)
        )


def test_the_table_of_steps_is_that_of_the_cells():
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| [\d.]+ \| [\d.]+ \| ([\d.]*) +\|$", page, re.MULTILINE)
    bounds = {fresh.label: fresh.upper_bound() for fresh in fresh_cells()}
    assert [label for label, _ in rows] == list(bounds)
    for label, shown in rows:
        most = bounds[label]
        assert shown == "" if most is None else float(shown) == pytest.approx(most, abs=0.006)


@pytest.mark.parametrize("dt_of_tau", [0.05, 1.0, 1.9])
def test_a_step_of_the_rate_cell_is_eulers(dt_of_tau):
    torch.manual_seed(0)
    tau_s = 0.1
    cell = exact(cell_type("rate")(tau_s=tau_s, learn_tau=False).build(3, 6, dt_of_tau * tau_s))
    inputs, states = torch.randn(3).double(), torch.randn(5, 6).double()
    field = rate_field(cell.recurrent(), cell.weight_in @ inputs + cell.bias, tau_s)
    ours, eulers = cell_step(cell, inputs)(states), euler_step(field, dt_of_tau * tau_s)(states)
    torch.testing.assert_close(ours, eulers, rtol=0.0, atol=1e-6)  # the cell's leak is kept in single precision


def test_a_shrinking_rotation_is_a_discount():
    held = run(1)
    np.testing.assert_allclose(held["left"], 0.9**20, rtol=1e-4)  # in single precision
    np.testing.assert_allclose(held["horizon_ms"], -5 / np.log(0.9), rtol=1e-3)


def test_the_carousel_is_the_identity():
    np.testing.assert_array_equal(run(2)["carousel"], np.eye(4))


def test_two_units_apart_have_three_times_three_points():
    assert sorted(run(3)["found"].kinds) == ["saddle"] * 4 + ["stable"] * 4 + ["unstable"]


def test_the_logistic_map_doubles_errors():
    assert run(4)["exponent"] == pytest.approx(np.log(2), abs=0.02)


def test_euler_is_stable_below_two_time_constants():
    after = run(5)["after"]
    assert after[0.02] < 1e-6
    assert after[0.038] == pytest.approx(0.9**50, rel=1e-3)
    assert after[0.042] == pytest.approx(1.1**50, rel=1e-3)


def test_a_leaky_unit_holds_less_than_a_step_and_a_line_five():
    leaky, line = run(6)["held"]
    assert leaky == pytest.approx(0.64, abs=0.06)
    assert line == pytest.approx(5.0, abs=0.06)
