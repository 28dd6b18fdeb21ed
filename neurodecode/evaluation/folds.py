"""One model on one session: fit every fold, predict and sample its test trials, write what came out."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt
from threadpoolctl import threadpool_limits

from neurodecode.config.search import search_config
from neurodecode.data.batches import trial_batches
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.data.written_rows import WrittenRows
from neurodecode.evaluation.interrupted import resumable
from neurodecode.evaluation.search import searched
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.models import FittedModel, PointProcessModel, build_model, cell_names, save_fitted

log = logging.getLogger(__name__)

_COUNTS_AT_ONCE = 2**25  # trials x steps x units that are predicted or drawn together: 256 MB in float64


def fit_and_predict(
    *,
    trials: str | Path,
    splits: str | Path,
    model: Mapping[str, Any],
    name: str,
    session: str,
    seed: int,
    threads: int,
    outputs: Mapping[str, str | Path],
    code: str | None = None,
) -> None:
    """Fit one model of the configuration to every fold of a session and write its files.

    ``model``: the entry of the configuration: ``family``, hyper-parameters and, where some are searched,
    ``search``. ``outputs``: paths of ``predictions``, ``samples``, ``parameters`` and ``fit``. ``code``: a digest
    of the code that fits; given one, an interrupted fit is gone on with (``evaluation.interrupted``).
    """
    hyperparameters = dict(model)
    family, search = hyperparameters.pop("family"), hyperparameters.pop("search", None)
    if family in cell_names():
        import torch

        torch.set_num_threads(threads)
    started = time.perf_counter()
    session_trials, folds = load_trials(trials), load_splits(splits)
    built = build_model(family, **hyperparameters)
    decides = (Path(trials), Path(splits), dict(model), name, session, seed)
    with resumable(outputs["fit"], code, *decides), threadpool_limits(limits=threads):
        fitted, about = _fitted(built, search, session_trials, folds, seed, (session, name))
        log.info("%s on %s: %d folds fitted in %.1f s", name, session, len(folds), time.perf_counter() - started)
        save_intensity(outputs["predictions"], fitted, session_trials, folds)
        rngs = [np.random.default_rng(seed_sequence(seed, session, name, s.fold, "sample")) for s in folds]
        samples = out_of_fold_samples(fitted, session_trials, folds, rngs)
        save_samples(outputs["samples"], samples)
        seconds = round(time.perf_counter() - started, 3)
        save_fitted(outputs["parameters"], outputs["fit"], fitted, seconds=seconds, seed=seed, **about)


def _fitted(
    model: PointProcessModel,
    search: Mapping[str, Any] | None,
    trials: Trials,
    splits: Sequence[Split],
    seed: int,
    names: tuple[str, str],
) -> tuple[list[FittedModel], dict[str, Any]]:
    """The model of every fold, and what to tell of the search, after which each fold's settings are its own.

    ``names``: session and model, from which, with ``seed`` and the fold, all randomness comes.
    """
    seeds = [seed_sequence(seed, *names, split.fold) for split in splits]
    if search is None:
        return model.fit_folds(trials, splits, seeds), {}
    asked = search_config(search, model, f"models.{names[1]}.search")
    own = [seed_sequence(seed, *names, split.fold, "search") for split in splits]
    found = [searched(model, asked, trials, *pair) for pair in zip(splits, own, strict=True)]
    each = zip(found, splits, seeds, strict=True)
    fitted = [one.model.fit_folds(trials, [split], [s])[0] for one, split, s in each]
    return fitted, {"search": [one.record for one in found]}


def out_of_fold_intensity(
    fitted: Sequence[FittedModel], trials: Trials, splits: Sequence[Split]
) -> Float[np.ndarray, "trials bins units"]:
    """Rates (Hz, float32) of every trial by the fold that tests it; NaN where the recording did not run."""
    rates = np.full(trials.window_counts.shape, np.nan, np.float32)
    for tested, found in _tested_rates(fitted, trials, splits):
        rates[tested] = found
    return rates


def save_intensity(
    path: str | Path, fitted: Sequence[FittedModel], trials: Trials, splits: Sequence[Split]
) -> None:
    """Write ``predictions.npy``, the same some trials at a time: all of them may not fit into memory."""
    with written_whole(path) as part, part.open("wb") as file:
        rates = WrittenRows(file, trials.window_counts.shape, np.float32)
        for tested, found in _tested_rates(fitted, trials, splits):
            rates.put(tested, found)
        rates.fill_others(np.nan)


def _tested_rates(
    fitted: Sequence[FittedModel], trials: Trials, splits: Sequence[Split]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some test trials at a time: which they are, and their rates (Hz, float32)."""
    for model, split in zip(fitted, splits, strict=True):
        for some in _at_once(split.test, trials):
            test = trials.select(some)
            yield some, np.where(test.window_mask, model.intensity(test), np.nan).astype(np.float32)


def _at_once(tested: np.ndarray, trials: Trials) -> Iterator[np.ndarray]:
    """The trials in order, as many together as ``_COUNTS_AT_ONCE`` allows."""
    for batch in trial_batches(tested.size, trials.n_steps * trials.n_units, most=_COUNTS_AT_ONCE):
        yield tested[batch]


def out_of_fold_samples(
    fitted: Sequence[FittedModel], trials: Trials, splits: Sequence[Split], rngs: Sequence[np.random.Generator]
) -> UInt[np.ndarray, "trials bins units"]:
    """Every trial drawn once, by the fold that tests it."""
    counts: np.ndarray = np.zeros(trials.window_counts.shape, np.uint8)
    for model, split, rng in zip(fitted, splits, rngs, strict=True):
        for some in _at_once(split.test, trials):
            drawn = model.sample(trials.select(some), rng).window_counts
            if drawn.max(initial=0) > np.iinfo(counts.dtype).max:
                counts = counts.astype(np.uint16)
            counts[some] = drawn
    return counts


def save_samples(path: str | Path, counts: UInt[np.ndarray, "trials bins units"]) -> None:
    """Write ``samples.npz``."""
    with written_whole(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, counts=counts)
