"""Units predicted from the other units of a session: fit every group of units and fold, write, score."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from neurodecode.data.checkpoints import stage
from neurodecode.data.documents import read_json
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation._likelihood_scores import add_likelihood_scores
from neurodecode.evaluation._score_rows import CO_SMOOTH, COLUMNS, ScoreRows
from neurodecode.evaluation.interrupted import resumable
from neurodecode.evaluation.likelihoods import trial_likelihoods
from neurodecode.evaluation.predictions import StoredPredictions
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.models import PointProcessModel, build_model, cell_names
from neurodecode.models.co_smoothing import CoSmoother, DividedTrials, FittedCoSmoother, co_smoothers

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
CO_BPS, CAUSAL = "co_bps", "causal"
ONE_UNIT = "the recording has one unit, and so no other units to predict it from"


def unit_groups(n_units: int, n_groups: int, rng: np.random.Generator) -> list[Int[np.ndarray, " units"]]:
    """Units dealt at random into ``n_groups`` groups, one unit each where there are no more; each group is
    predicted from the others. Raises DataError for fewer than two units."""
    if n_units < 2:
        raise DataError(f"{ONE_UNIT}: leave this session out of co_smoothing.sessions")
    dealt = rng.permutation(n_units)
    return [np.sort(dealt[group :: min(n_groups, n_units)]) for group in range(min(n_groups, n_units))]


def co_smoothed_intensity(
    co_smoother: CoSmoother,
    trials: Trials,
    splits: Sequence[Split],
    groups: Sequence[Int[np.ndarray, " units"]],
    seeds: Sequence[Sequence[np.random.SeedSequence]],
) -> tuple[Float[np.ndarray, "trials bins units"], list[list[FittedCoSmoother]]]:
    """Rates (Hz, float32) of every unit by the fit to the other groups of units, of every trial by the fold that
    tests it; NaN where the recording did not run. And the fits, by group, then by fold; ``seeds`` alike.

    A fit predicts from trials of which the held-out units were taken away.
    """
    rates = np.full(trials.window_counts.shape, np.nan, np.float32)
    fits: list[list[FittedCoSmoother]] = []
    for held_out, of_group in zip(groups, seeds, strict=True):
        divided = DividedTrials.of(trials, held_out)
        fits.append([])
        for split, seed in zip(splits, of_group, strict=True):
            rng = np.random.default_rng(seed)
            with stage(f"group{len(fits)}"), stage(f"fold{split.fold}"):
                fit = co_smoother.fit(divided.select(split.train), divided.select(split.validation), rng)
            test = divided.select(split.test)
            found = np.where(test.held_out.window_mask, fit.intensity(test.held_in), np.nan)
            rates[split.test[:, None], :, held_out] = np.moveaxis(found, 2, 1)
            fits[-1].append(fit)
    return rates, fits


def fit_co_smoothing(
    *,
    trials: str | Path,
    splits: str | Path,
    model: Mapping[str, Any],
    name: str,
    co_smoother: str,
    session: str,
    unit_folds: int,
    seed: int,
    threads: int,
    outputs: Mapping[str, str | Path],
    code: str | None = None,
) -> None:
    """Fit one co-smoother to every group of units and fold of a session and write its files.

    ``model``: the entry ``name`` of ``models:``, whose hyper-parameters it has. ``co_smoother``: its own name:
    that of the model or, for what sees the future too, ``<name>_acausal``. ``outputs``: paths of ``predictions``
    and ``fit``. A session of one unit has predictions that are NaN throughout, and the reason in ``fit``.
    ``code``: a digest of the code that fits; given one, interrupted networks are gone on with
    (``evaluation.interrupted``).
    """
    started = time.perf_counter()
    built = built_model(model)
    if built.family in cell_names():
        import torch

        torch.set_num_threads(threads)
    found = co_smoothers(name, built)
    if co_smoother not in found:
        raise ConfigError(f"{name} has no co-smoother {co_smoother!r}; it has: {', '.join(found)}")
    held, folds = load_trials(trials), load_splits(splits)
    groups = session_unit_groups(held, session, unit_folds, seed)
    names = (session, co_smoother, "co_smoothing")
    seeds = [[seed_sequence(seed, *names, group, split.fold) for split in folds] for group in range(len(groups))]
    decides = (Path(trials), Path(splits), dict(model), *names, unit_folds, seed)
    with resumable(outputs["fit"], code, *decides):
        with threadpool_limits(limits=threads):
            rates, fits = co_smoothed_intensity(found[co_smoother], held, folds, groups, seeds)
        with written_whole(outputs["predictions"]) as part, part.open("wb") as file:
            np.save(file, rates, allow_pickle=False)
        described = {
            **_described(built, found[co_smoother], held.unit_names, groups, fits),
            "seconds": round(time.perf_counter() - started, 3),
            "seed": seed,
        }
        with written_whole(outputs["fit"]) as part:
            part.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    log.info("%s on %s: %d groups of units in %.1f s", co_smoother, session, len(groups), described["seconds"])


def _described(
    model: PointProcessModel,
    co_smoother: CoSmoother,
    unit_names: Sequence[str],
    groups: Sequence[np.ndarray],
    fits: Sequence[Sequence[FittedCoSmoother]],
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "family": model.family,
        "hyperparameters": asdict(model),
        "causal": co_smoother.causal,
        "absent": "" if groups else ONE_UNIT,
        "unit_groups": [[unit_names[unit] for unit in group] for group in groups],
        "groups": [[{"diagnostics": fit.diagnostics()} for fit in of_group] for of_group in fits],
    }


def session_unit_groups(trials: Trials, session: str, unit_folds: int, seed: int) -> list[np.ndarray]:
    """The groups that every co-smoother of a session shares; none for a session of one unit."""
    if trials.n_units < 2:
        return []
    return unit_groups(
        trials.n_units, unit_folds, np.random.default_rng(seed_sequence(seed, session, "unit_folds"))
    )


def built_model(entry: Mapping[str, Any]) -> PointProcessModel:
    """The unfitted model of a configuration's entry; what a search would find is not looked for."""
    hyperparameters = {key: value for key, value in entry.items() if key != "search"}
    return build_model(hyperparameters.pop("family"), **hyperparameters)


