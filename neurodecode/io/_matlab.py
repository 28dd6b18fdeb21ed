"""Variables of a .mat file as plain arrays: versions 5 and 7 with scipy, 7.3 (an HDF5 file) with h5py."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.errors import DataError

log = logging.getLogger(__name__)
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_mat(path: Path) -> dict[str, np.ndarray]:
    """Numeric and text variables by name; structs and function handles are left out and logged.

    Sparse matrices are filled, cells of text become arrays of text.
    Raises DataError for a file that is truncated or no .mat file.
    """
    try:
        raw = _version_7_3(path) if _is_hdf5(path) else _version_5(path)
    except (OSError, ValueError, TypeError, NotImplementedError, KeyError, EOFError) as error:
        raise DataError(f"{path}: not a whole .mat file ({error}); save it again") from error
    found = {}
    for name, value in raw.items():
        array = _plain(value)
        if array is None:
            log.info("%s: variable %r is not read: it is no plain array", path, name)
        else:
            found[name] = array
    return found


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(8) == _HDF5_MAGIC:
            return True
        file.seek(512)  # MATLAB's own header comes first
        return file.read(8) == _HDF5_MAGIC


def _version_5(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held: dict[str, Any] = loadmat(path)
    except (MatReadError, IndexError) as error:
        raise ValueError(str(error)) from error
    return {name: value for name, value in held.items() if not name.startswith("__")}


def _version_7_3(path: Path) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        return {name: _hdf5_value(file, item) for name, item in file.items() if not name.startswith("#")}


def _hdf5_value(file: Any, item: Any) -> Any:
    import h5py

    if isinstance(item, h5py.Group):
        return _hdf5_sparse(item) if "MATLAB_sparse" in item.attrs else None
    kind = item.attrs.get("MATLAB_class")
    if item.attrs.get("MATLAB_empty"):
        return np.empty((0, 0))
    values = item[()]
    if kind is None:  # written by something else than MATLAB: as it stands
        return values
    values = np.asarray(values).T  # MATLAB's arrays are column-major
    if kind == b"char":
        return np.array(["".join(map(chr, row)) for row in np.atleast_2d(values)])
    if kind == b"cell":
        return np.array([_hdf5_value(file, file[reference]) for reference in values.ravel()], dtype=object)
    return values


def _hdf5_sparse(group: Any) -> np.ndarray:
    from scipy.sparse import csc_matrix

    columns = group["jc"][()]
    shape = (int(group.attrs["MATLAB_sparse"]), len(columns) - 1)
    if "data" not in group:
        return np.zeros(shape)
    filled: np.ndarray = csc_matrix((group["data"][()], group["ir"][()], columns), shape=shape).toarray()
    return filled


def _plain(value: Any) -> np.ndarray | None:
    if hasattr(value, "toarray"):
        value = value.toarray()
    array = np.asarray(value)
    if array.dtype.kind in "iufb":
        return array
    if array.dtype.kind in "US":
        return np.array([str(text).strip() for text in array.astype(np.str_).ravel()])
    if array.dtype == object and array.dtype.names is None:
        texts = [np.asarray(cell) for cell in array.ravel()]
        if all(text.dtype.kind == "U" and text.size <= 1 for text in texts):
            return np.array([str(text.ravel()[0]) if text.size else "" for text in texts])
    return None
