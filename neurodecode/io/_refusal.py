"""Files that are turned away before a reader opens them: absent ones, and those that would run code."""

from __future__ import annotations

import zipfile
from pathlib import Path

from neurodecode.errors import DataError

PICKLE_SUFFIXES = frozenset({".pkl", ".pickle", ".pck", ".joblib", ".dill", ".pt", ".pth"})
_NUMPY_MAGIC = b"\x93NUMPY"
_WAY_OUT = (
    "unpickling runs code from the file, so it is refused unopened; export the recording as NWB, CSV, Parquet, "
    ".npz of plain arrays or .mat"
)


def check_readable(path: Path) -> None:
    """Raise DataError for a path that does not exist or holds a pickle, by its suffix or its first bytes."""
    if not path.exists():
        beside = ", ".join(sorted(p.name for p in path.parent.glob(f"*{path.suffix}"))[:10])
        hint = f"; beside it: {beside}" if beside else ""
        raise DataError(f"{path}: no such file; check `path` and recordings_dir{hint}")
    if PICKLE_SUFFIXES & {suffix.lower() for suffix in path.suffixes}:
        raise DataError(f"{path}: a pickle ({path.suffix}): {_WAY_OUT}")
    if path.is_file() and _is_pickle(path):
        raise DataError(f"{path}: by its first bytes a pickle under another name: {_WAY_OUT}")


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(256)
    if head.startswith(_NUMPY_MAGIC):
        return b"'|O'" in head  # an array of objects is a pickle behind numpy's header
    if head.startswith(b"PK\x03\x04") and zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:  # torch.save: a zip around a pickle
                return any(Path(name).suffix.lower() in PICKLE_SUFFIXES for name in archive.namelist())
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            return False  # damaged: its reader says so
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5  # PROTO of protocols 2 to 5
