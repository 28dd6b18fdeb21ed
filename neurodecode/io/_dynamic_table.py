"""NWB's tables as plain pandas tables."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.data.limits import check_fits, declared_bytes

log = logging.getLogger(__name__)
WIDEST = 16  # columns of arrays up to this many wide become one column each
LONGEST_TEXT = 200  # a ragged row as text; longer ones hold data, not labels


def plain_table(table: Any, *, where: str, skip: set[str]) -> pd.DataFrame:
    """All columns of a DynamicTable that hold one number or text a row, by row id.

    A column of short arrays gives ``name_0``, ``name_1``, ...; rows of several labels are joined by commas;
    columns that point elsewhere or hold data of other lengths are left out and logged.
    """
    if table is None:
        return pd.DataFrame({"start_time": np.empty(0), "stop_time": np.empty(0)})
    columns: dict[str, np.ndarray | list[str]] = {}
    for name in table.colnames:
        if name in skip:
            continue
        found = _columns(str(name), table[name], where)
        if not found:
            log.info("%s: column %r is not read: it holds neither one number nor one text a row", where, name)
        columns |= found
    return pd.DataFrame(columns, index=pd.Index(np.asarray(table.id[:]), name="id"))


def _columns(name: str, column: Any, where: str) -> dict[str, np.ndarray | list[str]]:
    kind = type(column).__name__
    if kind == "DynamicTableRegion":
        return {}
    if kind == "VectorIndex":
        joined = _joined(column)
        return {} if joined is None else {name: joined}
    if kind == "EnumData":
        elements = [_text(e) or "" for e in column.elements.data[:]]
        return {name: [elements[int(code)] for code in column.data[:]]}
    check_fits(declared_bytes(np.shape(column.data), np.dtype(float)), f"{where}: column {name!r}", "leave it out")
    values = column.data[:]
    array = values if isinstance(values, np.ndarray) else np.array(values)
    if array.ndim == 2 and array.shape[1] <= WIDEST and array.dtype.kind in "iufb":
        return {f"{name}_{place}": array[:, place] for place in range(array.shape[1])}
    if array.ndim != 1:
        return {}
    if array.dtype.kind in "iufb":
        return {name: array}
    texts = [_text(value) for value in array]
    return {} if any(text is None for text in texts) else {name: [text or "" for text in texts]}


def _joined(column: Any) -> list[str] | None:
    """Ragged rows of labels or numbers as comma-separated text; None where that is not what the column holds."""
    if type(column.target).__name__ != "VectorData":
        return None
    if len(column.target.data) > LONGEST_TEXT * max(1, len(column.data)):
        return None
    rows = [np.atleast_1d(np.asarray(row)) for row in column[:]] if len(column.data) else []
    texts = [[_text(value) for value in row.ravel()] for row in rows]
    if any(text is None for row in texts for text in row):
        return None
    joined = [",".join(text or "" for text in row) for row in texts]
    return joined if max(map(len, joined), default=0) <= LONGEST_TEXT else None


def _text(value: object) -> str | None:
    """Text of a label or number, the name of a container, None for anything else."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (str, int, float, np.generic)):
        return str(value)
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else None
