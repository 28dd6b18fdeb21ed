"""Variables of a .mat file as plain arrays: versions 5 and 7 with scipy, 7.3 (an HDF5 file) with h5py."""

from __future__ import annotations

import logging
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.data.limits import check_fits
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
    except DataError:
        raise
    except Exception as error:  # scipy and h5py raise many kinds for damaged content, zlib and struct their own
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
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    try:
        for name, shape, kind in whosmat(path):
            _check_size(path, name, shape, 1 if kind == "sparse" else 8)
        held: dict[str, Any] = loadmat(path)
    except (MatReadError, IndexError) as error:
        raise ValueError(str(error)) from error
    return {name: value for name, value in held.items() if not name.startswith("__")}


def _version_7_3(path: Path) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        return {name: _hdf5_value(file, item, path) for name, item in file.items() if not name.startswith("#")}


def _check_size(path: Path, name: str, shape: tuple[int, ...], item_bytes: int) -> None:
    """Refuse a variable, filled in, that would not fit into memory."""
    way_out = "save a part of it, or counts in bins that are wider"
    check_fits(prod(int(n) for n in shape) * item_bytes, f"{path}: variable {name!r} {tuple(shape)}", way_out)


def _hdf5_value(file: Any, item: Any, path: Path) -> Any:
    import h5py

    if isinstance(item, h5py.Group):
        return _hdf5_sparse(item, path) if "MATLAB_sparse" in item.attrs else None
    kind = item.attrs.get("MATLAB_class")
    if item.attrs.get("MATLAB_empty"):
        return np.empty((0, 0))
    _check_size(path, item.name, item.shape, item.dtype.itemsize)
    values = item[()]
    if kind is None:  # written by something else than MATLAB: as it stands
        return values
    values = np.asarray(values).T  # MATLAB's arrays are column-major
    if kind == b"char":
        return np.array(["".join(map(chr, row)) for row in np.atleast_2d(values)])
    if kind == b"cell":
        return np.array([_hdf5_value(file, file[reference], path) for reference in values.ravel()], dtype=object)
    return values


def _hdf5_sparse(group: Any, path: Path) -> np.ndarray:
    from scipy.sparse import csc_matrix

    columns = group["jc"][()]
    shape = (int(group.attrs["MATLAB_sparse"]), len(columns) - 1)
    _check_size(path, group.name, shape, 8)
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
