"""What decoders are given - arrays or ``Trials``, labels, signals, values - in one form, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.data.rebinning import rebinned
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError


@dataclass(frozen=True, eq=False)
class Series:
    """counts (trials, steps, units), the first ``lead`` steps being history before the window; mask: True where a
    bin was observed, counts being 0 elsewhere. bin_size_s: None for bare arrays. one: X was a single recording."""

    counts: Float[np.ndarray, "trials steps units"]
    mask: Bool[np.ndarray, "trials steps #units"]
    lead: int = 0
    bin_size_s: float | None = None
    one: bool = False

    @classmethod
    def of(cls, X: Any, bin_size_s: float | None = None) -> Series:
        """From counts (bins, units), (trials, bins, units) or ``Trials``, the last summed into ``bin_size_s``.

        Raises DataError for other shapes, no trial, bin or unit, and counts that are negative or not finite.
        """
        if isinstance(X, Trials):
            trials = X if bin_size_s is None else rebinned(X, bin_size_s)
            counts = np.where(trials.mask, trials.counts, 0).astype(np.float32)
            return cls(counts, trials.mask, trials.lead, trials.bin_size_s)
        counts = np.asarray(X)
        if counts.dtype.kind not in "uifb":
            raise DataError(f"counts must be numbers, got an array of {counts.dtype}")
        if counts.ndim not in (2, 3) or 0 in counts.shape:
            raise DataError(
                f"counts must be (bins, units) or (trials, bins, units), none of them 0; got shape {counts.shape}"
            )
        if not np.isfinite(counts).all() or counts.min() < 0:
            bad = "negative" if np.isfinite(counts).all() else "NaN or infinite"
            raise DataError(f"counts must be finite and >= 0, some are {bad}; leave those bins or trials out")
        one = counts.ndim == 2
        counts = counts[None] if one else counts
        return cls(counts.astype(np.float32), np.ones((*counts.shape[:2], 1), bool), one=one)

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return int(self.counts.shape[0])

    @property
    def n_bins(self) -> int:
        """Bins of the window."""
        return int(self.counts.shape[1]) - self.lead

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.counts.shape[2])

    @property
    def window_counts(self) -> Float[np.ndarray, "trials bins units"]:
        """Counts of the window."""
        return self.counts[:, self.lead :]

    def select(self, trials: np.ndarray) -> Series:
        """Only these trials, by index or mask."""
        return replace(self, counts=self.counts[trials], mask=self.mask[trials], one=False)

    def followed_by(self, other: Series) -> Series:
        """These trials followed by others on the same grid. Raises DataError where the grids differ."""
        for name in ("n_units", "n_bins", "lead"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise DataError(f"training trials have {name} {mine}, validation trials {theirs}; cut both alike")
        width = max(self.mask.shape[2], other.mask.shape[2])
        masks = [np.broadcast_to(s.mask, (*s.mask.shape[:2], width)) for s in (self, other)]
        counts = np.concatenate([self.counts, other.counts])
        return replace(self, counts=counts, mask=np.concatenate(masks), one=False)

    def check_units(self, n_units: int) -> None:
        """Raise DataError unless there are as many units as a decoder was fitted to."""
        if self.n_units != n_units:
            raise DataError(f"fitted to {n_units} units, given counts of {self.n_units}")

    def check_bins(self, n_bins: int) -> None:
        """Raise DataError unless the window is as long as that of the trials that a decoder was fitted to."""
        if self.n_bins != n_bins:
            raise DataError(f"fitted to trials of {n_bins} bins, given {self.n_bins}: cut both the same way")


def class_labels(X: Any, y: Any) -> np.ndarray:
    """One label for each trial: numbers or fixed-width strings.

    y: labels, the name of a column of ``Trials`` X, or None for the condition of ``Trials``.
    Raises DataError for labels of another length, missing ones and, for None, arrays.
    """
    if isinstance(X, Trials) and y is None:
        named: np.ndarray = np.array(X.condition_names, dtype=np.str_)[X.condition]
        return named
    labels = np.asarray(_column(X, y))
    if labels.dtype == object:
        labels = labels.astype(np.str_)
    _check_length(labels, X, "labels")
    missing = labels == "" if labels.dtype.kind == "U" else ~np.isfinite(labels.astype(float))
    if missing.any():
        raise DataError(f"{int(missing.sum())} of {labels.size} labels are missing; leave those trials out")
    return labels


def check_classes(labels: np.ndarray) -> np.ndarray:
    """The classes among training labels, sorted.

    Raises DataError for fewer than two classes or a class with one trial.
    """
    classes, n_trials = np.unique(labels, return_counts=True)
    if classes.size < 2:
        raise DataError(f"there is nothing to tell apart: every trial is of class {classes[0]!s}")
    if n_trials.min() < 2:
        few = ", ".join(str(c) for c in classes[n_trials < 2])
        raise DataError(f"class {few} has one trial only: leave it out with `where:`, or record more")
    return classes


def trial_values(X: Any, y: Any) -> Float[np.ndarray, " trials"]:
    """One number for each trial; y: numbers or the name of a numeric column of ``Trials`` X.

    Raises DataError for values of another length, or missing ones.
    """
    values = np.asarray(_column(X, y))
    if values.dtype.kind not in "uifb":
        raise DataError(f"values to decode must be numbers, got {values.dtype}")
    _check_length(values, X, "values")
    if not np.isfinite(values).all():
        raise DataError(
            f"{int((~np.isfinite(values)).sum())} of {values.size} values to decode are NaN or infinite; "
            "leave those trials out"
        )
    return values.astype(float)


def signal_values(X: Any, y: Any, bin_size_s: float | None = None) -> Float[np.ndarray, "trials bins dims"]:
    """The signal in every bin of the window; y: an array of X's shape or the name of a covariate of ``Trials`` X.

    An array may also be on the bins that ``Trials`` had before they were summed into ``bin_size_s``.
    Raises DataError for another shape, or infinite values. NaN stays: such bins are not fitted.
    """
    if isinstance(X, Trials):
        trials = X if bin_size_s is None else rebinned(X, bin_size_s)
        if isinstance(y, str):
            if y not in trials.covariates:
                known = ", ".join(sorted(trials.covariates)) or "none"
                raise DataError(f"the trials have no signal {y!r}; they have: {known}")
            y = trials.covariates[y][:, trials.lead :]
        else:
            y = _averaged(np.asarray(y, float), X, trials)
        shape: tuple[int, ...] = (trials.n_trials, trials.n_bins)
    else:
        shape = np.asarray(X).shape[:-1]
    values = np.asarray(y, float)
    if values.ndim == len(shape):
        values = values[..., None]
    if values.shape[:-1] != shape:
        raise DataError(f"the signal has shape {values.shape}, the counts have (trials and) bins {shape}")
    if np.isinf(values).any():
        raise DataError("the signal has infinite values; mark bins without a value as NaN")
    return values[None] if values.ndim == 2 else values


def _averaged(values: np.ndarray, fine: Trials, coarse: Trials) -> np.ndarray:
    """A signal on the bins of ``fine`` on those of ``coarse``; NaN in bins that hold one without a value."""
    if fine.n_bins == coarse.n_bins or values.shape[:2] != (fine.n_trials, fine.n_bins):
        return values
    averaged: np.ndarray = values.reshape(fine.n_trials, coarse.n_bins, -1, *values.shape[2:]).mean(axis=2)
    return averaged


def check_signal(values: Float[np.ndarray, "trials bins dims"]) -> Bool[np.ndarray, "trials bins"]:
    """Bins whose every dim is known. Raises DataError where fewer than two are, or where a dim never changes."""
    known: np.ndarray = np.isfinite(values).all(axis=2)
    if known.sum() < 2:
        raise DataError("the signal to decode is NaN nearly everywhere; does its clock overlap the spikes?")
    constant = np.flatnonzero(np.ptp(values[known], axis=0) == 0)
    if constant.size:
        raise DataError(f"dim {constant[0]} of the signal is constant: there is nothing to decode")
    return known


def check_values(values: Float[np.ndarray, " trials"]) -> None:
    """Raise DataError for values that are all the same."""
    if values.size < 2 or np.ptp(values) == 0:
        raise DataError("the values to decode are all the same: there is nothing to decode")


def _column(X: Any, y: Any) -> Any:
    if y is None:
        raise DataError("what is to be decoded must be given as y")
    if not isinstance(y, str):
        return y
    if not isinstance(X, Trials) or y not in X.columns:
        known = ", ".join(sorted(X.columns)) if isinstance(X, Trials) else "no columns: it is an array"
        raise DataError(f"y={y!r} names a column of the trials, which have: {known or 'none'}")
    return X.columns[y]


def _check_length(values: np.ndarray, X: Any, what: str) -> None:
    n_trials = X.n_trials if isinstance(X, Trials) else len(X)
    if values.shape != (n_trials,):
        raise DataError(f"{what} must have shape ({n_trials},), one for each trial; got {values.shape}")
