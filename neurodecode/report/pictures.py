"""Figures as the page holds them: inside it, with their words."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neurodecode.errors import DataError


@dataclass(frozen=True)
class Picture:
    """A figure in the page; ``source`` is a data URI, empty where there is only the reason why not."""

    anchor: str
    heading: str
    title: str
    caption: str
    rule: str
    alt: str
    absent: str
    source: str


class Drawn(Protocol):
    """A part of the page with figures of its own: ``folder`` holds those that ``figures`` describe."""

    @property
    def folder(self) -> Path:
        """Where the files are."""

    @property
    def figures(self) -> Sequence[Mapping[str, str]]:
        """Their words, as ``draw_all`` gave them."""


def data_uri(content: bytes) -> str:
    """A PNG as the source of an image."""
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


def pictures_of(section: str, part: Drawn | None) -> list[Picture]:
    """The figures of a part of a session's section; none where there is no such part."""
    return [] if part is None else [picture(section, part.folder, figure) for figure in part.figures]


def picture(section: str, folder: Path, held: Mapping[str, str]) -> Picture:
    """One figure read from ``folder``. Raises DataError where its file is missing."""
    source = ""
    if not held["absent"]:
        try:
            source = data_uri((folder / held["file"]).read_bytes())
        except OSError as error:
            raise DataError(
                f"{folder / held['file']}: figure missing ({error.strerror}); draw it again"
            ) from error
    return Picture(
        anchor=f"{section}-{held['name']}",
        heading=held["heading"],
        title=held["title"],
        caption=held["caption"],
        rule=held["rule"],
        alt=held["alt"],
        absent=held["absent"],
        source=source,
    )
