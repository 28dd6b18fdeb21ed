"""Single numbers of the generative checks: of the real trains, of each model's samples, and between them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurodecode.data.trials import Trials
from neurodecode.evaluation._ceiling_scores import with_mean
from neurodecode.evaluation._score_rows import RECORDING, ScoreRows
from neurodecode.evaluation.predictions import check_samples
from neurodecode.metrics import generative
from neurodecode.metrics.spike_totals import spike_totals

log = logging.getLogger(__name__)

FANO_WINDOW_S = 0.1


@dataclass(frozen=True, eq=False)
class _Curves:
    """What real and sampled trains are compared by; None where the recording does not allow it."""

    intervals: np.ndarray | None
    violations: generative.IsiViolations
    fano: generative.Fano
    noise: generative.NoiseCorrelation
    hazard: generative.Hazard | None
    adaptation: generative.Adaptation | None


def add_generative_scores(
    rows: ScoreRows,
    trials: Trials,
    scored: np.ndarray,
    psth_hz: np.ndarray | None,
    samples: Mapping[str, np.ndarray],
) -> None:
    """Rows of ``recording`` hold the real values; those of a model its samples' values and distances to the real.

    What cannot be known is absent, and the log says why.
    """
    real = _curves(trials.window_counts, trials, scored, psth_hz)
    if real.violations.reason:
        log.info("%s: no isi_violations_2ms: %s", rows.session, real.violations.reason)
    if psth_hz is None:
        log.info("%s: no hazard_error and adaptation_error: no model is called psth", rows.session)
    _add_values(rows, RECORDING, real)
    spikes = trials.window_counts.sum(axis=(0, 1), where=scored, dtype=np.float64)
    rows.add(RECORDING, "n_spikes", np.append(spikes, spikes.sum()))
    for model in samples:
        counts = samples[model]
        check_samples(model, counts, trials.window_counts.shape)
        sampled = _curves(counts, trials, scored, psth_hz)
        _add_values(rows, model, sampled)
        _add_distances(rows, model, real, sampled)
        totals = spike_totals(trials.window_counts, counts, scored)
        rows.add(model, "rate_ratio", totals.rate_ratio)
        rows.add(model, "fullest_ratio", totals.fullest_ratio)


def _curves(counts: np.ndarray, trials: Trials, scored: np.ndarray, psth_hz: np.ndarray | None) -> _Curves:
    grid = (counts, scored, trials.bin_size_s)
    return _Curves(
        intervals=generative.interval_counts(counts, scored) if trials.has_spike_times else None,
        violations=generative.isi_violations(*grid, has_spike_times=trials.has_spike_times),
        fano=generative.fano(*grid, condition=trials.condition, windows_s=(FANO_WINDOW_S,)),
        noise=generative.noise_correlation(*grid, condition=trials.condition),
        hazard=None if psth_hz is None else generative.hazard(*grid, psth_hz),
        adaptation=None if psth_hz is None else generative.adaptation(*grid, psth_hz),
    )


def _add_values(rows: ScoreRows, model: str, curves: _Curves) -> None:
    violating = curves.violations.share
    if violating is not None:
        rows.add(model, "isi_violations_2ms", np.append(violating, curves.violations.pooled))
    if curves.intervals is not None:
        n = curves.intervals.sum(axis=1)
        rows.add(model, "isi_cv", with_mean(generative.isi_cv(curves.intervals), n))
    if curves.fano.windows_s.size:
        rows.add(model, "fano_100ms", np.append(curves.fano.fano[:, 0], curves.fano.pooled[0]))
    if len(rows.units) > 2:  # a pair of units, and all of them
        rows.add(model, "noise_correlation", np.append(curves.noise.per_unit, curves.noise.pooled))


def _add_distances(rows: ScoreRows, model: str, real: _Curves, sampled: _Curves) -> None:
    if real.intervals is not None and sampled.intervals is not None:
        distance = generative.isi_distance(real.intervals, sampled.intervals)
        rows.add(model, "isi_ks", with_mean(distance, real.intervals.sum(axis=1)))
    for metric, one, other in (
        ("hazard_error", real.hazard, sampled.hazard),
        ("adaptation_error", real.adaptation, sampled.adaptation),
    ):
        if one is not None and other is not None:
            per_unit, pooled = generative.ratio_error(one, other)
            rows.add(model, metric, np.append(per_unit, pooled))
