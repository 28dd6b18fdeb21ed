"""Scores of decoded signals, task ``regress``, and of values of trials, task ``trial_value``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurodecode.data.rebinning import rebinned
from neurodecode.errors import DataError
from neurodecode.evaluation._decoding_rows import DecodingRows
from neurodecode.evaluation._score_rows import ALL
from neurodecode.evaluation.decoded import Decoded
from neurodecode.evaluation.targets import Target
from neurodecode.metrics.regression import (
    angles,
    angular_distances,
    circular_correlation,
    correlation,
    correlation_interval,
    distances,
    known_bins,
    squared_deviations,
    squared_errors,
)


@dataclass(frozen=True, eq=False)
class _Pair:
    """What was to be decoded and what was, (trials, bins, dims), and the error of every bin (trials, bins)."""

    true: np.ndarray
    decoded: np.ndarray
    errors: np.ndarray


def add_signal_scores(
    rows: DecodingRows, target: Target, decoded: Mapping[str, Decoded], baselines: Mapping[str, str]
) -> None:
    """R2, errors in the signal's units (rad of an angle), correlation; what is gained over a baseline, paired by
    trial.

    A bin in which no unit was observed is not scored. Pooled R2 counts each fold's deviations from its own mean.
    """
    pairs = {name: _pair(target, name, one, rows.tested) for name, one in decoded.items()}
    for name, pair in pairs.items():
        _add_r2(rows, name, pair)
        _add_errors(rows, name, pair)
        _add_correlation(rows, name, pair, target)
    for name, baseline in ((n, baselines[n]) for n in pairs if n in baselines):
        _add_gains(rows, name, pairs[name], pairs[baseline])


def _pair(target: Target, name: str, decoded: Decoded, tested: np.ndarray) -> _Pair:
    found = decoded.of_kind(target.kind, name)
    true = target.values[:, None, None] if target.kind == "value" else _signal(target, decoded.bin_size_s)
    values = found[:, None, None] if target.kind == "value" else found
    if values.shape != true.shape:
        raise DataError(
            f"predictions of {name}: shape {values.shape}, expected (trials, bins, dims) = {true.shape}"
        )
    if not np.isfinite(values[tested][known_bins(true[tested])]).all():
        raise DataError(f"predictions of {name}: NaN or infinite in tested trials; decode every observed bin")
    values = values.astype(float)
    apart = angular_distances(angles(true), angles(values)) if target.circular else distances(true, values)
    return _Pair(true, values, apart)


def _signal(target: Target, bin_size_s: float) -> np.ndarray:
    """(trials, bins, dims) on the decoder's bins; NaN where it is not decoded or no unit was observed."""
    observed = np.any(rebinned(target.trials, bin_size_s).window_mask, axis=2, keepdims=True)
    return np.where(observed, target.signal(bin_size_s), np.nan)


def _sums(rows: DecodingRows, pair: _Pair) -> tuple[np.ndarray, np.ndarray]:
    """Squared errors and squared deviations from the fold's mean, each (trials, dims)."""
    deviations = np.zeros((len(pair.true), pair.true.shape[2]))
    for fold in rows.folds:
        trials = rows.fold == fold
        deviations[trials] = squared_deviations(pair.true[trials])
    return squared_errors(pair.true, pair.decoded), deviations


def _add_r2(rows: DecodingRows, name: str, pair: _Pair) -> None:
    errors, deviations = _sums(rows, pair)
    for target, dims in _dims(rows.target, pair.true.shape[2]):
        top, bottom = (deviations - errors)[:, dims].sum(axis=1), deviations[:, dims].sum(axis=1)
        for fold in rows.folds:
            trials = rows.fold == fold
            total = bottom[trials].sum()
            value = float(top[trials].sum() / total) if total > 0 else float("nan")
            rows.add(name, "r2", value, fold=fold, target=target)
        rows.add_ratio(name, "r2", top, bottom, target=target)


def _dims(target: str, n_dims: int) -> list[tuple[str, slice]]:
    """All dims together, and one by one where there are several."""
    one_by_one = [(f"{target}[{dim}]", slice(dim, dim + 1)) for dim in range(n_dims)]
    return [(target, slice(None)), *(one_by_one if n_dims > 1 else [])]


def _add_errors(rows: DecodingRows, name: str, pair: _Pair) -> None:
    known = known_bins(pair.true)
    for fold in rows.folds:
        held = pair.errors[rows.fold == fold][known[rows.fold == fold]]
        for metric, of in (("mean_error", np.mean), ("median_error", np.median)):
            rows.add(name, metric, float(of(held)) if held.size else float("nan"), fold=fold)
    rows.add_ratio(name, "mean_error", np.where(known, pair.errors, 0.0).sum(axis=1), known.sum(axis=1) * 1.0)
    rows.add_resampled(name, "median_error", *rows.medians(pair.errors, known))


def _add_correlation(rows: DecodingRows, name: str, pair: _Pair, target: Target) -> None:
    chosen = {fold: rows.fold == fold for fold in rows.folds} | {ALL: rows.tested}
    for fold, trials in chosen.items():
        true, decoded = pair.true[trials], pair.decoded[trials]
        if target.circular:
            rows.add(name, "correlation", circular_correlation(angles(true), angles(decoded)), fold=fold)
            continue
        found = correlation(true, decoded)
        names = [rows.target] if found.size == 1 else [f"{rows.target}[{dim}]" for dim in range(found.size)]
        for value, of_dim in zip(found.tolist(), names, strict=True):
            # Bins of a signal depend on their neighbours; values of trials are taken as independent.
            independent = int(trials.sum()) if target.kind == "value" and fold == ALL else 0
            low, high = correlation_interval(value, independent)
            rows.add(name, "correlation", value, fold=fold, target=of_dim, low=low, high=high)


def _add_gains(rows: DecodingRows, name: str, pair: _Pair, baseline: _Pair) -> None:
    """What is gained over the baseline, each on its own bins, in the same resampled trials."""
    gains = []
    for one in (pair, baseline):
        known = known_bins(one.true)
        errors, deviations = (sums.sum(axis=1) for sums in _sums(rows, one))
        missed = np.where(known, one.errors, 0.0).sum(axis=1), known.sum(axis=1) * 1.0
        gains.append((rows.ratios(errors, deviations), rows.ratios(*missed), rows.medians(one.errors, known)))
    metrics = ("r2_gain", "mean_error_gain", "median_error_gain")
    for metric, ours, theirs in zip(metrics, *gains, strict=True):
        rows.add_resampled(name, metric, theirs[0] - ours[0], theirs[1] - ours[1])
