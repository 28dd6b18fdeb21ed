"""Conditions shuffled among the trials, on which the conditional PSTH may gain nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurodecode.data.trials import Trials
from neurodecode.errors import DataError


def shuffled_labels(trials: Trials, rng: np.random.Generator) -> Trials:
    """Conditions permuted among the trials: a conditional PSTH may gain nothing over the unconditional one.

    Columns that tell the same as the condition, one value for each, are permuted along.
    Raises DataError where all trials have one condition.
    """
    if np.unique(trials.condition).size < 2:
        raise DataError(
            "shuffled_labels needs trials of at least two conditions, got one: name the session's `condition:`, "
            "or list under controls.shuffled_labels.sessions only sessions that have conditions"
        )
    source = rng.permutation(trials.n_trials)
    columns = {
        name: values[source] if _tells_the_same(values, trials.condition) else values
        for name, values in trials.columns.items()
    }
    return replace(trials, condition=trials.condition[source], columns=columns)


def _tells_the_same(values: np.ndarray, condition: np.ndarray) -> bool:
    """Whether a column has one value for each condition and no two conditions share one."""
    levels, code = np.unique(values, return_inverse=True)
    pairs = np.unique(np.column_stack([code, condition]), axis=0)
    return len(pairs) == levels.size == np.unique(condition).size


CONTROL = shuffled_labels
