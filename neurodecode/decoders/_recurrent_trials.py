"""Recurrent decoders of one thing of each trial: its class, or its value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from neurodecode.data.trials import Trials
from neurodecode.decoders._aggregate import Aggregate
from neurodecode.decoders._base import UnfoldingClassDecoder, ValueDecoder
from neurodecode.decoders._class_parts import of_known_classes
from neurodecode.decoders._held_out import dealt, share_of_logits, share_of_values
from neurodecode.decoders._recurrent_base import RecurrentDecoder
from neurodecode.decoders._recurrent_training import Task, said
from neurodecode.decoders._series import Series, check_classes, check_values
from neurodecode.errors import DataError

MOST_BINS = 50


@dataclass(eq=False, repr=False, kw_only=True)
class TrialByTrial(RecurrentDecoder):
    """A recurrent network that decodes one thing of each trial, and says in every bin what the trial so far tells.

    ``bin_size_s`` None: the bins of ``Trials``, or the smallest whole number of them that leaves at most 50 bins.
    Each network holds out a fifth of the trials, another each, on which its training is stopped.
    """

    hidden: int = 32
    seeds: int = 5
    epochs: int = 40
    learning_rate: float = 5e-3

    def series(self, X: Any) -> Series:
        """X in bins of ``bin_size_s``, or of the size that was chosen for the trials that it was fitted to."""
        size = getattr(self, "bin_size_s_", None) if self.bin_size_s is None else self.bin_size_s
        return Series.of(X, size)

    def both(self, X: Any, targets: np.ndarray, other: tuple[Any, np.ndarray] | None) -> tuple[Series, np.ndarray]:
        """Training and validation trials together: each is held out by one network and trains the others."""
        self.bin_size_s_ = None
        if isinstance(X, Trials) and self.bin_size_s is None:
            self.bin_size_s_ = coarse_bin_size_s(X)
        series = self.series(X)
        if other is None:
            return series, targets
        return series.followed_by(self.series(other[0])), np.concatenate([targets, other[1]])

    def fit_trials(
        self, series: Series, targets: np.ndarray, parts: np.ndarray, starts: Sequence[np.ndarray], loss: Any
    ) -> tuple[np.ndarray, Task]:
        """Train the networks; ``targets`` (trials, outputs), ``parts``: which trials are held out together.

        starts: what networks add to where each part is held out. Returns what of each trial the networks say that
        did not see it (trials, bins, outputs; NaN where every network did), and its targets, weights and start.
        """
        shape = (series.n_trials, series.n_bins, targets.shape[1])
        observed = series.mask[:, series.lead :].any(axis=2).astype(np.float32)
        weights = observed / np.maximum(observed.sum(axis=1, keepdims=True), 1)
        wide = np.broadcast_to(targets[:, None].astype(np.float32), shape)
        tasks = [Task(series, self.scaling, wide, weights, start, loss) for start in starts]
        numbers = [number % len(starts) for number in range(self.seeds)]
        held_out = [np.flatnonzero(parts == number) for number in numbers]
        rounds = [
            (tasks[number].sequences(trials=np.flatnonzero(parts != number)), tasks[number].sequences(trials=out))
            for number, out in zip(numbers, held_out, strict=True)
        ]
        networks = self.train(rounds, segment_bins=series.n_bins + series.lead)
        total, n_said = np.zeros(shape), np.zeros((series.n_trials, 1, 1))
        for network, out, (_, held) in zip(networks, held_out, rounds, strict=True):
            total[out] += said(network, held, self.device)
            n_said[out] += 1
        with np.errstate(invalid="ignore"):
            unseen = np.stack([np.broadcast_to(starts[part], shape)[trial] for trial, part in enumerate(parts)])
            return total / n_said, Task(series, self.scaling, wide, weights, unseen, loss)

    def unfolding(self, X: Any) -> Float[np.ndarray, "trials bins outputs"]:
        """What is decoded after every bin; where none was observed, what was after the last that had been."""
        outputs, series = self.outputs(X)
        decoded = self.from_outputs(outputs)
        observed = series.mask[:, series.lead :].any(axis=2)
        last = np.maximum.accumulate(np.where(observed, np.arange(series.n_bins), -1), axis=1)
        held = np.take_along_axis(decoded, np.maximum(last, 0)[..., None], axis=1)
        return np.where(last[..., None] < 0, self.from_outputs(self.offset_), held)


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentClasses(TrialByTrial, UnfoldingClassDecoder):
    """A recurrent network that gives the probability of each class after every bin of a trial.

    It starts from naive Bayes on templates of the classes, and adds to their log odds what it makes of the trial.
    """

    batches_per_epoch: int = 8
    learning_rate: float = 1e-2
    weight_decay: float = 0.1
    input_dropout: float = 0.1
    dropout: float = 0.5

    def fit(self, X: Any, y: Any = None, *, validation: tuple[Any, Any] | None = None) -> RecurrentClasses:
        """Train on X and ``validation`` together, each network holding out another part of the trials, on which
        it is stopped. How much of what they add to naive Bayes is kept is chosen on these parts too."""
        self.check_hyperparameters()
        labels = self.labels(X, y)
        self.classes_ = check_classes(labels)
        other = None if validation is None else of_known_classes(self, validation, self.classes_)
        series, labels = self.both(X, labels, other)
        targets = (labels[:, None] == self.classes_).astype(np.float32)
        parts = dealt(labels, np.random.default_rng(self.random_state))
        aggregate, starts = Aggregate.fitted(series, targets.argmax(axis=1), parts, self.classes_.size)
        self.measure(series, aggregate.log_prior)
        self.log_template_, self.beta_ = aggregate.log_template, aggregate.beta
        found, task = self.fit_trials(series, targets, parts, starts, "cross-entropy")
        self.share_ = share_of_logits(task.targets, task.offset, found, task.weights)
        return self

    @property
    def aggregate(self) -> Aggregate:
        """Naive Bayes, from which the networks start."""
        return Aggregate(self.log_template_, self.offset_, self.beta_)

    def start(self, series: Series) -> Float[np.ndarray, "trials bins classes"]:
        """Log odds of the classes by their average responses."""
        series.check_bins(self.n_bins_)
        return self.aggregate.of_series(series)

    def start_of_bin(self, number: int, told: np.ndarray, observed: np.ndarray) -> Float[np.ndarray, " classes"]:
        """Log odds by the counts of one bin."""
        if number >= self.n_bins_:
            raise DataError(f"the trial has {self.n_bins_} bins, all of which were told: start a new stream")
        log_mu = self.log_template_[:, number, observed]
        odds: np.ndarray = self.beta_ * (told[observed] * log_mu - np.exp(log_mu)).sum(axis=1)
        odds -= odds.mean()
        return odds

    def predict_proba_bins(self, X: Any) -> Float[np.ndarray, "trials bins classes"]:
        """Probability of each class after each bin."""
        return self.unfolding(X)

    def from_outputs(self, outputs: Float[np.ndarray, "*shape classes"]) -> Float[np.ndarray, "*shape classes"]:
        """Probabilities of log odds."""
        found: np.ndarray = softmax(outputs, axis=-1)
        return found


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentValues(TrialByTrial, ValueDecoder):
    """A recurrent network that decodes one number of each trial."""

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> RecurrentValues:
        """Train on X and ``validation`` together, each network holding out another part of the trials, on which
        it is stopped. How far predictions move from the mean value is chosen on these parts too."""
        self.check_hyperparameters()
        values = self.values(X, y)
        check_values(values)
        other = None if validation is None else (validation[0], self.values(*validation))
        series, values = self.both(X, values, other)
        self.target_ = {"mean": np.array([values.mean()]), "sd": np.array([values.std()])}
        targets = ((values - values.mean()) / values.std())[:, None]
        self.measure(series, np.zeros(1))
        parts = dealt(np.zeros(values.size), np.random.default_rng(self.random_state))
        starts = [self.offset_] * (int(parts.max()) + 1)
        found, task = self.fit_trials(series, targets, parts, starts, "squares")
        self.share_ = share_of_values(task.targets, found, task.weights)
        return self

    def predict_bins(self, X: Any) -> Float[np.ndarray, "trials bins"]:
        """The value of each trial as its bins so far tell it."""
        return self.unfolding(X)[..., 0]

    def predict(self, X: Any) -> Float[np.ndarray, " trials"]:
        """The value of each trial, after its last bin."""
        return self.predict_bins(X)[:, -1]

    def from_outputs(self, outputs: Float[np.ndarray, "*shape one"]) -> Float[np.ndarray, "*shape one"]:
        """In the value's units."""
        found: np.ndarray = outputs * self.target_["sd"] + self.target_["mean"]
        return found


def coarse_bin_size_s(trials: Trials) -> float | None:
    """Smallest multiple of the trials' bins that divides the window into at most ``MOST_BINS``; None: theirs."""
    for n_each in range(math.ceil(trials.n_bins / MOST_BINS), trials.n_bins // 10 + 1):
        if trials.n_bins > MOST_BINS and trials.n_bins % n_each == 0:
            return trials.bin_size_s * n_each
    return None
