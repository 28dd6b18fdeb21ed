"""How well the mean response is known, how much it could tell, and how much of it the PSTH reaches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurodecode.data.trials import Trials
from neurodecode.evaluation._score_rows import PSTH, RECORDING, ScoreRows
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.bits import bits_per_spike, with_pooled
from neurodecode.metrics.jackknife import N_GROUPS, jackknife_interval
from neurodecode.metrics.mean_response import mean_response_nats
from neurodecode.metrics.reliability import WindowCounts, dealt_halves, reached_correlation

N_SPLITS = 20  # the same deals whichever trials are left out

_Estimate = Callable[[np.ndarray], np.ndarray]


def add_ceiling_scores(
    rows: ScoreRows,
    trials: Trials,
    scored: np.ndarray,
    fold: np.ndarray,
    psth_hz: np.ndarray | None,
    *,
    seed: int,
    intervals: bool,
) -> None:
    """Rows of ``recording``: ``noise_ceiling`` and ``psth_ceiling``; of ``psth``: ``mean_response_reached``.

    scored, psth_hz (trials, bins, units), the latter out of fold, or None; fold (trials,) that tests each.
    Intervals leave out trials, the same ones for all. ``all``: bits of all units over all spikes; correlations are
    weighted by spikes.
    """
    tested = scored.any(axis=(1, 2))
    condition = trials.condition[tested]
    counts = (trials.window_counts[trial] for trial in np.flatnonzero(tested))
    windows = WindowCounts.of_trials(counts, trials.n_units, scored[tested], trials.bin_size_s)
    rng = np.random.default_rng(seed_sequence(seed, rows.session, rows.control, "noise_ceiling"))
    halves = dealt_halves(condition, rng, n_splits=N_SPLITS)
    spikes = windows.spikes.sum(axis=1)

    def known_to(kept: np.ndarray) -> np.ndarray:
        ceiling = windows.select(kept).ceiling(condition[kept], halves[:, kept])
        return with_mean(ceiling, spikes[kept].sum(axis=0))

    def told_at_most(kept: np.ndarray) -> np.ndarray:
        nats = mean_response_nats(windows.select(kept), condition[kept])
        n = spikes[kept].sum(axis=0)
        return bits_per_spike(with_pooled(np.where(n > 0, nats, 0.0)), np.zeros(n.size + 1), with_pooled(n))

    estimates: list[tuple[str, str, _Estimate]] = [
        (RECORDING, "noise_ceiling", known_to),
        (RECORDING, "psth_ceiling", told_at_most),
    ]
    if psth_hz is not None:
        estimates.append((PSTH, "mean_response_reached", _reached(windows, trials, scored, fold, psth_hz, halves)))
    for model, metric, estimate in estimates:
        value, low, high = jackknife_interval(estimate, condition, n_groups=N_GROUPS if intervals else 1)
        rows.add(model, metric, value, low=low, high=high)


def _reached(
    windows: WindowCounts,
    trials: Trials,
    scored: np.ndarray,
    fold: np.ndarray,
    psth_hz: np.ndarray,
    halves: np.ndarray,
) -> _Estimate:
    """Per unit and over all, from the trials that a mask keeps."""
    tested = scored.any(axis=(1, 2))
    # One trial at a time: predictions may be mapped from a file of gigabytes.
    expected = (
        np.where(scored[trial], psth_hz[trial], 0.0) * trials.bin_size_s for trial in np.flatnonzero(tested)
    )
    predicted = WindowCounts.of_trials(expected, trials.n_units, scored[tested], trials.bin_size_s)
    condition, of_fold = trials.condition[tested], fold[tested]

    def reached(kept: np.ndarray) -> np.ndarray:
        some = windows.select(kept), predicted.select(kept)
        found, ceiling = reached_correlation(*some, condition[kept], of_fold[kept], halves[:, kept])
        spikes = np.where(np.isfinite(found), windows.spikes[kept].sum(axis=(0, 1)), 0.0)
        # Over all units one mean over the other: a unit whose ceiling is nearly 0 would swamp a mean of ratios.
        return ratio(with_mean(found, spikes), with_mean(ceiling, spikes))

    return reached


def with_mean(per_unit: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The units' values and, for all of them, their mean weighted by spikes or intervals."""
    known = np.isfinite(per_unit) & (weight > 0)
    return np.append(per_unit, np.average(per_unit[known], weights=weight[known]) if known.any() else np.nan)
