"""Bayesian decoder: Poisson tuning curves on a grid of the signal, and a prior that it moves little each bin.

Source: Zhang, Ginzburg, McNaughton & Sejnowski 1998, J Neurophysiol 79:1017; recursive form: Brown, Frank, Tang,
Quirk & Wilson 1998, J Neurosci 18:7411.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from neurodecode.decoders._base import SignalDecoder, Stream
from neurodecode.decoders._bayesian_search import Candidates, chosen, described, led, movement
from neurodecode.decoders._choices import numbers_to_choose_from, told_counts
from neurodecode.decoders._places import is_circle
from neurodecode.decoders._signal_grid import Continuity, SignalGrid
from neurodecode.decoders._signal_parts import SignalPart, signal_parts
from neurodecode.decoders._state_filter import StateFilter, decoded, delayed, nothing_observed
from neurodecode.decoders._tuning import Tuning, Visits
from neurodecode.errors import ConfigError

READOUTS = ("mean", "mode")
_POINTS = {1: 150, 2: 40}
_TINY = 1e-6


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
    lags: tuple[int, ...] = (0, 1, 2, 3)
    powers: tuple[float, ...] = (1.0, 0.5, 0.25, 0.1)
    readouts: tuple[Literal["mean", "mode"], ...] = ("mean", "mode")
    headings: bool | None = None
    circular: bool | None = None
    bin_size_s: float | None = None

    causal = True

    def fit(self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None) -> BayesianDecoder:
        """Choose everything by the median error on validation, then fit to all.

        Raises ConfigError for hyper-parameters out of range, DataError as ``SignalDecoder.fit``, for three dims or
        more, and for a signal that is never known in two neighbouring bins.
        """
        self._check()
        parts = signal_parts(self, X, y, validation)
        grid = self._grid(parts)
        best, error = chosen(grid, *parts, self._candidates(grid))
        late = [led(part, best.lag) for part in parts]
        tuning = Tuning.of(grid, Visits.of(grid, late, headings=best.headings), best.smoothing)
        steps, self.turns_ = movement(grid, late, headings=best.headings)
        self.points_, self.expected_counts_, self.step_ = grid.points, tuning.counts, best.step * steps
        self.occupancy_, self.visited_ = tuning.occupancy, tuning.visited
        self.choice_: dict[str, Any] = described(best, error, circular=grid.circular)
        return self

    def predict(self, X: Any) -> Float[np.ndarray, "*trials bins dims"]:
        """The signal in every bin of the window; the lead is filtered too."""
        check_is_fitted(self)
        series = self.series(X)
        series.check_units(len(self.expected_counts_))
        readout = self.choice_["readout"]
        found = decoded([self._filter()], delayed(series, self.choice_["lag"]), [readout])[0][readout]
        return found[0] if series.one else found

    def stream(self) -> Stream:
        """At the start of a recording, the signal being where it is most of the time."""
        check_is_fitted(self)
        return _BayesianStream(self._filter(), self.choice_["readout"], self.choice_["lag"])

    def _filter(self) -> StateFilter:
        grid = SignalGrid(self.points_, self.choice_["circular"])
        tuning = Tuning(self.expected_counts_, self.occupancy_, self.visited_)
        continuity = Continuity.of(grid, self.step_, self.visited_, self.turns_)
        return StateFilter(tuning, continuity, self.choice_["power"], grid.signals)

    def _grid(self, parts: Sequence[SignalPart]) -> SignalGrid:
        values = np.concatenate([part.rows for part in parts])
        circular = self.circular
        if circular is None:
            circular = is_circle(values)
        n_points = self.n_points or _POINTS.get(1 if circular else values.shape[1], 2)
        return SignalGrid.over(values, n_points, circular=circular)

    def _check(self) -> None:
        if self.n_points is not None and self.n_points < 2:
            raise ConfigError(f"n_points must be at least 2, got {self.n_points}")
        if not self.readouts or not set(self.readouts) <= set(READOUTS):
            raise ConfigError(f"readouts must be some of {', '.join(READOUTS)}, got {self.readouts}")
        for name, least in (("smoothing", 0.0), ("steps", _TINY), ("powers", _TINY)):
            numbers_to_choose_from(name, getattr(self, name), least=least)
        numbers_to_choose_from("lags", self.lags, least=0, whole=True)

    def _candidates(self, grid: SignalGrid) -> Candidates:
        if len(grid.points) > 1 and self.headings:
            raise ConfigError("headings are of a signal of one dim; leave headings out")
        both = self.headings is None and len(grid.points) == 1
        return Candidates(
            lag=sorted({int(lag) for lag in self.lags}),
            headings=(False, True) if both else (bool(self.headings),),
            smoothing=sorted(self.smoothing),
            step=sorted(self.steps),
            power=sorted(self.powers, reverse=True),
            readout=[str(readout) for readout in self.readouts],
        )


class _BayesianStream(Stream):
    def __init__(self, state_filter: StateFilter, readout: str, lag: int) -> None:
        self._filter, self._readout = state_filter, readout
        self._n_units = len(state_filter.tuning.counts)
        self._waiting = deque([nothing_observed(self._n_units)] * lag)
        self._probability: np.ndarray | None = None

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """The signal in the bin of these counts; a NaN count was not observed."""
        self._waiting.append(told_counts(counts, self._n_units))
        told, observed = self._waiting.popleft()
        evidence = self._filter.tuning.log_likelihood(told[None], observed[None])
        self._probability = self._filter.update(self._probability, evidence)
        found: np.ndarray = self._filter.read(self._probability, self._readout)[0]
        return found


DECODERS = (BayesianDecoder,)
EXAMPLE = {"n_points": 20, "smoothing": (0.05,), "steps": (1.0, 3.0), "powers": (1.0,)}
