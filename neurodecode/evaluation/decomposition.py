"""Where a network's gain over the PSTH comes from, by models of which each contains the one before.

psth -> + splines in time and covariates -> + a slow gain of each trial -> + own spikes of the last 10 ms, bin by
bin -> + the own history before that -> + other units -> the network. What a step gains on held-out trials is the
term of that step, so the terms add up to the network's gain. What two of them could explain goes to the earlier
one: the order, from what a physiologist would rule out first to what only a network can hold, is part of the
result. Terms may be negative, where what a step adds costs more to estimate than it tells; nothing is clipped.
A network that fell back to the GLM it started from holds nothing alone: what that GLM says beside the richest
nested model, in the folds where it stands in the network's place, is a term of its own.

The models between the PSTH and the network are GLMs (``models/glm.py``) that the workflow fits beside those of
the configuration; ``NESTED_MODELS`` names them. Source of nesting by likelihood: Pillow et al. 2008, Nature
454:995 (coupling); Truccolo et al. 2005, J Neurophysiol 93:1074 (own history).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from neurodecode.config.run import NESTED_MODELS
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation._fallbacks import folds_that_fell_back
from neurodecode.evaluation._likelihood_scores import Resampling
from neurodecode.evaluation._score_rows import PSTH, ScoreRows
from neurodecode.evaluation.likelihoods import UNTESTED, TrialLikelihoods, trial_likelihoods
from neurodecode.evaluation.predictions import StoredPredictions
from neurodecode.evaluation.scores import write_scores
from neurodecode.metrics.bits import bits_per_spike, with_pooled

log = logging.getLogger(__name__)

TASK = "decompose"
TERMS = ("drive", "slow_gain", "own_below_10ms", "own_above_10ms", "other_units")
"""What each of ``NESTED_MODELS`` adds to the one before it, in that order."""
FALLEN_BACK, REMAINDER, TOTAL = "glm_in_its_place", "network_alone", "total"
OTHER_UNITS = TERMS[-1]


@dataclass(frozen=True)
class Step:
    """One term: what ``model`` knows beyond ``before``."""

    term: str
    model: str
    before: str


def steps_to(
    network: str | None, scored: Sequence[str], *, n_units: int, stand_in: str | None = None
) -> list[Step]:
    """The chain from the PSTH through those nested models that were scored to ``network``, if one is given.

    With one unit there are no others, and their model, which is then the one before, is left out. ``stand_in``:
    the name of what predicts as the network in folds that fell back, and as the last nested model elsewhere.
    """
    nested = [
        (term, model)
        for term, model in zip(TERMS, NESTED_MODELS, strict=True)
        if model in scored and (term != OTHER_UNITS or n_units > 1)
    ]
    last = [(FALLEN_BACK, stand_in), (REMAINDER, network)]
    links = [*nested, *((term, model) for term, model in last if model is not None)]
    before = [PSTH, *(model for _, model in links)]
    return [Step(term, model, past) for (term, model), past in zip(links, before, strict=False)]


def decomposition_scores(
    trials: Trials,
    splits: Sequence[Split],
    predictions: Mapping[str, np.ndarray],
    networks: Sequence[str],
    *,
    fell_back: Mapping[str, Sequence[int]] | None = None,
    session: str,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """The terms (bits/spike) of every network's gain, per unit and ``all``, with paired intervals over trials.

    predictions: rates (trials, bins, units) of ``psth``, nested models and ``networks``. Without networks
    the chain ends at the last nested model, whose name the rows then have. ``fell_back``: network -> folds in
    which it is the GLM. ``total`` is the sum of the terms.
    Raises DataError where the PSTH or every nested model is missing.
    """
    missing = [name for name in (PSTH, *networks) if name not in predictions]
    nested = [name for name in NESTED_MODELS if name in predictions]
    if missing or not nested:
        raise DataError(
            f"{session}: to decompose a gain takes predictions of {PSTH}, nested models and {list(networks)}; "
            f"given: {', '.join(predictions) or 'none'}"
        )
    likelihoods = trial_likelihoods(trials, splits, predictions)
    resampling = Resampling(likelihoods, n_bootstrap=n_bootstrap, seed=seed, names=(session, TASK))
    rows = ScoreRows(session=session, control="", unit_names=trials.unit_names, task=TASK)
    ends: list[str | None] = [*networks] or [None]
    for network in ends:
        fallen = (fell_back or {}).get(network or "", ())
        stand_in = f"{network}, where it fell back" if fallen else None
        steps = steps_to(network, nested, n_units=trials.n_units, stand_in=stand_in)
        last = steps[-1].model
        held = likelihoods
        if stand_in is not None:
            held = _with_stand_in(likelihoods, stand_in, last, before=steps[-2].before, folds=fallen)
        for step in (*steps, Step(TOTAL, last, PSTH)):
            _add(rows, held, resampling, step, last)
    return rows.frame()


def _with_stand_in(
    likelihoods: TrialLikelihoods, name: str, network: str, *, before: str, folds: Sequence[int]
) -> TrialLikelihoods:
    """With ``name`` among the models: ``network`` on trials that ``folds`` test, ``before`` on all others."""
    fallen = np.isin(likelihoods.fold, folds)[:, None]
    values = np.where(fallen, likelihoods.of(network), likelihoods.of(before))
    return replace(likelihoods, models={**likelihoods.models, name: values})


def _add(rows: ScoreRows, likelihoods: TrialLikelihoods, resampling: Resampling, step: Step, model: str) -> None:
    tested = likelihoods.fold != UNTESTED
    richer, poorer = likelihoods.of(step.model), likelihoods.of(step.before)
    n_spikes = with_pooled(likelihoods.n_spikes[tested].sum(axis=0).astype(np.float64))
    reached, left = (with_pooled(values[tested].sum(axis=0)) for values in (richer, poorer))
    low, high = resampling.interval(richer, poorer)
    value = bits_per_spike(reached, left, n_spikes)
    rows.add(model, step.term, value, low=low, high=high)
    log.info("%s, %s: %s %.4f bits/spike", rows.session, model, step.term, value[-1])


def write_decomposition(
    *,
    trials: str | Path,
    splits: str | Path,
    predictions: Mapping[str, str | Path],
    networks: Mapping[str, str | Path],
    session: str,
    n_bootstrap: int,
    seed: int,
    output: str | Path,
) -> None:
    """Decompose the gains of ``networks`` (model -> its fit.json) and write the rows to ``output``; predictions:
    model -> file."""
    folds = load_splits(splits)
    fell_back = {
        name: [split.fold for split, fell in zip(folds, told, strict=True) if fell]
        for name, told in ((name, folds_that_fell_back(path)) for name, path in networks.items())
        if told is not None
    }
    frame = decomposition_scores(
        load_trials(trials),
        folds,
        StoredPredictions(predictions),
        list(networks),
        fell_back=fell_back,
        session=session,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    write_scores(frame, output)
