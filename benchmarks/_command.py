"""What the commands of benchmarks that fit, tabulate and draw have in common."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping

import torch


def begin() -> None:
    """Say what is done on standard error, the table's place being standard output; fit on one thread."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    torch.set_num_threads(1)


def run(arguments: argparse.Namespace, commands: Mapping[str, Callable[[argparse.Namespace], None]]) -> None:
    """The one that ``arguments.command`` names."""
    begin()
    commands[arguments.command](arguments)
