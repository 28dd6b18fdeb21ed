"""Scores from the log-likelihoods of trials: bits per spike, gain over the PSTH, explained deviance."""

from __future__ import annotations

import numpy as np

from neurodecode.evaluation._score_rows import ALL, PSTH, ScoreRows
from neurodecode.evaluation.likelihoods import UNTESTED, TrialLikelihoods
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics.bits import NATS_PER_BIT, bits_per_spike, poisson_d2, with_pooled
from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights


def add_likelihood_scores(
    rows: ScoreRows,
    likelihoods: TrialLikelihoods,
    *,
    n_bootstrap: int,
    seed: int,
    bits: str = "bits_per_spike",
) -> None:
    """For each model, of every fold and pooled over folds; pooled bits and gains carry intervals.

    ``bits``: what bits per spike are called.
    """
    resampling = Resampling(likelihoods, n_bootstrap=n_bootstrap, seed=seed, names=(rows.session, rows.control))
    for model in likelihoods.models:
        for fold in likelihoods.folds:
            _add_fold(rows, likelihoods, model, fold, np.flatnonzero(likelihoods.fold == fold), resampling, bits)
        _add_fold(rows, likelihoods, model, ALL, np.flatnonzero(likelihoods.fold != UNTESTED), resampling, bits)


class Resampling:
    """One set of resampled trials for everything in a session, so that differences are paired by trial.

    The nulls are those of the folds and stay as they are.
    """

    def __init__(
        self, likelihoods: TrialLikelihoods, *, n_bootstrap: int, seed: int, names: tuple[str, ...]
    ) -> None:
        self._tested = likelihoods.fold != UNTESTED
        self._strata = likelihoods.condition[self._tested]
        self._spikes = with_pooled(likelihoods.n_spikes[self._tested].astype(np.float64))
        rng = np.random.default_rng(seed_sequence(seed, *names, "bootstrap"))
        self._weights = resampling_weights(self._strata, n_bootstrap, rng)

    def interval(self, log_likelihood: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of bits per spike of (trials, units) log-likelihoods beyond a reference; all units come last."""
        with np.errstate(invalid="ignore"):  # two models that both exclude a spike: -inf less -inf
            gain = (log_likelihood - reference)[self._tested]
        return ratio_interval(with_pooled(gain) / NATS_PER_BIT, self._spikes, self._weights, self._strata)


def _add_fold(
    rows: ScoreRows,
    likelihoods: TrialLikelihoods,
    model: str,
    fold: int | str,
    trials: np.ndarray,
    resampling: Resampling,
    bits: str,
) -> None:
    def summed(per_trial: np.ndarray) -> np.ndarray:
        return with_pooled(per_trial[trials].sum(axis=0))

    per_trial, n_spikes = likelihoods.of(model), summed(likelihoods.n_spikes.astype(np.float64))
    fitted, null = summed(per_trial), summed(likelihoods.null)
    references = {bits: likelihoods.null, f"{bits}_nlb": likelihoods.nlb_null}
    if PSTH in likelihoods.models:
        references["gain_over_psth"] = likelihoods.of(PSTH)
    for metric, reference in references.items():
        low, high = resampling.interval(per_trial, reference) if fold == ALL else (None, None)
        rows.add(model, metric, bits_per_spike(fitted, summed(reference), n_spikes), fold=fold, low=low, high=high)
    rows.add(model, "poisson_d2", poisson_d2(fitted, null, summed(likelihoods.saturated), n_spikes), fold=fold)
    rows.add(model, "log_likelihood", fitted, fold=fold)
    rows.add(model, "n_spikes", n_spikes, fold=fold)
