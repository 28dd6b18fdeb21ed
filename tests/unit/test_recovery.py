"""Recovery of a known truth: the oracle recovers all of its gain, the PSTH none."""

import numpy as np
import pytest

from benchmarks import _paired, recovery
from benchmarks._rows import Rows


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recovery")
    options = ["--populations", "bursting", "--trials", "16", "--test-trials", "8", "--models", "psth", "oracle"]
    places = ["--csv", str(folder / "rows.csv"), "--trials-dir", str(folder), "--bootstrap", "100"]
    arguments = recovery.parsed(["fit", *options, *places, "--repeats", "2"])
    recovery.fit(arguments)
    return arguments


def test_there_is_one_row_for_each_model_and_repeat(asked):
    rows = Rows(asked.csv, recovery.COLUMNS).read()
    assert [(r["model"], r["fold"]) for r in rows] == [(m, f) for f in "01" for m in ("psth", "oracle")]
    recovery.fit(asked)
    assert Rows(asked.csv, recovery.COLUMNS).read() == rows


def test_the_oracle_recovers_all_and_the_psth_nothing(asked):
    latest = _paired.latest(Rows(asked.csv, recovery.COLUMNS).read())
    for model, share in (("oracle", 1.0), ("psth", 0.0)):
        found = recovery.recovered(latest, asked.trials_dir, "bursting.16", model, 100)
        assert found == pytest.approx((share, share, share))
    assert recovery.recovered(latest, asked.trials_dir, "bursting.16", "glm", 100) is None


def test_test_trials_are_those_of_the_repeat(asked):
    few, many, other = (recovery.task("bursting", n, r, 8) for n, r in ((16, 0), (24, 0), (16, 1)))
    np.testing.assert_array_equal(few.test.counts, many.test.counts)
    assert not np.array_equal(few.test.counts, other.test.counts)
    assert (few.train.n_trials, few.validation.n_trials) == (16, 3)
    assert not np.array_equal(few.test.counts[:8], few.train.counts[:8])


def test_the_table_says_what_is_recovered(asked, capsys):
    recovery.table(asked)
    assert "| bursting.16 |" in capsys.readouterr().out
