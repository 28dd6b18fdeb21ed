"""Tables of measurements as CSV files that grow by a row at a time, and what names a measurement's origin."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import io
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from neurodecode.data.store import written_whole

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).resolve().parent / "results"


class Rows:
    """A CSV of fixed ``columns``. Several processes may append at once; a row is there whole or not at all."""

    def __init__(self, path: str | Path, columns: Sequence[str]) -> None:
        self.path, self.columns = Path(path), tuple(columns)

    def read(self) -> list[dict[str, str]]:
        """All rows, in the order in which they were appended; none where there is no file.

        Raises ValueError for a file of other columns.
        """
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        if tuple(reader.fieldnames or ()) != self.columns:
            raise ValueError(
                f"{self.path} has the columns {reader.fieldnames}, expected {list(self.columns)}: "
                "move it away, or name another file"
            )
        return rows

    def has(self, **key: object) -> bool:
        """Whether a row with these values is there."""
        return any(all(row[name] == _text(value) for name, value in key.items()) for row in self.read())

    def append(self, row: Mapping[str, object]) -> None:
        """Add one row; ValueError where it lacks a column or has another."""
        if set(row) != set(self.columns):
            raise ValueError(f"a row of {sorted(row)} does not fit the columns {list(self.columns)}")
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            rows = [*self.read(), {name: _text(row[name]) for name in self.columns}]
            text = io.StringIO()
            writer = csv.DictWriter(text, self.columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            with written_whole(self.path) as part:
                part.write_text(text.getvalue(), encoding="utf-8")


def _text(value: object) -> str:
    """Floats to eight significant digits, all else as it prints."""
    return f"{value:.8g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for a lock that this process then holds; the system frees it when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether this process got a piece of work that another may hold; freed when either ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def machine(*packages: str) -> str:
    """The processor, its cores and the versions of Python and of what computes; never the host's name."""
    versions = [f"{name} {version(name)}" for name in ("numpy", "torch", *packages)]
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}; {cores} cores; {', '.join([f'Python {platform.python_version()}', *versions])}"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def status_bytes(name: str) -> int:
    """What Linux holds of this process's memory under that name: VmRSS now, VmHWM at the most."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def commit() -> str:
    """The commit that is checked out, with a + where the package was changed since; "unknown" without git."""
    try:
        short = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--", "neurodecode", "benchmarks/*.py")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return short + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def digest(*parts: Any) -> str:
    """Ten letters that stand for values: bytes as they are, all else as JSON."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode())
        sha.update(b"\0")
    return sha.hexdigest()[:10]
