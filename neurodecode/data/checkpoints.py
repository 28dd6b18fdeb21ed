"""What a long fit keeps on disk while it lasts: one that is killed goes on from there, to the same numbers.

Whoever runs the fit says where, and of what it is (``checkpoints_in``); whatever costs much asks for the place
that is open (``current``) or hands over how it is made, taken apart and put together (``kept``). Where none is
open nothing is kept. A checkpoint is one safetensors file, what is no array as JSON in its header; it holds the
identity of the fit and a digest of its contents, and one that is another fit's or damaged is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neurodecode.data.store import written_whole
from neurodecode.errors import NeurodecodeError

Parts = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Arrays by name, and what else there is, as JSON holds it."""

T = TypeVar("T")
SUFFIX = ".safetensors"
LEAST_S = 5.0  # what is done again faster than this is not kept; a training is not kept more often
_HEADER = "neurodecode"
_LIBRARIES = ("numpy", "scipy", "torch")  # another release may round otherwise

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Checkpoints:
    """Checkpoints of one fit in ``folder``; ``least_s``: seconds of work that one is worth."""

    folder: Path
    identity: str
    least_s: float

    def path(self, name: str) -> Path:
        """The file of what is called ``name``."""
        return self.folder / (_plain(name) + SUFFIX)

    def within(self, name: str) -> Checkpoints:
        """The place for the parts of what is called ``name``."""
        return replace(self, folder=self.folder / _plain(name))

    def save(self, name: str, arrays: Mapping[str, np.ndarray], described: Mapping[str, Any]) -> None:
        """Keep arrays and a JSON-able description, in the place of what was kept under this name.

        Where the disk does not take it, the log says so, and the fit goes on.
        """
        held = {key: np.asarray(values, order="C") for key, values in arrays.items()}
        text = json.dumps(described, sort_keys=True)
        header = {"identity": self.identity, "digest": _digest(held, text), "described": text}
        try:
            _write(self.path(name), held, header)
        except OSError as error:
            log.warning("%s: not kept: %s", self.path(name), error)

    def load(self, name: str) -> Parts | None:
        """What was kept under this name; None, and a line in the log, for what is damaged or another fit's."""
        path = self.path(name)
        if not path.is_file():
            return None
        try:
            arrays, header = _read(path)
            if header["identity"] != self.identity:
                raise ValueError("it is of other data, settings or code")
            if header["digest"] != _digest(arrays, header["described"]):
                raise ValueError("its contents are not what was written")
            return arrays, json.loads(header["described"])
        except _UNREADABLE as error:
            log.warning("%s: not used, the work is done again: %s", path, error)
            return None

    def drop(self, name: str) -> None:
        """Forget the parts of what is called ``name``, once it is kept as a whole."""
        shutil.rmtree(self.within(name).folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what another fit left here: it would never be used."""
        foreign = [path for path in self.folder.rglob("*" + SUFFIX) if not self._ours(path)]
        for path in foreign:
            path.unlink(missing_ok=True)
        if foreign:
            log.warning(
                "%s: %d checkpoints are damaged or of other data, settings or code; they are not used and removed",
                *(self.folder, len(foreign)),
            )

    def _ours(self, path: Path) -> bool:
        try:
            return bool(_header(path)["identity"] == self.identity)
        except _UNREADABLE:
            return False


_OPEN: ContextVar[Checkpoints | None] = ContextVar("checkpoints", default=None)


def current() -> Checkpoints | None:
    """The place that is open; None where nothing is to be kept."""
    return _OPEN.get()


@contextlib.contextmanager
def checkpoints_in(folder: str | Path, identity: str) -> Iterator[None]:
    """Keep what the block has done in ``folder``, and use what an earlier one of the same ``identity`` left there.

    The folder goes when the block ends well; after an error it stays, for the next attempt.
    """
    place = Checkpoints(Path(folder), identity, LEAST_S)
    place.sweep()
    token = _OPEN.set(place)
    try:
        yield
    finally:
        _OPEN.reset(token)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Whatever the block keeps is a part of what is called ``name``: the same names may stand in another stage."""
    place = current()
    token = _OPEN.set(None if place is None else place.within(name))
    try:
        yield
    finally:
        _OPEN.reset(token)


def kept(name: str, make: Callable[[], T], apart: Callable[[T], Parts], together: Callable[[Parts], T]) -> T:
    """What ``make`` gives, or gave before the fit was interrupted.

    It is kept as what ``apart`` makes of it if it took long enough to be worth it. Names are unique within a
    stage; what ``make`` itself keeps are parts of this name.
    """
    place = current()
    if place is None:
        return make()
    found = place.load(name)
    if found is not None:
        try:
            known = together(found)
        except (KeyError, ValueError, TypeError, NeurodecodeError) as error:
            log.warning("%s: not used, the work is done again: %r", place.path(name), error)
        else:
            log.info("%s: taken from before the interruption", name)
            return known
    started = time.monotonic()
    with stage(name):
        made = make()
    if time.monotonic() - started >= place.least_s or place.within(name).folder.is_dir():
        place.save(name, *apart(made))
        place.drop(name)
    return made


def identity_of(*parts: Any) -> str:
    """A digest of what decides a fit's numbers: contents of files (``Path``), what JSON holds, the libraries."""
    digest = hashlib.sha256(json.dumps([_release(name) for name in _LIBRARIES]).encode())
    for part in parts:
        if isinstance(part, Path):
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        else:
            digest.update(json.dumps(part, sort_keys=True).encode() + b"\0")
    return digest.hexdigest()


def _release(library: str) -> str:
    try:
        return version(library)
    except ImportError:  # PackageNotFoundError
        return ""


def _plain(name: str) -> str:
    """A name as a file may have it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)


def _digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    digest = hashlib.blake2b(text.encode())
    for name in sorted(arrays):
        values = arrays[name]
        digest.update(f"{name} {values.dtype.str} {values.shape} ".encode())
        digest.update(values.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _write(path: Path, arrays: dict[str, np.ndarray], header: dict[str, str]) -> None:
    from safetensors.numpy import save_file

    with written_whole(path) as part:
        save_file(arrays, part, metadata={_HEADER: json.dumps(header)})
        with part.open("rb+") as file:
            os.fsync(file.fileno())  # or a machine that dies could leave the new name without its contents


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from safetensors import safe_open

    header = _header(path)
    with safe_open(str(path), framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    return arrays, header


def _header(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            header: dict[str, str] = json.loads(file.metadata()[_HEADER])
    except SafetensorError as error:
        raise ValueError(f"not a whole file ({error})") from error
    return header


_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
