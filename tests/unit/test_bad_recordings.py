"""Recordings that cannot be used end in an error that names the file, the field and the way out."""

import pickle
import shutil
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from pynwb import NWBHDF5IO, NWBFile

from neurodecode.errors import ConfigError, DataError
from neurodecode.io import read_recording


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A small NWB file with one unit of three spikes and one trial."""
    return written(tmp_path / "whole.nwb", spike_times=[0.1, 0.2, 0.3], obs_intervals=[[0.0, 1.0]])


def written(path: Path, **unit: object) -> Path:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    file = NWBFile(session_description="made", identifier="made", session_start_time=start)
    file.add_trial(start_time=0.0, stop_time=1.0)
    if unit:
        file.add_unit(**unit)
    with NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def refused(path: Path, message: str, **how: object) -> None:
    with pytest.raises(DataError, match=message):
        read_recording(path, **how)


def test_a_missing_file_is_named_with_what_lies_beside_it(whole: Path):
    refused(whole.with_name("hole.nwb"), r"hole\.nwb: no such file; check `path` and recordings_dir; .*whole\.nwb")


def test_a_missing_trial_table_is_named(whole: Path):
    refused(whole, r"trials\.csv: no such file", trials_path=whole.with_name("trials.csv"))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_hdf5_file(whole: Path, kept: float):
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * kept)])
    refused(whole, r"whole\.nwb: .*copy it again")


def test_a_text_file_named_nwb(tmp_path: Path):
    (tmp_path / "text.nwb").write_text("unit,time\n0,0.5\n")
    refused(tmp_path / "text.nwb", r"text\.nwb: not a whole NWB file .*copy it again")


def test_an_hdf5_file_that_is_no_nwb(tmp_path: Path):
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file["spikes"] = np.arange(3.0)
    refused(tmp_path / "other.nwb", r"other\.nwb: ")


def test_a_damaged_dataset(whole: Path):
    with h5py.File(whole, "r+") as file:
        del file["units/spike_times"]
    refused(whole, r"whole\.nwb: ")


def test_a_folder_named_nwb(tmp_path: Path):
    (tmp_path / "folder.nwb").mkdir()
    refused(tmp_path / "folder.nwb", r"folder\.nwb: not a whole NWB file")


def test_no_units(tmp_path: Path):
    refused(
        written(tmp_path / "none.nwb"), r"none\.nwb: the file holds no units \(empty `units` table\); sort spikes"
    )


def test_units_without_spike_times(tmp_path: Path):
    path = written(tmp_path / "bare.nwb", id=3)
    refused(path, r"bare\.nwb: units has no column spike_times")


def test_nan_spike_times(tmp_path: Path):
    path = written(tmp_path / "nan.nwb", spike_times=[0.1, np.nan, 0.3], id=7)
    refused(path, r"nan\.nwb: units\.spike_times of unit 7: 1 of 3 spike times are NaN or infinite; remove them")


def test_negative_spike_times(tmp_path: Path):
    path = written(tmp_path / "negative.nwb", spike_times=[-0.1, 0.2], id=7)
    refused(path, r"negative\.nwb: units\.spike_times of unit 7: 1 spike times are negative .*shift the recording")


def test_observed_intervals_that_run_backwards(tmp_path: Path):
    path = written(tmp_path / "back.nwb", spike_times=[0.1], obs_intervals=[[0.0, 1.0], [3.0, 2.0]])
    refused(path, r"back\.nwb: units\.obs_intervals of unit 0: interval 1 is \[3\.0, 2\.0\], expected .* mend it")


@pytest.mark.parametrize("name", ["spikes.pkl", "spikes.pickle", "spikes.pkl.gz", "spikes.joblib", "model.pt"])
def test_a_pickle_by_its_name_is_not_even_opened(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"unit": [0.1]}))
    monkeypatch.setattr("builtins.open", _forbidden)
    monkeypatch.setattr(Path, "open", _forbidden)
    refused(path, r"unpickling runs code from the file, so it is refused unopened; export the recording as NWB")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "name", ["spikes.nwb", "spikes.csv", "spikes.npz", "spikes.mat", "spikes.dat", "spikes.npy"]
)
def test_a_pickle_under_another_name_is_known_by_its_first_bytes(tmp_path: Path, name: str, protocol: int):
    (tmp_path / name).write_bytes(pickle.dumps(_Bomb(), protocol=protocol))
    refused(tmp_path / name, r"by its first bytes a pickle under another name: unpickling runs code")


def test_an_old_pickle_without_a_mark_is_never_run(tmp_path: Path):
    for name in ("spikes.nwb", "spikes.csv", "spikes.npz", "spikes.mat", "spikes.dat", "spikes.nix"):
        (tmp_path / name).write_bytes(pickle.dumps(_Bomb(), protocol=0))
        refused(tmp_path / name, name.replace(".", r"\."))


def test_neos_own_pickle_reader_is_not_offered(whole: Path):
    refused(whole, r"whole\.nwb: neo has no reader 'PickleIO'; it has: ", format="neo:PickleIO")


def test_numpy_arrays_of_objects_are_pickles(tmp_path: Path):
    objects = np.array([_Bomb()], dtype=object)
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    refused(tmp_path / "objects.npy", r"objects\.npy: by its first bytes a pickle")
    np.savez(tmp_path / "objects.npz", counts=objects, bin_size_s=0.05)
    refused(tmp_path / "objects.npz", r"objects\.npz: array 'counts' holds Python objects, .*refused: save it as")


def test_a_zip_around_a_pickle_is_known_by_its_members(tmp_path: Path):
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "data.pkl").write_bytes(pickle.dumps(_Bomb()))
    shutil.make_archive(str(tmp_path / "spikes"), "zip", tmp_path, "archive")
    path = (tmp_path / "spikes.zip").rename(tmp_path / "spikes.npz")
    refused(path, r"spikes\.npz: by its first bytes a pickle")


def test_a_suffix_that_nobody_knows(tmp_path: Path):
    (tmp_path / "spikes.xyz").write_text("0.1")
    refused(tmp_path / "spikes.xyz", r"spikes\.xyz: no reader knows a file named so; known: \.nwb, \.csv")


def test_a_format_that_does_not_exist(whole: Path):
    with pytest.raises(ConfigError, match=r"unknown format 'hdf'; known: nwb, neo, table, arrays"):
        read_recording(whole, format="hdf")


class _Bomb:
    """Unpickling it fails the test."""

    def __reduce__(self) -> tuple:
        return (_exploded, ())


def _exploded() -> None:
    pytest.fail("a recording was unpickled")


def _forbidden(*args: object, **kwargs: object) -> None:
    pytest.fail("a pickle was opened")
