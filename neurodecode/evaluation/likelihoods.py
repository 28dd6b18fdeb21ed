"""Log-likelihood of every tested trial under every model: what all comparisons between models are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from neurodecode.data.archives import read_npz
from neurodecode.data.splits import Split
from neurodecode.data.store import written_whole
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.predictions import check_predictions
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics.bits import (
    constant_log_likelihood,
    saturated_log_likelihood,
    scored_null_hz,
    training_null_hz,
)

UNTESTED = -1
_MODEL = "model."
_REFERENCES = ("null", "nlb_null", "saturated")
_PLAIN = ("n_spikes", "fold", "condition", *_REFERENCES)


@dataclass(frozen=True, eq=False, kw_only=True)
class TrialLikelihoods:
    """Log-likelihoods (nats) and spikes of each trial and unit over observed bins, (trials, units).

    models: of each model, out of fold. null, nlb_null: of one rate, that of the fold's training trials or of its
    scored ones. saturated: of each bin's own count. fold: (trials,) the fold that tests the trial, -1 for none;
    there log-likelihoods are NaN and ``n_spikes`` 0. condition: (trials,).
    """

    models: Mapping[str, Float[np.ndarray, "trials units"]]
    null: Float[np.ndarray, "trials units"]
    nlb_null: Float[np.ndarray, "trials units"]
    saturated: Float[np.ndarray, "trials units"]
    n_spikes: Int[np.ndarray, "trials units"]
    fold: Int[np.ndarray, " trials"]
    condition: Int[np.ndarray, " trials"]
    unit_names: tuple[str, ...]

    @property
    def folds(self) -> list[int]:
        """Folds that test a trial, in order."""
        return [int(f) for f in np.unique(self.fold) if f != UNTESTED]

    def of(self, model: str) -> Float[np.ndarray, "trials units"]:
        """Log-likelihoods of one model; DataError for a model that was not scored."""
        if model not in self.models:
            raise DataError(f"no predictions of {model!r} were scored; scored: {', '.join(self.models)}")
        return self.models[model]

    def save(self, path: str | Path) -> None:
        """Write the arrays as ``.npz``."""
        arrays = {name: getattr(self, name) for name in _PLAIN}
        arrays["unit_names"] = np.array(self.unit_names, dtype=np.str_)
        arrays |= {_MODEL + name: values for name, values in self.models.items()}
        with written_whole(path) as part, part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)


def load_likelihoods(path: str | Path) -> TrialLikelihoods:
    """Read what ``TrialLikelihoods.save`` wrote; DataError for another file."""
    held = read_npz(path, way_out="score the session again", what="a file of log-likelihoods")
    try:
        plain = {name: held[name] for name in _PLAIN}
        names = tuple(str(name) for name in held["unit_names"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a file of log-likelihoods ({error!r}); score the session again") from error
    models = {key.removeprefix(_MODEL): values for key, values in held.items() if key.startswith(_MODEL)}
    return TrialLikelihoods(models=models, unit_names=names, **plain)


def fold_of_trials(splits: Sequence[Split], n_trials: int) -> Int[np.ndarray, " trials"]:
    """The fold that tests each trial, -1 for none.

    Raises DataError where a trial is tested twice or the splits are those of other trials.
    """
    fold = np.full(n_trials, UNTESTED)
    for split in splits:
        if split.test.max() >= n_trials:
            raise DataError(
                f"fold {split.fold} tests trial {split.test.max()}, but there are {n_trials} trials; "
                "use the splits that were made with these trials"
            )
        if (fold[split.test] != UNTESTED).any():
            raise DataError(
                f"fold {split.fold} tests a trial that another fold tests: predictions would be ambiguous"
            )
        fold[split.test] = split.fold
    return fold


def scored_mask(trials: Trials, fold: Int[np.ndarray, " trials"]) -> Bool[np.ndarray, "trials bins #units"]:
    """Observed bins of tested trials."""
    tested = fold != UNTESTED
    return trials.window_mask if tested.all() else trials.window_mask & tested[:, None, None]


def trial_likelihoods(
    trials: Trials, splits: Sequence[Split], predictions: Mapping[str, np.ndarray]
) -> TrialLikelihoods:
    """Score the tested trials under every model and its references; each fold has its own nulls.

    predictions: model -> (trials, bins, units) Hz, possibly mapped from disk.
    Raises DataError for predictions of another shape, or not finite in an observed bin.
    """
    counts, fold = trials.window_counts, fold_of_trials(splits, trials.n_trials)
    scored, untested = scored_mask(trials, fold), fold == UNTESTED
    models = {}
    for name in predictions:
        intensity_hz = predictions[name]
        check_predictions(name, intensity_hz, counts.shape, scored)
        models[name] = trial_log_likelihood(counts, intensity_hz, trials.bin_size_s, scored)
    null_hz, nlb_hz = np.zeros((2, trials.n_trials, trials.n_units))
    for split in splits:
        train, test = trials.select(split.train), trials.select(split.test)
        null_hz[split.test] = training_null_hz(train.window_counts, train.window_mask, trials.bin_size_s)
        nlb_hz[split.test] = scored_null_hz(test.window_counts, test.window_mask, trials.bin_size_s)
    references = {
        "null": constant_log_likelihood(counts, null_hz, trials.bin_size_s, scored),
        "nlb_null": constant_log_likelihood(counts, nlb_hz, trials.bin_size_s, scored),
        "saturated": saturated_log_likelihood(counts, scored),
    }
    for values in (*models.values(), *references.values()):
        values[untested] = np.nan
    return TrialLikelihoods(
        models=models,
        n_spikes=counts.sum(axis=1, dtype=np.int64, where=scored),
        fold=fold,
        condition=np.array(trials.condition),
        unit_names=trials.unit_names,
        **references,
    )
