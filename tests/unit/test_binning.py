"""Spikes into bins: the edges of bins, of trials and of what was observed."""

import logging

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from neurodecode.data.binning import Window, bin_spikes, trials_from_session
from neurodecode.data.session import Session
from neurodecode.errors import ConfigError, DataError


def recording(
    *trains: np.ndarray, trials: dict | None = None, observed: tuple = (), units: dict | None = None
) -> Session:
    table = pd.DataFrame(trials if trials is not None else {"start_time": [0.0], "stop_time": [10.0]})
    return Session(
        name="made.nwb",
        spike_times_s=tuple(np.array(train, float) for train in trains),
        units=pd.DataFrame(units or {}, index=range(len(trains))),
        trials=table,
        observed_s=tuple(None if o is None else np.array(o, float) for o in observed),
    )


@pytest.mark.parametrize("start", [0.0, 1.0, 3.6, 17.003, 999.999, 4397.0317, 10_000.0])
@pytest.mark.parametrize("bin_size_s", [0.001, 0.002, 0.004])
def test_every_spike_of_a_grid_falls_into_its_own_bin(start: float, bin_size_s: float):
    bins = np.arange(2000)
    times = start + bins * bin_size_s  # what a file of this resolution holds
    rounded = np.round(times, 4)  # and what one that was written as decimals holds
    for train in (times, rounded):
        counts = bin_spikes([train], np.array([start]), bin_size_s, 0, 2000)
        assert_array_equal(counts[0, :, 0], 1)


def test_a_grid_holds_over_all_trials_of_a_long_recording():
    starts = np.arange(0, 10_000, 7) + 0.25
    grid = np.unique(np.round((starts[:, None] + np.arange(0, 500) / 1000).ravel(), 3))
    counts = bin_spikes([grid], starts, 0.001, 0, 500)
    assert_array_equal(counts, np.ones((starts.size, 500, 1)))


def test_seconds_since_1970_keep_a_1_ms_grid():
    start = 1_700_000_000.0
    counts = bin_spikes([start + np.arange(1000) / 1000], np.array([start]), 0.001, 0, 1000)
    assert_array_equal(counts, np.ones((1, 1000, 1)))


def test_windows_are_closed_at_the_start_and_open_at_the_stop():
    trials = {"start_time": [1.0], "stop_time": [2.0]}
    session = recording([0.999, 1.0, 1.5, 2.0], trials=trials, observed=([[0.0, 3.0]],))
    trials = trials_from_session(session, Window(bin_size_s=0.5, window_s=(0.0, 1.0), lead_s=0.5))
    assert_array_equal(trials.counts[0, :, 0], [1, 1, 1])
    assert trials.lead == 1


def test_many_spikes_in_a_bin_need_wider_counts():
    train = np.linspace(0.0, 0.9, 300)
    session = recording(train, np.array([0.5]))
    trials = trials_from_session(session, Window(bin_size_s=1.0, window_s=(0.0, 2.0), lead_s=0.0))
    assert trials.counts.dtype == np.uint16
    assert_array_equal(trials.counts[0], [[300, 1], [0, 0]])
    with pytest.raises(DataError, match=r"70000 spikes in one bin.*shorten bin_size_s"):
        bin_spikes([np.linspace(0, 0.9, 70_000)], np.zeros(1), 1.0, 0, 1)


