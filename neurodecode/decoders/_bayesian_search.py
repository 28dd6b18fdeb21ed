"""What a Bayesian decoder chooses on validation, and what it measures of how a signal moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.decoders._signal_grid import Continuity, SignalGrid
from neurodecode.decoders._signal_parts import SignalPart
from neurodecode.decoders._state_filter import StateFilter, decoded, delayed
from neurodecode.decoders._tuning import Tuning, Visits
from neurodecode.errors import DataError


@dataclass(frozen=True)
class Choice:
    """One setting of all that is chosen."""

    lag: int
    headings: bool
    smoothing: float
    step: float
    power: float
    readout: str


@dataclass(frozen=True)
class Candidates:
    """The values of each that are chosen from."""

    lag: Sequence[int]
    headings: Sequence[bool]
    smoothing: Sequence[float]
    step: Sequence[float]
    power: Sequence[float]
    readout: Sequence[str]

    def only(self, choice: Choice, *names: str) -> Candidates:
        """With these as they were chosen."""
        return replace(self, **{name: (getattr(choice, name),) for name in names})


def chosen(
    grid: SignalGrid, train: SignalPart, held_out: SignalPart, candidates: Candidates
) -> tuple[Choice, float]:
    """The setting with the least median error on ``held_out``, and that error.

    All settings at the shortest lag; with the best of them all lags; all settings again at the best lag.
    """
    errors: dict[Choice, float] = {}
    _try_out(errors, grid, train, held_out, replace(candidates, lag=candidates.lag[:1]))
    best = min(errors, key=errors.__getitem__)
    _try_out(errors, grid, train, held_out, candidates.only(best, *(n for n in asdict(best) if n != "lag")))
    best = min(errors, key=errors.__getitem__)
    if best.lag != candidates.lag[0]:
        _try_out(errors, grid, train, held_out, candidates.only(best, "lag"))
        best = min(errors, key=errors.__getitem__)
    return best, errors[best]


def _try_out(
    errors: dict[Choice, float], grid: SignalGrid, train: SignalPart, held_out: SignalPart, of: Candidates
) -> None:
    for lag, headings in product(of.lag, of.headings):
        late = led(train, lag)
        visits, steps, turns = (
            Visits.of(grid, [late], headings=headings),
            *movement(grid, [late], headings=headings),
        )
        for smoothing in of.smoothing:
            tuning = Tuning.of(grid, visits, smoothing)
            motions = list(product(of.step, of.power))
            filters = [
                StateFilter(
                    tuning, Continuity.of(grid, multiple * steps, tuning.visited, turns), power, grid.signals
                )
                for multiple, power in motions
            ]
            for motion, found in zip(
                motions, decoded(filters, led(held_out, lag).series, of.readout), strict=True
            ):
                for readout, values in found.items():
                    wrong = values[held_out.known] - held_out.rows
                    errors[Choice(lag, headings, smoothing, *motion, readout)] = float(
                        np.median(np.sqrt(np.square(wrong).sum(axis=1)))
                    )


def led(part: SignalPart, lag: int) -> SignalPart:
    """With the counts that lead each bin of the signal by ``lag`` in that bin."""
    return replace(part, series=delayed(part.series, lag))


def movement(
    grid: SignalGrid, parts: Sequence[SignalPart], *, headings: bool
) -> tuple[Float[np.ndarray, " dims"], Float[np.ndarray, "headings headings"]]:
    """Root mean square change from bin to bin in each dim of the grid, and the probability of each heading given
    that of the bin before.

    Half a turn of each kind is added, so that none is impossible. Raises DataError for a signal that is known in
    no two neighbouring bins.
    """
    changes = [grid.changes(part.values).reshape(-1, len(grid.points)) for part in parts]
    known = np.concatenate([change[np.isfinite(change).all(axis=1)] for change in changes])
    if len(known) == 0:
        raise DataError("the signal is known in no two neighbouring bins: how far it moves cannot be measured")
    turns: np.ndarray = np.full((2, 2) if headings else (1, 1), 0.5)
    for part in parts if headings else ():
        both = part.known[:, :-1] & part.known[:, 1:]
        heading = grid.heading(part.values)
        np.add.at(turns, (heading[:, :-1][both], heading[:, 1:][both]), 1.0)
    return np.sqrt(np.square(known).mean(axis=0)), turns / turns.sum(axis=1, keepdims=True)


def described(choice: Choice, error: float, *, circular: bool) -> dict[str, Any]:
    """For ``choice_``."""
    return {"circular": circular, **asdict(choice), "validation_median_error": error}
