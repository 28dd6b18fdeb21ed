"""NWB files as other software writes them."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pynwb import NWBHDF5IO, NWBFile, TimeSeries
from pynwb.behavior import Position, SpatialSeries
from pynwb.event import EventsTable
from pynwb.image import ImageSeries
from pynwb.misc import AnnotationSeries

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.io import read_recording


@pytest.fixture
def file() -> NWBFile:
    return NWBFile(
        session_description="made", identifier="made", session_start_time=datetime(2020, 1, 1, tzinfo=UTC)
    )


def written(file: NWBFile, tmp_path: Path, *, units: bool = True) -> Path:
    if units:
        file.add_unit(spike_times=[0.5, 1.5])
    path = tmp_path / "made.nwb"
    with NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def test_signals_come_from_acquisition_stimulus_and_processing(file: NWBFile, tmp_path: Path):
    file.add_acquisition(TimeSeries(name="pupil", data=[1.0, 2.0], unit="mm", rate=10.0, starting_time=3.0))
    file.add_stimulus(
        TimeSeries(name="sound", data=[1, 2, 3], unit="dB", timestamps=[0.0, 0.5, 1.0], conversion=2.0)
    )
    behaviour = file.create_processing_module("behavior", "made")
    place = SpatialSeries(
        name="place", data=np.ones((4, 2)), timestamps=np.arange(4.0), reference_frame="corner", unit="cm"
    )
    behaviour.add(Position(spatial_series=place))
    signals = read_recording(written(file, tmp_path)).signals
    assert signals.keys() == {"pupil", "sound", "place"}
    assert_allclose(signals["pupil"].times_s, [3.0, 3.1], rtol=1e-12)
    assert_array_equal(signals["sound"].values[:, 0], [2.0, 4.0, 6.0])
    assert signals["place"].names == ("x", "y")
    assert signals["place"].unit == "cm"


def test_a_name_that_stands_twice_is_told_apart_by_its_containers(file: NWBFile, tmp_path: Path):
    for name in ("left", "right"):
        series = SpatialSeries(
            name="eye", data=np.ones((4, 2)), timestamps=np.arange(4.0), reference_frame="screen", unit="deg"
        )
        file.create_processing_module(name, "made").add(Position(name="Position", spatial_series=series))
    assert read_recording(written(file, tmp_path)).signals.keys() == {"left.Position.eye", "right.Position.eye"}


def test_pictures_and_text_are_no_signals(file: NWBFile, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    file.add_acquisition(ImageSeries(name="film", data=np.zeros((2, 3, 3)), unit="n.a.", rate=1.0))
    with pytest.warns(UserWarning, match="AnnotationSeries is deprecated"):  # but files have them
        file.add_acquisition(AnnotationSeries(name="notes", data=["a", "b"], timestamps=[0.0, 1.0]))
    with caplog.at_level(logging.INFO):
        assert read_recording(written(file, tmp_path)).signals == {}
    assert "signal 'film' is not read: shape (2, 3, 3)" in caplog.text
    assert "signal 'notes' is not read: it holds" in caplog.text


def test_a_signal_too_large_for_memory_stays_on_disk(
    file: NWBFile, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("neurodecode.io.nwb.LARGEST_SIGNAL_BYTES", 1000)
    file.add_acquisition(TimeSeries(name="raw", data=np.zeros(200), unit="V", rate=1000.0))
    with caplog.at_level(logging.WARNING):
        assert read_recording(written(file, tmp_path)).signals == {}
    assert "signal 'raw' is not read: (200,) samples are over 1000 bytes" in caplog.text


def test_a_clock_out_of_order_is_sorted_and_samples_without_time_left_out(
    file: NWBFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file.add_acquisition(
        TimeSeries(name="level", data=[3.0, 1.0, 9.0, 2.0], unit="dB", timestamps=[2.0, 0.0, np.nan, 1.0])
    )
    with caplog.at_level(logging.WARNING):
        level = read_recording(written(file, tmp_path)).signals["level"]
    assert_array_equal(level.values[:, 0], [1.0, 2.0, 3.0])
    assert "signal 'level': 1 of 4 samples have no finite time" in caplog.text
    assert "not in order of time and are sorted" in caplog.text


def test_tables_keep_every_column_of_one_value_a_row(
    file: NWBFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file.add_trial_column("tags", "labels", index=True)
    file.add_trial_column("target", "x and y")
    file.add_trial_column("correct", "bool")
    file.add_trial(start_time=0.0, stop_time=1.0, tags=["probe", "left"], target=[1.0, 2.0], correct=True)
    file.add_trial(start_time=1.0, stop_time=2.0, tags=[], target=[3.0, 4.0], correct=False)
    file.add_unit_column("depth_um", "depth")
    file.add_unit_column("amplitudes", "of each spike", index=True)
    for unit in range(2):
        file.add_unit(
            spike_times=[0.1, 0.2, 0.3],
            depth_um=float(unit),
            amplitudes=[1.0, 2.0, 3.0],
            waveform_mean=np.zeros(40),
        )
    with caplog.at_level(logging.INFO):
        session = read_recording(written(file, tmp_path, units=False))
    assert list(session.trials["tags"]) == ["probe,left", ""]
    assert list(session.trials["target_1"]) == [2.0, 4.0]
    assert list(session.trials["correct"]) == [True, False]
    assert list(session.units["depth_um"]) == [0.0, 1.0]
    assert "waveform_mean" not in session.units
    assert "column 'waveform_mean' is not read" in caplog.text


def test_electrodes_of_units_do_not_disturb(file: NWBFile, tmp_path: Path):
    device = file.create_device(name="probe")
    group = file.create_electrode_group(name="shank", description="made", location="M1", device=device)
    file.add_electrode(group=group, location="M1")
    file.add_unit(spike_times=[0.5], electrodes=[0], electrode_group=group)
    session = read_recording(written(file, tmp_path, units=False))
    assert list(session.units["electrode_group"]) == ["shank"]
    assert "electrodes" not in session.units


def test_unsorted_and_duplicate_spikes_are_mended_and_counted(file: NWBFile, tmp_path: Path):
    file.add_unit(spike_times=[0.5, 0.1, 0.9, 0.9, 0.9, 0.3])
    file.add_unit(spike_times=[])
    session = read_recording(written(file, tmp_path, units=False))
    assert_array_equal(session.spike_times_s[0], [0.1, 0.3, 0.5, 0.9])
    assert (session.dropped[0].unsorted, session.dropped[0].duplicates) == (2, 2)
    assert session.spike_times_s[1].size == 0


def test_32_bit_times_of_a_grid_stay_on_the_grid(file: NWBFile, tmp_path: Path):
    grid = np.round(100.0 + np.arange(1000) / 1000, 3)
    file.add_trial(start_time=100.0, stop_time=101.0)
    file.add_unit(spike_times=grid.astype(np.float32).astype(float))
    session = read_recording(written(file, tmp_path, units=False))
    assert_array_equal(session.spike_times_s[0], grid)
    cut = trials_from_session(session, Window(bin_size_s=0.001, window_s=(0.0, 1.0), lead_s=0.0))
    assert_array_equal(cut.counts[0, :-1, 0], 1)  # the last bin ends after the last spike


def test_other_interval_tables_are_named_in_the_log(
    file: NWBFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    file.add_epoch(0.0, 1.0, ["running"])
    with caplog.at_level(logging.WARNING):
        assert len(read_recording(written(file, tmp_path)).trials) == 0
    assert "no trials table; its other interval tables are not read: epochs" in caplog.text


def test_a_trial_table_beside_the_file_takes_the_place_of_its_own(file: NWBFile, tmp_path: Path):
    file.add_trial(start_time=0.0, stop_time=1.0)
    (tmp_path / "trials.csv").write_text("start_time,stop_time,odour\n0.2,0.7,citral\n1.2,1.7,vanilla\n")
    session = read_recording(written(file, tmp_path), trials_path=tmp_path / "trials.csv")
    assert list(session.trials["odour"]) == ["citral", "vanilla"]


def test_events_give_columns_to_align_to(file: NWBFile, tmp_path: Path):
    file.add_trial(start_time=0.0, stop_time=1.0)
    file.add_trial(start_time=2.0, stop_time=3.0)
    file.add_trial(start_time=4.0, stop_time=5.0)
    cue = EventsTable(name="cue", description="made")
    for time, side in ((0.5, "left"), (0.7, "right"), (2.0, "right"), (3.5, "left")):
        cue.add_event(timestamp=time, annotation=side)
    file.add_events_table(cue)
    trials = read_recording(written(file, tmp_path)).trials
    assert_array_equal(trials["cue_time"], [0.5, 2.0, np.nan])
    assert list(trials["cue_label"]) == ["left", "right", ""]
    assert_array_equal(trials["right_time"], [0.7, 2.0, np.nan])
