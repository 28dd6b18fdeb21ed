"""The tidy rows of scores.csv, gathered metric by metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from neurodecode.errors import DataError

SCHEMA_VERSION = 1
COLUMNS = (
    "schema_version",
    "session",
    "control",
    "task",
    "target",
    "model",
    "fold",
    "unit",
    "metric",
    "value",
    "low",
    "high",
)
ALL = "all"
RECORDING = "recording"
PSTH = "psth"
ENCODE, CO_SMOOTH, FORECAST = "encode", "co_smooth", "forecast"
"""Tasks: a unit predicted from all spikes before each bin; from the other units alone; several bins ahead by a
model running free of the recording, the target being how many."""


class ScoreRows:
    """Scores of one session as they come in; each metric brings one value per unit and one for ``all``."""

    def __init__(self, *, session: str, control: str, unit_names: Sequence[str], task: str = ENCODE) -> None:
        if ALL in unit_names:
            raise DataError(f"{session}: a unit is called {ALL!r}, which names all units together; rename it")
        self.session, self.control, self.task = session, control, task
        self.units = [*unit_names, ALL]
        self._parts: list[pd.DataFrame] = []

    def add(
        self,
        model: str,
        metric: str,
        values: np.ndarray,
        *,
        fold: int | str = ALL,
        target: str = "",
        low: np.ndarray | None = None,
        high: np.ndarray | None = None,
    ) -> None:
        """Values of the units, in order, and of ``all`` units last, with bounds of their 95 percent intervals.

        ``target``: what the task is about, empty where the task says it all.
        """
        unknown = np.full(len(self.units), np.nan)
        self._parts.append(
            pd.DataFrame(
                {
                    "schema_version": SCHEMA_VERSION,
                    "session": self.session,
                    "control": self.control,
                    "task": self.task,
                    "target": target,
                    "model": model,
                    "fold": str(fold),
                    "unit": self.units,
                    "metric": metric,
                    "value": np.asarray(values, dtype=np.float64),
                    "low": unknown if low is None else low,
                    "high": unknown if high is None else high,
                },
                columns=list(COLUMNS),
            )
        )

    def frame(self) -> pd.DataFrame:
        """All rows in the order they came in."""
        return pd.concat(self._parts, ignore_index=True)
