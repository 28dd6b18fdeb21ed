"""Binned counts in .npz and .mat files, and their trials."""

import logging
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import savemat
from scipy.sparse import csc_matrix

from neurodecode.data.binning import Lagged, Window, trials_from_counts
from neurodecode.data.counts import CountRecording
from neurodecode.errors import ConfigError, DataError
from neurodecode.io import read_recording

RNG = np.random.default_rng(5)
COUNTS = RNG.poisson(1.5, (40, 3)).astype(np.uint8)
VELOCITY = np.column_stack([np.arange(40.0), -np.arange(40.0)])
TRIAL_COUNTS = RNG.poisson(1.5, (6, 20, 3)).astype(np.uint8)


def npz(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "made.npz", **arrays)
    return folder / "made.npz"


def read(path: Path, **how: object) -> CountRecording:
    recording = read_recording(path, **how)
    assert isinstance(recording, CountRecording)
    return recording


def mat_7_3(path: Path, **arrays: np.ndarray) -> Path:
    """As MATLAB's save -v7.3 writes: HDF5, column-major, classes as attributes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            if values.dtype.kind == "U":
                cells = []
                for place, text in enumerate(values):
                    cell = file.create_dataset(f"#refs#/{place}", data=np.array([[ord(c)] for c in text], "u2"))
                    cell.attrs["MATLAB_class"] = np.bytes_("char")
                    cells.append([cell.ref])
                item = file.create_dataset(name, data=np.array(cells, dtype=h5py.ref_dtype))
                item.attrs["MATLAB_class"] = np.bytes_("cell")
            else:
                item = file.create_dataset(name, data=values.T)
                item.attrs["MATLAB_class"] = np.bytes_("double")
        struct = file.create_group("info")
        struct.attrs["MATLAB_class"] = np.bytes_("struct")
    return path


def test_continuous_counts_with_a_signal(tmp_path: Path):
    recording = read(npz(tmp_path, counts=COUNTS, bin_size_s=0.05, velocity=VELOCITY, start_s=10.0))
    assert recording.continuous
    assert recording.counts.shape == (1, 40, 3)
    assert_array_equal(recording.signals["velocity"][0], VELOCITY)
    window = Window(bin_size_s=0.05, window_s=(0.0, 0.5), every_s=0.5, lead_s=0.1)
    cut = trials_from_counts(recording, window)
    assert_array_equal(cut.window_counts, COUNTS.reshape(4, 10, 3))
    assert_array_equal(cut.counts[1:, :2], [COUNTS[8:10], COUNTS[18:20], COUNTS[28:30]])
    assert_array_equal(cut.mask[:, :2, 0].all(axis=1), [False, True, True, True])
    assert_allclose(cut.t0_s, [10.0, 10.5, 11.0, 11.5])
    assert not cut.has_spike_times


@pytest.mark.parametrize("kind", ["v5", "v7.3"])
def test_mat_files_give_the_same(tmp_path: Path, kind: str):
    names = np.array(["left a", "b"])
    counts = COUNTS[:, :2].astype(float)
    path = tmp_path / "made.mat"
    if kind == "v5":
        cells = np.array(list(names), dtype=object)
        savemat(path, {"counts": counts, "bin_size_s": 0.05, "velocity": VELOCITY, "unit_names": cells})
    else:
        mat_7_3(path, counts=counts, bin_size_s=np.array([[0.05]]), velocity=VELOCITY, unit_names=names)
    recording = read(path)
    assert_array_equal(recording.counts[0], counts)
    assert recording.unit_names == ("left a", "b")
    assert_array_equal(recording.signals["velocity"][0], VELOCITY)


def test_mat_files_of_trials_and_sparse_counts(tmp_path: Path):
    savemat(tmp_path / "made.mat", {"counts": csc_matrix(COUNTS.astype(float)), "bin_size_s": 0.05})
    assert_array_equal(read(tmp_path / "made.mat").counts[0], COUNTS)
    mat_7_3(tmp_path / "made.mat", counts=TRIAL_COUNTS.astype(float), bin_size_s=np.array([[0.05]]))
    assert_array_equal(read(tmp_path / "made.mat").counts, TRIAL_COUNTS)


def test_trials_of_counts_with_columns_and_signals(tmp_path: Path):
    speed = RNG.normal(size=(6, 20))
    recording = read(
        npz(
            tmp_path,
            counts=TRIAL_COUNTS,
            bin_size_s=0.05,
            side=np.array(["left", "right"] * 3),
            go_time=np.array([0.5, 0.5, 0.25, 0.5, 0.5, np.nan]),
            speed=speed,
        )
    )
    assert not recording.continuous
    window = Window(
        bin_size_s=0.05,
        window_s=(-0.25, 0.25),
        align="go_time",
        condition="side",
        lead_s=0.1,
        covariates={"speed": Lagged("speed")},
    )
    cut = trials_from_counts(recording, window)
    assert cut.n_trials == 5
    assert cut.condition_names == ("left", "right")
    order = np.argsort([0.25, 0.0, 0.25, 0.25, 0.25], kind="stable")
    assert cut.columns["side"].tolist() == ["left", "left", "right", "right", "left"]
    assert_array_equal(cut.window_counts[0], TRIAL_COUNTS[2, 0:10])
    assert_array_equal(cut.window_counts[1], TRIAL_COUNTS[0, 5:15])
    assert_array_equal(cut.mask[0, :, 0], [False] * 2 + [True] * 10)
    assert_allclose(cut.covariates["speed"][1, :, 0], speed[0, 3:15], rtol=1e-6)  # float32
    assert order.size == 5


def test_a_coarser_bin_is_the_sum_of_its_bins(tmp_path: Path):
    recording = read(npz(tmp_path, counts=COUNTS, bin_size_s=0.05))
    cut = trials_from_counts(recording, Window(bin_size_s=0.1, window_s=(0.0, 2.0), every_s=2.0, lead_s=0.0))
    assert_array_equal(cut.counts[0], COUNTS.reshape(20, 2, 3).sum(axis=1))
    with pytest.raises(
        ConfigError,
        match=r"made\.npz: bin_size_s 0\.08 is no multiple of the file's bins of 0\.05 s; near ones: 0\.05, 0",
    ):
        trials_from_counts(recording, Window(bin_size_s=0.08, window_s=(0.0, 1.6), every_s=2.0))


def test_covariates_are_interpolated_at_lags(tmp_path: Path):
    recording = read(npz(tmp_path, counts=COUNTS, bin_size_s=0.05, velocity=VELOCITY))
    window = Window(
        bin_size_s=0.1,
        window_s=(0.0, 1.0),
        every_s=1.0,
        lead_s=0.1,
        covariates={"v": Lagged("velocity", (0.0, 0.05))},
    )
    found = trials_from_counts(recording, window).covariates["v"]
    assert found.shape == (2, 11, 4)
    # A bin of two file bins has its centre between theirs; the signal counts file bins.
    assert_allclose(found[0, 1:, 0], 2 * np.arange(10) + 0.5)
    assert_allclose(found[1, :, 2], 20 + 2 * np.arange(-1, 10) + 0.5 - 1)
    assert found[0, 0, 0] == 0.0  # before the first bin: held
    with pytest.raises(ConfigError, match=r"no signal 'speed'; it has: velocity"):
        trials_from_counts(
            recording, Window(bin_size_s=0.05, window_s=(0.0, 1.0), every_s=1.0, covariates={"v": Lagged("speed")})
        )


def test_nan_counts_and_mask_are_unobserved(tmp_path: Path):
    counts = COUNTS.astype(float)
    counts[5] = np.nan
    mask = np.ones(40, bool)
    mask[7] = False
    cut = trials_from_counts(
        read(npz(tmp_path, counts=counts, bin_size_s=0.05, mask=mask)),
        Window(bin_size_s=0.05, window_s=(0.0, 2.0), every_s=2.0, lead_s=0.0),
    )
    assert_array_equal(np.flatnonzero(~cut.mask[0, :, 0]), [5, 7])
    assert cut.counts[0, [5, 7]].sum() == 0
    counts[6, 1] = np.nan
    recording = read(npz(tmp_path, counts=counts, bin_size_s=0.05))
    assert recording.mask.shape == (1, 40, 3)
    cut = trials_from_counts(recording, Window(bin_size_s=0.1, window_s=(0.0, 2.0), every_s=2.0, lead_s=0.0))
    assert_array_equal(cut.mask[0, 2:4], [[False] * 3, [True, False, True]])


def test_a_trial_table_beside_continuous_counts(tmp_path: Path):
    (tmp_path / "trials.csv").write_text("start_time,stop_time,go_time\n0.0,1.0,0.48\n1.0,2.0,1.52\n")
    path = npz(tmp_path, counts=COUNTS, bin_size_s=0.05)
    cut = trials_from_counts(
        read(path, trials_path=tmp_path / "trials.csv"),
        Window(bin_size_s=0.05, window_s=(-0.25, 0.25), align="go_time", lead_s=0.0),
    )
    assert_array_equal(cut.counts, [COUNTS[5:15], COUNTS[25:35]])  # events go to the nearest bin edge
    assert_allclose(cut.t0_s, [0.25, 1.25])


def test_a_window_outside_the_counts(tmp_path: Path):
    recording = read(npz(tmp_path, counts=TRIAL_COUNTS, bin_size_s=0.05))
    with pytest.raises(
        ConfigError, match=r"made\.npz: window_s \[5\.0, 6\.0\] .* lies outside the recording in 6 of 6"
    ):
        trials_from_counts(recording, Window(bin_size_s=0.05, window_s=(5.0, 6.0)))
    continuous = read(npz(tmp_path, counts=COUNTS, bin_size_s=0.05))
    with pytest.raises(ConfigError, match=r"the recording has no trial table; set every_s"):
        trials_from_counts(continuous, Window(bin_size_s=0.05, window_s=(0.0, 1.0)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"spikes": COUNTS, "bin_size_s": 0.05}, r"made\.npz: no array named counts .*it has: bin_size_s, spikes"),
        ({"counts": COUNTS}, r"made\.npz: bin_size_s must be one number of seconds, got nothing"),
        (
            {"counts": COUNTS, "bin_size_s": np.ones(3)},
            r"bin_size_s must be one number of seconds, got float64",
        ),
        ({"counts": COUNTS, "bin_size_s": -1.0}, r"made\.npz: bin_size_s must be a positive number"),
        ({"counts": COUNTS[0], "bin_size_s": 0.05}, r"made\.npz: counts must be numbers \(bins, units\)"),
        ({"counts": COUNTS[:, :0], "bin_size_s": 0.05}, r"made\.npz: counts must be .*at least one of each"),
        ({"counts": COUNTS.astype(float) + 0.5, "bin_size_s": 0.05}, r"made\.npz: counts must be whole numbers"),
        (
            {"counts": COUNTS.astype(int) - 1, "bin_size_s": 0.05},
            r"made\.npz: counts must lie in 0\.\.65535",
        ),
        ({"counts": COUNTS, "bin_size_s": 0.05, "unit_names": ["a"]}, r"made\.npz: 1 unit_names for 3 units"),
        (
            {"counts": COUNTS, "bin_size_s": 0.05, "mask": np.ones(3)},
            r"made\.npz: mask \(3,\) does not fit counts",
        ),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, arrays: dict, message: str):
    with pytest.raises(DataError, match=message):
        read(npz(tmp_path, **arrays))


def test_an_array_that_fits_nothing_is_named_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        recording = read(npz(tmp_path, counts=COUNTS, bin_size_s=0.05, positions=np.ones((7, 2))))
    assert recording.signals == {}
    assert "positions (7, 2) fits neither bins nor trials" in caplog.text


@pytest.mark.parametrize("name", ["made.npz", "made.mat"])
def test_truncated_files(tmp_path: Path, name: str):
    npz(tmp_path, counts=COUNTS, bin_size_s=0.05)
    savemat(tmp_path / "made.mat", {"counts": COUNTS, "bin_size_s": 0.05})
    content = (tmp_path / name).read_bytes()
    for length in (0, 60, 140, len(content) // 2):
        (tmp_path / name).write_bytes(content[:length])
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            read_recording(tmp_path / name)


def test_a_truncated_mat_7_3_file(tmp_path: Path):
    path = mat_7_3(tmp_path / "made.mat", counts=COUNTS.astype(float), bin_size_s=np.array([[0.05]]))
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"made\.mat: not a whole \.mat file .*save it again"):
        read_recording(path)


def test_plain_npy_files_are_too_little(tmp_path: Path):
    np.save(tmp_path / "counts.npy", COUNTS)
    with pytest.raises(DataError, match=r"counts\.npy: an \.npy file holds one array; save counts and bin_size_s"):
        read_recording(tmp_path / "counts.npy")


def test_the_m1_recording(recordings: Path):
    recording = read(recordings / "m1_reaching_binned.npz")
    assert recording.counts.shape == (1, 15_536, 171)
    assert 2.3e6 < recording.counts.sum(dtype=int) < 2.4e6
    assert recording.signals.keys() == {"velocity", "position"}
    window = Window(
        bin_size_s=0.05, window_s=(0.0, 10.0), every_s=10.0, covariates={"v": Lagged("velocity", (0.0, 0.1))}
    )
    cut = trials_from_counts(recording, window)
    assert cut.counts.shape == (77, 210, 171)
    assert cut.covariates["v"].shape == (77, 210, 4)
