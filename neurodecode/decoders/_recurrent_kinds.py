"""The three kinds of recurrent decoders: of a signal in every bin, of a trial's class, of a trial's value."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from neurodecode.data.trials import Trials
from neurodecode.decoders._aggregate import Aggregate
from neurodecode.decoders._base import SignalDecoder, UnfoldingClassDecoder, ValueDecoder
from neurodecode.decoders._class_parts import some
from neurodecode.decoders._held_out import (
    dealt,
    share_of_logits,
    share_of_values,
    without_the_last,
)
from neurodecode.decoders._places import Places
from neurodecode.decoders._recurrent_base import RecurrentDecoder
from neurodecode.decoders._recurrent_training import Task, said
from neurodecode.decoders._series import Series, check_classes, check_signal, check_values
from neurodecode.decoders._signal_grid import SignalGrid
from neurodecode.errors import ConfigError, DataError

log = logging.getLogger(__name__)
MOST_BINS = 50
Part = tuple[Series, np.ndarray, np.ndarray]
"""Series, the signal (trials, bins, dims), and the weight (trials, bins) of each bin."""


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentSignal(RecurrentDecoder, SignalDecoder):
    """A recurrent network that decodes a signal in every bin.

    ``places``: of a signal of one dim or an angle, whether the network says the probability of each place on a
    grid, and the median (of an angle, the mean sine and cosine) is decoded; else it says the signal itself. None:
    the one with the smaller mean distance on validation.
    """

    places: bool | None = None

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> RecurrentSignal:
        """Train on segments of series; stop, and choose the share of the networks, on ``validation``."""
        self.check_hyperparameters()
        series, values = self.series(X), self.signals(X, y)
        known = check_signal(values)
        other, true = series, values
        if validation is None:
            weights, held_out = without_the_last(known, self.warm_up_bins)
        else:
            other, true = self.series(validation[0]), self.signals(*validation)
            other.check_units(series.n_units)
            weights, held_out = (np.isfinite(v).all(axis=2).astype(np.float32) for v in (values, true))
        parts = (series, values, weights), (other, true, held_out)
        self.target_ = {"mean": values[weights > 0].mean(axis=0), "sd": values[weights > 0].std(axis=0)}
        places = Places.of(values[weights > 0])
        if self.places and places is None:
            raise ConfigError(
                f"{self.family}: places are of one dim or an angle, the signal has {values.shape[2]}"
            )
        if places is None or self.places is False:
            self._fit_values(*parts)
        elif self.places:
            self._fit_places(*parts, places)
        else:
            self._fit_both(*parts, places)
        return self

    def _fit_both(self, train: Part, held_out: Part, places: Places) -> None:
        """Leave the fit with the smaller mean distance on what is held out."""
        error = self._fit_places(train, held_out, places)
        kept = {name: value for name, value in vars(self).items() if name.endswith("_") or name == "_networks"}
        if self._fit_values(train, held_out) > error:
            self.__dict__.update(kept)

    def _fit_values(self, train: Part, held_out: Part) -> float:
        """Networks that say the signal; mean distance on what is held out."""
        self.place_points_: dict[str, np.ndarray] = {}
        scaling = self.measure(train[0], np.zeros(train[1].shape[2]))
        tasks = [
            Task(series, scaling, self._standardised(values), weights, self.offset_, "squares")
            for series, values, weights in (train, held_out)
        ]
        found = self._trained(*tasks)
        self.share_ = share_of_values(tasks[1].targets, found, tasks[1].weights)
        return self._mean_distance(found, held_out)

    def _fit_places(self, train: Part, held_out: Part, places: Places) -> float:
        """Networks that say the probability of each place; mean distance on what is held out."""
        self.place_points_ = {"circle" if places.grid.circular else "line": places.grid.points}
        labels = [places.labels(values, weights > 0) for _, values, weights in (train, held_out)]
        frequency = labels[0][train[2] > 0].mean(axis=0)
        scaling = self.measure(
            train[0], np.log(frequency + 1.0 / frequency.size / max(1.0, float(train[2].sum())))
        )
        tasks = [
            Task(series, scaling, wanted, weights, self.offset_, "cross-entropy")
            for (series, _, weights), wanted in zip((train, held_out), labels, strict=True)
        ]
        found = self._trained(*tasks)
        self.share_ = share_of_logits(tasks[1].targets, self.offset_, found, tasks[1].weights)
        return self._mean_distance(found, held_out)

    def _trained(self, task: Task, held_out: Task) -> Float[np.ndarray, "trials bins outputs"]:
        """Train the networks; what they say of what is held out."""
        training = task.sequences(margin=self.warm_up_bins, both_sides=self.bidirectional)
        rounds = [(training, held_out.sequences())] * self.seeds
        networks = self.train(rounds, segment_bins=self.segment_bins)
        found: np.ndarray = np.mean([said(n, held_out.sequences(), self.device) for n in networks], axis=0)
        return found

    def _mean_distance(self, found: Float[np.ndarray, "trials bins outputs"], held_out: Part) -> float:
        decoded = self.from_outputs(self.offset_ + self.share_ * found)
        apart = np.sqrt(np.square(decoded - held_out[1]).sum(axis=2))
        return float(apart[held_out[2] > 0].mean())

    def _standardised(self, values: np.ndarray) -> Float[np.ndarray, "trials bins dims"]:
        scaled: np.ndarray = (values - self.target_["mean"]) / self.target_["sd"]
        return scaled.astype(np.float32)

    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The signal in every bin, of X's own shape."""
        outputs, series = self.outputs(X)
        found = self.from_outputs(outputs)
        return found[0] if series.one else found

    def from_outputs(self, outputs: Float[np.ndarray, "*shape outputs"]) -> Float[np.ndarray, "*shape dims"]:
        """In the signal's units."""
        for shape, points in self.place_points_.items():
            return Places(SignalGrid(points, shape == "circle")).decoded(outputs)
        found: np.ndarray = outputs * self.target_["sd"] + self.target_["mean"]
        return found


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
        return joined(series, self.series(other[0])), np.concatenate([targets, other[1]])

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
        other = None
        if validation is not None:
            theirs = self.labels(*validation)
            known = np.flatnonzero(np.isin(theirs, self.classes_))
            if known.size < theirs.size:
                log.info("%d validation trials of classes that training lacks: left out", theirs.size - known.size)
            other = some(validation[0], known), theirs[known]
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


def joined(series: Series, other: Series) -> Series:
    """Series followed by others on the same grid. Raises DataError where the grids differ."""
    for name in ("n_units", "n_bins", "lead"):
        mine, theirs = getattr(series, name), getattr(other, name)
        if mine != theirs:
            raise DataError(f"training trials have {name} {mine}, validation trials {theirs}; cut both alike")
    masks = [
        np.broadcast_to(s.mask, (*s.mask.shape[:2], max(series.mask.shape[2], other.mask.shape[2])))
        for s in (series, other)
    ]
    return Series(
        np.concatenate([series.counts, other.counts]), np.concatenate(masks), series.lead, series.bin_size_s
    )
