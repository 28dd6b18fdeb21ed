"""A session written as NWB is read back as it was."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from neurodecode.data.session import Session, Signal
from neurodecode.io import read_recording, write_nwb


@pytest.fixture
def session() -> Session:
    rng = np.random.default_rng(3)
    trials = pd.DataFrame(
        {
            "start_time": [0.0, 3.0, 6.0],
            "stop_time": [2.0, 5.0, 8.0],
            "go_time": [1.0, np.nan, 7.0],
            "direction": ["left", "right", ""],
            "block": [1, 1, 2],
            "correct": [True, False, True],
        }
    )
    return Session(
        name="made.nwb",
        spike_times_s=(np.sort(rng.uniform(0, 8, 50)), np.empty(0), np.array([0.001, 0.002, 7.999])),
        units=pd.DataFrame({"region": ["M1", "S1", "M1"], "depth_um": [10.0, 20.5, np.nan]}),
        trials=trials,
        signals={
            "position": Signal(
                values=rng.normal(size=(20, 2)), times_s=np.linspace(0, 8, 20), unit="m", names=("x", "y")
            ),
            "level": Signal(values=rng.normal(size=(9, 1)), times_s=np.arange(9.0), unit="dB"),
        },
        observed_s=(np.array([[0.0, 2.0], [3.0, 5.0]]), None, np.array([[0.0, 8.0]])),
    )


def test_everything_comes_back(session: Session, tmp_path: Path):
    write_nwb(tmp_path / "made.nwb", session)
    back = read_recording(tmp_path / "made.nwb")
    assert back.name == session.name
    for read, written in zip(back.spike_times_s, session.spike_times_s, strict=True):
        assert_array_equal(read, written)
    pd.testing.assert_frame_equal(back.trials, session.trials, check_names=False)
    pd.testing.assert_frame_equal(back.units, session.units, check_names=False)
    assert back.observed_s[1] is None
    for unit in (0, 2):
        assert_array_equal(back.observed_s[unit], session.observed_s[unit])
    assert back.signals.keys() == session.signals.keys()
    for name, signal in session.signals.items():
        assert_array_equal(back.signals[name].values, signal.values)
        assert_array_equal(back.signals[name].times_s, signal.times_s)
        assert (back.signals[name].unit, back.signals[name].names) == (signal.unit, signal.names)
    assert back.span_s == session.span_s


def test_a_continuous_recording_of_named_units(tmp_path: Path):
    session = Session(
        name="made.nwb",
        spike_times_s=(np.array([0.5]), np.array([1.5])),
        units=pd.DataFrame(index=["tetrode 1", "tetrode 2"]),
        trials=pd.DataFrame({"start_time": np.empty(0), "stop_time": np.empty(0)}),
    )
    write_nwb(tmp_path / "made.nwb", session)
    back = read_recording(tmp_path / "made.nwb")
    assert back.unit_names == session.unit_names
    assert len(back.trials) == 0
    assert back.observed_s == ()


def test_nothing_is_left_beside_the_file(session: Session, tmp_path: Path):
    write_nwb(tmp_path / "made.nwb", session)
    assert [p.name for p in tmp_path.iterdir()] == ["made.nwb"]