def test_spikes_are_taken_in_stretches_of_bounded_size(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    train, starts = np.sort(rng.uniform(0, 100, 3000)), np.arange(0.0, 99.0, 0.5)
    whole = bin_spikes([train], starts, 0.01, 3, 100)
    monkeypatch.setattr("neurodecode.data.binning._SPIKES_AT_ONCE", 50)
    assert_array_equal(bin_spikes([train], starts, 0.01, 3, 100), whole)


def test_the_lead_outside_the_observed_interval_is_masked_not_silent():
    trials = {"start_time": [0.0, 3.0], "stop_time": [2.0, 5.0], "go_time": [1.0, 4.0]}
    session = recording([0.1, 1.9, 3.0, 4.9], trials=trials, observed=([[0.0, 2.0], [3.0, 5.0]],))
    window = Window(bin_size_s=0.1, window_s=(-0.8, 1.0), align="go_time", lead_s=0.5)
    cut = trials_from_session(session, window)
    assert cut.mask.shape == (2, 23, 1)
    assert_array_equal(cut.mask[:, :, 0], [[False] * 3 + [True] * 20] * 2)
    assert_array_equal(np.flatnonzero(cut.counts[1, :, 0]), [3, 22])


def test_a_window_past_the_trials_end_does_not_reach_into_the_next_trial():
    trials = {"start_time": [0.0, 3.0], "stop_time": [2.0, 5.0]}
    session = recording([1.0, 3.5, 4.5], trials=trials, observed=([[0.0, 2.0], [3.0, 5.0]],))
    cut = trials_from_session(session, Window(bin_size_s=0.5, window_s=(0.0, 4.0), lead_s=0.0))
    assert_array_equal(cut.mask[..., 0], [[True] * 4 + [False] * 4] * 2)
    assert_array_equal(cut.counts.sum(axis=(1, 2)), [1, 2])


def test_a_bin_must_lie_fully_inside_the_observed_interval():
    session = recording([0.05, 0.35], observed=([[0.02, 0.38]],))
    cut = trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 0.5), lead_s=0.0))
    assert_array_equal(cut.mask[0, :, 0], [False, True, True, False, False])
    assert cut.counts.sum() == 0  # spikes in unobserved bins are no spikes


def test_intervals_that_touch_are_one():
    session = recording([0.25], observed=([[0.0, 0.25], [0.25, 1.0]],))
    cut = trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 1.0), lead_s=0.0))
    assert cut.mask.all()


def test_units_observed_differently_have_masks_of_their_own():
    session = recording([0.5], [0.5], [0.5], observed=([[0.0, 10.0]], [[0.2, 0.6]], None))
    cut = trials_from_session(session, Window(bin_size_s=0.2, window_s=(0.0, 1.0), lead_s=0.0))
    assert cut.mask.shape == (1, 5, 3)
    assert_array_equal(cut.mask[0, :, 1], [False, True, True, False, False])
    assert_array_equal(cut.mask[0, :, [0, 2]].T, np.array([[True, True]] * 5))


def test_columns_come_along_as_numbers_and_fixed_width_text():
    table = {
        "start_time": [0.0, 1.0, 2.0],
        "stop_time": [1.0, 2.0, 3.0],
        "side": ["left", None, "right"],
        "contrast": [0.5, np.nan, 1.0],
        "block": [1, 1, 2],
        "correct": [True, False, True],
    }
    cut = trials_from_session(recording([0.5], trials=table), Window(bin_size_s=0.5, window_s=(0.0, 0.5)))
    assert_array_equal(cut.columns["side"], ["left", "", "right"])
    assert {name: values.dtype.kind for name, values in cut.columns.items()} == {
        "start_time": "f",
        "stop_time": "f",
        "side": "U",
        "contrast": "f",
        "block": "i",
        "correct": "b",
    }


TABLE = {
    "start_time": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    "stop_time": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "delay_ms": [1200.0, 600.0, 1200.0, 600.0, np.nan, 1500.0],
    "side": ["left", "right", "left", "right", "left", "none"],
    "go_time": [0.5, np.nan, 2.5, 3.5, 4.5, 5.5],
}


def cut_table(**window: object):
    session = recording([0.5, 5.5], trials=TABLE, observed=([[0.0, 6.0]],))
    return trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 0.5), lead_s=0.0, **window))


