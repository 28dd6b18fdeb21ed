"""The benchmark of forgetting: tasks one after another or as one, and tables of what was measured."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from benchmarks._forgetting import Forgetting, bounds
from benchmarks._rows import Rows
from benchmarks._tasks_in_turn import together
from benchmarks.continual_learning import COLUMNS
from neurodecode.nn.sequences import Sequences

TASKS = ("a", "b")


def part(value: float, n_trials: int) -> Sequences:
    x = np.full((n_trials, 6, 2), value, np.float32) + np.arange(n_trials, dtype=np.float32)[:, None, None]
    shape = (n_trials, 5, 3)
    return Sequences(
        lambda which: x[which], 1, np.full(shape, int(value), np.uint8), np.ones(shape, bool), np.zeros(shape)
    )


def test_tasks_together_are_the_trials_of_all():
    whole = together([part(1.0, 2), part(5.0, 3)])
    assert whole.n_trials == 5
    assert_array_equal(whole.make_inputs(np.array([4, 0, 1]))[:, 0, 0], [7.0, 1.0, 2.0])
    assert_array_equal(whole.counts[:, 0, 0], [1, 1, 5, 5, 5])


def write(rows: Rows, repeat: int, remedy: str, gains: dict[tuple[str, str], float]) -> None:
    for (after, task), value in gains.items():
        about = {"commit": "c", "machine": "m", "repeat": repeat, "remedy": remedy, "after": after, "task": task}
        rows.append(about | {"measure": "gain", "value": value})
    if remedy != "together":
        for measure in ("gradient_overlap", "moved_overlap", "chance_overlap"):
            about = {"commit": "c", "machine": "m", "repeat": repeat, "remedy": remedy, "after": "b", "task": "b"}
            rows.append(about | {"measure": measure, "value": 0.25})


def test_tables_hold_means_over_whole_repeats(tmp_path):
    rows = Rows(tmp_path / "rows.csv", COLUMNS)
    with pytest.raises(ValueError, match="run fit first"):
        Forgetting.read(rows, TASKS)
    for repeat, lost in enumerate((0.2, 0.4)):
        learnt = {("a", "a"): 0.5, ("a", "b"): 0.0, ("b", "b"): 0.3}
        write(rows, repeat, "none", learnt | {("b", "a"): 0.5 - lost})
        write(rows, repeat, "replay", learnt | {("b", "a"): 0.5 - lost / 2})
        write(rows, repeat, "together", {("b", "a"): 0.5, ("b", "b"): 0.3})
    write(rows, 2, "none", {("a", "a"): 9.0})  # a repeat that was stopped
    found = Forgetting.read(rows, TASKS)
    assert found.in_turn == ["none", "replay"]
    assert_array_equal(found.each("none")["backward transfer"].round(6), [-0.2, -0.4])
    tables = found.tables()
    assert "| none | -0.300 [" in tables
    assert "0.150 [" in tables  # replay forgets half as much
    assert "| b | 0.200 [" in tables
    assert "| all at once | | | 0.400 [0.400, 0.400] | |" in tables


def test_intervals_are_student_s():
    mean, low, high = bounds(np.array([1.0, 2.0, 3.0]))
    assert mean == 2.0
    half = 4.302653 / np.sqrt(3)
    assert (low, high) == (pytest.approx(2 - half), pytest.approx(2 + half))
