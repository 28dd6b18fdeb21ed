"""Scores of decoded classes, task ``classify``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurodecode.data.splits import Split
from neurodecode.errors import DataError
from neurodecode.evaluation._decoding_rows import DecodingRows
from neurodecode.evaluation._score_rows import ALL
from neurodecode.evaluation.decoded import Decoded
from neurodecode.evaluation.likelihoods import UNTESTED
from neurodecode.evaluation.targets import Target
from neurodecode.metrics.calibration import expected_calibration_error
from neurodecode.metrics.classification import (
    accuracy,
    class_prior,
    correct,
    log_loss,
    permutation_null,
    prior_entropy,
    trial_log_loss,
)

PRIOR = "prior"
"""The class known from its share of the training trials alone."""


def add_class_scores(
    rows: DecodingRows,
    target: Target,
    splits: Sequence[Split],
    decoded: Mapping[str, Decoded],
    baselines: Mapping[str, str],
) -> None:
    """Accuracy and losses of every decoder, fold by fold and pooled, calibration, permutation null, and what it
    gains over its baseline, paired by trial; and of ``prior``, with the entropy of the class prior."""
    classes, codes = np.unique(target.values, return_inverse=True)
    prior = _prior(codes, classes.size, splits)
    found = {PRIOR: prior} | {name: one.probabilities_of(classes, name) for name, one in decoded.items()}
    for name, probabilities in found.items():
        _check(name, probabilities, rows.tested, classes.size)
        _add(rows, name, probabilities, codes, _trial_measures(probabilities, codes))
    rows.add(PRIOR, "prior_entropy", prior_entropy(codes[rows.tested]))
    for name, one in decoded.items():
        _add_calibration(rows, name, found[name], codes)
        if (raw := one.raw_probabilities_of(classes, name)) is not None:
            rows.add_mean(name, "log_loss_raw", trial_log_loss(raw, codes))
        if (baseline := baselines.get(name)) is not None:
            ours, theirs = (_trial_measures(found[each], codes) for each in (name, baseline))
            rows.add_mean(name, "accuracy_gain", ours["accuracy"] - theirs["accuracy"])
            rows.add_mean(name, "log_loss_gain", theirs["log_loss"] - ours["log_loss"])


def _trial_measures(probabilities: np.ndarray, codes: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "accuracy": correct(probabilities, codes).astype(float),
        "log_loss": trial_log_loss(probabilities, codes),
    }


def _prior(codes: np.ndarray, n_classes: int, splits: Sequence[Split]) -> np.ndarray:
    """(trials, classes) by the fold that tests each trial; NaN where none does."""
    found = np.full((codes.size, n_classes), np.nan)
    for split in splits:
        found[split.test] = class_prior(codes[np.r_[split.train, split.validation]], n_classes)
    return found


def _check(name: str, probabilities: np.ndarray, tested: np.ndarray, n_classes: int) -> None:
    if probabilities.shape != (tested.size, n_classes):
        raise DataError(
            f"predictions of {name}: shape {probabilities.shape}, expected (trials, classes) = "
            f"{(tested.size, n_classes)}; decode these very trials"
        )
    held = probabilities[tested]
    if not (np.isfinite(held).all() and (held >= 0).all() and np.allclose(held.sum(axis=1), 1.0, atol=1e-4)):
        raise DataError(
            f"predictions of {name}: probabilities of tested trials must be >= 0 and add up to 1 in each trial"
        )


def _add(
    rows: DecodingRows, name: str, probabilities: np.ndarray, codes: np.ndarray, measures: Mapping[str, np.ndarray]
) -> None:
    for fold in rows.folds:
        trials = rows.fold == fold
        rows.add(name, "accuracy", float(accuracy(probabilities[trials], codes[trials])), fold=fold)
        rows.add(name, "log_loss", float(log_loss(probabilities[trials], codes[trials])), fold=fold)
    for metric, values in measures.items():
        rows.add_mean(name, metric, values)


def _add_calibration(rows: DecodingRows, name: str, probabilities: np.ndarray, codes: np.ndarray) -> None:
    """Pooled over folds, as are the permutations, which stay within folds."""
    tested = rows.fold != UNTESTED
    held, y, fold = probabilities[tested], codes[tested], rows.fold[tested]
    rows.add(name, "expected_calibration_error", expected_calibration_error(held, y))
    null = permutation_null(held, y, fold, rows.rng(name, "permutations"))
    rows.add(name, "accuracy_null", null.mean, fold=ALL, low=null.low, high=null.high)
    rows.add(name, "permutation_p", null.p_value)
