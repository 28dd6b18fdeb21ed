"""A configuration checked by itself, nothing run: ``python -m neurodecode.config FILE``.

For a file of unknown origin this comes first: the workflow engine reads it before this project can.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from neurodecode.config.run import read_config
from neurodecode.errors import ConfigError


def main(given: Sequence[str]) -> int:
    """0 where every file can be run; else 1, and a line for each thing that is wrong."""
    failed = not given
    if failed:
        sys.stderr.write("usage: python -m neurodecode.config FILE ...\n")
    for path in given:
        try:
            run = read_config(path)
        except ConfigError as error:
            failed = True
            sys.stderr.write(f"{error}\n")
        else:
            sys.stdout.write(f"{path}: {len(run.sessions)} sessions, {len(run.models)} models: it holds\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
