"""Tables of measurements: whole rows or none, from several processes, and what counts as done."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks import _paired, recordings
from benchmarks._rows import ROOT, Rows, claimed, digest, machine
from benchmarks._sessions import Recording, code_of, example_names, fit_fold, trial_scores
from neurodecode.config.run import run_config
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.likelihood import trial_log_likelihood

APPEND = """
import sys
from benchmarks._rows import Rows
for number in range(10):
    Rows(sys.argv[1], ("who", "number")).append({"who": sys.argv[2], "number": number})
"""
MODELS = {
    "psth": {"family": "psth", "n_bandwidths": 4, "n_groups": 4},
    "glm": {"family": "glm", "longest_s": 0.1},
    "lstm": {"family": "lstm", "hidden": 4, "seeds": 1, "epochs": 2, "batches_per_epoch": 3, "longest_s": 0.1},
}


@pytest.fixture
def toy_recording(toy_trials) -> Recording:
    config = run_config(
        {
            "seed": 3,
            "sessions": {"toy": {"path": "toy.nwb", "window_s": [0, 1], "bin_size_s": 0.005}},
            "models": MODELS,
        }
    )
    splits = make_splits(toy_trials.condition, toy_trials.condition_names, 3, np.random.default_rng(0))
    return Recording(config, "toy", toy_trials, splits)


@pytest.fixture
def asked(tmp_path, toy_recording, monkeypatch):
    """Arguments of a run over a toy recording, as if it were one of the examples."""
    monkeypatch.setattr(recordings, "read_recording", lambda name, folder: toy_recording)
    monkeypatch.setattr(recordings, "MODELS", tuple(MODELS))
    arguments = recordings.parsed(["fit", "--csv", str(tmp_path / "rows.csv"), "--trials-dir", str(tmp_path)])
    arguments.recordings, arguments.models = ["toy"], list(MODELS)
    return arguments


def test_rows_of_processes_that_append_at_once_are_all_there(tmp_path):
    path = tmp_path / "rows.csv"
    started = [subprocess.Popen([sys.executable, "-c", APPEND, path, who], cwd=ROOT) for who in "ab"]
    assert [process.wait() for process in started] == [0, 0]
    rows = Rows(path, ("who", "number")).read()
    assert sorted((r["who"], int(r["number"])) for r in rows) == [(w, n) for w in "ab" for n in range(10)]


def test_rows_refuse_another_table(tmp_path):
    path = tmp_path / "rows.csv"
    Rows(path, ("a", "b")).append({"a": 1, "b": 2.0})
    with pytest.raises(ValueError, match="has the columns"):
        Rows(path, ("a",)).append({"a": 1})
    with pytest.raises(ValueError, match="does not fit"):
        Rows(path, ("a", "b")).append({"a": 1})
    assert path.read_text() == "a,b\n1,2\n"


def test_a_claim_is_held_by_one(tmp_path):
    with claimed(tmp_path / "work") as first, claimed(tmp_path / "work") as second:
        assert (first, second) == (True, False)
    with claimed(tmp_path / "work") as again:
        assert again


def test_the_machine_is_named_without_its_host():
    import platform

    assert "torch" in machine()
    assert platform.node() not in machine()


def test_digests_tell_values_apart():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


def test_a_run_goes_on_where_it_stopped(asked):
    asked.models, asked.folds = ["psth"], [0]
    recordings.fit(asked)
    before = asked.csv.read_text()
    asked.folds = None
    recordings.fit(asked)
    assert asked.csv.read_text().startswith(before)
    rows = Rows(asked.csv, recordings.COLUMNS).read()
    assert [r["fold"] for r in rows] == ["0", "1", "2"]
    recordings.fit(asked)
    assert Rows(asked.csv, recordings.COLUMNS).read() == rows


def test_other_settings_are_another_row(asked, toy_recording, monkeypatch):
    asked.models, asked.folds = ["psth"], [0]
    recordings.fit(asked)
    monkeypatch.setattr(recordings, "code_of", lambda model: "othercode")
    asked.any_code = True
    recordings.fit(asked)
    assert len(Rows(asked.csv, recordings.COLUMNS).read()) == 1
    asked.any_code = False
    recordings.fit(asked)
    assert [r["code"] for r in Rows(asked.csv, recordings.COLUMNS).read()][1:] == ["othercode"]


def test_numbers_are_those_of_the_workflow(toy_recording, tmp_path):
    trials, splits = toy_recording.trials, toy_recording.splits
    paths = {name: tmp_path / name for name in ("predictions", "samples", "parameters", "fit")}
    save_trials(tmp_path / "trials.npz", trials)
    save_splits(tmp_path / "splits.csv", splits)
    fit_and_predict(
        trials=tmp_path / "trials.npz",
        splits=tmp_path / "splits.csv",
        model=MODELS["lstm"],
        name="lstm",
        session="toy",
        seed=3,
        threads=1,
        outputs=paths,
    )
    predicted = trial_log_likelihood(
        trials.window_counts, np.load(paths["predictions"]), trials.bin_size_s, trials.window_mask
    )
    model = toy_recording.config.models["lstm"]
    fitted = fit_fold(model, toy_recording, "lstm", splits[1], threads=1)
    ours = trial_scores(fitted, trials.select(splits[1].test))
    np.testing.assert_array_equal(ours, predicted[splits[1].test])


def test_the_table_pairs_models_by_trial(asked, capsys):
    recordings.fit(asked)
    asked.bootstrap = 200
    rows = Rows(asked.csv, recordings.COLUMNS).read()
    printed = "\n".join(recordings.lines(rows, asked))
    assert "| toy |" in printed
    assert "glm - psth: interval" in printed
    latest = _paired.latest(rows)
    value, low, high, n_folds = _paired.difference(latest, asked.trials_dir, "toy", ("glm", "psth"), 200)
    gain = {m: sum(float(r["log_likelihood"]) for r in rows if r["model"] == m) for m in ("glm", "psth")}
    n_spikes = sum(int(r["spikes"]) for r in rows if r["model"] == "psth")
    assert value == pytest.approx((gain["glm"] - gain["psth"]) / n_spikes / np.log(2), rel=1e-5)
    assert low < value < high
    assert n_folds == 3


def test_a_fold_that_fell_back_does_not_beat_the_glm(asked):
    recordings.fit(asked)
    latest = _paired.latest(Rows(asked.csv, recordings.COLUMNS).read())
    for key, row in latest.items():
        with np.load(_paired.trials_file(asked.trials_dir, *key), allow_pickle=False) as stored:
            held = dict(stored)
        if key[1] == "lstm":  # a network that is better by one nat in every trial
            held["log_likelihood"] = latest_glm(asked, key)["log_likelihood"] + 1.0
            np.savez(_paired.trials_file(asked.trials_dir, *key), **held)
        row["fallback"] = "0"
    pair = ("lstm", "glm")
    assert _paired.difference(latest, asked.trials_dir, "toy", pair, 50)[0] > 0
    for row in latest.values():
        row["fallback"] = str(int(row["model"] == "lstm"))
    assert _paired.difference(latest, asked.trials_dir, "toy", pair, 50)[0] == 0


def latest_glm(asked, key):
    with np.load(_paired.trials_file(asked.trials_dir, key[0], "glm", key[2])) as stored:
        return dict(stored)


def test_trials_of_another_fit_are_not_paired(asked):
    asked.models = ["psth", "glm"]
    recordings.fit(asked)
    latest = _paired.latest(Rows(asked.csv, recordings.COLUMNS).read())
    for key, row in latest.items():
        if key[1] == "glm":
            row["code"] = "other"
    assert _paired.difference(latest, asked.trials_dir, "toy", ("glm", "psth"), 50) is None


def test_examples_are_the_recordings_and_codes_differ():
    assert {"stn_joystick", "motor_delay_winny"} <= set(example_names())
    models = [
        run_config(
            {"sessions": {"a": {"path": "a.nwb", "window_s": [0, 1], "bin_size_s": 0.01}}, "models": MODELS}
        ).models[name]
        for name in MODELS
    ]
    assert len({code_of(model) for model in models}) == len(MODELS)
