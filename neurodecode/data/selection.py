"""Which rows of a trial table and which units are asked for, in what condition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neurodecode.errors import ConfigError

if TYPE_CHECKING:
    Column = pd.Series[Any]
else:  # pandas' own class cannot be subscripted
    Column = pd.Series


def time_column(table: pd.DataFrame, name: str, *, field_name: str, recording: str) -> Float[np.ndarray, " rows"]:
    """The times (s) of one column; NaN where a row has none.

    Raises ConfigError for a column that does not exist or holds no numbers.
    """
    values = _column(table, name, field_name=field_name, recording=recording)
    if not pd.api.types.is_numeric_dtype(values):
        raise ConfigError(
            f"{recording}: {field_name} {name!r} holds {values.dtype}, not times in seconds; "
            f"columns of numbers: {_listed(c for c in table.columns if pd.api.types.is_numeric_dtype(table[c]))}"
        )
    return values.to_numpy(dtype=float, na_value=np.nan)


def rows_where(table: pd.DataFrame, where: Mapping[str, object], *, recording: str) -> Bool[np.ndarray, " rows"]:
    """Rows that meet every entry of ``where``: {column: value | [values] | {min:, max:}}, both ends included.

    Raises ConfigError for an unknown column, a malformed entry, or a filter that no row meets.
    """
    chosen = np.ones(len(table), bool)
    for name, wanted in where.items():
        values = _column(table, name, field_name="where", recording=recording)
        if isinstance(wanted, Mapping):
            met = _within(values, wanted, name=name, recording=recording)
        else:
            met = _among(values, wanted if isinstance(wanted, (list, tuple)) else [wanted], name, recording)
        if len(table) and not met.any():
            shown = _listed(condition_labels(values)[0][:12])
            raise ConfigError(f"{recording}: no trial has where {name}: {wanted!r}; its values: {shown}")
        chosen &= met
    if len(table) and not chosen.any():
        raise ConfigError(f"{recording}: no trial meets all of where {dict(where)!r}; loosen it")
    return chosen


def condition_labels(values: Column) -> tuple[tuple[str, ...], Int[np.ndarray, " rows"]]:
    """Names of the conditions, sorted by value (numbers as numbers), and each row's index; -1 where missing.

    Empty text counts as missing.
    """
    codes, distinct = pd.factorize(values.where(values != ""), use_na_sentinel=True)
    found = list(distinct)
    try:
        order = sorted(range(len(found)), key=lambda i: found[i])
    except TypeError:  # numbers and text in one column
        order = sorted(range(len(found)), key=lambda i: str(found[i]))
    rank = np.full(len(found) + 1, -1)  # the last entry stands for the sentinel -1
    rank[order] = np.arange(len(found))
    return tuple(_label(found[i]) for i in order), rank[codes].astype(int)


def condition_column(
    table: pd.DataFrame, name: str | None, *, recording: str
) -> tuple[tuple[str, ...], Int[np.ndarray, " rows"]]:
    """Condition names and codes of a table; without a column every row is in condition ``all``."""
    if name is None:
        return ("all",), np.zeros(len(table), int)
    return condition_labels(_column(table, name, field_name="condition", recording=recording))


def plain_columns(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Every column as numbers or fixed-width strings; missing numbers are NaN, missing strings empty."""
    return {str(name): _plain(_widened(table[name])) for name in table.columns}


def unit_indices(
    names: Sequence[str], wanted: Sequence[str | int], *, recording: str
) -> Int[np.ndarray, " units"]:
    """Row indices of the units asked for by name or row index; all where nothing is asked.

    Raises ConfigError for a unit that does not exist or is asked for twice.
    """
    if not wanted:
        return np.arange(len(names))
    found: list[int] = []
    for unit in wanted:
        if isinstance(unit, int) and not isinstance(unit, bool) and 0 <= unit < len(names):
            found.append(unit)
        elif isinstance(unit, str) and unit in names:
            found.append(list(names).index(unit))
        else:
            raise ConfigError(
                f"{recording}: units: no unit {unit!r}; give row indices 0 to {len(names) - 1} or names of: "
                f"{_listed(names[:40])}"
            )
    if len(set(found)) < len(found):
        raise ConfigError(f"{recording}: units: {list(wanted)} asks for a unit twice")
    return np.array(found, int)


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with ``#row`` behind those that stand more than once."""
    times = Counter(names)
    return tuple(name if times[name] == 1 else f"{name}#{row}" for row, name in enumerate(names))


def _column(table: pd.DataFrame, name: str, *, field_name: str, recording: str) -> Column:
    if name not in table.columns:
        raise ConfigError(
            f"{recording}: {field_name}: the trial table has no column {name!r}; it has: {_listed(table.columns)}"
        )
    return _widened(table[name])


def _widened(values: Column) -> Column:
    """32-bit numbers as the decimals they stand for: 0.1, not 0.10000000149."""
    if values.dtype != np.float32:
        return values
    return pd.Series(values.to_numpy().astype(np.str_).astype(float), index=values.index)


def _within(
    values: Column, limits: Mapping[str, object], *, name: str, recording: str
) -> Bool[np.ndarray, " rows"]:
    ends = {end: limit for end, limit in limits.items() if isinstance(limit, (int, float))}
    if not ends or limits.keys() - {"min", "max"} or len(ends) < len(limits):
        raise ConfigError(
            f"{recording}: where {name}: a range is {{min: number, max: number}}, got {dict(limits)!r}"
        )
    if not pd.api.types.is_numeric_dtype(values):
        raise ConfigError(f"{recording}: where {name}: min and max need numbers, the column holds {values.dtype}")
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    within: np.ndarray = (numbers >= ends.get("min", -np.inf)) & (numbers <= ends.get("max", np.inf))
    return within


def _among(values: Column, wanted: Sequence[object], name: str, recording: str) -> Bool[np.ndarray, " rows"]:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        try:
            numbers = [float(str(w)) for w in wanted]
        except ValueError:
            raise ConfigError(f"{recording}: where {name}: the column holds numbers, got {wanted!r}") from None
        return np.isin(values.to_numpy(dtype=float, na_value=np.nan), numbers)
    labels = {_label(w) for w in wanted}
    return np.array([not _missing(v) and _label(v) in labels for v in values], bool)


def _label(value: object) -> str:
    """1200.0 is the condition 1200."""
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _plain(values: Column) -> np.ndarray:
    if pd.api.types.is_bool_dtype(values) and not values.hasnans:
        return values.to_numpy(dtype=bool)
    if pd.api.types.is_integer_dtype(values) and not values.hasnans:
        return values.to_numpy(dtype=np.int64)
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=float, na_value=np.nan)
    # an explicit fixed width: object arrays would be pickled by np.savez
    return np.array(["" if _missing(v) else _label(v) for v in values], dtype=np.str_)


def _listed(names: object) -> str:
    return ", ".join(str(n) for n in names) or "none"  # type: ignore[attr-defined]
