"""Progress of a fit: a bar at a terminal, plain log lines otherwise."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def epochs_shown(title: str, n_epochs: int) -> Iterator[Callable[[int, str], None]]:
    """Gives ``show(epoch, status)``, to be called after each epoch."""
    if sys.stderr.isatty():
        with tqdm(total=n_epochs, desc=title, unit="epoch", leave=False) as bar:

            def show(epoch: int, status: str) -> None:
                bar.set_postfix_str(status, refresh=False)
                bar.update(1)

            yield show
        return
    last = time.monotonic()

    def write(epoch: int, status: str) -> None:
        nonlocal last
        if epoch == n_epochs or time.monotonic() - last > SECONDS_BETWEEN_LINES:
            log.info("%s: epoch %d of %d, %s", title, epoch, n_epochs, status)
            last = time.monotonic()

    yield write
