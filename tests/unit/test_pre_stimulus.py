"""The window before the stimulus: the same trials in the same folds."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.session import Session
from neurodecode.data.splits import ROLES
from neurodecode.data.store import load_splits, load_trials
from neurodecode.errors import ConfigError
from neurodecode.evaluation.recordings import cut_pre_stimulus, ingest_recording
from neurodecode.io import write_nwb

N = 30
ENTRY = {
    "path": "rec.nwb",
    "align": "odour_time",
    "window_s": [0.0, 0.5],
    "bin_size_s": 0.05,
    "lead_s": 0.1,
    "condition": "odour",
    "target": {"class": "odour", "pre_stimulus_s": [-0.8, -0.3]},
}


def recording(path: Path, *, observed_from: np.ndarray) -> None:
    """Odours every 4 s, recorded from so many seconds before each to 1 s after it; a spike every 10 ms."""
    odour_s = 3.0 + 4.0 * np.arange(N)
    observed = np.column_stack([odour_s - observed_from, odour_s + 1.0])
    spikes = np.concatenate([np.arange(start + 0.005, stop, 0.01) for start, stop in observed])
    session = Session(
        name="rec",
        spike_times_s=(spikes,),
        units=pd.DataFrame({"unit_name": ["a"]}),
        trials=pd.DataFrame(
            {
                "start_time": observed[:, 0],
                "stop_time": observed[:, 1],
                "odour_time": odour_s,
                "odour": np.resize(["mint", "rose"], N),
            }
        ),
        observed_s=(observed,),
    )
    write_nwb(path, session)


def outputs(folder: Path) -> dict[str, Path]:
    return {"trials": folder / "trials.npz", "splits": folder / "splits.csv", "quality": folder / "quality.json"}


def cut(folder: Path, observed_from: np.ndarray, entry: dict = ENTRY) -> tuple[dict[str, Path], dict[str, Path]]:
    path, session, before = folder / "rec.nwb", outputs(folder / "s"), outputs(folder / "s.pre_stimulus")
    recording(path, observed_from=observed_from)
    given = {"recording": path, "trials_table": None, "session": "s", "entry": entry}
    ingest_recording(**given, n_folds=3, split="stratified", gap_s=0.0, seed=1, outputs=session)
    cut_pre_stimulus(**given, **session, outputs=before)
    return session, before


def test_the_same_trials_before_the_stimulus(tmp_path):
    session, before = cut(tmp_path, np.full(N, 1.5))
    trials, earlier = load_trials(session["trials"]), load_trials(before["trials"])
    assert_allclose(earlier.t0_s, trials.t0_s - 0.8)
    assert (earlier.window_start_s, earlier.n_bins, earlier.lead) == (-0.8, 10, 2)
    assert_array_equal(earlier.columns["odour"], trials.columns["odour"])
    assert_array_equal(earlier.condition, trials.condition)
    for split, again in zip(load_splits(session["splits"]), load_splits(before["splits"]), strict=True):
        for role in ROLES:
            assert_array_equal(getattr(again, role), getattr(split, role))
    about = json.loads(before["quality"].read_text())
    assert (about["control"], about["derived_from"]) == ("pre_stimulus", "s")


def test_a_trial_that_was_not_observed_before_is_left_out_of_its_folds(tmp_path, caplog):
    observed_from = np.full(N, 1.5)
    observed_from[[4, 11]] = 0.2
    with caplog.at_level(logging.WARNING):
        session, before = cut(tmp_path, observed_from)
    assert "s: 2 trials were not observed before the stimulus and are left out" in caplog.text
    trials, earlier = load_trials(session["trials"]), load_trials(before["trials"])
    kept = np.setdiff1d(np.arange(N), [4, 11])
    assert_allclose(earlier.t0_s, trials.t0_s[kept] - 0.8)
    for split, again in zip(load_splits(session["splits"]), load_splits(before["splits"]), strict=True):
        for role in ROLES:
            assert_array_equal(kept[getattr(again, role)], np.setdiff1d(getattr(split, role), [4, 11]))


def test_a_window_outside_the_recording_and_none_at_all_are_errors(tmp_path):
    with pytest.raises(ConfigError, match="lies outside the recording in 30 of 30 trials"):
        cut(tmp_path, np.full(N, 0.2))
    with pytest.raises(ConfigError, match=r"sessions\.s: target has no pre_stimulus_s; add it"):
        cut(tmp_path, np.full(N, 1.5), {**ENTRY, "target": {"class": "odour"}})


def test_folds_are_dealt_by_what_is_decoded_where_there_is_one_condition(tmp_path):
    entry = {key: value for key, value in ENTRY.items() if key != "condition"}
    session, _ = cut(tmp_path, np.full(N, 1.5), entry)
    odour = load_trials(session["trials"]).columns["odour"]
    for split in load_splits(session["splits"]):
        assert np.unique(odour[split.test], return_counts=True)[1].tolist() == [5, 5]
