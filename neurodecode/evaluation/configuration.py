"""The configuration checked as a whole, and written out with every default in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from neurodecode.config.run import run_config
from neurodecode.data.store import written_whole

log = logging.getLogger(__name__)


def write_checked_config(given: Mapping[str, object], path: str | Path) -> None:
    """Write the complete configuration as JSON.

    Raises ConfigError for what a schema cannot see: a bin that does not divide its window, a hyper-parameter out
    of range, a population that does not exist.
    """
    run = run_config(given)
    with written_whole(path) as part:
        part.write_text(json.dumps(run.as_mapping(), indent=1) + "\n", encoding="utf-8")
    log.info("%d sessions, %d models: the configuration holds", len(run.sessions), len(run.models))
