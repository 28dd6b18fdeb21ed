"""What the fitted networks of one model do: the dynamics of every fold's network on its held-out trials."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.dynamics.chosen import trials_looked_at
from neurodecode.dynamics.network_paths import MOST_BINS, NetworkPath, network_paths
from neurodecode.dynamics.portrait import Portrait, portrait
from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import ScoreRows
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.models import load_fitted
from neurodecode.models._recurrent import FittedRecurrent
from neurodecode.nn.cells import diagnostics_of_cells

log = logging.getLogger(__name__)

TASK = "dynamics"
KEPT = "networks_kept"


@dataclass(frozen=True, eq=False)
class PathDynamics:
    """One path of one fold, as the report reads it: what ``dynamics.portrait.Portrait`` holds, laid out flat.

    arrays: by name; of group g, ``points.g`` (points, k) in the principal axes, ``speeds.g`` and ``values.g``
    (points, n), the eigenvalues. trial: of each row, which of the session.
    """

    path: str
    fold: int
    group_names: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]
    summary: Mapping[str, float]
    kinds: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls, path: NetworkPath, found: Portrait, fold: int, trial: np.ndarray, weights: Mapping[str, float]
    ) -> PathDynamics:
        """From what was found of a path; ``trial``: of the held-out trials that it ran on; ``weights``: numbers
        that its cell tells of its weights."""
        arrays = {name: getattr(found, name) for name in ("lag_s", "norms", "product_lags", "singular", "group")}
        arrays |= {"coordinates": found.coordinates.astype(np.float32), "shares": found.axes.shares}
        arrays |= {"eigenvalues": found.eigenvalues, "trial": np.repeat(trial, len(found.group) // len(trial))}
        for group, (points, at) in enumerate(zip(found.points, found.points_at, strict=True)):
            arrays |= {
                f"points.{group}": at,
                f"speeds.{group}": points.speeds,
                f"values.{group}": points.eigenvalues,
            }
        kinds = tuple(
            tuple(kind if fixed else "slow" for kind, fixed in zip(p.kinds, p.fixed, strict=True))
            for p in found.points
        )
        return cls(path.name, fold, path.group_names, arrays, {**found.summary, **weights}, kinds)


def dynamics_of_folds(
    fitted: Sequence[FittedRecurrent],
    trials: Trials,
    splits: Sequence[Split],
    *,
    names: tuple[str, str],
    seed: int,
) -> list[PathDynamics]:
    """Every path of every fold's first network; none of a fold whose network fell back to the GLM."""
    found = []
    for model, split in zip(fitted, splits, strict=True):
        chosen = trials_looked_at(split)
        rng = np.random.default_rng(seed_sequence(seed, *names, split.fold, TASK))
        paths = network_paths(model, trials.select(chosen))
        if not paths:
            log.info("%s, fold %d: no network was kept that has a state", names[1], split.fold)
        for path in paths:
            seen = portrait(path, rng)
            told = ", ".join(f"{name} {value:.4g}" for name, value in seen.summary.items())
            log.info("%s, fold %d, %s: %s", names[1], split.fold, path.name, told)
            found.append(PathDynamics.of(path, seen, split.fold, chosen, _of_weights(model, path.name)))
    return found


def _of_weights(fitted: FittedRecurrent, path: str) -> dict[str, float]:
    """What the cell of the first network's path tells of its weights in single numbers, NaN where it has none."""
    told = diagnostics_of_cells(fitted.model.cell(), fitted.parameters()).get(f"seed0.{path}", {})
    return {k: np.nan if v is None else float(v) for k, v in told.items() if isinstance(v, int | float | None)}


def dynamics_scores(
    found: Sequence[PathDynamics], splits: Sequence[Split], *, session: str, model: str
) -> pd.DataFrame:
    """Rows of the task ``dynamics``, the target being the path: one for each fold, and of all the median.

    ``networks_kept``: share of folds whose network has dynamics to look at.
    """
    rows = ScoreRows(session=session, control="", unit_names=(), task=TASK)
    folds = {one.fold for one in found}
    rows.add(model, KEPT, np.array([len(folds) / len(splits)]))
    for path in dict.fromkeys(one.path for one in found):
        of_path = [one for one in found if one.path == path]
        for one in of_path:
            for metric, value in one.summary.items():
                rows.add(model, metric, np.array([value]), fold=one.fold, target=path)
        for metric in of_path[0].summary:
            values = np.array([one.summary[metric] for one in of_path])
            known = values[np.isfinite(values)]
            middle = np.median(known) if known.size else np.nan
            rows.add(model, metric, np.array([middle]), target=path)
    return rows.frame()


def write_dynamics(
    *,
    trials: str | Path,
    splits: str | Path,
    parameters: str | Path,
    fit: str | Path,
    session: str,
    name: str,
    seed: int,
    threads: int,
    outputs: Mapping[str, str | Path],
) -> None:
    """Look at the fitted folds of one model; outputs: paths of ``scores`` and ``portraits``.

    Raises DataError for files that do not belong together, or a model that is no recurrent network.
    """
    import torch

    torch.set_num_threads(threads)
    held, folds, fitted = load_trials(trials), load_splits(splits), load_fitted(parameters, fit)
    if len(fitted) != len(folds):
        raise DataError(f"{parameters}: {len(fitted)} folds, but {splits} has {len(folds)}: fit the model again")
    networks = [model for model in fitted if isinstance(model, FittedRecurrent)]
    if len(networks) < len(fitted):
        raise DataError(f"{parameters}: {name} is no recurrent network; leave it out of dynamics.models")
    if held.n_bins > MOST_BINS:
        log.info("%s: the first %d of %d bins are looked at", session, MOST_BINS, held.n_bins)
    with threadpool_limits(limits=threads):
        found = dynamics_of_folds(networks, held, folds, names=(session, name), seed=seed)
    save_portraits(outputs["portraits"], found)
    write_scores(dynamics_scores(found, folds, session=session, model=name), outputs["scores"])


def save_portraits(path: str | Path, found: Sequence[PathDynamics]) -> None:
    """Write ``dynamics.npz``: the arrays of every path and fold, and the rest as JSON."""
    about = [
        {
            "path": o.path,
            "fold": o.fold,
            "group_names": o.group_names,
            "summary": dict(o.summary),
            "kinds": o.kinds,
        }
        for o in found
    ]
    arrays = {f"{i}.{name}": values for i, one in enumerate(found) for name, values in one.arrays.items()}
    with written_whole(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(about), dtype=np.str_), **arrays)


def load_portraits(path: str | Path) -> list[PathDynamics]:
    """Read what ``save_portraits`` wrote; DataError for another file."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            about: list[dict[str, Any]] = json.loads(str(stored["about"]))
            held = {name: stored[name] for name in stored.files if name != "about"}
        return [
            PathDynamics(
                one["path"],
                one["fold"],
                tuple(one["group_names"]),
                {k.partition(".")[2]: v for k, v in held.items() if k.partition(".")[0] == str(number)},
                one["summary"],
                tuple(tuple(kinds) for kinds in one["kinds"]),
            )
            for number, one in enumerate(about)
        ]
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a file of dynamics ({error!r}); look at the model again") from error
