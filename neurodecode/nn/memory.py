"""Memory that training keeps between its steps."""

from __future__ import annotations

import ctypes
import functools
import logging
import sys

log = logging.getLogger(__name__)

# mallopt's parameters in <malloc.h>: blocks above the one size are mapped from the system one by one, free memory
# above the other at the heap's end is given back.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_BYTES = 2**30


@functools.cache
def keep_freed_memory() -> bool:
    """Let freed memory stay with this process; returns whether the C library took it up (glibc does).

    A step of training frees what its backward pass held and asks for the same at once. glibc gives blocks of many
    megabytes back to the system in between, which hands them out again page by page, zeroed: half and more
    of a step's time. The process then holds its peak until it ends.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    taken = [mallopt(parameter, _MOST_BYTES) for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD)]
    log.debug("freed memory stays with the process: %s", all(taken))
    return all(taken)
