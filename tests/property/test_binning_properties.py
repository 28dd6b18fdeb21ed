"""Binning, whatever the spikes: nothing lost, nothing doubled, nothing moved."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from neurodecode.data.binning import Window, bin_spikes, trials_from_session
from neurodecode.data.observed import interval_mask, merged
from neurodecode.data.session import Session, clean_spike_times

BIN_SIZES_S = st.sampled_from([0.0005, 0.001, 0.002, 0.004, 0.005, 0.01, 0.05])
TRAINS = hnp.arrays(float, st.integers(0, 60), elements=st.floats(0.0, 20.0)).map(np.unique)


@given(
    start=st.integers(0, 10_000_000).map(lambda ms: ms / 1000),
    occupied=st.sets(st.integers(0, 299), min_size=1),
    bin_size_s=BIN_SIZES_S,
)
def test_a_grid_spike_falls_into_the_bin_of_its_number(start: float, occupied: set[int], bin_size_s: float):
    numbers = np.array(sorted(occupied))
    times = np.round(start + numbers * bin_size_s, 6)  # decimals, as files hold them
    counts = bin_spikes([times], np.array([start]), bin_size_s, 0, 300)
    assert_array_equal(np.flatnonzero(counts[0, :, 0]), numbers)
    assert counts.max() == 1


@given(train=TRAINS, starts=st.lists(st.floats(0.0, 20.0), min_size=1, max_size=8), bin_size_s=BIN_SIZES_S)
def test_each_spike_of_a_window_is_counted_once(train: np.ndarray, starts: list[float], bin_size_s: float):
    t0_s = np.array(starts)
    counts = bin_spikes([train], t0_s, bin_size_s, 7, 47)
    position = (train - t0_s[:, None]) / bin_size_s + 1e-4
    inside = (np.floor(position) >= -7) & (np.floor(position) < 40)
    assert_array_equal(counts.sum(axis=(1, 2)), inside.sum(axis=1))


@given(train=TRAINS, factor=st.integers(2, 5))
def test_coarse_bins_are_sums_of_fine_ones(train: np.ndarray, factor: int):
    # The tolerance is a fraction of a bin: spikes so near an edge that it differs belong to either bin.
    near = np.abs(train / 0.01 - np.round(train / 0.01)) < 1e-3
    t0_s = np.arange(0.0, 20.0, 2.0)
    fine = bin_spikes([train[~near]], t0_s, 0.01, 0, 60)
    coarse = bin_spikes([train[~near]], t0_s, 0.01 * factor, 0, 60 // factor)
    whole = 60 // factor * factor
    assert_array_equal(fine[:, :whole].reshape(10, -1, factor, 1).sum(axis=2), coarse)


@given(
    edges=st.lists(st.floats(0.0, 30.0), min_size=2, max_size=12, unique=True),
    starts=st.lists(st.floats(0.0, 25.0), min_size=1, max_size=5),
)
def test_the_mask_is_what_its_definition_says(edges: list[float], starts: list[float]):
    intervals = np.sort(np.array(edges[: len(edges) // 2 * 2])).reshape(-1, 2)
    window = Window(bin_size_s=0.25, window_s=(0.0, 2.0), lead_s=0.5)
    t0_s = np.array(starts)
    own = np.column_stack([t0_s, t0_s + 2.0])
    mask = interval_mask(intervals, t0_s, own, window)
    tolerance = 1e-4 * window.bin_size_s
    joined = merged(intervals, tolerance)
    for trial, start in enumerate(t0_s):
        mine = joined[(joined[:, 1] >= own[trial, 0] - tolerance) & (joined[:, 0] <= own[trial, 1] + tolerance)]
        for step in range(window.n_steps):
            left = start + (step - window.lead) * 0.25
            gap = np.minimum(left - mine[:, 0], mine[:, 1] - left - 0.25)
            if np.any(np.abs(gap + tolerance) < 1e-9):
                continue  # rounding decides on the last digit
            assert mask[trial, step] == np.any(gap >= -tolerance)


@settings(deadline=None)
@given(train=TRAINS, shift=st.integers(0, 5000), duplicates=st.integers(0, 3))
def test_a_shifted_recording_gives_the_same_trials(train: np.ndarray, shift: int, duplicates: int):
    times, mended = clean_spike_times(np.r_[train[::-1], train[:duplicates]], where="made")
    assert_array_equal(times, train)
    assert mended.duplicates == min(duplicates, train.size)
    near = np.abs(train / 0.01 - np.round(train / 0.01)) < 1e-3  # a shift moves the last digits
    cut = [
        trials_from_session(_session(train[~near] + by, by), Window(bin_size_s=0.01, window_s=(0.0, 1.0)))
        for by in (0.0, float(shift))
    ]
    assert_array_equal(cut[0].counts, cut[1].counts)
    assert_array_equal(cut[0].mask, cut[1].mask)
    assert_array_equal(cut[0].t0_s + shift, cut[1].t0_s)


def _session(train: np.ndarray, first: float) -> Session:
    start = first + np.arange(4.0)
    return Session(
        name="made",
        spike_times_s=(train,),
        units=pd.DataFrame(index=[0]),
        trials=pd.DataFrame({"start_time": start, "stop_time": start + 1.0}),
        observed_s=(np.array([[start[0], start[-1] + 1.0]]),),
    )
