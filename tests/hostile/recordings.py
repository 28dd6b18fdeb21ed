"""Recordings in NWB: damaged, lying, or merely strange."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from pynwb import NWBHDF5IO, NWBFile, TimeSeries

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.session import Session
from neurodecode.errors import NeurodecodeError
from neurodecode.io import read_recording
from tests.hostile.shelf import Act, Case, flipped

WINDOW = Window(bin_size_s=0.1, window_s=(0.0, 1.0), lead_s=0.0)
N_FLIPS = 16


@functools.cache
def whole() -> bytes:
    """Two units of five spikes, three trials of a second, observed intervals, a signal."""
    import tempfile

    start = datetime(2020, 1, 1, tzinfo=UTC)
    file = NWBFile(session_description="made", identifier="made", session_start_time=start)
    file.add_trial_column("odour", "what was smelt")
    for trial in range(3):
        file.add_trial(start_time=float(trial), stop_time=trial + 1.0, odour=["citral", "none", "vanilla"][trial])
    for unit in range(2):
        times = unit / 10 + np.array([0.11, 0.52, 1.13, 1.94, 2.55])
        file.add_unit(spike_times=times, obs_intervals=[[0.0, 1.5], [1.5, 3.0]])
    file.add_acquisition(TimeSeries(name="speed", data=np.arange(30.0), rate=10.0, unit="m/s"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole.nwb")
        with NWBHDF5IO(str(path), "w") as io:
            io.write(file)
        return path.read_bytes()


def nwb(change: Callable[[h5py.File], None]) -> Callable[[Path], Act]:
    """The whole file, changed."""

    def make(folder: Path) -> Act:
        path = folder / "made.nwb"
        path.write_bytes(whole())
        with h5py.File(path, "r+") as file:
            change(file)
        return partial(read_recording, path)

    return make


def content(change: Callable[[bytes], bytes], name: str = "made.nwb") -> Callable[[Path], Act]:
    """The bytes of the whole file, changed."""

    def make(folder: Path) -> Act:
        (folder / name).write_bytes(change(whole()))
        return partial(read_recording, folder / name)

    return make


def put(place: str, values: Any, **how: Any) -> Callable[[h5py.File], None]:
    """Another dataset in the place of one, with what was said of it."""

    def change(file: h5py.File) -> None:
        about = dict(file[place].attrs)
        del file[place]
        file.create_dataset(place, data=values, **how)
        file[place].attrs.update(about)
        if f"{place}_index" in file:  # points at what it indexes
            file[f"{place}_index"].attrs["target"] = file[place].ref

    return change


def declared(place: str, shape: tuple[int, ...]) -> Callable[[h5py.File], None]:
    """A dataset of a shape that nothing was ever written into."""

    def change(file: h5py.File) -> None:
        about = dict(file[place].attrs)
        del file[place]
        file.create_dataset(place, shape=shape, dtype="f8", chunks=(1024, *shape[1:]))
        file[place].attrs.update(about)
        if f"{place}_index" in file:
            file[f"{place}_index"].attrs["target"] = file[place].ref

    return change


def both(*changes: Callable[[h5py.File], None]) -> Callable[[h5py.File], None]:
    return lambda file: [change(file) for change in changes] and None


def spikes(*values: float) -> Callable[[h5py.File], None]:
    """All ten spike times."""
    return put("units/spike_times", np.array(values))


def cut(make: Callable[[Path], Act], window: Window = WINDOW) -> Callable[[Path], Act]:
    """The recording, and the trials of it."""

    def act(folder: Path) -> Act:
        read = make(folder)
        return lambda: trials_from_session(read(), window)

    return act


def flips(folder: Path) -> Act:
    """Single bits turned over all through the file."""
    rng, path = np.random.default_rng(0), folder / "made.nwb"
    good = whole()
    places = [(int(rng.integers(len(good))), int(rng.integers(8))) for _ in range(N_FLIPS)]

    def act() -> list[Session]:
        read = []
        for place, bit in places:
            path.write_bytes(flipped(good, place, bit))
            try:
                read.append(read_recording(path))
            except NeurodecodeError:
                continue
        return read

    return act


def still_a_session(read: list[Session]) -> None:
    """What can be read is a session by all its rules; nothing in NWB would tell that a value has changed."""
    assert len(read) > N_FLIPS // 2, "most of a small file is padding"
    for session in read:
        for train in session.spike_times_s:
            assert np.isfinite(train).all()
            assert (np.diff(train) > 0).all()
            assert (train >= 0).all()


def checked_flips(folder: Path) -> Act:
    """Bits turned over in spike times that were written with check sums."""
    path, times = folder / "made.nwb", np.array([*(0.123456789 + np.arange(5)), *(0.23456789 + np.arange(5))])
    nwb(put("units/spike_times", times, chunks=(10,), fletcher32=True))(folder)
    good = path.read_bytes()
    first = good.index(times.tobytes())

    def act() -> list[str]:
        said = []
        for place in range(first, first + 80, 7):
            path.write_bytes(flipped(good, place, place % 8))
            try:
                read_recording(path)
            except NeurodecodeError as error:
                said.append(str(error))
        return said

    return act


def all_noticed(said: list[str]) -> None:
    assert len(said) == 12
    assert all("made.nwb" in one for one in said)


def many_spikes(folder: Path) -> Act:
    """Ten million in one unit, on a grid of 0.1 ms."""
    times = np.arange(10_000_000) / 10_000
    change = both(put("units/spike_times", times), put("units/spike_times_index", np.array([len(times)] * 2)))
    return cut(nwb(both(change, put("units/obs_intervals", np.array([[0.0, 1000.0]] * 4)))))(folder)


def counted(trials: Any) -> None:
    assert trials.counts.dtype == np.uint16
    assert (trials.counts[..., 0] == 1000).all()
    assert not trials.counts[..., 1].any()


def linked(folder: Path) -> Act:
    (folder / "elsewhere.nwb").write_bytes(whole())
    (folder / "made.nwb").symlink_to(folder / "elsewhere.nwb")
    return partial(read_recording, folder / "made.nwb")


def circle(folder: Path) -> Act:
    (folder / "a.nwb").symlink_to(folder / "b.nwb")
    (folder / "b.nwb").symlink_to(folder / "a.nwb")
    return partial(read_recording, folder / "a.nwb")


def bytes_name(folder: Path) -> Act:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/r\xff\xfe\n\x1b[31m.nwb"))
    path.write_bytes(whole())
    return partial(read_recording, path)


def external(file: h5py.File) -> None:
    del file["units/spike_times"]
    file["units/spike_times"] = h5py.ExternalLink("/etc/passwd", "/nothing")


def loop(file: h5py.File) -> None:
    del file["units/spike_times"]
    file["units/spike_times"] = h5py.SoftLink("/units/spike_times")


def no_index(file: h5py.File) -> None:
    del file["units/spike_times_index"]


def no_units(file: h5py.File) -> None:
    del file["units"]


def no_trials(file: h5py.File) -> None:
    del file["intervals"]


def backwards_clock(file: h5py.File) -> None:
    file["acquisition/speed/starting_time"].attrs["rate"] = -10.0


def names_of(*names: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        units = file["units"]
        units.create_dataset("unit_name", data=list(names), dtype=h5py.string_dtype())
        about = {"description": "name", "neurodata_type": "VectorData", "namespace": "hdmf-common"}
        units["unit_name"].attrs.update(about | {"object_id": "made-by-hand"})
        units.attrs["colnames"] = [*units.attrs["colnames"], "unit_name"]

    return change


def session_of(n_spikes: int, n_trials: int = 3) -> Callable[[Session], None]:
    def check(session: Session) -> None:
        assert sum(train.size for train in session.spike_times_s) == n_spikes
        assert len(session.trials) == n_trials

    return check


def masked_counts(trials: Any) -> None:
    """Unsorted and overlapping stretches are joined; spikes outside are left out, and bins there masked."""
    assert trials.mask[..., 0].sum(axis=1).tolist() == [10, 5, 0]
    assert trials.counts[..., 0].sum() == 3


def same_names(names: tuple[str, ...]) -> Callable[[Any], None]:
    def check(trials: Any) -> None:
        assert trials.unit_names == names
        assert trials.counts[..., 0].sum() == trials.counts[..., 1].sum() == 5

    return check


def no_signal(session: Session) -> None:
    assert session.signals == {}


def replaced_text(session: Session) -> None:
    assert list(session.trials["odour"]) == ["citr\ufffdl", "none", "vanilla"]


def same_as_whole(session: Session) -> None:
    assert [train.size for train in session.spike_times_s] == [5, 5]


FIVE = [0.1, 0.2, 0.3, 0.4, 0.5]
OBSERVED = np.array([[1.0, 1.5], [0.0, 0.9], [0.5, 1.2], [0.0, 3.0]])
NAMES = ("../../etc/passwd", "rm -rf $HOME; `id`\n\u202e<script>alert(1)</script>")
TWINS = ("a1", "\u04301")  # Latin and Cyrillic


def recording(name: str, make: Callable[[Path], Act], *said: str, becomes: Any = None) -> Case:
    return Case("recording", name, make, *said, becomes=becomes)


CASES = [
    *(
        recording(f"cut off after {share:.0%}", content(lambda c, s=share: c[: int(len(c) * s)]), r"made\.nwb: ")
        for share in (0.0, 0.02, 0.4, 0.9, 0.999)
    ),
    recording("bits turned over", flips, becomes=still_a_session),
    recording("bits turned over in data with check sums", checked_flips, becomes=all_noticed),
    recording("zeros", content(lambda c: bytes(len(c))), r"made\.nwb: not a whole NWB file"),
    recording("its second half is its first", content(lambda c: c[: len(c) // 2] * 2), r"made\.nwb: "),
    recording("spike times as text", nwb(put("units/spike_times", [b"0.1"] * 10)), "spike_times holds object|.S3"),
    recording(
        "spike times as complex", nwb(put("units/spike_times", np.ones(10) * 1j)), "holds complex128 of shape"
    ),
    recording(
        "spike times as pairs", nwb(put("units/spike_times", np.ones((10, 2)))), r"of shape \(10, 2\), expect"
    ),
    recording("spike times as whole seconds", nwb(spikes(*range(5), *range(5))), becomes=session_of(10)),
    recording(
        "a negative time", nwb(spikes(-0.1, *FIVE[1:], *FIVE)), "unit 0: 1 spike times are negative .*shift"
    ),
    recording("a NaN", nwb(spikes(*FIVE, np.nan, *FIVE[1:])), "unit 1: 1 of 5 spike times are NaN or inf.*remove"),
    recording(
        "an infinite time", nwb(spikes(*FIVE[:4], np.inf, *FIVE)), "unit 0: 1 of 5 spike times are NaN or inf"
    ),
    recording("times that overflow when summed", nwb(spikes(*FIVE[:4], 1e308, *FIVE)), becomes=session_of(10)),
    recording("every spike at the same time", nwb(spikes(*[0.5] * 10)), becomes=session_of(2)),
    recording("unsorted spikes", nwb(spikes(*FIVE[::-1], *FIVE)), becomes=session_of(10)),
    recording(
        "unsorted and overlapping observed intervals, spikes outside",
        cut(nwb(both(put("units/obs_intervals", OBSERVED), put("units/obs_intervals_index", np.array([3, 4]))))),
        becomes=masked_counts,
    ),
    recording(
        "observed backwards",
        nwb(put("units/obs_intervals", OBSERVED[:, ::-1].copy())),
        r"obs_intervals of unit 0: interval 0 is \[1\.5, 1\.0\], expected finite start <= stop; mend",
    ),
    recording(
        "observed until NaN",
        nwb(put("units/obs_intervals", np.full((4, 2), np.nan))),
        "interval 0 is .*nan.*mend it",
    ),
    recording(
        "observed intervals of three",
        nwb(put("units/obs_intervals", np.ones((4, 3)))),
        r"obs_intervals holds float64 of shape \(4, 3\), expected \(start, stop\) pairs",
    ),
    recording("ten million spikes in one unit", many_spikes, becomes=counted),
    recording(
        "an index beyond the data",
        nwb(put("units/spike_times_index", np.array([5, 99]))),
        "spike_times_index: row 1 ends at 99, the data end at 10; the file is damaged",
    ),
    recording(
        "an index beyond 64 bits with a sign",
        nwb(put("units/spike_times_index", np.array([5, 2**64 - 1], np.uint64))),
        "row 1 ends at 18446744073709551615, the data end at 10",
    ),
    recording(
        "an index that runs backwards",
        nwb(put("units/spike_times_index", np.array([10, 5]))),
        "row 1 ends at 5, before it begins, expected ascending ends",
    ),
    recording(
        "a negative index",
        nwb(put("units/spike_times_index", np.array([-5, 10]))),
        "row 0 ends at -5, before it begins",
    ),
    recording(
        "an index of halves",
        nwb(put("units/spike_times_index", np.array([5.5, 10.0]))),
        "expected one whole number",
    ),
    recording(
        "an index too short",
        nwb(put("units/spike_times_index", np.array([10]))),
        r"made\.nwb: the NWB content cannot be read \([^{]*Columns must be the same length\); run nwbinspector",
    ),
    recording(
        "an index that leaves spikes over",
        nwb(put("units/spike_times_index", np.array([5, 8]))),
        becomes=session_of(8),
    ),
    recording("no index", nwb(no_index), r"made\.nwb: "),
    recording("no units", nwb(no_units), "the file holds no units .*sort spikes"),
    recording("no trials", cut(nwb(no_trials)), "has no trial table; set every_s .*trials_path"),
    recording(
        "units that never fired",
        nwb(both(spikes(), put("units/spike_times_index", np.array([0, 0])))),
        becomes=session_of(0),
    ),
    recording(
        "trials that start at infinity",
        nwb(put("intervals/trials/start_time", np.array([0.0, np.inf, 2.0]))),
        "column 'start_time' is infinite in row 1; mend its times",
    ),
    recording(
        "trials that stop before they start",
        cut(nwb(put("intervals/trials/stop_time", np.array([-1.0, 0.0, 0.0])))),
        becomes=lambda trials: session_counts(trials, 10),
    ),
    recording(
        "trials that start at NaN",
        cut(nwb(put("intervals/trials/start_time", np.array([0.0, np.nan, 2.0])))),
        becomes=lambda trials: session_counts(trials, 7),
    ),
    recording(
        "trials that start in words",
        nwb(put("intervals/trials/start_time", [b"now", b"then", b"later"])),
        r"made\.nwb: .*start_time",
    ),
    recording(
        "text that is not UTF-8",
        nwb(put("intervals/trials/odour", np.array([b"citr\xe1l", b"none", b"vanilla"]))),
        becomes=replaced_text,
    ),
    recording("a file name that is not UTF-8", bytes_name, becomes=same_as_whole),
    recording(
        "80 TB of spikes declared, ten indexed",
        nwb(declared("units/spike_times", (10**13,))),
        becomes=lambda s: None,
    ),
    recording(
        "80 TB of spikes declared and indexed",
        nwb(both(declared("units/spike_times", (10**13,)), put("units/spike_times_index", np.array([5, 10**13])))),
        "units.spike_times: would take .* GiB, this machine has 0.25 GiB",
    ),
    recording("a column of trials of 80 TB", nwb(declared("intervals/trials/odour", (10**13,))), r"made\.nwb: "),
    recording("a signal of 80 TB", nwb(declared("acquisition/speed/data", (10**13,))), becomes=no_signal),
    recording("a signal whose clock runs backwards", nwb(backwards_clock), becomes=no_signal),
    recording("a link to a file of the system", nwb(external), r"made\.nwb: "),
    recording("a link to itself", nwb(loop), r"made\.nwb: "),
    recording("a symbolic link", linked, becomes=same_as_whole),
    recording("symbolic links in a circle", circle, r"a\.nwb: no such file; check `path`"),
    recording("units named like paths and commands", cut(nwb(names_of(*NAMES))), becomes=same_names(NAMES)),
    recording("units whose names look alike", cut(nwb(names_of(*TWINS))), becomes=same_names(TWINS)),
    recording("units of one name, empty", cut(nwb(names_of("", ""))), becomes=same_names(("#0", "#1"))),
]


def session_counts(trials: Any, n_spikes: int) -> None:
    assert int(trials.counts.sum()) == n_spikes
