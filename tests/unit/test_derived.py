"""Signals made of a recording's own: place along a track, speed; and the windows and bins that they choose."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.config.session import session_config
from neurodecode.config.target import TargetConfig
from neurodecode.data.binning import Lagged, Window, trials_from_counts, trials_from_session
from neurodecode.data.counts import CountRecording
from neurodecode.data.derived import Derived, with_derived
from neurodecode.data.session import Session, Signal
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.targets import Target, decodable

TRACK = Derived(of="position", along=((10.0, 10.0), (40.0, 50.0)))  # 50 long


@pytest.fixture
def session() -> Session:
    """20 s of a position at 50 Hz that runs along a line for 10 s at 4 per s, and then rests."""
    times_s = np.arange(1000) / 50.0 + 100.0
    place = np.minimum(4.0 * (times_s - 100.0), 40.0)
    position = np.array([10.0, 10.0]) + place[:, None] * np.array([0.6, 0.8])
    return Session(
        name="rat",
        spike_times_s=(np.arange(100.0, 120.0, 0.1),),
        units=pd.DataFrame({"unit_name": ["a"]}),
        trials=pd.DataFrame({"start_time": [], "stop_time": []}, dtype=float),
        signals={"position": Signal(values=position, times_s=times_s)},
    )


def test_the_place_along_a_track_is_that_of_the_foot_of_the_perpendicular(session):
    beside = np.array([[-0.8, 0.6]]) * np.random.default_rng(0).normal(size=(1000, 1))
    values = session.signals["position"].values + beside
    moved = TRACK.values(values, session.signals["position"].times_s)
    assert_allclose(moved[:, 0], np.minimum(4.0 * np.arange(1000) / 50.0, 40.0), atol=1e-9)
    holed = values.copy()
    holed[7, 1] = np.nan
    assert np.isnan(TRACK.values(holed, session.signals["position"].times_s)).ravel().nonzero()[0].tolist() == [7]


def test_speed_is_distance_over_time_also_at_the_ends_and_over_holes(session):
    speed = Derived(of="position", speed_over_s=0.4)
    position = session.signals["position"]
    found = speed.values(position.values, position.times_s)[:, 0]
    running, resting = position.times_s < 109.7, position.times_s > 110.3
    assert_allclose(found[running], 4.0, rtol=1e-6)
    assert_allclose(found[resting], 0.0, atol=1e-9)
    holed = position.values.copy()
    holed[100:110] = np.nan
    bridged = speed.values(holed, position.times_s)[:, 0]
    assert_array_equal(np.isnan(bridged), np.isin(np.arange(1000), np.arange(100, 110)))
    assert_allclose(bridged[:100], 4.0, rtol=1e-6)


def test_a_recording_of_counts_is_derived_piece_by_piece():
    velocity = np.stack([np.cumsum(np.full((30, 2), step), axis=0) for step in (3.0, 4.0)])
    recording = CountRecording(
        name="m1",
        counts=np.ones((2, 30, 1), np.uint8),
        bin_size_s=0.5,
        mask=np.ones((2, 30, 1), bool),
        unit_names=("a",),
        trials=pd.DataFrame({"start_time": [0.0, 20.0], "stop_time": [15.0, 35.0]}),
        continuous=False,
        signals={"position": velocity},
    )
    made = with_derived(recording, {"speed": Derived(of="position", speed_over_s=1.0)})
    assert_allclose(made.signals["speed"][:, :, 0], np.repeat([[6.0], [8.0]], 30, axis=1) * np.sqrt(2.0))
    window = Window(bin_size_s=0.5, window_s=(0.0, 5.0), lead_s=0.0, covariates={"speed": Lagged("speed")})
    assert trials_from_counts(made, window).covariates["speed"].shape == (2, 10, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"of": "position"}, "one of along and speed_over_s"),
        ({"of": "position", "along": ((0.0, 1.0), (1.0, 0.0)), "speed_over_s": 1.0}, "one of along and"),
        ({"of": "position", "speed_over_s": 0.0}, "positive"),
        ({"of": "position", "along": ((0.0, 1.0), (0.0, 1.0))}, "two points"),
        ({"of": "position", "along": ((0.0, 1.0), (1.0,))}, "two points"),
    ],
)
def test_what_is_no_signal_is_refused(given, words):
    with pytest.raises(ConfigError, match=words):
        Derived(**given)


def test_what_the_recording_lacks_is_refused(session):
    with pytest.raises(ConfigError, match=r"no signal 'place'; there are: position"):
        with_derived(session, {"track": Derived(of="place", speed_over_s=1.0)})
    with pytest.raises(ConfigError, match="of that name"):
        with_derived(session, {"position": TRACK})
    with pytest.raises(DataError, match="1 dims"):
        with_derived(session, {"track": Derived(of="position", along=((0.0,), (1.0,)))})


def test_windows_of_a_part_of_the_recording(session):
    laid = {"bin_size_s": 0.1, "window_s": (0.0, 1.0), "every_s": 1.0, "lead_s": 0.0}
    whole = trials_from_session(session, Window(**laid))
    part = trials_from_session(session, Window(**laid, where={"stop_time": {"max": 110.5}}))
    assert_allclose(part.t0_s, whole.t0_s[whole.t0_s + 1.0 <= 110.5])
    assert_array_equal(part.counts, whole.counts[: part.n_trials])
    with pytest.raises(ConfigError, match="no trial has where start_time"):
        trials_from_session(session, Window(**laid, where={"start_time": {"min": 500.0}}))
    with pytest.raises(ConfigError, match="start_time and stop_time"):
        Window(**laid, where={"side": "left"})


@pytest.fixture
def windows(session) -> Trials:
    made = with_derived(session, {"track": TRACK, "speed": Derived(of="position", speed_over_s=0.4)})
    given = {name: Lagged(name) for name in ("track", "speed", "position")}
    return trials_from_session(
        made, Window(bin_size_s=0.1, window_s=(0.0, 2.0), every_s=2.0, lead_s=0.5, covariates=given)
    )


RUNNING = TargetConfig(signal="track", where={"speed": {"min": 1.0}})


def test_a_signal_is_decoded_in_some_bins_only(windows):
    found = Target.of(windows, RUNNING)
    assert_array_equal(np.isnan(found.values), ~(windows.covariates["speed"][:, 5:] >= 1.0))
    known = np.isfinite(found.values)
    assert_allclose(found.values[known], windows.covariates["track"][:, 5:][known])
    coarse = found.signal(0.2)
    assert coarse.shape == (windows.n_trials, 10, 1)
    assert_allclose(coarse[0, :, 0], found.values[0, :, 0].reshape(10, 2).mean(axis=1))
    assert np.isnan(coarse).sum() >= known.size / 2 - known.sum() / 2


def test_windows_without_such_a_bin_are_left_out(windows):
    left = decodable(windows, RUNNING)
    assert 4 <= left.n_trials < windows.n_trials
    assert np.isfinite(Target.of(left, RUNNING).values).any(axis=(1, 2)).all()
    assert decodable(windows, TargetConfig(signal="track")) is windows
    assert decodable(windows, None) is windows


def test_ranges_that_cannot_be_are_refused(windows):
    for where, words in (
        ({"speed": {"min": 1e6}}, "no bin"),
        ({"position": {"min": 0.0}}, "2 dims"),
        ({"height": {"min": 0.0}}, "lack"),
    ):
        with pytest.raises(DataError, match=words):
            Target.of(windows, TargetConfig(signal="track", where=where))
    with pytest.raises(ConfigError, match="where names bins of a signal"):
        TargetConfig(value="rt", where={"speed": {"min": 1.0}})


def test_the_configuration_names_derived_signals():
    entry = {
        "path": "rat.nwb",
        "window_s": [0.0, 5.0],
        "every_s": 5.0,
        "bin_size_s": 0.1,
        "where": {"stop_time": {"max": 960.0}},
        "signals": {
            "track": {"of": "position", "along": [[10, 10], [40, 50]]},
            "speed": {"of": "position", "speed_over_s": 0.5},
        },
        "covariates": {"track": {"signal": "track"}, "speed": {"signal": "speed"}},
        "target": {"signal": "track", "where": {"speed": {"min": 10}}},
    }
    config = session_config(entry, "rat")
    assert config.signals["track"].derived() == TRACK
    assert session_config(config.as_mapping(), "rat") == config
    for bad, words in (
        ({"signals": {"track": {"of": "position"}}}, "one of along"),
        ({"target": {"signal": "track", "where": {"height": {}}}}, "one of covariates"),
        ({"target": {"signal": "track", "where": {"speed": {"least": 1}}}}, "least"),
    ):
        with pytest.raises(ConfigError, match=words):
            session_config(entry | bad, "rat")
