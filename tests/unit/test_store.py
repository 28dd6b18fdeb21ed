"""Trials and splits on disk: what is read is what was written, and nothing half-written is taken for a file."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from neurodecode.data.splits import make_splits
from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError


def test_trials_come_back_whole(toy_trials: Trials, tmp_path: Path):
    columns = {"side": np.array(["links", "", "röchts"] * 8), "contrast": np.r_[np.nan, np.arange(23.0)]}
    trials = Trials.from_counts(
        toy_trials.counts,
        toy_trials.bin_size_s,
        lead=toy_trials.lead,
        mask=toy_trials.mask,
        t0_s=np.arange(24.0),
        condition=toy_trials.condition,
        condition_names=["left", "right"],
        unit_names=["a", "ß"],
        window_start_s=-0.25,
        covariates=dict(toy_trials.covariates),
        columns=columns,
        has_spike_times=False,
    )
    save_trials(tmp_path / "trials.npz", trials)
    back = load_trials(tmp_path / "trials.npz")
    for name in ("counts", "mask", "t0_s", "condition"):
        assert_array_equal(getattr(back, name), getattr(trials, name))
        assert getattr(back, name).dtype == getattr(trials, name).dtype
    for name in ("bin_size_s", "lead", "window_start_s", "has_spike_times", "condition_names", "unit_names"):
        assert getattr(back, name) == getattr(trials, name)
    assert_array_equal(back.covariates["drive"], trials.covariates["drive"])
    for name, values in columns.items():
        assert_array_equal(back.columns[name], values)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"unit,time\n", b"\x80\x04K\x01."])
def test_what_is_no_trials_file_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "trials.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"trials\.npz: not a readable trials file .*run the ingest again"):
        load_trials(tmp_path / "trials.npz")


def test_a_truncated_trials_file_is_refused(toy_trials: Trials, tmp_path: Path):
    save_trials(tmp_path / "trials.npz", toy_trials)
    content = (tmp_path / "trials.npz").read_bytes()
    (tmp_path / "trials.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"trials\.npz: not a readable trials file"):
        load_trials(tmp_path / "trials.npz")


def test_another_npz_is_refused_by_what_it_lacks(tmp_path: Path):
    np.savez(tmp_path / "trials.npz", counts=np.zeros((1, 2, 3)))
    with pytest.raises(DataError, match=r"trials\.npz: not a trials file, it lacks \['bin_size_s'"):
        load_trials(tmp_path / "trials.npz")


def test_splits_come_back(tmp_path: Path):
    condition = np.arange(40) % 2
    splits = make_splits(condition, ("a", "b"), 5, np.random.default_rng(0))
    save_splits(tmp_path / "splits.csv", splits)
    back = load_splits(tmp_path / "splits.csv")
    assert [split.fold for split in back] == [split.fold for split in splits]
    for one, other in zip(back, splits, strict=True):
        for role in ("train", "validation", "test"):
            assert_array_equal(getattr(one, role), getattr(other, role))


def test_splits_with_an_unknown_role_are_refused(tmp_path: Path):
    (tmp_path / "splits.csv").write_text("fold,trial,role\n0,0,practice\n")
    with pytest.raises(DataError, match=r"splits\.csv: not a splits file"):
        load_splits(tmp_path / "splits.csv")


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path):
    (tmp_path / "kept.txt").write_text("old")
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "kept.txt") as part:
        part.write_text(Path(tmp_path / "absent.txt").read_text())
    assert (tmp_path / "kept.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_what_a_dead_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".file.txt.{dead.pid}.part").write_text("stale")
    living = tmp_path / f".file.txt.{os.getppid()}.part"
    living.write_text("being written")
    with written_whole(tmp_path / "file.txt") as part:
        part.write_text("new")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([living.name, "file.txt"])


def test_temporaries_of_another_machine_are_left_until_nobody_can_be_writing_them(tmp_path):
    writing, left = tmp_path / ".file.txt.1@elsewhere.part", tmp_path / ".file.txt.2@elsewhere.part"
    writing.write_text("half")
    left.write_text("half")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(left, (two_days_ago, two_days_ago))
    with written_whole(tmp_path / "file.txt") as part:
        part.write_text("new")
    assert writing.exists()
    assert not left.exists()
