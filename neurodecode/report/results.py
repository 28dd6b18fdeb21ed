"""What one session's files hold, read once for all of its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.data.documents import read_json
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.evaluation._score_rows import ENCODE
from neurodecode.evaluation.comparison import AGGREGATES, best_model
from neurodecode.evaluation.predictions import StoredPredictions, StoredSamples
from neurodecode.evaluation.scores import read_all_scores, read_scores
from neurodecode.report.colours import RECORDING, model_colours, model_order
from neurodecode.report.scoretable import ForecastTable, ScoreTable, forecast_table, score_tables

PSTH = "psth"


@dataclass(frozen=True, eq=False, kw_only=True)
class SessionResults:
    """One session's trials, out-of-fold predictions, samples and scores.

    predictions: model -> (trials, bins, units) Hz, NaN where unscored, memory-mapped where read from disk.
    samples: model -> (trials, bins, units) counts, a draw of every trial.
    tasks: scores of other tasks than predicting spikes, by name.
    best: the model that single-trial pictures and titles are about. families: model -> its family, the oracle's
    its own. fits: model -> fit.json. forecasts: model -> steps -> scores. seed: of the few draws that figures
    need.
    """

    session: str
    trials: Trials
    splits: Sequence[Split]
    scores: ScoreTable
    best: str | None
    families: Mapping[str, str]
    predictions: Mapping[str, np.ndarray]
    samples: Mapping[str, np.ndarray] = field(default_factory=dict)
    fits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    forecasts: Mapping[str, ForecastTable] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, ScoreTable] = field(default_factory=dict)
    seed: int = 0

    @cached_property
    def models(self) -> list[str]:
        """Models in the fixed order, the oracle last."""
        return model_order(self.families)

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colour of each model and of the recording."""
        return model_colours({**self.families, RECORDING: RECORDING})

    @property
    def aggregates(self) -> list[str]:
        """Models that see no spike of the trial they predict, in order."""
        return [m for m in self.models if m in aggregates(self.families)]

    def counts(self, units: Sequence[int]) -> np.ndarray:
        """Recorded counts (trials, bins, units) of some units."""
        return self.trials.window_counts[:, :, list(units)]

    def scored(self, units: Sequence[int]) -> np.ndarray:
        """(trials, bins, units) bool: observed, and predicted by every model. Kept: every file is read for it."""
        key = tuple(units)
        if key not in self._scored:
            mask = self.trials.window_mask
            known = np.array(mask[:, :, key] if mask.shape[2] > 1 else np.repeat(mask, len(key), axis=2))
            for values in self.predictions.values():
                known &= np.isfinite(values[:, :, key])
            self._scored[key] = known
        return self._scored[key]

    @cached_property
    def _scored(self) -> dict[tuple[int, ...], np.ndarray]:
        return {}

    @property
    def psth(self) -> str | None:
        """The model that gains are measured against: it is called ``psth``. None where no model is."""
        return PSTH if PSTH in self.predictions else None


def model_families(models: Iterable[str], fits: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Model -> the family that its fit.json names; a model without one, the oracle, is a family of its own."""
    return {model: str(fits.get(model, {}).get("family", model)) for model in models}


def aggregates(families: Mapping[str, str]) -> list[str]:
    """Models whose family sees no spike of the trial that it predicts."""
    return [model for model, family in families.items() if family in AGGREGATES]


def read_results(
    *,
    session: str,
    trials: str | Path,
    splits: str | Path,
    scores: str | Path | Sequence[str | Path],
    quality: str | Path,
    predictions: Mapping[str, str | Path],
    samples: Mapping[str, str | Path],
    fits: Mapping[str, str | Path],
    forecasts: Mapping[str, str | Path] | None = None,
    seed: int,
) -> SessionResults:
    """Read one session's files; ``predictions``, ``samples``, ``fits``, ``forecasts``: a model's name -> its file.

    ``scores``: one table, or those of several tasks.
    Raises DataError for a file that is missing, not ours, or of other trials.
    """
    files = [scores] if isinstance(scores, str | Path) else scores
    frame = read_all_scores(files)
    tasks = [task for task in frame["task"].unique() if task != ENCODE]
    about = {model: read_json(path) for model, path in fits.items()}
    families = model_families(predictions, about)
    return SessionResults(
        session=session,
        trials=load_trials(trials),
        splits=load_splits(splits),
        scores=score_tables(frame).get((session, ""), ScoreTable({})),
        tasks={task: score_tables(frame, task=task).get((session, ""), ScoreTable({})) for task in tasks},
        best=best_model(frame, session, exclude=aggregates(families)),
        families=families,
        predictions=dict(StoredPredictions(predictions)),
        samples=StoredSamples(samples),
        fits=about,
        forecasts={model: forecast_table(read_scores(path)) for model, path in (forecasts or {}).items()},
        quality=read_json(quality),
        seed=seed,
    )
