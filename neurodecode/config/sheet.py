"""A table of sessions: a CSV or TSV sheet, one row a recording, one column a key of a session.

The workflow reads sheets while it is parsed, in every job: this module loads ``csv`` and ``yaml`` and no more.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

SPELLING = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]{1,100}")  # of names, which become folders: not of dots alone
DELIMITERS = {".csv": ",", ".tsv": "\t"}
NAME, NOTE = "name", "#"  # the column of sessions' names; what begins a column or a row for people alone
PATHS = ("path", "trials_path")
TEXT = frozenset({*PATHS, "format", "simulate", "align", "condition"})
TEXT_WITHIN = {"target": ("class", "value", "signal", "unit"), "covariates": ("signal",), "signals": ("of",)}
LISTS = frozenset({"window_s", "units", "models", "decoders", "target.pre_stimulus_s"})


@dataclass(frozen=True)
class Row:
    """One session: its ``entry`` as YAML would hold it, where it stands, and the ``columns`` that it fills in."""

    number: int
    name: str
    entry: dict[str, Any]
    columns: frozenset[str]


@dataclass
class Sheet:
    """What a sheet says, and every ``problem`` with it, a line each: row, column, what was given and expected."""

    title: str
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def place(self, row: int, column: str = "", session: str = "") -> str:
        """Where something stands, in words: rows are counted as a spreadsheet does, with the header as row 1."""
        place = f"{self.title}, row {row}" + (f" ({session})" if session else "")
        return f"{place}, column {column}" if column else place


class _Cell(yaml.SafeLoader):
    """YAML of one cell: no anchors, which can make a short text a large value; 1e-3 is a number, a date text."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("expected a value without aliases (*)")
        return super().compose_node(parent, index)


_Cell.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Cell.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_sheet(path: str | Path, keys: Collection[str]) -> Sheet:
    """The sessions of the sheet ``path``, whose columns are ``name`` and ``keys`` of a session.

    A dot goes into a key that holds others: ``where.outcome``, ``target.class``. Cells are text where the key is a
    text, else YAML; lists also as ``a; b``. Empty cells, columns and rows that begin with # are left out. Nothing
    is raised: what is wrong stands in ``problems``, and the rest is read all the same.
    """
    path = Path(path)
    sheet = Sheet(str(path))
    if path.suffix.lower() not in DELIMITERS:
        sheet.problems.append(f"{path}: given a {path.suffix or 'nameless'} file, expected .csv or .tsv")
        return sheet
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
            lines = [[cell.strip() for cell in line] for line in reader]
    except OSError as error:
        sheet.problems.append(
            f"{path}: cannot be read ({error.strerror}); sessions: names a sheet or lists sessions"
        )
    except UnicodeDecodeError as error:
        sheet.problems.append(f"{path}: not UTF-8 at byte {error.start}; save it as CSV UTF-8")
    except csv.Error as error:
        sheet.problems.append(f"{path}: not a table ({error}); a cell with a quote or a line break needs quotes")
    else:
        _read_lines(sheet, lines, keys)
    return sheet


def _read_lines(sheet: Sheet, lines: list[list[str]], keys: Collection[str]) -> None:
    header = lines[0] if lines else []
    known = set(_known_columns(sheet, header, keys))
    if NAME not in header:
        given = ", ".join(filter(None, header)) or "nothing"
        sheet.problems.append(
            f"{sheet.title}, row 1: no column {NAME!r}, given {given}; each row names its session"
        )
        return
    first: dict[str, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = dict(zip(header, line, strict=False))
        name = cells.get(NAME, "")
        if not any(line) or name.startswith(NOTE):
            continue
        if any(line[len(header) :]):
            sheet.problems.append(
                f"{sheet.place(number, session=name)}: {len(line)} cells, expected {len(header)} as in row 1; "
                "a cell with the delimiter in it needs quotes"
            )
        elif not name:
            sheet.problems.append(f"{sheet.place(number, NAME)}: empty; each row names its session")
        elif name in first:
            sheet.problems.append(
                f"{sheet.place(number, NAME)}: {name!r} stands in row {first[name]}, too; rename one"
            )
        else:
            if not SPELLING.fullmatch(name):
                sheet.problems.append(
                    f"{sheet.place(number, NAME, name)}: given {name!r}, expected letters, digits and _ . - "
                    "(it names a folder)"
                )
            first[name] = number
            filled = {column: cell for column, cell in cells.items() if cell and column in known}
            sheet.rows.append(_row(sheet, number, name, filled))
    if not first and not sheet.problems:
        sheet.problems.append(f"{sheet.title}: no session; each row below the header is one")


def _known_columns(sheet: Sheet, header: list[str], keys: Collection[str]) -> Iterator[str]:
    for index, column in enumerate(header):
        if column == NAME or not column or column.startswith(NOTE):
            continue
        if column in header[:index]:
            sheet.problems.append(f"{sheet.title}, row 1: column {column!r} stands twice; leave one out")
        elif column.split(".")[0] not in keys or "" in column.split("."):
            sheet.problems.append(
                f"{sheet.title}, row 1: unknown column {column!r}; known: {NAME}, {', '.join(sorted(keys))}, keys "
                f"within these behind a dot, as target.class, and notes for people, that begin with {NOTE}"
            )
        elif any(other.startswith(f"{column}.") for other in header):
            sheet.problems.append(f"{sheet.title}, row 1: columns {column!r} and within it; give one or the other")
        else:
            yield column


def _row(sheet: Sheet, number: int, name: str, filled: dict[str, str]) -> Row:
    entry: dict[str, Any] = {}
    for column, cell in filled.items():
        try:
            value = _value(column, cell)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            why = getattr(error, "problem", None) or str(error)  # YAML's own words are long
            sheet.problems.append(f"{sheet.place(number, column, name)}: given {cell[:80]!r}, {why}")
            value = cell  # its place is known as a problem; without it, the row would lack a key as well
        inner, *path = reversed(column.split("."))
        within = entry
        for key in reversed(path):
            within = within.setdefault(key, {})
        within[inner] = value
    return Row(number, name, entry, frozenset(filled))


def _value(column: str, cell: str) -> Any:
    if column in PATHS and not _stays_inside(cell):
        raise ValueError("expected a path within recordings_dir, neither absolute nor with .. in it")
    top, *within = column.split(".")
    if column in TEXT or (within and within[-1] in TEXT_WITHIN.get(top, ())):
        return cell
    if column in LISTS and not cell.startswith("["):
        return [_yaml(part) for part in cell.split(";") if part.strip()]
    return _yaml(cell)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Cell)  # a SafeLoader


def _stays_inside(path: str) -> bool:
    """Whether a path leads into the folder that it is taken from, also where a backslash parts folders."""
    kinds = (PurePosixPath(path), PureWindowsPath(path))
    return not any(kind.is_absolute() or kind.anchor or ".." in kind.parts for kind in kinds) and "\0" not in path
