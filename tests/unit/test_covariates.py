"""Signals as covariates of every bin."""

import logging

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.binning import Lagged, Window, trials_from_session
from neurodecode.data.session import Session, Signal
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError


def cut(
    signal: Signal,
    lags_s: tuple[float, ...] = (0.0,),
    *,
    name: str = "place",
    observed_until: float = 5.0,
    **window: object,
) -> Trials:
    session = Session(
        name="made.nwb",
        spike_times_s=(np.array([0.5]),),
        units=pd.DataFrame(index=[0]),
        trials=pd.DataFrame({"start_time": [1.0, 3.0], "stop_time": [2.0, 4.0]}),
        signals={"place": signal},
        observed_s=(np.array([[0.0, observed_until]]),),
    )
    asked = {"bin_size_s": 0.1, "window_s": (0.0, 1.0), "lead_s": 0.2} | window
    return trials_from_session(session, Window(**asked, covariates={"x": Lagged(name, lags_s)}))


def test_an_angle_runs_the_shorter_way_around_between_its_samples():
    session = Session(
        name="made.nwb",
        spike_times_s=(np.array([0.5]),),
        units=pd.DataFrame(index=[0]),
        trials=pd.DataFrame({"start_time": [1.0], "stop_time": [2.0]}),
        signals={"head": Signal(values=np.array([[3.0], [3.0], [-3.0]]), times_s=np.array([0.0, 1.0, 2.0]))},
    )
    window = {"bin_size_s": 0.25, "window_s": (0.0, 1.0), "lead_s": 0.0}
    turned, plain = (
        trials_from_session(session, Window(**window, covariates={"x": Lagged("head", circular=circular)}))
        for circular in (True, False)
    )
    way = 2 * np.pi - 6.0  # from 3 over pi to -3
    expected = 3.0 + way * (np.arange(4) + 0.5) / 4
    assert_allclose(
        turned.covariates["x"][0, :, 0], np.where(expected > np.pi, expected - 2 * np.pi, expected), rtol=1e-6
    )
    assert_allclose(plain.covariates["x"][0, :, 0], 3.0 - 6.0 * (np.arange(4) + 0.5) / 4, rtol=1e-6)


def ramp(times_s: np.ndarray) -> Signal:
    return Signal(values=np.column_stack([times_s, 10 * times_s]), times_s=times_s)


def test_values_are_taken_at_bin_centres_minus_lags():
    found = cut(ramp(np.arange(0.0, 5.001, 0.01)), (0.0, 0.3)).covariates["x"]
    assert found.shape == (2, 12, 4)
    assert found.dtype == np.float32
    centres = np.array([1.0, 3.0])[:, None] + (np.arange(12) - 2 + 0.5) * 0.1
    for place, values in enumerate((centres, 10 * centres, centres - 0.3, 10 * (centres - 0.3))):
        assert_allclose(found[..., place], values, rtol=1e-6)  # float32


def test_negative_lags_look_ahead():
    found = cut(ramp(np.arange(0.0, 5.001, 0.01)), (-0.1,)).covariates["x"]
    assert_allclose(found[0, 2, 0], 1.15, rtol=1e-6)


def test_the_lead_and_lags_before_the_clock_hold_its_first_value():
    found = cut(ramp(np.arange(1.0, 5.001, 0.01)), (0.0, 0.5)).covariates["x"]
    assert_array_equal(found[0, :2, 0], [1.0, 1.0])
    assert_array_equal(found[0, :7, 2], np.ones(7, np.float32))


def test_a_signal_that_misses_windows_is_named_with_its_clock():
    with pytest.raises(
        DataError,
        match=r"made\.nwb: signal 'place' runs 0 to 3\.5 s and does not cover the windows, which need 1\.05 "
        r"to 3\.95 s \(20\.0% of bins outside\); leave",
    ):
        cut(ramp(np.arange(0.0, 3.501, 0.05)))


def test_only_observed_bins_must_be_covered():
    short = ramp(np.arange(0.0, 3.501, 0.05))
    trials = cut(short, observed_until=3.5)
    assert_array_equal(trials.window_mask.sum(axis=(1, 2)), [10, 5])
    assert_array_equal(trials.covariates["x"][1, -5:, 0], np.full(5, 3.5, np.float32))


def test_samples_that_are_nan_are_interpolated_over(caplog: pytest.LogCaptureFixture):
    times = np.arange(0.0, 5.001, 0.05)
    values = np.column_stack([times, 10 * times])
    values[30, 1] = np.nan
    with caplog.at_level(logging.INFO):
        found = cut(Signal(values=values, times_s=times)).covariates["x"]
    assert_allclose(found[0, :, 1], 10 * found[0, :, 0], rtol=1e-6)
    assert "made.nwb: signal 'place': interpolating over 1 of 101 samples that are NaN" in caplog.text
    with pytest.raises(DataError, match=r"signal 'place': it holds no finite sample; leave it out of covariates"):
        cut(Signal(values=np.full((5, 1), np.nan), times_s=np.arange(5.0)))


def test_an_unknown_signal_is_named_with_those_that_exist():
    with pytest.raises(ConfigError, match=r"made\.nwb: covariate 'x': .*no signal 'speed'; it has: place"):
        cut(ramp(np.arange(0.0, 5.0)), name="speed")


def test_lags_must_be_numbers():
    with pytest.raises(ConfigError, match="lags_s must be finite numbers"):
        Lagged("place", ())
    with pytest.raises(ConfigError, match="lags_s must be finite numbers"):
        Lagged("place", (float("nan"),))