def test_conditions_are_sorted_by_value_and_named_plainly(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        cut = cut_table(condition="delay_ms")
    assert cut.condition_names == ("600", "1200", "1500")
    assert_array_equal(cut.condition, [1, 0, 1, 0, 2])
    assert "1 trials have no delay_ms and are left out" in caplog.text


def test_32_bit_numbers_are_the_decimals_they_stand_for():
    table = {"start_time": [0.0, 1.0], "stop_time": [1.0, 2.0], "contrast": np.array([0.1, 0.25], np.float32)}
    window = Window(bin_size_s=0.5, window_s=(0.0, 1.0), condition="contrast", where={"contrast": [0.1, 0.25]})
    cut = trials_from_session(recording([0.5], trials=table), window)
    assert cut.condition_names == ("0.1", "0.25")
    assert_array_equal(cut.columns["contrast"], [0.1, 0.25])


def test_without_a_condition_there_is_one():
    cut = cut_table()
    assert cut.condition_names == ("all",)
    assert_array_equal(cut.condition, np.zeros(6))


def test_a_trial_without_its_alignment_time_is_left_out_and_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        cut = cut_table(align="go_time")
    assert_array_equal(cut.t0_s, [0.5, 2.5, 3.5, 4.5, 5.5])
    assert "1 trials have no go_time and are left out" in caplog.text


@pytest.mark.parametrize(
    ("where", "starts"),
    [
        ({"side": "left"}, [0.0, 2.0, 4.0]),
        ({"side": ["left", "none"]}, [0.0, 2.0, 4.0, 5.0]),
        ({"delay_ms": 600}, [1.0, 3.0]),
        ({"delay_ms": "1200"}, [0.0, 2.0]),
        ({"delay_ms": {"min": 700}}, [0.0, 2.0, 5.0]),
        ({"delay_ms": {"min": 600, "max": 1200}, "side": "right"}, [1.0, 3.0]),
    ],
)
def test_where_filters_trials(where: dict, starts: list[float]):
    assert_array_equal(cut_table(where=where).t0_s, starts)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (
            {"align": "cue_time"},
            r"made\.nwb: align: .*no column 'cue_time'; it has: start_time, stop_time",
        ),
        ({"align": "side"}, r"made\.nwb: align 'side' holds .*columns of numbers: start_time"),
        ({"condition": "odour"}, r"made\.nwb: condition: .*no column 'odour'; it has: start_time"),
        ({"where": {"odour": 1}}, r"made\.nwb: where: .*no column 'odour'; it has: start_time"),
        ({"where": {"side": "up"}}, r"no trial has where side: 'up'; its values: left, none, right"),
        ({"where": {"delay_ms": "long"}}, r"where delay_ms: the column holds numbers, got \['long'\]"),
        ({"where": {"delay_ms": {"least": 3}}}, r"a range is {min: number, max: number}, got {'least': 3}"),
        ({"where": {"side": {"min": 3}}}, r"where side: min and max need numbers"),
        ({"where": {"side": "none", "delay_ms": 600}}, r"no trial meets all of where"),
        ({"units": ["b"]}, r"units: no unit 'b'; give row indices 0 to 0 or names of: 0"),
        ({"units": [1]}, r"units: no unit 1; give row indices 0 to 0"),
        ({"units": [0, "0"]}, r"asks for a unit twice"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(window: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        cut_table(**window)


def test_units_are_chosen_by_name_or_row_in_the_order_asked():
    session = recording([0.1], [0.2, 0.3], [0.4], units={"unit_name": ["a", "b", "b"]})
    cut = trials_from_session(session, Window(bin_size_s=1.0, window_s=(0.0, 1.0), units=["b#2", 0], lead_s=0.0))
    assert cut.unit_names == ("b#2", "a")  # two units of one name are told apart
    assert_array_equal(cut.counts[0, 0], [1, 1])


def test_trials_come_in_order_of_time():
    table = {"start_time": [4.0, 0.0, 2.0], "stop_time": [5.0, 1.0, 3.0], "tag": ["c", "a", "b"]}
    cut = trials_from_session(recording([0.5], trials=table), Window(bin_size_s=0.5, window_s=(0.0, 1.0)))
    assert_array_equal(cut.columns["tag"], ["a", "b", "c"])
    assert_array_equal(cut.t0_s, [0.0, 2.0, 4.0])


def test_a_window_outside_the_recording_names_trial_window_and_span():
    with pytest.raises(
        ConfigError,
        match=r"made\.nwb: window_s \[20\.0, 21\.0\] around start_time lies outside the recording in 6 of 6 "
        r"trials; in trial 0 it is 20 to 21 s, the trial is 0 to 1 s and the recording ran 0 to 6 s; change",
    ):
        trials_from_session(
            recording([0.5, 5.5], trials=TABLE), Window(bin_size_s=0.1, window_s=(20.0, 21.0), lead_s=0.0)
        )


def test_the_few_trials_outside_the_recording_are_left_out_and_logged(caplog: pytest.LogCaptureFixture):
    session = recording([0.5, 3.9], trials=TABLE, observed=([[0.0, 4.0]],))
    with caplog.at_level(logging.WARNING):
        cut = trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 1.0), lead_s=0.0))
    assert_array_equal(cut.t0_s, [0.0, 1.0, 2.0, 3.0])
    assert "made.nwb: 2 trials have no observed bin in window_s and are left out" in caplog.text


