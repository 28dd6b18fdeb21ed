"""Trials that a class decoder is fitted to, and those on which its choices are made."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from neurodecode.data.splits import TRAIN_PARTS, VALIDATION_PARTS, drawn_evenly
from neurodecode.data.trials import Trials
from neurodecode.decoders._base import ClassDecoder
from neurodecode.decoders._series import check_classes
from neurodecode.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ClassPart:
    """X as it was given, and of each trial the place of its class among the sorted classes."""

    X: Any
    codes: Int[np.ndarray, " trials"]


def class_parts(
    decoder: ClassDecoder, X: Any, y: Any, validation: tuple[Any, Any] | None, random_state: int
) -> tuple[np.ndarray, ClassPart, ClassPart]:
    """The sorted classes, what to fit to, and what to choose on: ``validation`` where given, else an eighth of the
    trials of X, drawn evenly from the classes.

    Validation trials of a class that training lacks are left out, which is logged.
    Raises DataError for labels that are missing, a class with one trial, one class only, no trial to choose on.
    """
    labels = decoder.labels(X, y)
    classes = check_classes(labels)
    if validation is None:
        codes = np.searchsorted(classes, labels)
        held = held_out_trials(codes, np.random.default_rng(random_state))
        fitted_to = np.setdiff1d(np.arange(codes.size), held)
        return classes, some_trials(ClassPart(X, codes), fitted_to), some_trials(ClassPart(X, codes), held)
    other, theirs = of_known_classes(decoder, validation, classes)
    if theirs.size == 0:
        raise DataError("no validation trial is of a class that training has: give others, or no validation")
    chosen_on = ClassPart(other, np.searchsorted(classes, theirs))
    return classes, ClassPart(X, np.searchsorted(classes, labels)), chosen_on


def of_known_classes(
    decoder: ClassDecoder, validation: tuple[Any, Any], classes: np.ndarray
) -> tuple[Any, np.ndarray]:
    """The trials of ``validation`` (X, y) that are of these classes, and their labels; others are logged."""
    labels = decoder.labels(*validation)
    known = np.flatnonzero(np.isin(labels, classes))
    if known.size < labels.size:
        log.info("%d validation trials are of classes that training lacks: left out", labels.size - known.size)
    return some(validation[0], known), labels[known]


def held_out_trials(codes: Int[np.ndarray, " trials"], rng: np.random.Generator) -> Int[np.ndarray, " held"]:
    """An eighth of the trials, at least one, drawn evenly from the classes; each class keeps a trial."""
    n_held = max(1, round(codes.size * VALIDATION_PARTS / (TRAIN_PARTS + VALIDATION_PARTS)))
    return np.sort(drawn_evenly(np.arange(codes.size), n_held, codes, rng))


def some(X: Any, trials: Int[np.ndarray, " some"]) -> Any:
    """These trials of counts or ``Trials``."""
    return X.select(trials) if isinstance(X, Trials) else np.asarray(X)[trials]


def some_trials(part: ClassPart, trials: Int[np.ndarray, " some"]) -> ClassPart:
    """These trials with their classes."""
    return ClassPart(some(part.X, trials), part.codes[trials])
