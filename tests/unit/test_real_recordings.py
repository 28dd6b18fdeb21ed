"""Every real recording is read and binned, and no spike is lost on the way."""

from pathlib import Path

import numpy as np
import pytest

from neurodecode.data.binning import Lagged, Window, trials_from_session
from neurodecode.io import read_recording

# units, trials and spikes of each file
HELD = {
    "stn_joystick.nwb": (1, 50, 4_696),
    "motor_delay_winny.nwb": (2, 128, 20_043),
    "roach_three_odours.nwb": (3, 60, 42_943),
    "roach_citral.nwb": (2, 20, 2_664),
    "roach_vanilla.nwb": (4, 20, 7_739),
    "locust_odours.nwb": (10, 155, 349_788),
    "hippocampus_linear_track.nwb": (31, 0, 28_829),
    "grasshopper_1.nwb": (1, 0, 929),
}
IT = [1005, 1006, 1007, 1009, 1010, 1011, 1013, 1014]

# windows that hold the whole of every trial
WINDOWS = {
    "stn_joystick.nwb": Window(bin_size_s=0.001, window_s=(-1.0, 1.0), align="go_time", condition="direction"),
    "roach_three_odours.nwb": Window(bin_size_s=0.004, window_s=(0.0, 15.0), condition="odour"),
    "roach_citral.nwb": Window(bin_size_s=0.001, window_s=(0.0, 15.0), condition="odour"),
    "roach_vanilla.nwb": Window(bin_size_s=0.001, window_s=(0.0, 11.0), condition="odour"),
    "locust_odours.nwb": Window(bin_size_s=0.004, window_s=(0.0, 28.8), condition="odour"),
}


@pytest.mark.parametrize("name", HELD)
def test_units_trials_and_spikes_are_those_of_the_readme(recordings: Path, name: str):
    session = read_recording(recordings / name)
    n_spikes = sum(times.size for times in session.spike_times_s)
    assert (session.n_units, len(session.trials), n_spikes) == HELD[name]


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_over_the_whole_trial_holds_every_spike(recordings: Path, name: str):
    trials = trials_from_session(read_recording(recordings / name), WINDOWS[name])
    assert trials.window_counts.sum(dtype=int) == HELD[name][2]
    assert trials.window_mask.all()
    assert not trials.mask[:, : trials.lead].any()  # between the trials nothing was kept


@pytest.mark.parametrize("number", IT)
def test_it_recordings_on_a_1_ms_grid_are_binary(recordings: Path, number: int):
    session = read_recording(recordings / f"it_objects_{number}.nwb")
    window = Window(bin_size_s=0.001, window_s=(0.0, 1.0), condition="object", where={"position": "upper"})
    trials = trials_from_session(session, window)
    assert trials.binary  # plain floor puts two spikes of the grid into one bin
    assert trials.n_conditions == 7
    assert set(trials.columns["position"]) == {"upper"}
    whole = trials_from_session(session, Window(bin_size_s=0.001, window_s=(0.0, 1.0)))
    assert whole.window_counts.sum(dtype=int) == sum(times.size for times in session.spike_times_s)
    assert 21_000 <= whole.window_counts.sum(dtype=int) < 53_000


def test_winny_by_delay(recordings: Path):
    session = read_recording(recordings / "motor_delay_winny.nwb")
    window = Window(bin_size_s=0.001, window_s=(-0.6, 0.6), align="go_time", condition="delay_ms")
    trials = trials_from_session(session, window)
    assert trials.condition_names == ("600", "900", "1200", "1500")
    assert trials.binary
    assert trials.mask.all()  # one continuous recording: the lead is observed too
    assert "reaction_time" in trials.columns


def test_grasshopper_is_cut_into_windows_with_the_sound_level(recordings: Path):
    session = read_recording(recordings / "grasshopper_1.nwb")
    window = Window(
        bin_size_s=0.001,
        window_s=(0.0, 1.0),
        every_s=1.0,
        covariates={"level": Lagged("sound_level", (0.0, 0.005, 0.01))},
    )
    trials = trials_from_session(session, window)
    assert trials.n_trials == 10
    assert trials.window_counts.sum(dtype=int) == 929
    assert trials.covariates["level"].shape == (10, 1500, 3)
    lag_0, lag_5 = trials.covariates["level"][..., 0], trials.covariates["level"][..., 1]
    np.testing.assert_allclose(lag_5[1, 505:1500], lag_0[1, 500:1495], rtol=1e-5)  # float32


def test_hippocampus_position_follows_the_windows(recordings: Path):
    session = read_recording(recordings / "hippocampus_linear_track.nwb")
    window = Window(
        bin_size_s=0.1,
        window_s=(0.0, 10.0),
        every_s=10.0,
        lead_s=0.0,
        covariates={"position": Lagged("position")},
    )
    trials = trials_from_session(session, window)
    assert trials.covariates["position"].shape == (trials.n_trials, 100, 2)
    assert trials.n_trials == 198