def test_without_trials_every_s_must_be_given():
    session = recording([0.5, 9.5], trials={"start_time": [], "stop_time": []})
    with pytest.raises(ConfigError, match=r"made\.nwb: the recording has no trial table; set every_s"):
        trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 1.0)))


def test_every_s_lays_windows_inside_each_observed_interval():
    session = recording([0.5, 9.5], observed=([[0.0, 3.5], [5.0, 7.0]],))
    window = Window(bin_size_s=0.1, window_s=(0.0, 1.0), every_s=0.5, lead_s=0.2)
    cut = trials_from_session(session, window)
    assert_array_equal(cut.t0_s, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 5.0, 5.5, 6.0])
    assert cut.window_mask.all()
    assert_array_equal(cut.mask[:, :2, 0].all(axis=1), [False, True, True, True, True, True, False, True, True])
    with pytest.raises(ConfigError, match=r"no window of 4 s fits: the longest observed stretch is 3\.5 s"):
        trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 4.0), every_s=1.0))


def test_windows_do_not_drift_over_a_long_recording():
    session = recording([0.0, 10_000.0], observed=([[0.0, 10_000.0]],))
    cut = trials_from_session(session, Window(bin_size_s=0.1, window_s=(0.0, 0.1), every_s=0.1, lead_s=0.0))
    assert cut.n_trials == 100_000
    np.testing.assert_allclose(cut.t0_s, np.arange(100_000) / 10, rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ({"bin_size_s": 0.003}, r"bin_size_s 0\.003 does not divide window_s \[0\.0, 1\.0\].*0\.0025, 0\.004"),
        ({"bin_size_s": 2.0}, r"does not divide window_s .* \(0\.5 bins\); near sizes that do: 1"),
        ({"bin_size_s": 0.0}, r"bin_size_s must be a positive number of seconds, got 0\.0"),
        ({"bin_size_s": float("nan")}, r"bin_size_s must be a positive"),
        ({"window_s": (1.0, 1.0)}, r"window_s must be \[start, stop\] with start < stop, got \[1\.0, 1\.0\]"),
        ({"lead_s": -1.0}, r"lead_s must be 0 or a positive"),
        ({"every_s": 0.0}, r"every_s must be a positive"),
        ({"every_s": 1.0, "align": "go_time"}, r"every_s lays windows without a trial table, align='go_time'"),
        ({"every_s": 1.0, "condition": "side"}, r"every_s .* where and condition cannot apply"),
    ],
)
def test_windows_that_cannot_work_are_refused(window: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Window(**({"bin_size_s": 0.1, "window_s": (0.0, 1.0)} | window))


def test_a_lead_is_rounded_up_to_whole_bins():
    window = Window(bin_size_s=0.3, window_s=(0.0, 0.9), lead_s=0.5)
    assert (window.lead, window.n_bins, window.n_steps) == (2, 3, 5)
    assert Window(bin_size_s=0.001, window_s=(0.0, 1.0), lead_s=0.5).lead == 500
