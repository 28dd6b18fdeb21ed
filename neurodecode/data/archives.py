"""Arrays in .npz files, whose headers are checked before anything is allocated."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from neurodecode.data.limits import check_fits, declared_bytes
from neurodecode.errors import DataError

_HEADER_BYTES = 1 << 16  # more than the header of any plain array
_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    AttributeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(
    path: str | Path, *, way_out: str, names: Collection[str] | None = None, what: str = "a whole .npz file"
) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, or those of ``names`` that it has.

    Raises DataError, ending in ``way_out``, for a file that is no archive or not whole (each member has a check
    sum), for a name that stands twice, for arrays of Python objects, which only unpickling could read, for a
    header that declares another size than its member has, and for arrays that together exceed the memory.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path, way_out)
            wanted = [name for name in members if names is None or name in names]
            _check_headers(archive, {name: members[name] for name in wanted}, path, way_out)
        with path.open("rb") as file:  # opened here: numpy leaves a file open that it cannot read
            stored = np.load(file, allow_pickle=False)
            return {name: stored[name] for name in wanted}
    except _UNREADABLE as error:
        raise DataError(f"{path}: not {what} ({error!r}); {way_out}") from error
    except RuntimeError as error:  # a member is encrypted
        raise DataError(f"{path}: cannot be read ({error}); {way_out}") from error


def _members(archive: zipfile.ZipFile, path: Path, way_out: str) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in found:
            raise DataError(f"{path}: array {name!r} stands twice; {way_out}")
        if name == member.filename:
            raise DataError(f"{path}: holds {member.filename!r}, which is no array (.npy); {way_out}")
        found[name] = member
    return found


def _check_headers(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path, way_out: str
) -> None:
    """Refuse arrays that are not what their members hold, or more than fits into memory."""
    total = 0
    for name, member in members.items():
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file, max_header_size=_HEADER_BYTES)
            n_header = file.tell()
        if dtype.hasobject:
            raise DataError(
                f"{path}: array {name!r} holds Python objects, which only unpickling could read; refused: save "
                "it as numbers or as text of fixed width"
            )
        n_bytes = declared_bytes(shape, dtype)
        if min(shape, default=0) < 0 or n_bytes != member.file_size - n_header:
            raise DataError(
                f"{path}: array {name!r} declares {dtype} {shape}, {n_bytes} bytes, and has "
                f"{member.file_size - n_header}; {way_out}"
            )
        total += n_bytes
    check_fits(total, str(path), way_out)
