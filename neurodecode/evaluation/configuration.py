"""The configuration checked as a whole, and written out with every default in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from neurodecode.config.listing import places_in
from neurodecode.config.run import run_config
from neurodecode.data.store import written_whole
from neurodecode.errors import ConfigError

log = logging.getLogger(__name__)


def write_checked_config(
    given: Mapping[str, object], path: str | Path, *, sheet: str = "", rows: Mapping[str, int] | None = None
) -> None:
    """Write the complete configuration as JSON.

    ``rows``: sessions that were given by the rows of the table ``sheet``, for messages to name them.
    Raises ConfigError for what a schema cannot see: a bin that does not divide its window, a hyper-parameter out
    of range, a population that does not exist.
    """
    try:
        run = run_config(given)
    except ConfigError as error:
        places = places_in(sheet, rows or {})
        raise ConfigError("\n".join(places.placed(str(error).splitlines()))) from error
    with written_whole(path) as part:
        part.write_text(json.dumps(run.as_mapping(), indent=1) + "\n", encoding="utf-8")
    log.info("%d sessions, %d models: the configuration holds", len(run.sessions), len(run.models))
