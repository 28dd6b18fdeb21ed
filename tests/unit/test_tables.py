"""Spikes and trials in CSV and Parquet."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.errors import DataError
from neurodecode.io import read_recording

SPIKES = "unit,time,region\nb,0.5,M1\na,0.2,S1\nb,0.1,M1\nb,0.5,M1\na,1.5,S1\n"
TRIALS = "start_time,stop_time,go_time,side\n0.0,1.0,0.5,left\n1.0,2.0,,right\n"


def table(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_spikes_and_trials_of_csv(tmp_path: Path):
    session = read_recording(
        table(tmp_path, "spikes.csv", SPIKES), trials_path=table(tmp_path, "trials.csv", TRIALS)
    )
    assert session.unit_names == ("a", "b")
    assert_array_equal(session.spike_times_s[0], [0.2, 1.5])
    assert_array_equal(session.spike_times_s[1], [0.1, 0.5])
    assert (session.dropped[1].unsorted, session.dropped[1].duplicates) == (1, 1)
    assert list(session.units["region"]) == ["S1", "M1"]
    assert list(session.trials["side"]) == ["left", "right"]
    cut = trials_from_session(session, Window(bin_size_s=0.5, window_s=(-0.5, 0.5), align="go_time"))
    assert cut.n_trials == 1


def test_parquet_gives_the_same(tmp_path: Path):
    from_csv = read_recording(table(tmp_path, "spikes.csv", SPIKES))
    pd.read_csv(tmp_path / "spikes.csv").to_parquet(tmp_path / "spikes.parquet")
    session = read_recording(tmp_path / "spikes.parquet")
    for one, other in zip(session.spike_times_s, from_csv.spike_times_s, strict=True):
        assert_array_equal(one, other)
    pd.testing.assert_frame_equal(session.units, from_csv.units)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_semicolons_and_tabs_are_separators_too(tmp_path: Path, separator: str):
    session = read_recording(table(tmp_path, "spikes.csv", SPIKES.replace(",", separator)))
    assert session.n_units == 2


def test_units_may_be_numbers_and_times_integers(tmp_path: Path):
    session = read_recording(table(tmp_path, "spikes.csv", "cluster_id,time_s\n10,1\n2,2\n2,1\n"))
    assert session.unit_names == ("2", "10")
    assert_array_equal(session.spike_times_s[0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("header", "stops"),
    [
        ("start_time,duration", [0.5, 1.25]),
        ("start,stop", [0.5, 0.25]),
        ("onset,side", [1.0, 7.5]),  # until the next start, the last until the last spike
    ],
)
def test_stops_from_durations_or_from_the_next_start(tmp_path: Path, header: str, stops: list[float]):
    rows = {"start,stop": "0.0,0.5\n0.1,0.25\n"}.get(header, "0.0,0.5\n1.0,0.25\n")
    session = read_recording(
        table(tmp_path, "spikes.csv", "unit,time\n0,0.1\n0,7.5\n"),
        trials_path=table(tmp_path, "trials.csv", f"{header}\n{rows}"),
    )
    assert_array_equal(session.trials["stop_time"], stops)


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (
            "neuron_label,time\n0,0.1\n",
            r"spikes\.csv: the table of spikes has no unit column; accepted: unit, ",
        ),
        ("unit,when\n0,0.1\n", r"spikes\.csv: .*no time column; accepted: time_s, .*it has: unit, when"),
        ("unit,time,time_s\n0,0.1,0.1\n", r"has several time columns \['time_s', 'time'\]; keep one"),
        ("unit,time\n", r"spikes\.csv: the table of spikes has no rows, so no units"),
        ("unit,time\n0,0.1\n,0.2\n", r"spikes\.csv: column 'unit' is empty in row 1"),
        ("unit,time\n0,0.1\n0,late\n", r"spikes\.csv: column 'time' must hold finite numbers .* row 1: 'late'"),
        ("unit,time\n0,0.1\n0,\n", r"spikes\.csv: column 'time' must hold finite numbers .*1 of 2 rows"),
        ("unit,time\n4,0.1\n4,-0.2\n", r"spikes\.csv: column 'time' of unit 4: 1 spike times are negative"),
        ("", r"spikes\.csv: not a whole CSV or Parquet table"),
    ],
)
def test_tables_of_spikes_that_cannot_be_read(tmp_path: Path, spikes: str, message: str):
    with pytest.raises(DataError, match=message):
        read_recording(table(tmp_path, "spikes.csv", spikes))


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ("go,side\n0.1,left\n", r"trials\.csv: a trial table needs a column start_time .*it has: go, side"),
        ("start_time,stop_time\n0.1,0.0\n", r"trials\.csv: trial in row 0 runs from 0\.1 to 0 s"),
        ("start_time,stop_time\n0.1,1.0\n,2.0\n", r"trials\.csv: column 'start_time' must hold finite numbers"),
    ],
)
def test_tables_of_trials_that_cannot_be_read(tmp_path: Path, trials: str, message: str):
    with pytest.raises(DataError, match=message):
        read_recording(table(tmp_path, "spikes.csv", SPIKES), trials_path=table(tmp_path, "trials.csv", trials))


def test_a_truncated_parquet_file(tmp_path: Path):
    pd.DataFrame({"unit": np.zeros(100), "time": np.arange(100.0)}).to_parquet(tmp_path / "spikes.parquet")
    content = (tmp_path / "spikes.parquet").read_bytes()
    (tmp_path / "spikes.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"spikes\.parquet: not a whole CSV or Parquet table"):
        read_recording(tmp_path / "spikes.parquet")
