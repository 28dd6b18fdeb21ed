"""One fitted model running free of the recording for several bins: its forecasts, scored."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation._likelihood_scores import Resampling
from neurodecode.evaluation._score_rows import FORECAST, PSTH, ScoreRows
from neurodecode.evaluation.likelihoods import UNTESTED, TrialLikelihoods, trial_likelihoods
from neurodecode.evaluation.predictions import StoredPredictions
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics.bits import bits_per_spike, with_pooled
from neurodecode.models import FittedModel, cell_names, load_fitted

log = logging.getLogger(__name__)

LONGEST_S = 0.5  # of the forecasts that are made where none are named


def default_steps(bin_size_s: float) -> tuple[int, ...]:
    """Powers of 2 bins: 1, 2, 4, ..., the last between a quarter and half a second."""
    return tuple(2**k for k in range(max(1, int(np.log2(LONGEST_S / bin_size_s * (1 + 1e-9))) + 1)))


def forecast_model(
    *,
    trials: str | Path,
    splits: str | Path,
    parameters: str | Path,
    fit: str | Path,
    psth: str | Path | None,
    session: str,
    name: str,
    steps: Sequence[int] | None,
    n_samples: int,
    n_bootstrap: int,
    seed: int,
    threads: int,
    outputs: Mapping[str, str | Path],
) -> None:
    """Forecast a session's test trials by the folds of one fitted model, and write what the forecasts are worth.

    parameters, fit: the model's files. psth: the predictions that gains are measured against, where there are any.
    steps: lengths of forecasts in bins (``default_steps`` where None). outputs: paths of ``scores`` (rows of
    scores.csv, task ``forecast``) and ``likelihoods`` (of each trial; its models are the numbers of steps).
    Raises DataError for files that do not belong together.
    """
    held, folds, fitted = load_trials(trials), load_splits(splits), load_fitted(parameters, fit)
    if len(fitted) != len(folds):
        raise DataError(f"{parameters}: {len(fitted)} folds, but {splits} has {len(folds)}: fit the model again")
    if fitted[0].model.family in cell_names():
        import torch

        torch.set_num_threads(threads)
    with threadpool_limits(limits=threads):
        forecasts = Forecasts(fitted, held, folds, steps, n_samples=n_samples, seed=seed, names=(session, name))
        found = forecast_likelihoods(
            forecasts, held, folds, None if psth is None else StoredPredictions({PSTH: psth})
        )
    found.save(outputs["likelihoods"])
    frame = forecast_scores(found, session=session, model=name, n_bootstrap=n_bootstrap, seed=seed)
    write_scores(frame, outputs["scores"])


class Forecasts(Mapping[str, np.ndarray]):
    """Number of steps, as text -> out-of-fold rates (trials, bins, units) in Hz, made when they are asked for.

    One step is always among them. Steps beyond the window are dropped, and the log says so.
    """

    def __init__(
        self,
        fitted: Sequence[FittedModel],
        trials: Trials,
        splits: Sequence[Split],
        steps: Sequence[int] | None,
        *,
        n_samples: int,
        seed: int,
        names: tuple[str, str],
    ) -> None:
        self._fitted, self._trials, self._splits = fitted, trials, splits
        self._n_samples, self._seed, self._names = n_samples, seed, names
        asked = sorted({1, *(default_steps(trials.bin_size_s) if steps is None else steps)})
        self._steps = [k for k in asked if k <= trials.n_bins]
        if len(self._steps) < len(asked):
            beyond = ", ".join(str(k) for k in asked if k > trials.n_bins)
            log.info("%s: no forecasts of %s steps: the window has %d bins", names[0], beyond, trials.n_bins)

    def __getitem__(self, steps: str) -> Float[np.ndarray, "trials bins units"]:
        started = time.perf_counter()
        rates = np.full(self._trials.window_counts.shape, np.nan, np.float32)
        for model, split in zip(self._fitted, self._splits, strict=True):
            test = self._trials.select(split.test)
            rng = np.random.default_rng(seed_sequence(self._seed, *self._names, split.fold, "forecast", steps))
            forecast = model.forecast(test, int(steps), rng, n_samples=self._n_samples)
            rates[split.test] = np.where(test.window_mask, forecast, np.nan)
        seconds = time.perf_counter() - started
        log.info("%s of %s: forecasts of %s steps in %.1f s", self._names[1], self._names[0], steps, seconds)
        return rates

    def __iter__(self) -> Iterator[str]:
        return (str(k) for k in self._steps)

    def __len__(self) -> int:
        return len(self._steps)


def forecast_likelihoods(
    forecasts: Mapping[str, np.ndarray],
    trials: Trials,
    splits: Sequence[Split],
    psth: Mapping[str, np.ndarray] | None,
) -> TrialLikelihoods:
    """Log-likelihood of every tested trial under each forecast, and under the PSTH where it is given."""
    return trial_likelihoods(trials, splits, _Joined(forecasts, psth or {}))


class _Joined(Mapping[str, np.ndarray]):
    """Two mappings of large arrays as one, each array still made or read when it is asked for."""

    def __init__(self, *parts: Mapping[str, np.ndarray]) -> None:
        self._of = {name: part for part in parts for name in part}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._of[name][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


def forecast_scores(
    likelihoods: TrialLikelihoods, *, session: str, model: str, n_bootstrap: int, seed: int
) -> pd.DataFrame:
    """Rows of the task ``forecast``, the target being the number of steps; over all folds.

    bits_per_spike; gain_over_psth, where the PSTH was scored; loss_running_free: bits per spike lost against one
    step, whose interval is paired by trial; n_spikes. Intervals resample the same trials for every model.
    """
    resampling = Resampling(likelihoods, n_bootstrap=n_bootstrap, seed=seed, names=(session, ""))
    tested = likelihoods.fold != UNTESTED

    def summed(per_trial: np.ndarray) -> np.ndarray:
        return with_pooled(per_trial[tested].sum(axis=0))

    rows = ScoreRows(session=session, control="", unit_names=likelihoods.unit_names, task=FORECAST)
    n_spikes = summed(likelihoods.n_spikes.astype(np.float64))
    for steps in (name for name in likelihoods.models if name != PSTH):
        ahead, one = likelihoods.of(steps), likelihoods.of("1")
        pairs = {"bits_per_spike": (ahead, likelihoods.null), "loss_running_free": (one, ahead)}
        if PSTH in likelihoods.models:
            pairs["gain_over_psth"] = (ahead, likelihoods.of(PSTH))
        for metric, (ours, reference) in pairs.items():
            low, high = resampling.interval(ours, reference)
            value = bits_per_spike(summed(ours), summed(reference), n_spikes)
            rows.add(model, metric, value, target=steps, low=low, high=high)
        rows.add(model, "n_spikes", n_spikes, target=steps)
    return rows.frame()
