"""Folds: no trial in two roles, each tested once, conditions and blocks as they were asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodecode.data.splits import ROLES, Split, make_splits
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
