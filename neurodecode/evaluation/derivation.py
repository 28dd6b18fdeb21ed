"""A null control of a session: a session of its own that goes through the same models and scores."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials
from neurodecode.evaluation.controls import CONTROLS
from neurodecode.evaluation.seeds import seed_sequence

log = logging.getLogger(__name__)


def derive_control(
    *,
    trials: str | Path,
    splits: str | Path,
    session: str,
    control: str,
    seed: int,
    outputs: Mapping[str, str | Path],
) -> None:
    """Write the ``trials`` and ``splits`` of ``control`` derived from those of ``session``; same folds."""
    rng = np.random.default_rng(seed_sequence(seed, session, control))
    derived = CONTROLS[control](load_trials(trials), rng)
    save_trials(outputs["trials"], derived)
    save_splits(outputs["splits"], load_splits(splits))
    log.info("%s.%s: %d trials", session, control, derived.n_trials)
