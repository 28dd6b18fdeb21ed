"""Poisson naive Bayes on PSTH templates: the aggregate baseline of class decoders.

A trial is compared with the smoothed average of each class as if spikes of all bins and units were independent
given the class (Poisson): log p(counts | class) = sum of n log(mu) - mu over bins and units, mu the template.
Zhang et al. 1998, J Neurophysiol 79:1017, eq. 36 (the same for place); smoothing as of a PSTH.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import Stream
from neurodecode.decoders._bayes import BayesClassDecoder
from neurodecode.decoders._choices import numbers_to_choose_from, told_counts
from neurodecode.decoders._class_parts import class_parts
from neurodecode.decoders._templates import (
    N_BANDWIDTHS,
    SHRINKAGES_TRIALS,
    Sums,
    chosen_templates,
    log_likelihood_bins,
)
from neurodecode.errors import ConfigError, DataError
from neurodecode.metrics.calibration import posterior


@dataclass(eq=False, repr=False, kw_only=True)
class NaiveBayesDecoder(BayesClassDecoder):
    """``n_bandwidths`` of a Gaussian, from the window down to one bin, and flat: what each unit's templates are
    smoothed by, chosen on validation trials. ``shrinkage_trials``: trials' worth of the average over all classes
    that joins those of a class, chosen alike. ``tempered``: see ``BayesClassDecoder``.

    log_template_: (classes, bins, units) log of the expected count of a bin. bandwidths_ (bins, inf: flat) and
    shrinkage_trials_ of each unit. A stream of a decoder fitted to ``Trials`` is told their lead first.
    """

    bin_size_s: float | None = None
    n_bandwidths: int = N_BANDWIDTHS
    shrinkage_trials: tuple[float, ...] = SHRINKAGES_TRIALS
    tempered: bool = True
    random_state: int = 0

    def fit(self, X: Any, y: Any = None, *, validation: tuple[Any, Any] | None = None) -> NaiveBayesDecoder:
        """Choose on validation trials, then average training and validation trials together."""
        if self.n_bandwidths < 1:
            raise ConfigError(f"naive_bayes: n_bandwidths must be >= 1, got {self.n_bandwidths}; 8 is usual")
        shrinkages = numbers_to_choose_from("naive_bayes: shrinkage_trials", self.shrinkage_trials, least=0.0)
        self.classes_, training, held_out = class_parts(self, X, y, validation, self.random_state)
        series, other = self.series(training.X), self.series(held_out.X)
        other.check_units(series.n_units)
        self.lead_, self.n_bins_ = series.lead, series.n_bins
        other.check_bins(self.n_bins_)
        sums = Sums.of(series, training.codes, self.classes_.size)
        theirs = Sums.of(other, held_out.codes, self.classes_.size)
        self.bandwidths_, self.shrinkage_trials_, self.log_template_ = chosen_templates(
            sums, theirs, self.n_bandwidths, shrinkages
        )
        unseen = log_likelihood_bins(other, self.log_template_)[:, -1]
        self._weigh(np.concatenate([training.codes, held_out.codes]), unseen, held_out.codes)
        self.log_template_ = (sums + theirs).log_templates(self.bandwidths_, self.shrinkage_trials_)
        return self

    def diagnostics(self) -> dict[str, Any]:
        """The exponent; of each unit the bandwidth (bins, null: flat) and the shrinkage (trials)."""
        bandwidths = [float(b) if np.isfinite(b) else None for b in self.bandwidths_]
        return {
            **super().diagnostics(),
            "bandwidth_bins": bandwidths,
            "shrinkage_trials": self.shrinkage_trials_.tolist(),
        }

    def log_likelihood_bins(self, X: Any) -> Float[np.ndarray, "trials bins classes"]:
        """Log-likelihood (nats) of the counts up to and with each bin, without log(n!), which classes share."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(self.log_template_.shape[2])
        series.check_bins(self.n_bins_)
        return log_likelihood_bins(series, self.log_template_)

    def stream(self) -> NaiveBayesStream:
        """The decoder at the start of a trial."""
        check_is_fitted(self)
        return NaiveBayesStream(self.log_template_, self.lead_, self.log_prior_, self._exponent())


class NaiveBayesStream(Stream):
    """The evidence for each class so far."""

    def __init__(
        self,
        log_template: Float[np.ndarray, "classes bins units"],
        lead: int,
        log_prior: Float[np.ndarray, " classes"],
        beta: float,
    ) -> None:
        self._log_mu, self._mu, self._prior, self._beta = log_template, np.exp(log_template), log_prior, beta
        self._bin, self._evidence = -lead, np.zeros(log_prior.size)

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " classes"]:
        """Probability of each class once these counts are known; NaN for a unit that was not observed.

        Raises DataError for counts of other units and after the last bin of the trial.
        """
        n, observed = told_counts(counts, self._mu.shape[2])
        if self._bin >= self._mu.shape[1]:
            raise DataError(f"the trial has {self._mu.shape[1]} bins, all of which were told: start a new stream")
        if self._bin >= 0:
            terms = n * self._log_mu[:, self._bin] - self._mu[:, self._bin]
            self._evidence = self._evidence + terms[:, observed].sum(axis=1)
        self._bin += 1
        return posterior(self._evidence, self._prior, beta=self._beta)


DECODERS = (NaiveBayesDecoder,)
EXAMPLE: dict[str, Any] = {"n_bandwidths": 4}
