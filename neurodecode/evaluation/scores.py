"""One session's held-out predictions and samples -> its rows of scores.csv."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation._ceiling_scores import add_ceiling_scores
from neurodecode.evaluation._fallbacks import add_fallbacks
from neurodecode.evaluation._generative_scores import add_generative_scores
from neurodecode.evaluation._likelihood_scores import add_likelihood_scores
from neurodecode.evaluation._rescaling_scores import add_rescaling_scores
from neurodecode.evaluation._score_rows import COLUMNS, ScoreRows
from neurodecode.evaluation.likelihoods import TrialLikelihoods, scored_mask, trial_likelihoods
from neurodecode.evaluation.predictions import StoredPredictions, StoredSamples

log = logging.getLogger(__name__)

_NUMBERS = ("value", "low", "high")


def score_session(
    *,
    trials: Trials,
    splits: Sequence[Split],
    predictions: Mapping[str, np.ndarray],
    samples: Mapping[str, np.ndarray],
    session: str,
    control: str,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """All scores of one session, in the columns of scores.csv.

    predictions: model -> rates (trials, bins, units) in Hz, each trial predicted by the fold that tests it.
    samples: model -> counts (trials, bins, units), each trial drawn once. Both may come from any tool; a model
    without samples has no generative scores. ``psth`` among the predictions is what gains, hazard and adaptation
    are measured against; without it these are absent. Rows of the model ``recording`` hold the generative values
    of the real trains. ``n_bootstrap`` 0: no intervals.

    Raises DataError for predictions or samples of another shape or kind, or rates not finite where needed.
    """
    likelihoods = trial_likelihoods(trials, splits, predictions)
    return _scored(likelihoods, trials, predictions, samples, session, control, n_bootstrap, seed).frame()


def _scored(
    likelihoods: TrialLikelihoods,
    trials: Trials,
    predictions: Mapping[str, np.ndarray],
    samples: Mapping[str, np.ndarray],
    session: str,
    control: str,
    n_bootstrap: int,
    seed: int,
) -> ScoreRows:
    rows = ScoreRows(session=session, control=control, unit_names=trials.unit_names)
    scored = scored_mask(trials, likelihoods.fold)
    add_likelihood_scores(rows, likelihoods, n_bootstrap=n_bootstrap, seed=seed)
    add_rescaling_scores(rows, trials, scored, predictions, seed=seed)
    psth_hz = predictions.get("psth")
    add_ceiling_scores(rows, trials, scored, likelihoods.fold, psth_hz, seed=seed, intervals=n_bootstrap > 0)
    add_generative_scores(rows, trials, scored, psth_hz, samples)
    return rows


def write_session_scores(
    *,
    trials: str | Path,
    splits: str | Path,
    predictions: Mapping[str, str | Path],
    samples: Mapping[str, str | Path],
    session: str,
    control: str,
    n_bootstrap: int,
    seed: int,
    output: str | Path,
    fits: Mapping[str, str | Path] | None = None,
    likelihoods: str | Path | None = None,
) -> None:
    """Score one session's files and write its table to ``output``.

    predictions, samples: model -> path. fits: model -> its fit.json, which tells the folds that fell back to a
    simpler model. likelihoods: where to write the log-likelihood of every trial under every model
    (``TrialLikelihoods``), from which models can be compared pair by pair.
    """
    held, folds = load_trials(trials), load_splits(splits)
    rates = StoredPredictions(predictions)
    found = trial_likelihoods(held, folds, rates)
    rows = _scored(found, held, rates, StoredSamples(samples), session, control, n_bootstrap, seed)
    add_fallbacks(rows, folds, fits or {})
    frame = rows.frame()
    if likelihoods is not None:
        found.save(likelihoods)
    write_scores(frame, output)
    log.info("%s: %d models scored on %d trials", session, len(predictions), int((found.fold >= 0).sum()))


def collect_scores(inputs: Iterable[str | Path], output: str | Path) -> None:
    """Put the tables of all sessions and tasks into one scores.csv, in the order given."""
    write_scores(read_all_scores(inputs), output)


def read_all_scores(inputs: Iterable[str | Path]) -> pd.DataFrame:
    """Read tables of scores as one, in the order given; DataError as of ``read_scores``."""
    frames = [read_scores(path) for path in inputs]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))


def write_scores(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table of scores; every number reads back as the same float."""
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        frame.to_csv(file, index=False, columns=list(COLUMNS), lineterminator="\n")


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read a table of scores: text stays text (a unit may be called ``1`` or ``NA``), numbers come back exactly.

    Raises DataError for a file that is not a table of scores.
    """
    try:
        # Numbers come as text too: pandas' own parser may miss the last bit, Python's float does not.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = [name for name in COLUMNS if name not in frame.columns]
        numbers = {name: [float(text or "nan") for text in frame[name]] for name in _NUMBERS if not missing}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable table of scores ({error}); score the session again") from error
    if missing:
        raise DataError(f"{path}: not a table of scores, it lacks {missing}; score the session again")
    return frame[list(COLUMNS)].assign(**numbers, schema_version=frame["schema_version"].astype(int))
