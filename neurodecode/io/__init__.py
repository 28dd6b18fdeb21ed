"""Files to recordings: the one room that knows file formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurodecode.errors import DataError

if TYPE_CHECKING:
    from neurodecode.data.session import Session

__all__ = ["read_recording", "write_nwb"]

FORMATS = ("nwb", "neo", "table", "arrays")
_BY_SUFFIX = {".nwb": "nwb"}


def read_recording(
    path: str | Path, *, format: str | None = None, trials_path: str | Path | None = None
) -> Session:
    """Read one recording."""
    del format, trials_path
    if not Path(path).is_file():
        raise DataError(f"{path}: no such file")
    from neurodecode.io.nwb import read_nwb

    return read_nwb(Path(path))


def write_nwb(path: str | Path, session: Session) -> None:
    """Write a session as NWB, the file that ``read_recording`` gives the same session back from."""
    from neurodecode.io._nwb_writer import write_session

    write_session(Path(path), session)