def co_smoothing_scores(
    *,
    trials: Trials,
    splits: Sequence[Split],
    predictions: Mapping[str, np.ndarray],
    causal: Mapping[str, bool],
    session: str,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Scores of units predicted from other units, task ``co_smooth``, in the columns of scores.csv.

    predictions: model -> rates (trials, bins, units) in Hz, each unit predicted from others, each trial by the
    fold that tests it. causal: model -> whether it saw only bins before the predicted one; a row of its own. Gains
    are over the model called ``psth``, and absent without it.
    """
    rows = ScoreRows(session=session, control="", unit_names=trials.unit_names, task=CO_SMOOTH)
    likelihoods = trial_likelihoods(trials, splits, predictions)
    add_likelihood_scores(rows, likelihoods, n_bootstrap=n_bootstrap, seed=seed, bits=CO_BPS)
    for model in predictions:
        rows.add(model, CAUSAL, np.full(len(rows.units), float(causal[model])))
    return rows.frame()


def write_co_smoothing_scores(
    *,
    trials: str | Path,
    splits: str | Path,
    predictions: Mapping[str, str | Path],
    fits: Mapping[str, str | Path],
    session: str,
    n_bootstrap: int,
    seed: int,
    output: str | Path,
) -> None:
    """Score one session's files and write its table to ``output``; a table without rows for a single unit.

    predictions, fits: model -> path.
    """
    held = load_trials(trials)
    about = {model: read_json(path, way_out="fit the model again") for model, path in fits.items()}
    if held.n_units < 2:
        log.info("%s: no co-smoothing: %s", session, ONE_UNIT)
        write_scores(pd.DataFrame(columns=list(COLUMNS)), output)
        return
    frame = co_smoothing_scores(
        trials=held,
        splits=load_splits(splits),
        predictions=StoredPredictions(predictions),
        causal={model: bool(one["causal"]) for model, one in about.items()},
        session=session,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    write_scores(frame, output)
    log.info("%s: %d co-smoothers scored", session, len(predictions))
