"""How lines of recurrent cells are told apart where many stand in one figure: by colour, and by mark as well."""

from __future__ import annotations

from typing import Any

from neurodecode.report.colours import FAMILY_COLOURS

MARKS = {
    "reservoir": "X",
    "rnn": "^",
    "rate": "v",
    "low_rank": "D",
    "excitatory_inhibitory": "P",
    "short_term_plasticity": "*",
    "lstm": "s",
    "gru": "o",
}


def cell_line(family: str) -> dict[str, Any]:
    """Keywords of a family's line: its colour, which is that of reports, and its mark."""
    return {"color": FAMILY_COLOURS[family], "marker": MARKS[family]}
