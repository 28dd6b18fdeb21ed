"""Likelihood decoding: the class under which a model of spikes finds a trial likeliest, by Bayes' rule.

What a model knows about single trials - refractoriness, adaptation, coupling - enters the read-out this way, and
nothing else differs from the PSTH read out alike. Pillow et al. 2008, Nature 454:995 (decoding by a coupled GLM).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.utils.validation import check_is_fitted

from neurodecode.data.rebinning import rebinned
from neurodecode.data.trials import Trials
from neurodecode.decoders._base import Stream
from neurodecode.decoders._bayes import BayesClassDecoder
from neurodecode.decoders._choices import told_counts
from neurodecode.decoders._class_parts import class_parts
from neurodecode.decoders._encoding import before_validation, bin_log_likelihood
from neurodecode.decoders._series import Series
from neurodecode.errors import ConfigError, DataError
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics.calibration import posterior
from neurodecode.models import FittedModel, PointProcessModel, build_model

_BLOCK_VALUES = 2**22  # of rates computed at a time


@dataclass(eq=False, repr=False, kw_only=True)
class LikelihoodDecoder(BayesClassDecoder):
    """``model``: a family of encoding models, or a mapping of ``family`` and hyper-parameters; one that is fitted
    can be given to ``fit`` instead. ``tempered``: see ``BayesClassDecoder``.

    ``bin_size_s``: ``Trials`` are summed into bins of this size; of arrays it is the size of their bins, which a
    model of spikes must know. A stream of a decoder fitted to ``Trials`` is told their lead first.
    """

    model: str | dict[str, Any] = "psth"
    bin_size_s: float | None = None
    tempered: bool = True
    random_state: int = 0

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: tuple[Any, Any] | None = None,
        encoding: FittedModel | None = None,
    ) -> LikelihoodDecoder:
        """Fit the encoding model, its conditions being the classes, and choose the exponent on validation trials.

        ``encoding``: a model fitted to X and these validation trials with the classes as conditions; taken as it
        is. The exponent comes from a model without validation trials: what every model averages over them is
        estimated again from training trials, while weights of networks have not seen them anyway.

        Raises ConfigError for an unknown model and for ``encoding`` without validation, DataError where the
        conditions of ``encoding`` are not the classes.
        """
        if encoding is not None and validation is None:
            raise ConfigError("likelihood: with encoding= give the validation=(X, y) that it was fitted with")
        model = self._built() if encoding is None else encoding.model
        self.classes_, training, held_out = class_parts(self, X, y, validation, self.random_state)
        trials, others = self._trials(training.X), self._trials(held_out.X)
        self.condition_names_ = [str(name) for name in self.classes_]
        self.conditions_ = np.arange(self.classes_.size)
        if encoding is not None:
            self.condition_names_ = list(trials.condition_names)
            self.conditions_ = _conditions_of_classes(trials, training.codes)
        trials, others = self._of_class(trials, training.codes), self._of_class(others, held_out.codes)
        rng = np.random.default_rng(self.random_state)
        if encoding is None:
            encoding = model.fit(trials, others, rng)
        self._keep(encoding, trials)
        unseen = self._of_classes(before_validation(encoding, trials, others, rng), others)[:, -1]
        self._weigh(np.concatenate([training.codes, held_out.codes]), unseen, held_out.codes)
        return self

    def _built(self) -> PointProcessModel:
        if isinstance(self.model, str):
            return build_model(self.model)
        if not isinstance(self.model, dict) or "family" not in self.model:
            raise ConfigError(
                "likelihood: model must be the name of a family of encoding models, or {family: ..., and its "
                f"hyper-parameters}}; got {self.model!r}"
            )
        hyperparameters = dict(self.model)
        return build_model(str(hyperparameters.pop("family")), **hyperparameters)

    def _trials(self, X: Any) -> Trials:
        if isinstance(X, Trials):
            return X if self.bin_size_s is None else rebinned(X, self.bin_size_s)
        if self.bin_size_s is None:
            raise ConfigError("likelihood: arrays do not say how long a bin is: give bin_size_s, or Trials")
        return Trials.from_counts(Series.of(X).counts, self.bin_size_s)

    def _of_class(self, trials: Trials, codes: Int[np.ndarray, " trials"] | int) -> Trials:
        """The trials as if they were of these classes. Nothing else tells a model what they are."""
        condition = np.broadcast_to(self.conditions_[codes], trials.n_trials).copy()
        return replace(trials, condition=condition, condition_names=tuple(self.condition_names_), columns={})

    def _keep(self, encoding: FittedModel, trials: Trials) -> None:
        self.encoding_: dict[str, Any] = {
            "family": encoding.model.family,
            "hyperparameters": asdict(encoding.model),
            "description": encoding.description(),
        }
        self.encoding_parameters_ = encoding.parameters()
        self._fitted = encoding
        self.grid_: dict[str, Any] = {
            "bin_size_s": trials.bin_size_s,
            "window_start_s": trials.window_start_s,
            "lead": trials.lead,
        }
        self.n_steps_, self.n_units_, self.covariates_ = trials.n_steps, trials.n_units, sorted(trials.covariates)

    @property
    def encoding(self) -> FittedModel:
        """The fitted encoding model."""
        check_is_fitted(self)
        if "_fitted" not in vars(self):
            model = build_model(self.encoding_["family"], **self.encoding_["hyperparameters"])
            self._fitted = model.rebuild(self.encoding_parameters_, self.encoding_["description"])
        return self._fitted

    def log_likelihood_bins(self, X: Any) -> Float[np.ndarray, "trials bins classes"]:
        """Log-likelihood (nats) of the counts up to and with each bin under each class: a pass for every class."""
        return self._of_classes(self.encoding, self._trials(X))

    def _of_classes(self, encoding: FittedModel, trials: Trials) -> Float[np.ndarray, "trials bins classes"]:
        found = np.empty((trials.n_trials, trials.n_bins, self.classes_.size))
        at_once = max(1, _BLOCK_VALUES // (trials.n_steps * trials.n_units))
        for start in range(0, trials.n_trials, at_once):
            block = trials.select(np.arange(start, min(start + at_once, trials.n_trials)))
            for code in range(self.classes_.size):
                each = bin_log_likelihood(encoding, self._of_class(block, code))
                found[start : start + block.n_trials, :, code] = each.cumsum(axis=1)
        return found

    def stream(self) -> LikelihoodStream:
        """The decoder at the start of a trial. Raises ConfigError for models that see covariates."""
        encoding = self.encoding
        if self.covariates_:
            raise ConfigError(
                f"likelihood: a stream of counts does not tell the covariates {', '.join(self.covariates_)} that "
                "the encoding model sees: fit it to trials without them"
            )
        silent = np.zeros((self.classes_.size, self.n_steps_, self.n_units_), np.uint8)
        classes = self._of_class(Trials.from_counts(silent, **self.grid_), np.arange(self.classes_.size))
        return LikelihoodStream(encoding, classes, self.log_prior_, self._exponent())


def _conditions_of_classes(trials: Trials, codes: Int[np.ndarray, " trials"]) -> Int[np.ndarray, " classes"]:
    """The condition of each class's trials. Raises DataError where conditions are not the classes."""
    found = [np.unique(trials.condition[codes == code]) for code in np.unique(codes)]
    if any(conditions.size > 1 for conditions in found) or np.unique(np.concatenate(found)).size < len(found):
        raise DataError(
            f"likelihood: the encoding model tells the conditions {', '.join(trials.condition_names)} apart, "
            "which are not the classes to decode: set condition to the column of the classes, and fit it again"
        )
    return np.concatenate(found)


