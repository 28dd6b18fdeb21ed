"""Arrays that are written to a .npy file a few rows at a time, because they may not fit into memory."""

from __future__ import annotations

from io import BufferedIOBase

import numpy as np
from jaxtyping import Int, Shaped


class WrittenRows:
    """A .npy file of ``shape`` (rows, ...) whose rows come in any order; byte for byte what ``np.save`` writes.

    ``file`` is empty and open for writing in binary. Nothing is held but what is handed to ``put``.
    """

    def __init__(self, file: BufferedIOBase, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
        self._file, self._shape, self._dtype = file, shape, np.dtype(dtype)
        header = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(self._dtype)}
        np.lib.format.write_array_header_1_0(file, header)
        self._start, self._written = file.tell(), np.zeros(shape[0], bool)

    def put(self, rows: Int[np.ndarray, " rows"], values: Shaped[np.ndarray, "rows *rest"]) -> None:
        """Write the values of some rows."""
        for row, one in zip(rows.tolist(), values, strict=True):
            self._file.seek(self._start + row * self._row_bytes)
            self._file.write(np.ascontiguousarray(one, self._dtype).data)
            self._written[row] = True

    def fill_others(self, value: float) -> None:
        """Write ``value`` everywhere in the rows that nothing was put into."""
        row = np.full((1, *self._shape[1:]), value, self._dtype)
        for other in np.flatnonzero(~self._written):
            self.put(np.array([other]), row)

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self._shape[1:], dtype=np.int64)) * self._dtype.itemsize
