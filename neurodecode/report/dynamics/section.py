"""What the page says of the networks of one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neurodecode.data.documents import read_json
from neurodecode.errors import DataError
from neurodecode.report.tables import Cell, Row


@dataclass(frozen=True, eq=False)
class DynamicsSection:
    """``folder`` holds the figures that ``figures`` describe."""

    session: str
    rows: list[Row]
    folder: Path
    figures: list[Mapping[str, str]]


def dynamics_section(path: str | Path) -> DynamicsSection:
    """From what ``draw_dynamics`` wrote. Raises DataError for a file that is not ours."""
    held = read_json(path)
    try:
        rows = [Row(**{**row, "cells": tuple(Cell(**cell) for cell in row["cells"])}) for row in held["rows"]]
        return DynamicsSection(held["session"], rows, Path(path).parent, held["figures"])
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: not what was drawn of dynamics ({error!r}); draw it again") from error
