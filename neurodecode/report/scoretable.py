"""Looking numbers up in scores.csv."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neurodecode.errors import DataError

ALL = "all"
COLUMNS = ("session", "control", "model", "fold", "unit", "metric", "value", "low", "high")
_TEXT = ("session", "control", "task", "target", "model", "fold", "unit", "metric")


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 percent interval; NaN where there is none."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

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

    def folds(self, model: str, metric: str) -> list[Estimate]:
        """The metric of each fold, pooled over units."""
        return [e for (m, name, u, f), e in self.held.items() if (m, name, u) == (model, metric, ALL) and f != ALL]

    def units(self, model: str, metric: str) -> dict[str, Estimate]:
        """The metric of each unit, pooled over folds."""
        return {
            u: e for (m, name, u, f), e in self.held.items() if (m, name, f) == (model, metric, ALL) and u != ALL
        }


def read_scores(path: str | Path) -> pd.DataFrame:
    """scores.csv as a frame with text where text belongs (a unit may be called ``1`` or ``NA``).

    Raises DataError for a file that is not a table of scores.
    """
    numbers = {name: ["", "nan", "NaN"] for name in ("value", "low", "high")}
    try:
        frame = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values=numbers)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable table of scores ({error}); score the session again") from error
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(f"{path}: not a table of scores, it lacks the columns {missing}; score the session again")
    return frame


def score_tables(frame: pd.DataFrame) -> dict[tuple[str, str], ScoreTable]:
    """One table for each (session, control), in the order of the file; control is empty for the recording."""
    held: dict[tuple[str, str], dict[tuple[str, str, str, str], Estimate]] = {}
    for session, control, model, fold, unit, metric, value, low, high in _rows(frame):
        table = held.setdefault((session, control), {})
        table[model, metric, unit, fold] = Estimate(float(value), float(low), float(high))
    return {key: ScoreTable(table) for key, table in held.items()}


def _rows(frame: pd.DataFrame) -> Iterable[tuple[str, str, str, str, str, str, float, float, float]]:
    return zip(*(frame[name] for name in COLUMNS), strict=True)
