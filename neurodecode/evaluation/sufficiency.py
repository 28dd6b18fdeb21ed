"""Is what a model makes of the past sufficient, or does the spike history still predict beyond it?

If a model's state held all that the past says of the next spike, its log-intensity plus a weighted sum of
history features would predict held-out spikes no better than the log-intensity plus a constant. For each unit
that sum is a Poisson regression with the model's out-of-fold log-intensity as offset: its weight stays 1, since
a free weight would credit the history with a mere recalibration of the model, and the constant stands on both
sides for the same reason. The correction is fitted to half of the trials (its ridge penalty, or no correction
at all, chosen inside that half) and scored on the other half, then the other way round, so that every trial is
scored by a correction that never saw it. What is left is 0 for a sufficient model, up to chance. It is a lower
bound: other features might find what these do not.

Source: the conditional intensity as the statistic that makes the future independent of the remaining past
(Daley & Vere-Jones 2003, An Introduction to the Theory of Point Processes, ch. 7); offset and ridge: McCullagh
& Nelder 1989, Generalized Linear Models, ch. 6.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation._history_correction import SCORED, CorrectedUnit, HistoryColumns
from neurodecode.evaluation._likelihood_scores import Resampling
from neurodecode.evaluation._score_rows import ScoreRows
from neurodecode.evaluation.likelihoods import UNTESTED, fold_of_trials, scored_mask, trial_likelihoods
from neurodecode.evaluation.predictions import StoredPredictions, check_predictions
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.features.history import mean_count
from neurodecode.metrics.bits import bits_per_spike, with_pooled

log = logging.getLogger(__name__)

TASK = "sufficiency"
METRIC = "remaining_gain"
FEWEST_TRIALS = 8  # below it a half cannot both fit a correction and choose its penalty
_VALUES_AT_ONCE = 2e7  # predicted rates of all models held at a time


def remaining_gains(
    trials: Trials, splits: Sequence[Split], predictions: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, Float[np.ndarray, "trials units"]]:
    """Log-likelihood (nats) that history adds to each tested trial and unit under each model; NaN untested.

    predictions: model -> out-of-fold rates (trials, bins, units), Hz. Raises DataError for predictions of another
    shape, and for fewer than 8 tested trials.
    """
    fold = fold_of_trials(splits, trials.n_trials)
    scored = np.broadcast_to(scored_mask(trials, fold), trials.window_counts.shape)
    for name in predictions:
        check_predictions(name, predictions[name], trials.window_counts.shape, scored)
    part = parts_of_trials(trials.condition, fold != UNTESTED, rng)
    gains = {name: np.full((trials.n_trials, trials.n_units), np.nan) for name in predictions}
    for half in (0, 1):
        fits, other_half = (part >= 0) & (part % 2 == half), (part >= 0) & (part % 2 != half)
        inner = np.where(fits, part // 2, SCORED)
        history = HistoryColumns.of(trials, mean_count(trials.select(np.flatnonzero(fits))))
        for units in _unit_blocks(trials, len(predictions)):
            rates = {name: np.array(predictions[name][:, :, units]) for name in predictions}
            for place, unit in enumerate(range(units.start, units.stop)):
                seen = scored[..., unit]
                corrected = CorrectedUnit.of(history, unit, seen, inner)
                for name, rate_hz in rates.items():
                    mu = rate_hz[..., place][seen].astype(np.float64) * trials.bin_size_s
                    with np.errstate(divide="ignore"):  # a model may exclude a spike where none comes
                        gain = corrected.gain(np.log(mu), trials.n_trials)
                    gains[name][other_half, unit] = gain[other_half]
    return gains


def parts_of_trials(
    condition: Int[np.ndarray, " trials"], tested: np.ndarray, rng: np.random.Generator
) -> Int[np.ndarray, " trials"]:
    """Tested trials dealt by condition into six parts, -1 for the others: even parts are one half, odd the other.

    The three parts of a half take turns in choosing its penalty. Raises DataError for too few trials.
    """
    if tested.sum() < FEWEST_TRIALS:
        raise DataError(
            f"{tested.sum()} tested trials, and to judge sufficiency takes at least {FEWEST_TRIALS}: half of them "
            "fit a correction and the other half score it; set evaluation.sufficiency to false"
        )
    part = np.full(condition.size, -1)
    shuffled = rng.permutation(np.flatnonzero(tested))
    by_condition = shuffled[np.argsort(condition[shuffled], kind="stable")]
    part[by_condition] = np.arange(by_condition.size) % 6
    return part


def sufficiency_scores(
    trials: Trials,
    splits: Sequence[Split],
    predictions: Mapping[str, np.ndarray],
    *,
    session: str,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """``remaining_gain`` (bits/spike) of every model, per unit and ``all``, with intervals over trials."""
    rng = np.random.default_rng(seed_sequence(seed, session, TASK))
    gains = remaining_gains(trials, splits, predictions, rng)
    likelihoods = trial_likelihoods(trials, splits, {})
    resampling = Resampling(likelihoods, n_bootstrap=n_bootstrap, seed=seed, names=(session, TASK))
    n_spikes = with_pooled(likelihoods.n_spikes.sum(axis=0).astype(np.float64))
    tested = likelihoods.fold != UNTESTED
    rows = ScoreRows(session=session, control="", unit_names=trials.unit_names, task=TASK)
    for model, gain in gains.items():
        none = np.zeros_like(gain)
        value = bits_per_spike(with_pooled(gain[tested].sum(axis=0)), np.zeros(n_spikes.size), n_spikes)
        low, high = resampling.interval(gain, none)
        rows.add(model, METRIC, value, low=low, high=high)
        log.info(
            "%s: history adds %.4f bits/spike [%.4f, %.4f] to %s", session, value[-1], low[-1], high[-1], model
        )
    return rows.frame()


def write_sufficiency(
    *,
    trials: str | Path,
    splits: str | Path,
    predictions: Mapping[str, str | Path],
    session: str,
    n_bootstrap: int,
    seed: int,
    threads: int,
    output: str | Path,
) -> None:
    """Test every model of a session (model -> file of its predictions) and write the rows to ``output``."""
    with threadpool_limits(limits=threads):
        frame = sufficiency_scores(
            load_trials(trials),
            load_splits(splits),
            StoredPredictions(predictions),
            session=session,
            n_bootstrap=n_bootstrap,
            seed=seed,
        )
    write_scores(frame, output)


def _unit_blocks(trials: Trials, n_models: int) -> list[slice]:
    """Units a few at a time: a prediction is read from disk once for each block, and may exceed the memory."""
    size = max(1, int(_VALUES_AT_ONCE // max(1, trials.n_trials * trials.n_bins * n_models)))
    return [slice(at, min(at + size, trials.n_units)) for at in range(0, trials.n_units, size)]
