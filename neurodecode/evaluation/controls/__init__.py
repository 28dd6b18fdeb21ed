"""Null controls: recordings in which one thing that a model may use has been destroyed, and nothing else.

A model that gains on a control gains from something else than it claims. Each control is a session derived from
a recording, which then goes through the same rules as any other. A control's name is its file's name here.
"""

from __future__ import annotations

import json
import logging
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.data.documents import read_json
from neurodecode.data.splits import Split, make_splits
from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.evaluation.seeds import seed_sequence

log = logging.getLogger(__name__)


def control_names() -> list[str]:
    """Files of this folder."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def control_of(name: str) -> Callable[[Trials, np.random.Generator], Trials]:
    """What makes the trials of one control from those of the recording; imports that control's file only.

    Raises ConfigError for a control that does not exist.
    """
    if name not in control_names():
        raise ConfigError(f"unknown control {name!r}; known: {', '.join(control_names())}")
    found: Callable[[Trials, np.random.Generator], Trials] = import_module(f"{__name__}.{name}").CONTROL
    return found


def derive_control(
    *,
    trials: str | Path,
    splits: str | Path,
    quality: str | Path,
    control: str,
    session: str,
    seed: int,
    outputs: Mapping[str, str | Path],
) -> None:
    """Write ``trials``, ``splits`` and ``quality`` of one control of a recording, from those of the recording.

    Folds are the recording's own, so that scores compare trial by trial; only where conditions were permuted are
    they dealt anew, stratified by the new ones. ``session`` is the recording's own name.
    Raises ConfigError for an unknown control, DataError for files that are not as the ingest wrote them.
    """
    derive = control_of(control)
    recorded, folds, about = load_trials(trials), load_splits(splits), read_quality(quality)
    derived = derive(recorded, np.random.default_rng(seed_sequence(seed, session, control)))
    if not np.array_equal(derived.condition, recorded.condition):
        folds = _dealt_anew(derived, folds, np.random.default_rng(seed_sequence(seed, session, control, "splits")))
    log.info("%s.%s: %d spikes, %s in the recording", session, control, _n_spikes(derived), _n_spikes(recorded))
    save_trials(outputs["trials"], derived)
    save_splits(outputs["splits"], folds)
    write_quality(about, session, control, outputs["quality"])


def write_quality(recorded: Mapping[str, Any], session: str, control: str, output: str | Path) -> None:
    """Write the quality file of a control: that of the recording, with what it was derived from."""
    about = {
        **recorded,
        "control": control,
        "derived_from": session,
        "note": f"control {control} of {session}: quality is that of the recording it was derived from",
    }
    with written_whole(output) as part:
        part.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _n_spikes(trials: Trials) -> int:
    return int(trials.counts.sum(dtype=np.int64))


def read_quality(path: str | Path) -> dict[str, Any]:
    """The quality file of a recording. Raises DataError for one that is none."""
    return read_json(path, way_out="run the ingest again")


def _dealt_anew(trials: Trials, folds: Sequence[Split], rng: np.random.Generator) -> tuple[Split, ...]:
    """As many folds stratified by the new conditions; contiguous blocks ask nothing of conditions and stay."""
    if all(np.all(np.diff(fold.test) == 1) for fold in folds):
        return tuple(folds)
    return make_splits(trials.condition, trials.condition_names, len(folds), rng)
