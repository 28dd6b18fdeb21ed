"""Names that a configuration gives, against those that are known."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = Path("workflow", "schemas", "config.schema.json")


def nearest(name: str, known: Iterable[Any]) -> str:
    """The end of a message: the known name that ``name`` most resembles, and all of them."""
    known = sorted(str(k) for k in known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; {f'did you mean {close[0]!r}? ' if close else ''}known: {', '.join(known) or 'none'}"


def unknown(given: Iterable[str], known: Iterable[str], place: str, what: str) -> Iterator[str]:
    """A line for each of the names ``given`` at ``place`` that is not known."""
    return (f"{place}: unknown {what} {name!r}{nearest(name, known)}" for name in given if name not in known)


def in_one_order(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Entries with their keys sorted. Their names keep the order that they have in every table."""
    return {name: sorted_keys(entry) for name, entry in entries.items()}


def sorted_keys(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with its keys sorted, those of a target too.

    The order in which keys were written says nothing, and Snakemake would take another for a change of params.
    Covariates and the space of a search keep theirs, which counts.
    """
    return {key: dict(sorted(entry[key].items())) if key == "target" else entry[key] for key in sorted(entry)}
