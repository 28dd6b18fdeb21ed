"""What a model that was read from a file holds, against what its type says that it holds.

A file can hold any array under any name: one of another shape would broadcast, and predict wrongly in silence.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from neurodecode.data.limits import check_fits
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.models._base import FittedModel
from neurodecode.models._grid import Grid

_COPIES = 32  # of one trial's counts that a prediction may take


def check_fitted(fitted: FittedModel) -> None:
    """Raise DataError for an array of another shape or type than its annotation says, for arrays that do not fit
    each other or the grid, and for a model that cannot predict a silent trial of each condition."""
    grid = next(_grids(fitted), None)
    if grid is None:
        raise DataError("it says of no grid of bins and units that it was fitted to")
    sizes = {"units": grid.n_units, "bins": grid.n_bins, "steps": grid.lead + grid.n_bins}
    _check(fitted, sizes, type(fitted).__name__)
    intensity_hz = fitted.intensity(_silent_trials(grid))
    if not (np.isfinite(intensity_hz).all() and (intensity_hz >= 0).all()):
        raise DataError("it predicts rates that are NaN, infinite or negative")


def check_hidden(n_hidden: int, parameters: Mapping[str, np.ndarray]) -> None:
    """Refuse a network of more hidden units than any array has rows, before its weights are made."""
    longest = max((max(values.shape, default=0) for values in parameters.values()), default=0)
    if n_hidden > longest:
        raise DataError(f"{n_hidden} hidden units, and no array longer than {longest}")


def _grids(held: object) -> Iterator[Grid]:
    if isinstance(held, Grid):
        yield held
    elif is_dataclass(held):
        for field in fields(held):
            yield from _grids(getattr(held, field.name))


def _check(held: Any, sizes: Mapping[str, int], where: str) -> None:
    """Every array of a dataclass, and of those within it; names of ``sizes`` mean the same in all of them."""
    hints = get_type_hints(type(held))
    known = dict(sizes)
    for field in fields(held):
        value, place = getattr(held, field.name), f"{where}.{field.name}"
        hint = next((one for one in _branches(hints[field.name]) if hasattr(one, "dim_str")), None)
        if hint is not None and value is not None:
            _check_array(value, hint, known, place)
        elif is_dataclass(value) and not isinstance(value, Grid):
            _check(value, sizes, place)


def _branches(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _check_array(value: object, hint: Any, known: dict[str, int], place: str) -> None:
    """``hint``: of jaxtyping; what its names of dims are, ``known`` says or is told."""
    names = hint.dim_str.split()
    if not isinstance(value, np.ndarray) or str(value.dtype) not in hint.dtypes or value.ndim != len(names):
        given = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise DataError(f"{place} is {given}, expected {hint.__name__}")
    for name, size in zip(names, value.shape, strict=True):
        plain = name.removeprefix("#")
        if plain.startswith("_") or (name != plain and size == 1):
            continue
        expected = int(plain) if plain.isdigit() else known.setdefault(plain, size)
        if size != expected:
            raise DataError(f"{place} has {size} {plain}, expected {expected}")


def _silent_trials(grid: Grid) -> Trials:
    """One trial without spikes of each condition."""
    n_trials, n_steps = len(grid.condition_names), grid.lead + grid.n_bins
    n_bytes = _COPIES * 8 * n_trials * n_steps * grid.n_units
    check_fits(n_bytes, "a prediction of one trial of each condition", "the file is damaged: fit again")
    return Trials.from_counts(
        np.zeros((n_trials, n_steps, grid.n_units), np.uint8),
        grid.bin_size_s,
        lead=grid.lead,
        condition=np.arange(n_trials),
        condition_names=grid.condition_names,
        window_start_s=grid.window_start_s,
        covariates={name: np.zeros((n_trials, n_steps, dims)) for name, dims in grid.covariate_dims.items()},
    )
