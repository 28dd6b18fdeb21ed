"""From a recording to the trials, folds and quality of a session on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from neurodecode.config.run import PRE_STIMULUS
from neurodecode.config.session import SessionConfig, session_config
from neurodecode.config.target import TargetConfig
from neurodecode.data.binning import trials_from_counts, trials_from_session
from neurodecode.data.counts import CountRecording
from neurodecode.data.derived import with_derived
from neurodecode.data.quality import quality as quality_of
from neurodecode.data.session import Session
from neurodecode.data.splits import ROLES, Split, make_splits, window_spans_s
from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.data.windows import Window
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.controls import read_quality, write_quality
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
    config = session_config(entry, session)
    read = _read(recording, trials_table, config)
    window = config.window()
    trials = decodable(_cut(read, window), config.target)
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
        text = json.dumps(quality_of(read, trials, splits, window), indent=1, allow_nan=False)
        part.write_text(text + "\n", encoding="utf-8")
    log.info(
        "%s: %d trials, %d bins of %g s, %d units, %d conditions, %d spikes in the window",
        *(session, trials.n_trials, trials.n_bins, trials.bin_size_s, trials.n_units, trials.n_conditions),
        int(trials.window_counts.sum()),
    )


def cut_pre_stimulus(
    *,
    recording: str | Path,
    trials_table: str | Path | None,
    session: str,
    entry: Mapping[str, object],
    trials: str | Path,
    splits: str | Path,
    quality: str | Path,
    outputs: Mapping[str, str | Path],
) -> None:
    """Cut the window before the stimulus, which ``target`` of the entry names, from the same trials.

    trials, splits, quality: of the session. Folds are the session's own; a trial that was not observed before the
    stimulus is left out of them and logged. Outputs as of ``ingest_recording``.
    Raises ConfigError for an entry without such a window or one that lies outside the recording, and DataError
    where too few trials were observed in it.
    """
    config, held, about = session_config(entry, session), load_trials(trials), read_quality(quality)
    if (window := config.pre_stimulus_window()) is None:
        raise ConfigError(f"sessions.{session}: target has no pre_stimulus_s; add it")
    before = _cut(_read(recording, trials_table, config), window)
    kept, place = _same_trials(held, before)
    if kept.size < held.n_trials:
        missing = held.n_trials - kept.size
        log.warning("%s: %d trials were not observed before the stimulus and are left out", session, missing)
    save_trials(outputs["trials"], before.select(place))
    save_splits(outputs["splits"], tuple(_among(split, kept) for split in load_splits(splits)))
    write_quality(about, session, PRE_STIMULUS, outputs["quality"])


def _same_trials(trials: Trials, before: Trials) -> tuple[np.ndarray, np.ndarray]:
    """Indices into ``trials`` and into ``before`` of trials around the same event: in time to within a bin."""
    event_s, other_s = (one.t0_s - one.window_start_s for one in (trials, before))
    right = np.minimum(np.searchsorted(other_s, event_s), other_s.size - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(event_s - other_s[left]) < np.abs(event_s - other_s[right]), left, right)
    same = np.abs(event_s - other_s[nearest]) < trials.bin_size_s
    return np.flatnonzero(same), nearest[same]


def _among(split: Split, kept: np.ndarray) -> Split:
    """The fold of the kept trials alone, numbered anew."""
    roles = (np.flatnonzero(np.isin(kept, getattr(split, role))) for role in ROLES)
    return Split(split.fold, *roles)


def _read(
    recording: str | Path, trials_table: str | Path | None, config: SessionConfig
) -> Session | CountRecording:
    from neurodecode.io import read_recording

    read = read_recording(recording, format=config.format, trials_path=trials_table)
    return with_derived(read, {name: one.derived() for name, one in config.signals.items()})


def _cut(recording: Session | CountRecording, window: Window) -> Trials:
    if isinstance(recording, Session):
        return trials_from_session(recording, window)
    return trials_from_counts(recording, window)


def _strata(trials: Trials, target: TargetConfig | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """What each fold gets its share of: the conditions, or the classes to be decoded where there is one condition.

    Raises DataError for a target that the trials lack, so that it shows before anything is fitted.
    """
    found = None if target is None else Target.of(trials, target)
    if found is None or found.kind != "class" or trials.n_conditions > 1:
        return trials.condition, trials.condition_names
    names = tuple(np.unique(found.values).tolist())
    return np.searchsorted(names, found.values), names
