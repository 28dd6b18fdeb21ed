"""What a file may ask for before anything is allocated: no more than this machine has."""

from __future__ import annotations

import os
from math import prod

import numpy as np

from neurodecode.errors import DataError

_GIB = 2**30


def memory_bytes() -> int:
    """The memory of this machine, which no array of ours can exceed."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_fits(n_bytes: int, where: str, way_out: str) -> None:
    """Refuse what would take more than the machine's memory: DataError that names ``where`` and the way out.

    To be asked of a declared size, before it is allocated: a few bytes of a header can declare any size.
    """
    held = memory_bytes()
    if n_bytes > held:
        raise DataError(
            f"{where}: would take {n_bytes / _GIB:.3g} GiB, this machine has {held / _GIB:.3g} GiB; {way_out}"
        )


def declared_bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Bytes of an array of this shape and type; Python's integers do not overflow."""
    return prod(int(n) for n in shape) * dtype.itemsize
