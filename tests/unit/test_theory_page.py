"""The exercises of docs/theory.md run, and show what the page says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.theory import FIGURES, FOLDER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "theory.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
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
    assert set(re.findall(r"\(figures/(\w+)\.png\)", page)) == set(FIGURES) | set(MEASURED)
    for name in FIGURES:
        assert (FOLDER / f"{name}.png").is_file(), f"python -m benchmarks.theory {name}"
    for name, module in MEASURED.items():
        assert (FOLDER / f"{name}.png").is_file(), f"python -m benchmarks.{module} figure"
        assert f"`python -m benchmarks.{module}" in page


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
