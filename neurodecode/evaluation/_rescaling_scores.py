"""Time rescaling of every model's predictions, over all tested trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurodecode.data.trials import Trials
from neurodecode.evaluation._score_rows import ScoreRows
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics.rescaling import holm, rescale

SIGNIFICANT = 0.05


def add_rescaling_scores(
    rows: ScoreRows, trials: Trials, scored: np.ndarray, predictions: Mapping[str, np.ndarray], *, seed: int
) -> None:
    """Statistic over band and Holm's p of each unit; for ``all`` their median and smallest, and who passes.

    ``ks_passed`` is 1 for a unit that is not rejected after Holm's correction over the session's units, else 0,
    and for ``all`` the share of units that pass.
    """
    for model in predictions:
        rng = np.random.default_rng(seed_sequence(seed, rows.session, rows.control, model, "rescaling"))
        found = rescale(trials.window_counts, predictions[model], trials.bin_size_s, scored, rng)
        p = holm(found.p)
        passed = np.where(np.isfinite(p), p >= SIGNIFICANT, np.nan)
        rows.add(model, "ks_time_rescaling", _with(found.over_band, np.median))
        rows.add(model, "ks_p_holm", _with(p, np.min))
        rows.add(model, "ks_passed", _with(passed, np.mean))


def _with(per_unit: np.ndarray, summary: Callable[[np.ndarray], Any]) -> np.ndarray:
    known = per_unit[np.isfinite(per_unit)]
    return np.append(per_unit, summary(known) if known.size else np.nan)
