"""All figures of what one session's networks do, and what the page says about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from neurodecode.data.store import written_whole
from neurodecode.report.drawn import draw_all
from neurodecode.report.dynamics.figures import eigenvalues, fixed_points, gradient_flow, latents
from neurodecode.report.dynamics.results import read_dynamics
from neurodecode.report.dynamics.tables import dynamics_rows

SCHEMA_VERSION = 1
FIGURES: Mapping[str, ModuleType] = {
    "gradient_flow": gradient_flow,
    "fixed_points": fixed_points,
    "eigenvalues": eigenvalues,
    "latents": latents,
}
"""Name of the file, less ``.png`` -> what draws it; in the order of the page."""


def draw_dynamics(
    *,
    session: str,
    trials: str | Path,
    latents: str | Path,
    portraits: Mapping[str, str | Path],
    scores: Sequence[str | Path],
    families: Mapping[str, str],
    output: str | Path,
) -> None:
    """Draw every figure of ``FIGURES`` as PNG beside ``output``, and write there what the page needs as JSON.

    Arguments as of ``read_dynamics``. A figure that cannot be drawn becomes a picture of the reason, so that the
    files are always the same. Raises DataError for files that cannot be read.
    """
    results = read_dynamics(
        session=session,
        trials=trials,
        latents=latents,
        portraits=portraits,
        scores=scores,
        families=families,
    )
    shown = list(draw_all(FIGURES, results, Path(output).parent, session))
    section = {
        "schema_version": SCHEMA_VERSION,
        "session": session,
        "rows": [asdict(row) for row in dynamics_rows(results)],
        "figures": shown,
    }
    with written_whole(output) as part:
        part.write_text(json.dumps(section, indent=1) + "\n", encoding="utf-8")
