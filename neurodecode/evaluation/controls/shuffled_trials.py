"""Trials shuffled within condition, independently for each unit: coupling may gain nothing, own history does."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from neurodecode.data.trials import Trials

log = logging.getLogger(__name__)


def shuffled_trials(trials: Trials, rng: np.random.Generator) -> Trials:
    """Each unit's trains dealt anew to the trials of their condition, independently for each unit.

    Trains stay whole, lead and window with their mask, so a unit's own history keeps what it says; what units
    said of each other in a trial, and of the trial's covariates, is gone.
    """
    counts = np.empty_like(trials.counts)
    mask = np.broadcast_to(trials.mask, trials.counts.shape)
    moved = np.empty(trials.counts.shape, bool)
    for unit in range(trials.n_units):
        source = _within_condition(trials.condition, rng)
        counts[:, :, unit] = trials.counts[source, :, unit]
        moved[:, :, unit] = mask[source, :, unit]
    if trials.mask.shape[2] == 1 and np.array_equal(moved, mask):
        moved = trials.mask.copy()  # every trial of a condition was observed alike: one mask still does
    sizes = np.bincount(trials.condition)
    if (n_alone := int((sizes == 1).sum())) > 0:
        log.warning("%d conditions have a single trial, which cannot be shuffled", n_alone)
    return replace(trials, counts=counts, mask=moved)


def _within_condition(
    condition: Int[np.ndarray, " trials"], rng: np.random.Generator
) -> Int[np.ndarray, " trials"]:
    source = np.arange(condition.size)
    for code in np.unique(condition):
        members = np.flatnonzero(condition == code)
        source[members] = rng.permutation(members)
    return source


CONTROL = shuffled_trials
