"""Loops compiled for this machine's CPU by numba, and the threads that run them.

Compiled code is kept on disk beside the file of the loop (or where NUMBA_CACHE_DIR says) and made anew when that
file changes, or one whose functions it calls. What these call in turn must stand in their own file.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import unwrap
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
_FEWEST = 8  # sequences for which it pays to start a thread


def run(kernel: Callable[..., None], n_sequences: int, *tensors: torch.Tensor) -> None:
    """``kernel(first, end, *arrays)`` for all sequences, in as many threads as torch may use."""
    arrays: list[np.ndarray] = [tensor.detach().numpy() for tensor in tensors]
    n_threads = min(torch.get_num_threads(), n_sequences // _FEWEST)
    if n_threads <= 1:
        kernel(0, n_sequences, *arrays)
        return
    edges = [round(part * n_sequences / n_threads) for part in range(n_threads + 1)]
    with ThreadPoolExecutor(n_threads) as pool:
        for done in [pool.submit(kernel, edges[k], edges[k + 1], *arrays) for k in range(n_threads)]:
            done.result()


def compiled(function: Kernel) -> Kernel:
    """Compiled at the first call, kept on disk where there is a place for it. NaN stays NaN."""
    # Sums may be reordered and fused with products, which is how they are done in vectors.
    options: dict[str, Any] = {"fastmath": {"contract", "reassoc"}, "error_model": "numpy", "nogil": True}
    function = unwrap(function)  # where types are checked while testing, numba is to see the function itself
    function.__qualname__ += _digest_of_called(function)  # numba keeps code under this name
    try:
        kept: Kernel = njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written to
        kept = njit(**options)(function)
    return kept


def _digest_of_called(function: Callable[..., Any]) -> str:
    """Of our other files whose functions it calls; nothing where there are none."""
    called = (function.__globals__.get(name) for name in function.__code__.co_names)
    modules = {str(getattr(value, "__module__", "")) for value in called} - {function.__module__}
    ours = [sys.modules[name] for name in sorted(modules) if name.startswith("neurodecode.")]
    digest = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in ours))
    return f"_{digest.hexdigest()[:12]}" if ours else ""
