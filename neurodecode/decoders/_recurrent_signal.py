"""Recurrent decoders of a signal in every bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.decoders._base import SignalDecoder
from neurodecode.decoders._held_out import share_of_logits, share_of_values, without_the_last
from neurodecode.decoders._places import Places
from neurodecode.decoders._recurrent_base import RecurrentDecoder
from neurodecode.decoders._recurrent_training import Task, said
from neurodecode.decoders._series import Series, check_signal
from neurodecode.decoders._signal_grid import SignalGrid
from neurodecode.errors import ConfigError

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
