"""What one session's files hold, read once for all of its figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.report.colours import ORACLE, RECORDING, model_colours, model_order
from neurodecode.report.scoretable import ScoreTable, read_scores, score_tables

AGGREGATES = ("constant", "psth", "poisson")
"""Families that see no spike of the trial they predict."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SessionResults:
    """One session's trials, out-of-fold predictions, samples and scores.

    predictions: model -> (trials, bins, units) Hz, NaN where unscored, memory-mapped where read from disk.
    samples: model -> (trials, bins, units) counts, a draw of every trial.
    fits: model -> fit.json. seed: of the few draws that figures need.
    """

    session: str
    trials: Trials
    splits: Sequence[Split]
    scores: ScoreTable
    predictions: Mapping[str, np.ndarray]
    samples: Mapping[str, np.ndarray] = field(default_factory=dict)
    fits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    @cached_property
    def families(self) -> dict[str, str]:
        """Family of each model, the simulation's truth included."""
        return {m: str(self.fits.get(m, {}).get("family", m)) for m in self.predictions}

    @cached_property
    def models(self) -> list[str]:
        """Models in the fixed order, the oracle last."""
        return model_order(self.families)

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colour of each model and of the recording."""
        return model_colours({**self.families, RECORDING: RECORDING})

    @property
    def single_trial_models(self) -> list[str]:
        """Models that use the trial's own spikes, in order; not the oracle."""
        return [m for m in self.models if self.families[m] not in (*AGGREGATES, ORACLE)]

    def counts(self, units: Sequence[int]) -> np.ndarray:
        """Recorded counts (trials, bins, units) of some units."""
        return self.trials.window_counts[:, :, list(units)]

    def scored(self, units: Sequence[int]) -> np.ndarray:
        """(trials, bins, units) bool: observed, and predicted by every model."""
        mask = self.trials.window_mask
        scored = np.array(mask[:, :, list(units)] if mask.shape[2] > 1 else np.repeat(mask, len(units), axis=2))
        for values in self.predictions.values():
            scored &= np.isfinite(values[:, :, list(units)])
        return scored

    @property
    def psth(self) -> str | None:
        """The model that stands for the PSTH, or None."""
        return next((m for m in self.models if self.families[m] == "psth"), None)


def read_results(
    *,
    session: str,
    trials: str | Path,
    splits: str | Path,
    scores: str | Path,
    quality: str | Path,
    predictions: Mapping[str, str | Path],
    samples: Mapping[str, str | Path],
    fits: Mapping[str, str | Path],
    seed: int,
) -> SessionResults:
    """Read one session's files; ``predictions``, ``samples`` and ``fits`` map a model's name to its file.

    Raises DataError for a file that is missing, not ours, or of other trials.
    """
    tables = score_tables(read_scores(scores))
    held = load_trials(trials)
    shape = held.window_counts.shape
    return SessionResults(
        session=session,
        trials=held,
        splits=load_splits(splits),
        scores=tables.get((session, ""), ScoreTable({})),
        predictions={model: _read_predictions(path, shape) for model, path in predictions.items()},
        samples=SampleFiles(samples, shape),
        fits={model: read_json(path) for model, path in fits.items()},
        quality=read_json(quality),
        seed=seed,
    )


def read_json(path: str | Path) -> dict[str, Any]:
    """A JSON object; DataError if the file holds something else."""
    try:
        held = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable JSON ({error}); run the step that writes it again") from error
    if not isinstance(held, dict):
        raise DataError(f"{path}: expected a JSON object, got {type(held).__name__}; run its step again")
    return held


class SampleFiles(Mapping[str, np.ndarray]):
    """Sampled counts (trials, bins, units) of each model, read when asked for: together they may be large."""

    def __init__(self, paths: Mapping[str, str | Path], shape: tuple[int, ...]) -> None:
        self._paths, self._shape = dict(paths), shape

    def __getitem__(self, model: str) -> np.ndarray:
        path = self._paths[model]
        try:
            with np.load(path, allow_pickle=False) as stored:
                counts: np.ndarray = stored["counts"]
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise DataError(f"{path}: not a readable file of samples ({error}); fit the model again") from error
        return _of_these_trials(counts, self._shape, path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _read_predictions(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        values: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a readable file of predictions ({error}); fit the model again") from error
    return _of_these_trials(values, shape, path)


def _of_these_trials(values: np.ndarray, shape: tuple[int, ...], path: str | Path) -> np.ndarray:
    if values.shape != shape:
        raise DataError(
            f"{path}: shape {values.shape}, but the trials have {shape}; fit the model on these trials"
        )
    return values
