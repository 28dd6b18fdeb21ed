"""A fit that was killed goes on and ends with the numbers of one that was not."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from neurodecode.config.decoders import decoder_config
from neurodecode.config.target import target_config
from neurodecode.data.checkpoints import checkpoints_in
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.evaluation.decoding import fit_folds as fit_decoder_folds
from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.evaluation.targets import Target
from neurodecode.nn import training

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[2]
MODEL = {"hidden": 4, "own_hidden": 2, "seeds": 1, "epochs": 2, "batches_per_epoch": 2, "longest_s": 0.1}
MODEL |= {"dropout": 0.3, "scheduled_sampling": 0.4, "segment_bins": 25, "device": "cpu"}
NAMES = ("predictions", "samples", "parameters")


class Killed(BaseException):
    """No error that anything would catch."""


@pytest.fixture
def losses(monkeypatch):
    """``losses(n)``: die where the loss is asked for the n-th time from now on; ``losses.asked`` counts."""
    asked_for, mean_loss = [0, -1], training.mean_loss

    def counted(*arguments):
        asked_for[0] += 1
        if asked_for[0] == asked_for[1]:
            raise Killed
        return mean_loss(*arguments)

    monkeypatch.setattr(training, "mean_loss", counted)
    monkeypatch.setattr("neurodecode.data.checkpoints.LEAST_S", 0.0)

    def die_at(n: int) -> list[int]:
        asked_for[:] = [0, n]
        return asked_for

    return die_at


@pytest.fixture
def session(tmp_path, toy_trials) -> dict:
    """Files of a session of two folds."""
    splits = make_splits(toy_trials.condition, toy_trials.condition_names, 2, np.random.default_rng(0))
    save_trials(tmp_path / "trials.npz", toy_trials)
    save_splits(tmp_path / "splits.csv", splits)
    return {"trials": tmp_path / "trials.npz", "splits": tmp_path / "splits.csv"}


def fit(session: dict, folder: Path, cell: str, **changes) -> Path:
    outputs = {name: folder / name for name in (*NAMES, "fit")}
    about = {"name": cell, "session": "s", "seed": 3, "threads": 1, "code": "this code", **session}
    fit_and_predict(**(about | {"model": {"family": cell, **MODEL}, "outputs": outputs} | changes))
    return folder


def without_seconds(value):
    if isinstance(value, dict):
        return {name: without_seconds(one) for name, one in value.items() if name != "seconds"}
    return [without_seconds(one) for one in value] if isinstance(value, list) else value


def assert_same(one: Path, other: Path) -> None:
    for name in NAMES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert without_seconds(json.loads((one / "fit").read_text())) == without_seconds(
        json.loads((other / "fit").read_text())
    )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_fit_that_is_interrupted_again_and_again_ends_with_the_same_numbers(cell, session, tmp_path, losses):
    asked = losses(-1)
    whole = fit(session, tmp_path / "whole", cell)
    needed, spent, deaths = asked[0], 0, 0
    while deaths < 50:
        asked = losses(10)
        try:
            fit(session, tmp_path / "killed", cell)
            spent += asked[0]
            break
        except Killed:
            deaths += 1
            spent += asked[0]
    assert deaths >= 2
    assert_same(tmp_path / "killed", whole)
    # Of each attempt the epoch in which it died is lost, and no more: a loss of training or of validation.
    assert spent <= needed + 2 * deaths
    assert not (tmp_path / "killed" / "checkpoints").exists()


def test_a_fit_of_other_settings_starts_anew(session, tmp_path, losses):
    losses(7)
    with pytest.raises(Killed):
        fit(session, tmp_path / "killed", "gru")
    other = {"family": "gru", **MODEL, "learning_rate": 0.02}
    losses(-1)
    assert_same(
        fit(session, tmp_path / "killed", "gru", model=other), fit(session, tmp_path / "whole", "gru", model=other)
    )


def test_nothing_is_kept_where_nobody_can_tell_the_code(session, tmp_path, losses):
    losses(7)
    with pytest.raises(Killed):
        fit(session, tmp_path / "killed", "gru", code=None)
    assert not (tmp_path / "killed").exists()


KILL = """
import os, signal, sys
import torch
from neurodecode.data import checkpoints
from neurodecode.nn import training
from neurodecode.evaluation.folds import fit_and_predict
torch.set_num_threads(1)
checkpoints.LEAST_S = 0.0
import json
left, mean_loss = [9], training.mean_loss
def counted(*arguments):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return mean_loss(*arguments)
training.mean_loss = counted
fit_and_predict(**json.loads(sys.argv[1]))
"""


def test_a_process_that_is_killed_is_gone_on_with_by_another(session, tmp_path, losses):
    files = {name: str(path) for name, path in session.items()}
    about = {"name": "lstm", "session": "s", "seed": 3, "threads": 1, "code": "this code"} | files
    outputs = {name: str(tmp_path / "killed" / name) for name in (*NAMES, "fit")}
    given = about | {"model": {"family": "lstm", **MODEL}, "outputs": outputs}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    died = subprocess.run(
        [sys.executable, "-c", KILL, json.dumps(given)], env=environment, check=False, timeout=120
    )
    assert died.returncode == -9
    assert list((tmp_path / "killed" / "checkpoints").rglob("*.safetensors"))
    asked = losses(-1)
    fit(session, tmp_path / "killed", "lstm")
    resumed = asked[0]
    asked = losses(-1)
    whole = fit(session, tmp_path / "whole", "lstm")
    assert resumed < asked[0]
    assert_same(tmp_path / "killed", whole)


@pytest.mark.parametrize("family", ["gru", "naive_bayes"])
def test_a_decoder_goes_on_and_keeps_what_was_fitted(family, toy_trials, tmp_path, losses):
    entry = {"family": family, "bin_size_s": 0.05}
    if family == "gru":
        entry |= {"hidden": 3, "seeds": 2, "epochs": 2, "batches_per_epoch": 2, "device": "cpu"}
    sided = replace(toy_trials, columns={"side": np.array(["left", "right"])[toy_trials.condition]})
    wanted = Target.of(sided, target_config({"class": "side"}, "target"))
    splits = make_splits(toy_trials.condition, toy_trials.condition_names, 2, np.random.default_rng(0))

    def fitted():
        config = decoder_config(entry, "d")
        return fit_decoder_folds(config, wanted, splits, None, seed=1, names=("s", "d"))

    losses(-1)
    whole = fitted()
    asked = losses(5)
    if family == "gru":
        with pytest.raises(Killed), checkpoints_in(tmp_path / "c", "x"):
            fitted()
    asked = losses(-1)
    with checkpoints_in(tmp_path / "c", "x"):
        again = fitted()
        once = asked[0]
        known = fitted()  # all of it from the checkpoints of the folds
        assert asked[0] == once
    X, _ = wanted.of_trials(splits[0].test)
    for one, other in ((whole, again), (whole, known)):
        for fold, same in zip(one, other, strict=True):
            assert fold.random_state == same.random_state
            assert_array_equal(fold.decoder.predict_proba(X), same.decoder.predict_proba(X))
