"""A hidden state on a grid, filtered forward through Poisson counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.decoders._series import Series
from neurodecode.decoders._signal_grid import Continuity
from neurodecode.decoders._tuning import Tuning

_VALUES_AT_ONCE = 1 << 22  # of log-likelihoods


@dataclass(frozen=True, eq=False)
class StateFilter:
    """Probability of every state given the counts so far, the likelihood being raised to ``power``.

    signals: (all points, dims) what the points of the grid stand for.
    """

    tuning: Tuning
    continuity: Continuity
    power: float
    signals: Float[np.ndarray, "all dims"]

    def update(
        self, before: Float[np.ndarray, "trials states"] | None, log_likelihood: Float[np.ndarray, "trials states"]
    ) -> Float[np.ndarray, "trials states"]:
        """After one more bin; ``before`` None: the first one."""
        if before is None:
            prior = np.broadcast_to(self.tuning.occupancy, log_likelihood.shape)
        else:
            prior = self.continuity.move(before)
        with np.errstate(divide="ignore"):
            log_joint = np.log(prior) + self.power * log_likelihood
        after: np.ndarray = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
        after /= after.sum(axis=1, keepdims=True)
        return after

    def read(
        self, probability: Float[np.ndarray, "trials states"], readout: str
    ) -> Float[np.ndarray, "trials dims"]:
        """Mean or mode, whatever the heading."""
        of_points = probability.reshape(len(probability), -1, len(self.signals)).sum(axis=1)
        mean: np.ndarray = of_points @ self.signals
        return mean if readout == "mean" else self.signals[of_points.argmax(axis=1)]


def decoded(
    filters: Sequence[StateFilter], series: Series, readouts: Sequence[str]
) -> list[dict[str, Float[np.ndarray, "trials bins dims"]]]:
    """The signal in every bin of the window by each filter and read-out.

    The filters share one tuning, whose log-likelihood is what takes the time.
    """
    tuning, n_dims = filters[0].tuning, filters[0].signals.shape[1]
    found = [{r: np.empty((series.n_trials, series.n_bins, n_dims)) for r in readouts} for _ in filters]
    probability: list[np.ndarray | None] = [None] * len(filters)
    at_once = max(1, _VALUES_AT_ONCE // (series.n_trials * tuning.visited.size))
    for start in range(0, series.counts.shape[1], at_once):
        own = slice(start, start + at_once)
        log_likelihood = tuning.log_likelihood(series.counts[:, own].astype(float), series.mask[:, own])
        for place in range(log_likelihood.shape[1]):
            step = start + place - series.lead
            for which, one in enumerate(filters):
                now = one.update(probability[which], log_likelihood[:, place])
                probability[which] = now
                for readout, values in found[which].items():
                    if step >= 0:
                        values[:, step] = one.read(now, readout)
    return found


def delayed(series: Series, lag: int) -> Series:
    """Counts ``lag`` steps later, as they bear on a signal that they lead; nothing is observed before them."""
    if lag == 0:
        return series
    counts, mask = np.zeros_like(series.counts), np.zeros_like(series.mask)
    counts[:, lag:], mask[:, lag:] = series.counts[:, :-lag], series.mask[:, :-lag]
    return replace(series, counts=counts, mask=mask)


def nothing_observed(n_units: int) -> tuple[Float[np.ndarray, " units"], Bool[np.ndarray, " units"]]:
    """Counts of a bin, and which units were observed."""
    return np.zeros(n_units), np.zeros(n_units, bool)
