"""Bayesian decoder: Poisson tuning curves on a grid of the signal, and a prior that it moves little each bin.

Source: Zhang, Ginzburg, McNaughton & Sejnowski 1998, J Neurophysiol 79:1017; recursive form: Brown, Frank, Tang,
Quirk & Wilson 1998, J Neurosci 18:7411.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import SignalDecoder, Stream
from neurodecode.decoders._choices import numbers_to_choose_from, told_counts
from neurodecode.decoders._series import Series
from neurodecode.decoders._signal_grid import Continuity, SignalGrid
from neurodecode.decoders._signal_parts import SignalPart, signal_parts
from neurodecode.decoders._tuning import Tuning, Visits
from neurodecode.errors import ConfigError, DataError

READOUTS = ("mean", "mode")
_POINTS = {1: 150, 2: 40}
_VALUES_AT_ONCE = 1 << 22  # of log-likelihoods


@dataclass(eq=False, repr=False, kw_only=True)
class BayesianDecoder(SignalDecoder):
    """Probability of each value of a signal of one or two dims, filtered forward.

    n_points: of the grid along each dim; None: 150 for one dim, 40 for two. smoothing: of tuning curves and
    occupancy, to choose from: standard deviation in parts of the range (of the circle). steps: standard deviation
    of the continuity prior, to choose from, in multiples of the root mean square step that the signal was measured
    to make. powers: to which the likelihood is raised, to choose from; below 1 where units do not vary
    independently and spikes are more variable than Poisson's. readouts: ``mean`` or ``mode`` of the posterior, to
    choose from. headings: whether a signal of one dim has tuning curves of their own where it grows and where it
    falls, as place cells of a track have, None: chosen. circular: the signal is sine and cosine of an angle, None:
    where the two dims are of length 1 throughout. bin_size_s: bins (s) that ``Trials`` are summed into. Units that
    were not observed tell nothing.

    Choices minimise the median error on validation; then training and validation are fitted together.
    Fitted: ``points_`` (dims, points) of the grid, ``expected_counts_`` (units, states), ``occupancy_`` and
    ``visited_`` (states; points, or those of each heading), ``turns_`` (headings, headings), ``step_`` (dims) the
    prior's standard deviation, ``choice_``.
    """

    n_points: int | None = None
    smoothing: tuple[float, ...] = (0.01, 0.02, 0.04, 0.08)
    steps: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    powers: tuple[float, ...] = (1.0, 0.5, 0.25)
    readouts: tuple[Literal["mean", "mode"], ...] = ("mean", "mode")
    headings: bool | None = None
    circular: bool | None = None
    bin_size_s: float | None = None

    causal = True

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> BayesianDecoder:
        """Choose smoothing, step, power and read-out by the median error on validation, then fit to all.

        Raises ConfigError for hyper-parameters out of range, DataError as ``SignalDecoder.fit``, for three dims or
        more, and for a signal that is never known in two neighbouring bins.
        """
        lists = self._lists()
        parts = signal_parts(self, X, y, validation)
        grid = self._grid(parts)
        found: dict[tuple[Any, ...], float] = {}
        for n_headings in self._numbers_of_headings(grid):
            visits, steps = Visits.of(grid, parts[:1], n_headings), _measured_steps(grid, parts[:1])
            turns = _measured_turns(grid, parts[:1], n_headings)
            for smoothing, multiple, power in product(lists["smoothing"], lists["steps"], lists["powers"]):
                tuning = Tuning.of(grid, visits, smoothing)
                posterior = _Filter(
                    grid, tuning, Continuity.of(grid, multiple * steps, tuning.visited, turns), power
                )
                for readout, error in posterior.errors(parts[1], self.readouts).items():
                    found[n_headings, smoothing, multiple, power, readout] = error
        n_headings, smoothing, multiple, power, readout = best = min(found, key=found.__getitem__)
        tuning = Tuning.of(grid, Visits.of(grid, parts, n_headings), smoothing)
        self.points_, self.expected_counts_ = grid.points, tuning.counts
        self.occupancy_, self.visited_ = tuning.occupancy, tuning.visited
        self.step_ = multiple * _measured_steps(grid, parts)
        self.turns_ = _measured_turns(grid, parts, n_headings)
        self.choice_: dict[str, Any] = {
            "circular": grid.circular,
            "headings": n_headings == 2,
            "smoothing": smoothing,
            "step": multiple,
            "power": power,
            "readout": readout,
            "validation_median_error": found[best],
        }
        return self

    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The signal in every bin of the window; the lead is filtered too."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(len(self.expected_counts_))
        readout = self.choice_["readout"]
        decoded = self._filter().run(series, [readout])[readout]
        return decoded[0] if series.one else decoded

    def stream(self) -> Stream:
        """At the start of a recording, the signal being where it is most of the time."""
        check_is_fitted(self)
        return _BayesianStream(self._filter(), self.choice_["readout"])

    def _filter(self) -> _Filter:
        tuning = Tuning(self.expected_counts_, self.occupancy_, self.visited_)
        grid = SignalGrid(self.points_, self.choice_["circular"])
        continuity = Continuity.of(grid, self.step_, self.visited_, self.turns_)
        return _Filter(grid, tuning, continuity, self.choice_["power"])

    def _numbers_of_headings(self, grid: SignalGrid) -> tuple[int, ...]:
        if len(grid.points) > 1:
            if self.headings:
                raise ConfigError("headings are of a signal of one dim; leave headings out")
            return (1,)
        return (1, 2) if self.headings is None else (1 + self.headings,)

    def _grid(self, parts: Sequence[SignalPart]) -> SignalGrid:
        values = np.concatenate([part.rows for part in parts])
        circular = self.circular
        if circular is None:
            circular = values.shape[1] == 2 and bool(np.allclose(np.hypot(*values.T), 1.0, atol=1e-6))
        n_points = self.n_points or _POINTS.get(1 if circular else values.shape[1], 2)
        return SignalGrid.over(values, n_points, circular=circular)

    def _lists(self) -> dict[str, list[float]]:
        if self.n_points is not None and self.n_points < 2:
            raise ConfigError(f"n_points must be at least 2, got {self.n_points}")
        if not self.readouts or not set(self.readouts) <= set(READOUTS):
            raise ConfigError(f"readouts must be some of {', '.join(READOUTS)}, got {self.readouts}")
        return {
            name: numbers_to_choose_from(name, getattr(self, name), least=least)
            for name, least in (("smoothing", 0.0), ("steps", 1e-6), ("powers", 1e-6))
        }


class _Filter:
    """Probability of every state given the counts so far."""

    def __init__(self, grid: SignalGrid, tuning: Tuning, continuity: Continuity, power: float) -> None:
        self.signals, self.tuning, self._continuity, self._power = grid.signals, tuning, continuity, power
        self._log, self._expected = np.log(tuning.counts), tuning.counts

    def log_likelihood(
        self, counts: Float[np.ndarray, "*some units"], observed: np.ndarray
    ) -> Float[np.ndarray, "*some states"]:
        """Of these counts in every state, up to a constant; units that were not observed are left out."""
        seen = np.broadcast_to(observed, counts.shape).astype(float)
        found: np.ndarray = self._power * ((counts * seen) @ self._log - seen @ self._expected)
        return found

    def update(
        self, before: Float[np.ndarray, "trials states"] | None, evidence: Float[np.ndarray, "trials states"]
    ) -> Float[np.ndarray, "trials states"]:
        """After one more bin; ``before`` None: the first one."""
        if before is None:
            prior = np.broadcast_to(self.tuning.occupancy, evidence.shape)
        else:
            prior = self._continuity.move(before)
        with np.errstate(divide="ignore"):
            log_joint = np.log(prior) + evidence
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

    def errors(self, part: SignalPart, readouts: Sequence[str]) -> dict[str, float]:
        """Median error of each read-out over the known bins."""
        decoded = self.run(part.series, readouts)
        return {
            readout: float(np.median(np.sqrt(np.square(values[part.known] - part.rows).sum(axis=1))))
            for readout, values in decoded.items()
        }

    def run(self, series: Series, readouts: Sequence[str]) -> dict[str, Float[np.ndarray, "trials bins dims"]]:
        """The signal in every bin of the window, for each read-out."""
        n_dims = self.signals.shape[1]
        decoded = {r: np.empty((series.n_trials, series.n_bins, n_dims)) for r in readouts}
        probability = None
        at_once = max(1, _VALUES_AT_ONCE // (series.n_trials * self._expected.shape[1]))
        for start in range(0, series.counts.shape[1], at_once):
            own = slice(start, start + at_once)
            evidence = self.log_likelihood(series.counts[:, own].astype(float), series.mask[:, own])
            for place in range(evidence.shape[1]):
                probability = self.update(probability, evidence[:, place])
                step = start + place - series.lead
                for readout, values in decoded.items():
                    if step >= 0:
                        values[:, step] = self.read(probability, readout)
        return decoded


class _BayesianStream(Stream):
    def __init__(self, filter_: _Filter, readout: str) -> None:
        self._filter, self._readout = filter_, readout
        self._probability: np.ndarray | None = None

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """The signal in the bin of these counts; a NaN count was not observed."""
        told, observed = told_counts(counts, len(self._filter.tuning.counts))
        evidence = self._filter.log_likelihood(told[None], observed[None])
        self._probability = self._filter.update(self._probability, evidence)
        decoded: np.ndarray = self._filter.read(self._probability, self._readout)[0]
        return decoded


def _measured_steps(grid: SignalGrid, parts: Sequence[SignalPart]) -> Float[np.ndarray, " dims"]:
    """Root mean square change of the signal from bin to bin in each dim of the grid."""
    changes = [grid.changes(part.values).reshape(-1, len(grid.points)) for part in parts]
    known = np.concatenate([change[np.isfinite(change).all(axis=1)] for change in changes])
    if len(known) == 0:
        raise DataError("the signal is known in no two neighbouring bins: how far it moves cannot be measured")
    steps: Float[np.ndarray, " dims"] = np.sqrt(np.square(known).mean(axis=0))
    return steps


def _measured_turns(
    grid: SignalGrid, parts: Sequence[SignalPart], n_headings: int
) -> Float[np.ndarray, "headings headings"]:
    """Probability of each heading given that of the bin before; half a turn is added, so that all are possible."""
    counts = np.full((n_headings, n_headings), 0.5)
    for part in parts if n_headings == 2 else ():
        both = part.known[:, :-1] & part.known[:, 1:]
        heading = grid.heading(part.values)
        np.add.at(counts, (heading[:, :-1][both], heading[:, 1:][both]), 1.0)
    turns: Float[np.ndarray, "headings headings"] = counts / counts.sum(axis=1, keepdims=True)
    return turns


DECODERS = (BayesianDecoder,)
EXAMPLE = {"n_points": 20, "smoothing": (0.05,), "steps": (1.0, 3.0), "powers": (1.0,)}
