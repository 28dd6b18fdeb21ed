"""JSON files that jobs leave for each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neurodecode.errors import DataError


def read_json(path: str | Path, *, way_out: str = "run the step that writes it again") -> dict[str, Any]:
    """A JSON object; DataError, ending in ``way_out``, if the file holds something else."""
    try:
        held = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable JSON ({error}); {way_out}") from error
    except RecursionError:
        raise DataError(f"{path}: not readable JSON (nested too deep); {way_out}") from None
    if not isinstance(held, dict):
        raise DataError(f"{path}: expected a JSON object, got {type(held).__name__}; {way_out}")
    return held