class LikelihoodStream(Stream):
    """The encoding model run forward under every class at once, a row each."""

    def __init__(
        self, encoding: FittedModel, classes: Trials, log_prior: Float[np.ndarray, " classes"], beta: float
    ) -> None:
        self._stepper, self._classes, self._prior, self._beta = encoding.stepper(classes), classes, log_prior, beta
        self._step, self._evidence = 0, np.zeros(log_prior.size)

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " classes"]:
        """Probability of each class once these counts are known; NaN for a unit that was not observed.

        Raises DataError for counts of other units and after the last bin of the trial.
        """
        trials = self._classes
        told, observed = told_counts(counts, trials.n_units)
        if self._step >= trials.n_steps:
            raise DataError(f"the trial has {trials.n_bins} bins, all of which were told: start a new stream")
        mu = self._stepper.expected(self._step)
        if self._step >= trials.lead:
            n, mask = (np.broadcast_to(one, mu.shape)[:, None] for one in (told.astype(np.uint16), observed))
            self._evidence = self._evidence + trial_log_likelihood(n, mu[:, None], 1.0, mask).sum(axis=1)
        seen = np.where(observed, told, self._stepper.fill)
        self._stepper.observe(self._step, np.broadcast_to(seen, mu.shape).copy())
        self._step += 1
        return posterior(self._evidence, self._prior, beta=self._beta)


DECODERS = (LikelihoodDecoder,)
EXAMPLE: dict[str, Any] = {
    "model": {"family": "psth", "n_bandwidths": 4, "n_groups": 4},
    "bin_size_s": 0.005,
}
