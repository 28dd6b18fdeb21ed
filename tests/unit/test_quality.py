"""What quality.json says of a recording."""

import json

import numpy as np
import pandas as pd
import pytest

from neurodecode.data.binning import Window, trials_from_counts, trials_from_session
from neurodecode.data.counts import CountRecording
from neurodecode.data.quality import quality
from neurodecode.data.session import Session, SpikeCleaning
from neurodecode.data.splits import Split
from neurodecode.io import read_recording

WINDOW = Window(bin_size_s=0.1, window_s=(0.0, 1.0), lead_s=0.2, condition="side", where={"keep": 1})


def session(*trains: np.ndarray, n_trials: int = 9) -> Session:
    start = np.arange(n_trials) * 2.0
    return Session(
        name="made.nwb",
        spike_times_s=tuple(np.array(train, float) for train in trains),
        units=pd.DataFrame({"unit_name": [f"u{unit}" for unit in range(len(trains))]}),
        trials=pd.DataFrame(
            {"start_time": start, "stop_time": start + 1, "side": ["l", "r", "l"] * (n_trials // 3), "keep": 1}
        ),
        observed_s=tuple(np.column_stack([start, start + 1.0]) for _ in trains),
        dropped=tuple(SpikeCleaning(unsorted=3, duplicates=unit) for unit in range(len(trains))),
    )


def judged(made: Session, window: Window = WINDOW, splits: tuple[Split, ...] = ()) -> dict:
    found = quality(made, trials_from_session(made, window), splits, window)
    return json.loads(json.dumps(found, allow_nan=False))


def test_counts_rates_and_what_was_mended():
    found = judged(session([0.05, 0.5, 2.5], [4.5]))
    assert (found["n_units"], found["n_trials"], found["n_spikes"], found["observed_s"]) == (2, 9, 4, 9.0)
    assert found["conditions"] == {"l": 6, "r": 3}
    assert found["trials_left_out"] == {}
    assert (found["unobserved_bins"], found["unobserved_lead_bins"]) == (0.0, 1.0)
    unit = found["units"][0]
    assert (unit["unit"], unit["n_spikes"], unit["n_spikes_in_window"]) == ("u0", 3, 3)
    assert unit["rate_hz"] == pytest.approx(3 / 9)
    assert unit["silent_trials"] == 7
    assert (found["units"][1]["duplicates"], found["units"][1]["unsorted"]) == (1, 3)


def test_short_intervals_are_counted_below_and_not_at_the_limit():
    grid = 4000 + np.array([0, 1, 3, 4, 6, 100]) / 1000  # intervals of 1, 2, 1, 2 and 94 ms
    made = Session(
        name="made.nwb", spike_times_s=(grid,), units=pd.DataFrame(index=[0]), trials=_one_trial(4000.0)
    )
    unit = judged(made, Window(bin_size_s=0.1, window_s=(0.0, 0.1), lead_s=0.0))["units"][0]
    assert (unit["isi_below_1ms"], unit["isi_below_2ms"]) == (0, 2)
    assert unit["isi_below_2ms_fraction"] == pytest.approx(2 / 5)


def test_intervals_across_a_gap_in_the_recording_do_not_count():
    made = session([0.9995, 2.0, 2.0005])
    assert judged(made)["units"][0]["isi_below_1ms_fraction"] == 1.0  # one interval of three spikes


def test_drift_over_the_session_is_seen():
    steady = np.concatenate([2.0 * trial + np.linspace(0.1, 0.8, 4 + trial % 2) for trial in range(9)])
    rising = np.concatenate([2.0 * trial + np.linspace(0.1, 0.8, 1 + trial) for trial in range(9)])
    found = judged(session(steady, rising, []))["units"]
    assert abs(found[0]["drift_sd"]) < 0.8
    assert found[0]["drift_p"] > 0.5
    assert found[1]["drift_sd"] > 2
    assert found[1]["drift_rho"] == pytest.approx(1.0)
    assert (found[2]["drift_sd"], found[2]["drift_rho"], found[2]["rate_hz"]) == (None, None, 0.0)


def test_units_silent_in_training_are_named_by_fold():
    splits = (
        Split(0, np.array([0, 1]), np.array([2, 3]), np.arange(4, 9)),
        Split(1, np.array([4, 5]), np.array([0, 1, 2, 3]), np.arange(6, 9)),
    )
    found = judged(session([0.5, 0.6], [8.5]), splits=splits)["units"]
    assert [unit["silent_in_training"] for unit in found] == [[1], [0]]


def test_trials_left_out_are_counted_by_reason():
    made = session([0.5, 2.5, 4.5])
    table = made.trials.assign(keep=[1] * 7 + [2, 2], side=["l", None] + ["r"] * 7)
    made = Session(
        name="made.nwb",
        spike_times_s=made.spike_times_s,
        units=made.units,
        trials=table,
        observed_s=(made.observed_s[0][:6],),
    )
    assert judged(made)["trials_left_out"] == {"where": 2, "no condition": 1, "window not observed": 1}
    assert quality(made, trials_from_session(made, WINDOW))["trials_left_out"] == {"for any reason": 4}


def test_counts_have_no_intervals_and_say_why():
    recording = CountRecording(
        name="made.npz",
        counts=np.ones((1, 40, 2), np.uint8),
        bin_size_s=0.05,
        mask=np.ones((1, 40, 1), bool),
        unit_names=("a", "b"),
        trials=pd.DataFrame(),
        continuous=True,
    )
    window = Window(bin_size_s=0.1, window_s=(0.0, 0.5), every_s=0.5, lead_s=0.0)
    found = quality(recording, trials_from_counts(recording, window), (), window)
    json.dumps(found, allow_nan=False)
    assert "binned counts" in str(found["isi_reason"])
    (first, _) = found["units"]
    assert (first["isi_below_1ms"], first["isi_below_2ms_fraction"], first["duplicates"]) == (None, None, None)
    assert (first["n_spikes"], first["rate_hz"]) == (40, pytest.approx(20.0))
    assert found["bins_above_one_spike"] == 1.0


def test_real_recordings_are_as_their_readme_says(recordings):
    citral = judged(
        read_recording(recordings / "roach_citral.nwb"), Window(bin_size_s=0.001, window_s=(3.0, 12.0))
    )
    assert citral["units"][0]["isi_below_2ms"] == 0  # refractory for 6.7 ms
    odours = judged(
        read_recording(recordings / "roach_three_odours.nwb"), Window(bin_size_s=0.004, window_s=(3.0, 12.0))
    )
    assert all(unit["isi_below_1ms"] > 0 for unit in odours["units"])  # sorting artefacts
    stn = judged(
        read_recording(recordings / "stn_joystick.nwb"),
        Window(bin_size_s=0.001, window_s=(-1.0, 1.0), align="go_time"),
    )
    assert stn["units"][0]["isi_below_1ms"] == 0  # on a 1 ms grid


def _one_trial(start: float) -> pd.DataFrame:
    return pd.DataFrame({"start_time": [start], "stop_time": [start + 1.0]})
