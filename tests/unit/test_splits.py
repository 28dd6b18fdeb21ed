"""Folds: no trial in two roles, each tested once, conditions and blocks as they were asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodecode.data.splits import ROLES, Split, make_splits, window_spans_s
from neurodecode.data.store import load_splits, save_splits
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError


def check_roles(splits: tuple[Split, ...], n_trials: int) -> None:
    """Every trial has one role in each fold and is tested in one fold."""
    for split in splits:
        together = np.concatenate([getattr(split, role) for role in ROLES])
        assert sorted(together.tolist()) == list(range(n_trials))
    assert sorted(np.concatenate([s.test for s in splits]).tolist()) == list(range(n_trials))


def check_stratified(splits: tuple[Split, ...], condition: np.ndarray) -> None:
    """Each condition gives every fold its share of test and of validation trials, to within one."""
    for code in np.unique(condition):
        n = (condition == code).sum()
        tested = np.array([(condition[s.test] == code).sum() for s in splits])
        assert tested.max() - tested.min() <= 1
        for split, held in zip(splits, tested, strict=True):
            left = split.train.size + split.validation.size
            share = split.validation.size * (n - held) / left
            assert abs((condition[split.validation] == code).sum() - share) <= 1


def check_blocks(splits: tuple[Split, ...]) -> None:
    """Test trials are one stretch, and validation trials the stretch next to it, around the end if need be."""
    for split in splits:
        assert (np.diff(split.test) == 1).all()
        n_trials = sum(getattr(split, role).size for role in ROLES)
        after = (split.test[-1] + 1 + np.arange(split.validation.size)) % n_trials
        assert set(split.validation.tolist()) == set(after.tolist())


@st.composite
def conditions(draw) -> np.ndarray:
    sizes = draw(st.lists(st.integers(6, 14), min_size=1, max_size=4))
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(draw(st.integers(0, 99))).permutation(codes)


@settings(max_examples=60, deadline=None)
@given(condition=conditions(), n_folds=st.integers(2, 5), seed=st.integers(0, 99))
def test_stratified_folds(condition, n_folds, seed):
    names = tuple("abcd")
    splits = make_splits(condition, names, n_folds, np.random.default_rng(seed))
    check_roles(splits, condition.size)
    check_stratified(splits, condition)


@settings(max_examples=60, deadline=None)
@given(condition=conditions(), n_folds=st.integers(2, 5), seed=st.integers(0, 99))
def test_folds_of_contiguous_blocks(condition, n_folds, seed):
    splits = make_splits(condition, tuple("abcd"), n_folds, np.random.default_rng(seed), kind="blocks")
    check_roles(splits, condition.size)
    check_blocks(splits)


def test_a_trial_in_two_roles_is_refused_and_caught():
    with pytest.raises(DataError, match="stands in two"):
        Split(0, np.array([0, 1]), np.array([2]), np.array([2, 3]))
    twice = make_splits(np.zeros(10, int), ("a",), 2, np.random.default_rng(0))
    object.__setattr__(twice[0], "train", np.append(twice[0].train, twice[0].test[0]))
    with pytest.raises(AssertionError):
        check_roles(twice, 10)


def test_folds_of_another_kind_are_caught():
    condition = np.repeat([0, 1], 20)
    stratified = make_splits(condition, ("a", "b"), 4, np.random.default_rng(0))
    blocks = make_splits(condition, ("a", "b"), 4, np.random.default_rng(0), kind="blocks")
    with pytest.raises(AssertionError):
        check_stratified(blocks, condition)
    with pytest.raises(AssertionError):
        check_blocks(stratified)


def windows(n_trials: int, every_s: float, duration_s: float) -> Trials:
    """Trials of one unit whose windows of ``duration_s`` start every so many seconds, late in a recording."""
    counts = np.zeros((n_trials, round(duration_s / 0.1) + 2, 1), np.uint8)
    return Trials.from_counts(counts, 0.1, lead=2, t0_s=1000.0 + every_s * np.arange(n_trials))


def nearest_s(trials: Trials, some: np.ndarray, others: np.ndarray) -> float:
    """The least recording time between a window of ``some`` and one of ``others``, pair by pair."""
    length_s = trials.n_bins * trials.bin_size_s
    return min(abs(trials.t0_s[a] - trials.t0_s[b]) - length_s for a in some for b in others)


@settings(max_examples=40, deadline=None)
@given(n_trials=st.integers(30, 60), n_folds=st.integers(2, 5), gap_s=st.floats(0.1, 4.0))
def test_nothing_lies_within_a_gap_of_what_is_tested_or_validated(n_trials, n_folds, gap_s):
    trials = windows(n_trials, 1.5, 1.0)
    spans_s = window_spans_s(trials)
    made = make_splits(
        trials.condition,
        ("a",),
        n_folds,
        np.random.default_rng(0),
        kind="blocks",
        spans_s=spans_s,
        gap_s=gap_s,
    )
    assert sorted(np.concatenate([s.test for s in made]).tolist()) == list(range(n_trials))
    for split in made:
        assert nearest_s(trials, split.train, split.test) >= gap_s - 1e-6
        assert nearest_s(trials, split.validation, split.test) >= gap_s - 1e-6
        assert nearest_s(trials, split.train, split.validation) >= gap_s - 1e-6
        n_left_out = n_trials - sum(getattr(split, role).size for role in ROLES)
        # Two edges of the test block and two of the validation block, some of which meet the recording's ends.
        assert n_left_out <= 4 * np.ceil(gap_s / 1.5)


def test_windows_that_touch_are_no_gap_apart():
    trials = windows(20, 1.0, 1.0)
    ask = {"kind": "blocks", "spans_s": window_spans_s(trials)}
    plain, none, some = (
        make_splits(trials.condition, ("a",), 4, np.random.default_rng(0), gap_s=gap_s, **ask)
        for gap_s in (0.0, 1e-12, 0.5)
    )
    assert all(sum(getattr(s, r).size for r in ROLES) == 20 for s in plain)
    left_out = set(range(20)) - {int(t) for r in ROLES for t in getattr(some[1], r)}
    assert left_out >= {some[1].test[0] - 1, some[1].test[-1] + 1}
    assert none[1].train.size == some[1].train.size


def test_a_gap_that_leaves_nothing_says_so():
    trials = windows(12, 1.0, 1.0)
    ask = {"kind": "blocks", "spans_s": window_spans_s(trials), "gap_s": 9.0}
    with pytest.raises(DataError, match="a shorter gap_s"):
        make_splits(trials.condition, ("a",), 3, np.random.default_rng(0), **ask)


def test_trials_that_a_gap_leaves_out_stay_out_on_disk(tmp_path):
    trials = windows(20, 1.0, 1.0)
    ask = {"kind": "blocks", "spans_s": window_spans_s(trials), "gap_s": 0.5}
    made = make_splits(trials.condition, ("a",), 4, np.random.default_rng(0), **ask)
    save_splits(tmp_path / "splits.csv", made)
    read = load_splits(tmp_path / "splits.csv")
    for split, again in zip(made, read, strict=True):
        for role in ROLES:
            np.testing.assert_array_equal(getattr(again, role), getattr(split, role))
