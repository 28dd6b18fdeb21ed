"""Fits that go on where they were interrupted: where their checkpoints lie, and when they hold."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from neurodecode.data.checkpoints import checkpoints_in, identity_of

FOLDER = "checkpoints"


def resumable(output: str | Path, code: str | None, *decides: Any) -> contextlib.AbstractContextManager[None]:
    """A block whose work is kept in a folder beside ``output`` until the block has ended well.

    code: a digest of the code that does the work; None: nothing is kept, since nobody could tell whether what is
    found was done by the same code. decides: whatever else the numbers depend on: files, as ``Path``, whose
    contents count, and what JSON holds.
    """
    if code is None:
        return contextlib.nullcontext()
    return checkpoints_in(Path(output).parent / FOLDER, identity_of(code, *decides))
