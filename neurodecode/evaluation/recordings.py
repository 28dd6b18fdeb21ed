"""From a recording to the trials, folds and quality of a session on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from neurodecode.config.session import session_config
from neurodecode.config.target import TargetConfig
from neurodecode.data.binning import trials_from_counts, trials_from_session
from neurodecode.data.derived import with_derived
from neurodecode.data.quality import quality
from neurodecode.data.session import Session
from neurodecode.data.splits import make_splits, window_spans_s
from neurodecode.data.store import save_splits, save_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.evaluation.targets import Target, decodable

log = logging.getLogger(__name__)


def ingest_recording(
    *,
    recording: str | Path,
    trials_table: str | Path | None,
    session: str,
    entry: Mapping[str, object],
    n_folds: int,
    split: Literal["stratified", "blocks"],
    gap_s: float,
    seed: int,
    outputs: Mapping[str, str | Path],
) -> None:
    """Read a recording, cut and bin its trials, deal the folds, and write ``trials``, ``splits``, ``quality``.

    ``entry``: what the configuration says of the session. ``trials_table``: the trials of a spike table.
    Raises ConfigError and DataError that name the recording and the field.
    """
    from neurodecode.io import read_recording

    config = session_config(entry, session)
    read = read_recording(recording, format=config.format, trials_path=trials_table)
    read = with_derived(read, {name: one.derived() for name, one in config.signals.items()})
    window = config.window()
    trials = trials_from_session(read, window) if isinstance(read, Session) else trials_from_counts(read, window)
    trials = decodable(trials, config.target)
    rng = np.random.default_rng(seed_sequence(seed, session, "splits"))
    try:
        splits = make_splits(
            *_strata(trials, config.target),
            n_folds,
            rng,
            kind=split,
            spans_s=window_spans_s(trials),
            gap_s=gap_s,
        )
    except DataError as error:
        raise DataError(f"{recording}: sessions.{session}: {error}") from error
    save_trials(outputs["trials"], trials)
    save_splits(outputs["splits"], splits)
    with written_whole(outputs["quality"]) as part:
        text = json.dumps(quality(read, trials, splits, window), indent=1, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")
    log.info(
        "%s: %d trials, %d bins of %g s, %d units, %d conditions, %d spikes in the window",
        *(session, trials.n_trials, trials.n_bins, trials.bin_size_s, trials.n_units, trials.n_conditions),
        int(trials.window_counts.sum()),
    )


def _strata(trials: Trials, target: TargetConfig | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """What each fold gets its share of: the conditions, or the classes to be decoded where there is one condition.

    Raises DataError for a target that the trials lack, so that it shows before anything is fitted.
    """
    found = None if target is None else Target.of(trials, target)
    if found is None or found.kind != "class" or trials.n_conditions > 1:
        return trials.condition, trials.condition_names
    names = tuple(np.unique(found.values).tolist())
    return np.searchsorted(names, found.values), names
