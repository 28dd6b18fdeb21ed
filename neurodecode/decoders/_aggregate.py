"""What the average responses of classes tell of trials that they were not made of: where class networks start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from jaxtyping import Float, Int

from neurodecode.decoders._series import Series
from neurodecode.decoders._templates import (
    N_BANDWIDTHS,
    SHRINKAGES_TRIALS,
    Sums,
    chosen_templates,
    log_likelihood_bins,
)
from neurodecode.metrics.calibration import tempering_exponent


@dataclass(frozen=True, eq=False)
class Aggregate:
    """Poisson naive Bayes on templates of classes: log p(class) + beta x log-likelihood of the counts so far.

    log_template (classes, bins, units); log_prior (classes,); beta: see ``metrics.calibration``.
    """

    log_template: Float[np.ndarray, "classes bins units"]
    log_prior: Float[np.ndarray, " classes"]
    beta: float

    @classmethod
    def fitted(
        cls, series: Series, codes: Int[np.ndarray, " trials"], parts: Int[np.ndarray, " trials"], n_classes: int
    ) -> tuple[Aggregate, list[Float[np.ndarray, "trials bins classes"]]]:
        """To all trials; and for each of the ``parts`` the log odds of all trials, by templates that were made
        neither of that part nor of the trial's own. beta is chosen on what such templates say of the part itself.
        """
        sums = [Sums.of(series.select(parts == p), codes[parts == p], n_classes) for p in range(parts.max() + 1)]
        evidence = []
        for held in range(len(sums)):
            found = np.empty((series.n_trials, series.n_bins, n_classes))
            for own in range(len(sums)):
                rest = [s for p, s in enumerate(sums) if p not in (held, own)]
                here = parts == own
                found[here] = log_likelihood_bins(series.select(here), _template(rest))
            evidence.append(found)
        log_prior = np.log(np.bincount(codes, minlength=n_classes) / codes.size)
        unseen = np.stack([evidence[part][trial, -1] for trial, part in enumerate(parts)])
        aggregate = cls(_template(sums), log_prior, tempering_exponent(unseen, log_prior, codes))
        return aggregate, [aggregate.log_odds(e) for e in evidence]

    def log_odds(
        self, log_likelihood: Float[np.ndarray, "*trials classes"]
    ) -> Float[np.ndarray, "*trials classes"]:
        """Of the classes, by Bayes' rule, level with their mean."""
        odds = self.log_prior + self.beta * log_likelihood
        level: np.ndarray = odds - odds.mean(axis=-1, keepdims=True)
        return level

    def of_series(self, series: Series) -> Float[np.ndarray, "trials bins classes"]:
        """Log odds after each bin of the window."""
        return self.log_odds(log_likelihood_bins(series, self.log_template))


def _template(sums: list[Sums]) -> Float[np.ndarray, "classes bins units"]:
    """Made of all these parts of the trials, as smooth as the last of them says."""
    fitted = reduce(add, sums[:-1])
    bandwidths, shrinkages, _ = chosen_templates(fitted, sums[-1], N_BANDWIDTHS, SHRINKAGES_TRIALS)
    return (fitted + sums[-1]).log_templates(bandwidths, shrinkages)
