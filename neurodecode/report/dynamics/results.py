"""What the networks of one session do, read once for all of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from neurodecode.data.store import load_trials
from neurodecode.data.trials import Trials
from neurodecode.evaluation.dynamics import PathDynamics, load_portraits
from neurodecode.evaluation.latents import Latents, load_latents
from neurodecode.evaluation.scores import read_scores
from neurodecode.report.colours import model_colours, model_order
from neurodecode.report.wording import listed

NO_NETWORK = "validation trials kept no network with a state: the models are the GLM that they started from"


@dataclass(frozen=True, eq=False, kw_only=True)
class DynamicsResults:
    """portraits: model -> paths of the folds whose network was kept, none where all fell back to the GLM.
    families: of all models of the session. scores: rows of the task ``dynamics``."""

    session: str
    trials: Trials
    latents: Latents
    portraits: Mapping[str, Sequence[PathDynamics]]
    families: Mapping[str, str]
    scores: pd.DataFrame

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colour of each model, as in every other figure."""
        return model_colours(self.families)

    @property
    def models(self) -> list[str]:
        """Networks that were looked at, in the fixed order."""
        return [name for name in model_order(self.families) if name in self.portraits]

    @property
    def seen(self) -> list[tuple[str, str]]:
        """(model, path) of which there is a network in some fold, in order."""
        return [
            (model, path) for model in self.models for path in dict.fromkeys(p.path for p in self.portraits[model])
        ]

    def folds(self, model: str, path: str) -> list[PathDynamics]:
        """That path in every fold that has it."""
        return [one for one in self.portraits[model] if one.path == path]

    def value(self, model: str, metric: str, path: str = "", fold: str = "all") -> float:
        """A number of the table, NaN where it has none."""
        rows = self.scores
        found = rows.loc[
            (rows["model"] == model)
            & (rows["metric"] == metric)
            & (rows["target"] == path)
            & (rows["fold"] == fold),
            "value",
        ]
        return float(found.iloc[0]) if len(found) else float("nan")

    def across_folds(self, model: str, path: str, name: str) -> np.ndarray:
        """Geometric mean over folds of one array (lags, ...) of every fold, over the lags that all have."""
        held = [one.arrays[name] for one in self.folds(model, path)]
        shortest = min(len(values) for values in held)
        tiny = np.finfo(np.float64).tiny
        mean: np.ndarray = np.exp(np.mean([np.log(np.maximum(v[:shortest], tiny)) for v in held], axis=0))
        return mean


def read_dynamics(
    *,
    session: str,
    trials: str | Path,
    latents: str | Path,
    portraits: Mapping[str, str | Path],
    scores: Sequence[str | Path],
    families: Mapping[str, str],
) -> DynamicsResults:
    """Read one session's files; portraits: model -> its ``dynamics.npz``. Raises DataError for files not ours."""
    return DynamicsResults(
        session=session,
        trials=load_trials(trials),
        latents=load_latents(latents),
        portraits={model: load_portraits(path) for model, path in portraits.items()},
        families=families,
        scores=pd.concat([read_scores(path) for path in scores], ignore_index=True),
    )


def left_out(results: DynamicsResults, most: int) -> str:
    """What a figure of so many networks at most says of the others, to end a sentence; "" without others."""
    others = [path_label(model, path) for model, path in results.seen[most:]]
    return f"; {listed(others)} {'is' if len(others) == 1 else 'are'} in the table alone" if others else ""


def path_label(model: str, path: str) -> str:
    """``lstm, population``, ``lstm, own cells``."""
    return f"{model}, {'own cells' if path == 'own' else path}"
