"""Warnings of the libraries that read files: lines of the log, not noise on the terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def logged_warnings(log: logging.Logger, where: str) -> Iterator[None]:
    """Turn every warning raised inside into one log line that names the file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for message in dict.fromkeys(str(warning.message) for warning in caught):
                log.info("%s: %s", where, message)
