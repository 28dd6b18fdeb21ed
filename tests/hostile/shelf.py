"""What a hostile input is: how it is made, and what must come of it."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Act = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One input. ``make`` builds it in an empty folder and gives the act that reads it.

    Either the act is refused with a message that matches ``refused``, or ``becomes`` holds its result to what the
    documentation says.
    """

    kind: str
    name: str
    make: Callable[[Path], Act]
    refused: str = ""
    becomes: Callable[[Any], None] | None = None

    def __post_init__(self) -> None:
        if bool(self.refused) == (self.becomes is not None):
            raise ValueError(f"{self.name}: either it is refused or something comes of it")


@contextlib.contextmanager
def bounded(n_bytes: int = 3 << 29, seconds: int = 60) -> Iterator[None]:
    """No more address space than is held already and ``n_bytes``, and no longer than ``seconds``.

    Memory that is asked for and never touched counts too: a size that a header declares must not be allocated.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + n_bytes, hard))
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError("the input took too long")


def flipped(content: bytes, place: int, bit: int) -> bytes:
    """The content with one bit turned over."""
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]
