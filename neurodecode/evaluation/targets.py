"""What is decoded from the trials of a session: labels, values or signals, checked."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurodecode.config.ranges import Range
from neurodecode.config.target import TargetConfig
from neurodecode.data.trials import Trials
from neurodecode.decoders import signal_values
from neurodecode.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Target:
    """values: (trials,) labels as text, (trials,) numbers, or a signal (trials, bins, dims), NaN where it is not
    decoded.

    trials: those that were given; of a circular signal, the covariate holds its sine and cosine.
    """

    kind: str
    name: str
    circular: bool
    trials: Trials
    values: np.ndarray

    @classmethod
    def of(cls, trials: Trials, target: TargetConfig) -> Target:
        """What ``target`` names among the columns or covariates of these trials.

        Raises DataError for a column or signal that they lack, for missing labels or values, and for values that
        are no numbers.
        """
        if target.kind == "signal":
            if target.name not in trials.covariates:
                raise DataError(f"target: the trials have no signal {target.name!r}; {_has(trials.covariates)}")
            turned = with_sine_and_cosine(trials, target.name) if target.circular else trials
            values = np.where(_bins_where(trials, target.where), _in_window(turned, target.name), np.nan)
            return cls("signal", target.name, target.circular, turned, values)
        if target.name not in trials.columns:
            raise DataError(f"target: the trial table has no column {target.name!r}; {_has(trials.columns)}")
        column = trials.columns[target.name]
        values = _labels(column) if target.kind == "class" else _numbers(column, target.name)
        missing = values == "" if target.kind == "class" else ~np.isfinite(values)
        if missing.any():
            raise DataError(
                f"target: {int(missing.sum())} of {values.size} trials have no {target.name}; leave them out with "
                f"`where:`, which keeps trials that have one of the values or lie in a range that it names"
            )
        return cls(target.kind, target.name, False, trials, values)

    def of_trials(self, chosen: np.ndarray) -> tuple[Trials, np.ndarray]:
        """These trials and what is decoded from them, as decoders take it."""
        return self.trials.select(chosen), self.values[chosen]

    def signal(self, bin_size_s: float) -> np.ndarray:
        """A signal (trials, bins, dims) in bins of this size (s); NaN in those that hold a bin without a value."""
        return signal_values(self.trials, self.values, bin_size_s)


def decodable(trials: Trials, target: TargetConfig | None) -> Trials:
    """Without the trials that hold no bin in which the signal is decoded.

    Raises DataError where none is left.
    """
    if target is None or not target.where:
        return trials
    some = _bins_where(trials, target.where).any(axis=(1, 2))
    if not some.all():
        log.info("%d of %d windows hold no bin where %s: left out", (~some).sum(), some.size, dict(target.where))
    return trials.select(np.flatnonzero(some))


def _in_window(trials: Trials, name: str) -> np.ndarray:
    values = trials.covariates[name][:, trials.lead :].astype(float)
    return values.reshape(*values.shape[:2], -1)


def _bins_where(trials: Trials, where: Mapping[str, Range]) -> np.ndarray:
    """(trials, bins, 1), True where every covariate that is named lies in its range, both ends included."""
    chosen = np.ones((trials.n_trials, trials.n_bins, 1), bool)
    for name, wanted in where.items():
        if name not in trials.covariates:
            raise DataError(f"target: where names {name!r}, which the trials lack; {_has(trials.covariates)}")
        values = _in_window(trials, name)
        if values.shape[2] > 1:
            raise DataError(f"target: where names {name!r} of {values.shape[2]} dims; name a covariate of one dim")
        chosen &= (values >= wanted.get("min", -np.inf)) & (values <= wanted.get("max", np.inf))
    if not chosen.any():
        raise DataError(f"target: no bin has where {dict(where)}; loosen it")
    return chosen


def with_sine_and_cosine(trials: Trials, name: str) -> Trials:
    """The trials with an angle (rad) of one dim replaced by its sine and cosine, two dims in this order.

    Raises DataError for a signal of several dims.
    """
    angle = trials.covariates[name].reshape(trials.n_trials, trials.n_steps, -1)
    if angle.shape[-1] > 1:
        raise DataError(f"target: {name!r} has {angle.shape[-1]} dims, an angle has one; leave out circular")
    turned = np.concatenate([np.sin(angle), np.cos(angle)], axis=-1)
    return replace(trials, covariates={**trials.covariates, name: turned})


def _labels(column: np.ndarray) -> np.ndarray:
    """Text, whole numbers without a point, as conditions are named."""
    if column.dtype.kind != "f":
        return column.astype(np.str_)
    numbers = column.tolist()
    return np.array(["" if v != v else str(int(v)) if v.is_integer() else repr(v) for v in numbers], dtype=np.str_)


def _numbers(column: np.ndarray, name: str) -> np.ndarray:
    if column.dtype.kind not in "uifb":
        raise DataError(f"target: column {name!r} holds text, a value is a number; or is it {{class: {name}}}?")
    return column.astype(float)


def _has(known: Iterable[str]) -> str:
    return f"it has: {', '.join(sorted(known)) or 'none'}"
