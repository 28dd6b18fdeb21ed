"""Null controls: recordings in which one thing that a model may use has been destroyed, and nothing else.

A model that gains on a control gains from something else than it claims. Each control is a session derived from
a recording, which then goes through the same rules as any other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.splits import Split, make_splits
from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials, written_whole
from neurodecode.data.trials import Trials, smallest_counts
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.seeds import seed_sequence

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


def derive_control(
    *,
    trials: str | Path,
    splits: str | Path,
    quality: str | Path,
    control: str,
    session: str,
    seed: int,
    outputs: Mapping[str, str | Path],
) -> None:
    """Write ``trials``, ``splits`` and ``quality`` of one control of a recording, from those of the recording.

    Folds are the recording's own, so that scores compare trial by trial; only where conditions were permuted are
    they dealt anew, stratified by the new ones. ``session`` is the recording's own name.
    Raises ConfigError for an unknown control, DataError for files that are not as the ingest wrote them.
    """
    if control not in CONTROLS:
        raise ConfigError(f"unknown control {control!r}; known: {', '.join(CONTROLS)}")
    recorded, folds, about = load_trials(trials), load_splits(splits), _read_quality(quality)
    derived = CONTROLS[control](recorded, np.random.default_rng(seed_sequence(seed, session, control)))
    if not np.array_equal(derived.condition, recorded.condition):
        folds = _dealt_anew(derived, folds, np.random.default_rng(seed_sequence(seed, session, control, "splits")))
    log.info("%s.%s: %d spikes, %s in the recording", session, control, _n_spikes(derived), _n_spikes(recorded))
    save_trials(outputs["trials"], derived)
    save_splits(outputs["splits"], folds)
    about |= {
        "control": control,
        "derived_from": session,
        "note": f"null control {control} of {session}: quality is that of the recording it was derived from",
    }
    with written_whole(outputs["quality"]) as part:
        part.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _n_spikes(trials: Trials) -> int:
    return int(trials.counts.sum(dtype=np.int64))


def _read_quality(path: str | Path) -> dict[str, Any]:
    try:
        about = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable quality file ({error}); run the ingest again") from error
    if not isinstance(about, dict):
        raise DataError(f"{path}: expected a JSON object, got {type(about).__name__}; run the ingest again")
    return about


def _dealt_anew(trials: Trials, folds: Sequence[Split], rng: np.random.Generator) -> tuple[Split, ...]:
    """As many folds stratified by the new conditions; contiguous blocks ask nothing of conditions and stay."""
    if all(np.all(np.diff(fold.test) == 1) for fold in folds):
        return tuple(folds)
    return make_splits(trials.condition, trials.condition_names, len(folds), rng)
