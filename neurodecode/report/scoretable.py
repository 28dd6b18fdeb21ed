"""Looking numbers up in scores.csv."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from neurodecode.evaluation._score_rows import ENCODE, FORECAST

ALL = "all"
_COLUMNS = ("session", "control", "model", "fold", "unit", "metric", "value", "low", "high")


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 percent interval; NaN where there is none."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def __neg__(self) -> Estimate:
        """The same difference seen from the other side."""
        return Estimate(-self.value, -self.high, -self.low)

    @property
    def known(self) -> bool:
        """Whether there is a value at all."""
        return math.isfinite(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether both bounds are known."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.has_interval and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.has_interval and self.high < 0


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores of one session (or one of its controls), by model, metric, unit and fold."""

    held: Mapping[tuple[str, str, str, str], Estimate]

    def get(self, model: str, metric: str, *, unit: str = ALL, fold: str = ALL) -> Estimate:
        """The estimate, an unknown one where the table has none."""
        return self.held.get((model, metric, unit, fold), Estimate())

    def models(self, metric: str) -> list[str]:
        """Models that have ``metric`` pooled over units and folds, in the order of the file."""
        return [m for m, name, unit, fold in self.held if (name, unit, fold) == (metric, ALL, ALL)]

    def pooled(self, metric: str) -> ScoreTable:
        """The same of one metric, over all units and folds."""
        return ScoreTable({key: e for key, e in self.held.items() if key[1:] == (metric, ALL, ALL)})

    def folds(self, model: str, metric: str) -> list[Estimate]:
        """The metric of each fold, pooled over units."""
        return [e for (m, name, u, f), e in self.held.items() if (m, name, u) == (model, metric, ALL) and f != ALL]

    def units(self, model: str, metric: str) -> dict[str, Estimate]:
        """The metric of each unit, pooled over folds."""
        return {
            u: e for (m, name, u, f), e in self.held.items() if (m, name, f) == (model, metric, ALL) and u != ALL
        }


def score_tables(frame: pd.DataFrame, task: str = ENCODE) -> dict[tuple[str, str], ScoreTable]:
    """One table for each (session, control), in the order of the file; control is empty for the recording.

    Rows of other tasks are left out.
    """
    frame = frame[frame["task"] == task]
    held: dict[tuple[str, str], dict[tuple[str, str, str, str], Estimate]] = {}
    for session, control, model, fold, unit, metric, value, low, high in _rows(frame):
        table = held.setdefault((session, control), {})
        table[model, metric, unit, fold] = Estimate(float(value), float(low), float(high))
    return {key: ScoreTable(table) for key, table in held.items()}


ForecastTable = Mapping[int, Mapping[str, Estimate]]
"""Number of steps -> metric -> the estimate over all units and folds."""


def forecast_table(frame: pd.DataFrame) -> ForecastTable:
    """One model's forecasts by the number of steps, fewest first, from rows of the task ``forecast``."""
    pooled = frame[(frame["task"] == FORECAST) & (frame["unit"] == ALL) & (frame["fold"] == ALL)]
    held: dict[int, dict[str, Estimate]] = {}
    columns = (pooled[name].tolist() for name in ("target", "metric", "value", "low", "high"))
    for steps, metric, value, low, high in zip(*columns, strict=True):
        held.setdefault(int(steps), {})[metric] = Estimate(float(value), float(low), float(high))
    return dict(sorted(held.items()))


def _rows(frame: pd.DataFrame) -> Iterable[tuple[str, str, str, str, str, str, float, float, float]]:
    return zip(*(frame[name] for name in _COLUMNS), strict=True)
