"""Class decoders that turn a likelihood of spikes into the probability of each class, by Bayes' rule."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurodecode.decoders._base import UnfoldingClassDecoder
from neurodecode.metrics.calibration import posterior, tempering_exponent
from neurodecode.metrics.classification import class_prior


class BayesClassDecoder(UnfoldingClassDecoder):
    """p(class | spikes) is proportional to p(spikes | class)^beta p(class).

    ``tempered``: beta is the exponent under which validation trials are best foretold, since spikes that depend on
    each other count too much where a model takes them for independent; else beta is 1.

    log_prior_: (classes,) from the training trials. beta_: chosen on the whole of validation trials, whether it is
    used or not, and the same in every bin.
    """

    causal = True
    tempered: bool
    log_prior_: Float[np.ndarray, " classes"]
    beta_: float

    @abc.abstractmethod
    def log_likelihood_bins(self, X: Any) -> Float[np.ndarray, "trials bins classes"]:
        """Log-likelihood (nats) of the counts up to and with each bin under each class, up to a constant."""

    def probabilities(
        self, log_likelihood: Float[np.ndarray, "*trials classes"], *, tempered: bool
    ) -> Float[np.ndarray, "*trials classes"]:
        """Probability of each class from what ``log_likelihood_bins`` gave, which may be all that is costly."""
        return posterior(log_likelihood, self.log_prior_, beta=self.beta_ if tempered else 1.0)

    def predict_proba_bins(self, X: Any) -> Float[np.ndarray, "trials bins classes"]:
        """Probability of each class after each bin."""
        return self.probabilities(self.log_likelihood_bins(X), tempered=self.tempered)

    def diagnostics(self) -> dict[str, Any]:
        """The exponent, and what else was chosen."""
        return {"beta": self.beta_, **super().diagnostics()}

    def _exponent(self) -> float:
        return self.beta_ if self.tempered else 1.0

    def _weigh(
        self,
        trained_on: Int[np.ndarray, " trials"],
        log_likelihood: Float[np.ndarray, "validation classes"],
        codes: Int[np.ndarray, " validation"],
    ) -> None:
        """Set prior and exponent: from the classes of training trials, and from validation trials whose whole
        log-likelihood comes from a model that has not seen them."""
        self.log_prior_ = np.log(class_prior(trained_on, self.classes_.size))
        self.beta_ = tempering_exponent(log_likelihood, self.log_prior_, codes)
