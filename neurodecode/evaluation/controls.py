"""Null controls: recordings in which one thing that a model may use has been destroyed, and nothing else.

A model that gains on a control gains from something else than it claims. Each control is a session derived from
a recording, which then goes through the same rules as any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials, smallest_counts
from neurodecode.errors import DataError

log = logging.getLogger(__name__)


def poisson_surrogate(trials: Trials, rng: np.random.Generator) -> Trials:
    """The same trials drawn anew, lead and all, from an inhomogeneous Poisson process at the rate of their PSTH.

    No history may gain on it: a bin's count is independent of every other, and its expectation is the PSTH's in
    each bin. Where the recording's counts are 0/1, a bin with expected count mu is drawn at the rate
    -log(1 - mu) / bin and holds 1 if the process fires in it at all, which happens with probability mu: two
    spikes in one bin count as one and the expectation stays. Otherwise the counts are the Poisson counts.
    Mask, covariates and conditions stay as they are; covariates lose what they said beyond the condition.
    """
    from neurodecode.models.psth import fit_psth

    rate_hz = fit_psth(trials).condition_rates_hz  # (conditions, steps, units)
    counts = np.zeros(trials.counts.shape, np.uint16)
    for unit in range(trials.n_units):  # rates of all units and trials at once are too large
        expected = rate_hz[trials.condition, :, unit] * trials.bin_size_s
        if trials.binary:
            # 1e-9: a unit that fires in every bin would need an infinite rate to do so for certain.
            drawn = np.minimum(_poisson_counts(-np.log1p(-np.minimum(expected, 1.0 - 1e-9)), rng), 1)
        else:
            drawn = _poisson_counts(expected, rng)
        counts[:, :, unit] = np.where(trials.mask[:, :, unit % trials.mask.shape[2]], drawn, 0)
    return replace(trials, counts=smallest_counts(counts))


def _poisson_counts(
    expected: Float[np.ndarray, "trials steps"], rng: np.random.Generator
) -> Int[np.ndarray, "trials steps"]:
    """Counts of elephant's inhomogeneous Poisson process with these expected counts, trials laid end to end.

    A Poisson process has no memory, so that one long train is the same as one for each trial, and much faster.
    """
    import neo
    import quantities as pq
    from elephant.spike_train_generation import NonStationaryPoissonProcess

    # One step lasts one second of the process: the expected count is the rate, and floor() is the step.
    rate = neo.AnalogSignal(expected.reshape(-1, 1), units=pq.Hz, sampling_rate=1.0 * pq.Hz, t_start=0.0 * pq.s)
    process = NonStationaryPoissonProcess(rate)
    # elephant draws from numpy's global generator unless its interval law is given another.
    process.process_operational_time.isi_generator.random_state = rng
    step = np.floor(process.generate_spiketrain(as_array=True)).astype(np.int64)
    counts = np.bincount(np.minimum(step, expected.size - 1), minlength=expected.size)
    return counts.reshape(expected.shape)


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


CONTROLS: Mapping[str, Callable[[Trials, np.random.Generator], Trials]] = MappingProxyType(
    {
        "poisson_surrogate": poisson_surrogate,
        "shuffled_trials": shuffled_trials,
        "shuffled_labels": shuffled_labels,
    }
)
