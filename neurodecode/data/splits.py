"""Which trials train, validate and test, fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials
from neurodecode.errors import DataError

ROLES = ("train", "validation", "test")
TRAIN_PARTS, VALIDATION_PARTS = 7, 1  # of what is left beside the test trials: 70/10/20 at five folds


@dataclass(frozen=True, eq=False)
class Split:
    """Disjoint trial indices of one fold; together they are all trials but those that a gap leaves out."""

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
                raise DataError(
                    f"fold {self.fold} has no {role} trial: use fewer folds, more trials, or a shorter gap_s"
                )
            getattr(self, role).flags.writeable = False


def make_splits(
    condition: Int[np.ndarray, " trials"],
    condition_names: tuple[str, ...],
    n_folds: int,
    rng: np.random.Generator,
    *,
    kind: Literal["stratified", "blocks"] = "stratified",
    spans_s: Float[np.ndarray, "trials 2"] | None = None,
    gap_s: float = 0.0,
) -> tuple[Split, ...]:
    """Folds in which every trial is tested once.

    ``stratified``: each condition is dealt over the folds at random. ``blocks``: a fold tests one contiguous
    stretch of trials, since neighbouring trials share slow drift.
    ``gap_s`` (s), of blocks alone: between a test trial and any other of the fold, and between a validation and a
    training trial, so much recording time lies at least; trials nearer than that are left out of the fold.
    ``spans_s``: when each trial's window began and ended (``window_spans_s``).
    Raises DataError for a condition with fewer trials than folds, and where a gap leaves no trial to train on.
    """
    if n_folds < 2:
        raise DataError(f"at least 2 folds are needed, got {n_folds}")
    if condition.size < n_folds + 1:
        raise DataError(f"{condition.size} trials are too few for {n_folds} folds: lower evaluation.folds")
    if kind == "stratified":
        fold_of_trial = _deal(condition, condition_names, n_folds, rng)
        return tuple(_stratified(fold, fold_of_trial, condition, rng) for fold in range(n_folds))
    fold_of_trial = np.arange(condition.size) * n_folds // condition.size
    spans_s = np.zeros((condition.size, 2)) if spans_s is None else spans_s
    return tuple(_block(fold, fold_of_trial, spans_s, gap_s) for fold in range(n_folds))


def window_spans_s(trials: Trials) -> Float[np.ndarray, "trials 2"]:
    """Recording time (s) at which each trial's window begins and ends; the lead before it does not count."""
    spans_s: np.ndarray = trials.t0_s[:, None] + np.array([0.0, trials.n_bins * trials.bin_size_s])
    return spans_s


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


def _n_validation(n_rest: int) -> int:
    return max(1, round(n_rest * VALIDATION_PARTS / (TRAIN_PARTS + VALIDATION_PARTS)))


def _stratified(fold: int, fold_of_trial: np.ndarray, condition: np.ndarray, rng: np.random.Generator) -> Split:
    test, rest = np.flatnonzero(fold_of_trial == fold), np.flatnonzero(fold_of_trial != fold)
    validation = drawn_evenly(rest, _n_validation(rest.size), condition, rng)
    return Split(fold, np.setdiff1d(rest, validation), np.sort(validation), test)


def _block(fold: int, fold_of_trial: np.ndarray, spans_s: np.ndarray, gap_s: float) -> Split:
    test, rest = np.flatnonzero(fold_of_trial == fold), np.flatnonzero(fold_of_trial != fold)
    left = _beyond(gap_s, rest, test, spans_s)
    # The stretch next to the test block, so that validation drifts away from training as the test does.
    ring = np.roll(left, -int(np.searchsorted(left, test[-1])))
    validation = np.sort(ring[: _n_validation(rest.size)])
    train = _beyond(gap_s, np.setdiff1d(left, validation), validation, spans_s)
    return Split(fold, train, validation, test)


def _beyond(gap_s: float, trials: np.ndarray, others: np.ndarray, spans_s: np.ndarray) -> Int[np.ndarray, " kept"]:
    """Those of ``trials`` that no one of ``others`` comes nearer to than ``gap_s``."""
    if gap_s == 0.0:
        return trials
    start, stop = spans_s[others].T
    before_s = start[None] - spans_s[trials, 1:]  # of a trial that ended before the other began
    after_s = spans_s[trials, :1] - stop[None]
    distance_s = np.maximum(before_s, after_s).min(axis=1, initial=np.inf)
    kept: Int[np.ndarray, " kept"] = trials[distance_s >= gap_s * (1 - 1e-9)]
    return kept


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
