"""One log file for everything that a job says."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from neurodecode.errors import NeurodecodeError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def logging_to(path: str | Path) -> Iterator[None]:
    """Send log records, warnings, stdout and stderr into the file ``path`` while the block runs.

    An error of ours becomes one message in the log, any other error its traceback too; either ends the process
    with exit status 1 (SystemExit), so that a script says nothing more.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("w", encoding="utf-8", errors="backslashreplace", buffering=1) as file,
        _streams_into(file),
        _records_into(file),
    ):
        try:
            yield
        except NeurodecodeError as error:
            log.error("%s", error)
            raise SystemExit(1) from None
        except Exception:
            log.exception("Not an error of the data or the configuration: please report it with these lines")
            raise SystemExit(1) from None


@contextlib.contextmanager
def _streams_into(file: TextIO) -> Iterator[None]:
    """Both standard streams, also what libraries in C write to them."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
    try:
        for descriptor, _ in kept:
            os.dup2(file.fileno(), descriptor)
        with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            yield
    finally:
        for descriptor, copy in kept:
            os.dup2(copy, descriptor)
            os.close(copy)


@contextlib.contextmanager
def _records_into(file: TextIO) -> Iterator[None]:
    handler = logging.StreamHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        root.setLevel(level)
