"""Hyper-parameters that are lists to choose from, and the counts that a stream is told."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.errors import ConfigError, DataError


def numbers_to_choose_from(
    name: str, values: Sequence[float], *, least: float, most: float = math.inf, whole: bool = False
) -> list[float]:
    """The distinct values, ascending.

    Raises ConfigError for none, for what is no number and for what is out of bounds.
    """
    listed = [values] if isinstance(values, int | float) else list(values)
    if not listed:
        raise ConfigError(f"{name} must hold at least one value to choose from, got none")
    for value in listed:
        bad = isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most
        if bad or (whole and value != int(value)):
            kind = "whole numbers" if whole else "numbers"
            bounds = f">= {least:g}" + (f" and <= {most:g}" if most < math.inf else "")
            raise ConfigError(f"{name} must be {kind} {bounds}, got {value!r} in {list(listed)}")
    return sorted(set(listed))


def transforms(square_root: bool | None) -> tuple[bool, ...]:  # noqa: FBT001  (the hyper-parameter itself)
    """Counts as they are, their square roots, or both to choose from."""
    return (False, True) if square_root is None else (bool(square_root),)


def told_counts(
    counts: Float[np.ndarray, " units"], n_units: int
) -> tuple[Float[np.ndarray, " units"], Bool[np.ndarray, " units"]]:
    """Counts of one bin, 0 where NaN, and which units were observed: those that are not NaN.

    Raises DataError for another number of units, infinite and negative counts.
    """
    told = np.asarray(counts, float)
    if told.shape != (n_units,):
        raise DataError(f"step takes the counts of one bin, shape ({n_units},); got shape {told.shape}")
    observed: Bool[np.ndarray, " units"] = ~np.isnan(told)
    filled = np.where(observed, told, 0.0)
    if filled.min() < 0 or not np.isfinite(filled).all():
        raise DataError("counts of a bin must be finite and >= 0, or NaN for a unit that was not observed")
    return filled, observed
