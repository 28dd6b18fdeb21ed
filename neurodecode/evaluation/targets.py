"""What is decoded from the trials of a session: labels, values or signals, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from neurodecode.config.target import TargetConfig
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError


@dataclass(frozen=True, eq=False)
class Target:
    """values: (trials,) labels as text, (trials,) numbers, or the name of a covariate.

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
            return cls("signal", target.name, target.circular, turned, np.empty(0))
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

    def of_trials(self, chosen: np.ndarray) -> tuple[Trials, np.ndarray | str]:
        """These trials and what is decoded from them, as decoders take it."""
        return self.trials.select(chosen), self.name if self.kind == "signal" else self.values[chosen]


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
