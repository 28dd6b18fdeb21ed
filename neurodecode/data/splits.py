"""Which trials train, validate and test, fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from neurodecode.errors import DataError

ROLES = ("train", "validation", "test")
TRAIN_PARTS, VALIDATION_PARTS = 7, 1  # of what is left beside the test trials: 70/10/20 at five folds


@dataclass(frozen=True, eq=False)
class Split:
    """Disjoint trial indices of one fold; together they are all trials."""

    fold: int
    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]

    def __post_init__(self) -> None:
        together = np.concatenate([self.train, self.validation, self.test])
        if np.unique(together).size != together.size:
            raise DataError(f"fold {self.fold}: a trial stands in two of train, validation and test")
        for role in ROLES:
            if getattr(self, role).size == 0:
                raise DataError(f"fold {self.fold} has no {role} trial: use fewer folds or more trials")
            getattr(self, role).flags.writeable = False


def make_splits(
    condition: Int[np.ndarray, " trials"],
    condition_names: tuple[str, ...],
    n_folds: int,
    rng: np.random.Generator,
    *,
    kind: Literal["stratified", "blocks"] = "stratified",
) -> tuple[Split, ...]:
    """Folds in which every trial is tested once.

    ``stratified``: each condition is dealt over the folds at random. ``blocks``: a fold tests one contiguous
    stretch of trials, since neighbouring trials share slow drift.
    Raises DataError for a condition with fewer trials than folds.
    """
    if n_folds < 2:
        raise DataError(f"at least 2 folds are needed, got {n_folds}")
    if condition.size < n_folds + 1:
        raise DataError(f"{condition.size} trials are too few for {n_folds} folds: lower evaluation.folds")
    if kind == "blocks":
        fold_of_trial = np.arange(condition.size) * n_folds // condition.size
    else:
        fold_of_trial = _deal(condition, condition_names, n_folds, rng)
    return tuple(_split(fold, fold_of_trial, condition, rng, kind) for fold in range(n_folds))


def _deal(
    condition: np.ndarray, names: tuple[str, ...], n_folds: int, rng: np.random.Generator
) -> Int[np.ndarray, " trials"]:
    fold_of_trial = np.empty(condition.size, int)
    dealt = 0  # the next condition goes on where the last one stopped, so that folds are equal in size
    for code in np.unique(condition):
        members = rng.permutation(np.flatnonzero(condition == code))
        if members.size < n_folds:
            raise DataError(
                f"condition {names[code]!r} has {members.size} trials, fewer than the {n_folds} folds: "
                "lower evaluation.folds, or leave the condition out with `where:`"
            )
        fold_of_trial[members] = (np.arange(members.size) + dealt) % n_folds
        dealt += members.size
    return fold_of_trial


def _split(
    fold: int, fold_of_trial: np.ndarray, condition: np.ndarray, rng: np.random.Generator, kind: str
) -> Split:
    test = np.flatnonzero(fold_of_trial == fold)
    rest = np.flatnonzero(fold_of_trial != fold)
    n_validation = max(1, round(rest.size * VALIDATION_PARTS / (TRAIN_PARTS + VALIDATION_PARTS)))
    if kind == "blocks":
        # The stretch next to the test block, so that validation drifts away from training as the test does.
        ring = np.roll(rest, -int(np.searchsorted(rest, test[-1])))
        validation = ring[:n_validation]
    else:
        validation = drawn_evenly(rest, n_validation, condition, rng)
    return Split(fold, np.setdiff1d(rest, validation), np.sort(validation), test)


def drawn_evenly(
    trials: Int[np.ndarray, " trials"],
    n_drawn: int,
    condition: Int[np.ndarray, " all_trials"],
    rng: np.random.Generator,
) -> Int[np.ndarray, " drawn"]:
    """``n_drawn`` of these trials, evenly spaced when they are sorted by condition: each gives its share."""
    shuffled = rng.permutation(trials)
    by_condition = shuffled[np.argsort(condition[shuffled], kind="stable")]
    places = (np.arange(n_drawn) + rng.random()) * trials.size / n_drawn
    drawn: Int[np.ndarray, " drawn"] = by_condition[places.astype(int)]
    return drawn
