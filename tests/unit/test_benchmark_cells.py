"""The table of cells: folds are pooled by their spikes; of rows of one model and fold the last counts."""

import argparse

import numpy as np
import pytest

from benchmarks.cells import COLUMNS, lines, parsed, read_session
from neurodecode.data.splits import ROLES


def row(model, fold, bits, gain, spikes=100):
    told = {"session": "s", "model": model, "fold": fold, "bits_per_spike": bits, "gain_over_glm": gain}
    told |= {"memory_own_ms": ">300" if fold else "40"}
    told |= {"spikes": spikes, "fallback": 0}
    return {name: str(told.get(name, "")) for name in COLUMNS}


def cells_of(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_folds_are_pooled_over_their_spikes_and_older_rows_give_way():
    rows = [row("lstm", 0, 9.0, 9.0), row("lstm", 0, 0.5, 0.1), row("lstm", 1, 0.2, -0.1, spikes=300)]
    printed = list(lines([*rows, row("rnn", 0, 0.4, 0.05)]))
    assert [cells_of(line) for line in printed[2:4]] == [["`lstm`", "0.500 (+0.100)"], ["`rnn`", "0.400 (+0.050)"]]
    printed = printed[printed.index("\ns, the first fold\n") :]
    first, several = (
        printed[: printed.index("\ns, several folds\n")],
        printed[printed.index("\ns, several folds\n") :],
    )
    assert [cells_of(line)[:3] for line in first[3:]] == [
        ["`lstm`", "0.5000", "+0.1000"],
        ["`rnn`", "0.4000", "+0.0500"],
    ]
    pooled, gain = (0.5 + 3 * 0.2) / 4, (0.1 - 3 * 0.1) / 4
    assert cells_of(several[-1]) == [
        "`lstm`",
        "2",
        f"{pooled:.4f}",
        f"{gain:+.4f} [-0.1000, +0.1000]",
        "none, 40 to >300",
    ]


def test_a_population_is_dealt_into_five_folds_that_test_every_trial_once(tmp_path):
    folds = read_session("bursting", tmp_path)
    assert [session.split.fold for session in folds] == list(range(5))
    tested = np.concatenate([session.split.test for session in folds])
    assert sorted(tested) == list(range(folds[0].trials.n_trials))
    shares = [len(getattr(folds[0].split, role)) / len(tested) for role in ROLES]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.02)


def test_one_fold_is_fitted_unless_more_are_asked_for():
    assert parsed(["fit"]).folds == [0]
    asked = parsed(["fit", "--folds", "0", "4", "--models", "lstm"])
    assert isinstance(asked, argparse.Namespace)
    assert asked.folds == [0, 4]
