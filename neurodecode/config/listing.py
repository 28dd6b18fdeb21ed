"""``sessions:`` and ``session_defaults:`` as the configuration gives them, made one entry a session.

The workflow calls this while it is parsed, in every job: as ``sheet``, it loads next to nothing.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurodecode.config.sheet import NAME, Sheet, read_sheet

SESSIONS, DEFAULTS = "sessions", "session_defaults"


@dataclass(frozen=True)
class Places:
    """Where what is said of a session stands: in a row of a sheet, in the defaults, or under its name.

    ``given``: what each session gives itself, as keys joined by dots. ``rows``: of sessions that stand in a sheet.
    ``problems``: lines that say what is wrong with the sheet itself.
    """

    given: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    sheet: Sheet | None = None
    defaults: frozenset[str] = frozenset()

    @property
    def problems(self) -> list[str]:
        """A line for each thing that is wrong with the sheet itself."""
        return [] if self.sheet is None else self.sheet.problems

    @property
    def title(self) -> str:
        """Which file the sheet is; empty where there is none."""
        return "" if self.sheet is None else self.sheet.title

    def placed(self, lines: Iterable[str]) -> list[str]:
        """Messages that begin with a key path, as ``sessions.rat1.align: ...``, with where the user finds it.

        What several sessions have from the defaults is said once, and what was a problem already is not repeated.
        """
        known = {problem.split(": ", 1)[0] for problem in self.problems}
        found = dict.fromkeys(self._placed(line) for line in lines)
        return [line for line in found if line.split(": ", 1)[0] not in known]

    def _placed(self, line: str) -> str:
        if (spelt := re.match(r"sessions: (?:the name )?'(.*?)' ", line)) and spelt[1] in self.rows:
            return line.replace(SESSIONS, self._row(spelt[1], NAME), 1)
        for name in sorted(self.given, key=len, reverse=True):
            rest = line.removeprefix(f"{SESSIONS}.{name}")
            if rest != line and rest[:1] in (":", ".", "["):
                return self._of_session(name, rest)
        return line

    def _of_session(self, name: str, rest: str) -> str:
        place, _, message = rest.partition(": ")
        key = place.removeprefix(".").split("[")[0]
        unknown = re.match(r"unknown key '(.*?)'", message)
        of = ".".join(filter(None, [key, unknown[1] if unknown else ""]))
        if of and _holds(self.defaults, of) and not _holds(self.given[name], of):
            return f"{DEFAULTS}{place}: {message}"
        if name not in self.rows:
            return f"{SESSIONS}.{name}{place}: {message}"
        columns = (column for column in self.given[name] if key == column or key.startswith(f"{column}."))
        return f"{self._row(name, max(columns, key=len, default=key))}: {message}"

    def _row(self, name: str, column: str) -> str:
        assert self.sheet is not None
        return self.sheet.place(self.rows[name], column, name)


def places_in(sheet: str, rows: Mapping[str, int]) -> Places:
    """Places of sessions in the sheet of that name, of which no more is known than their rows."""
    return Places(given=dict.fromkeys(rows, frozenset()), rows=rows, sheet=Sheet(sheet))


def listed(
    config: Mapping[str, Any], folders: Iterable[str | Path], keys: Collection[str]
) -> tuple[dict[str, Any], Places]:
    """The configuration with each session's whole entry under ``sessions``, and where what it says stands.

    ``sessions`` may name a sheet, looked for in ``folders`` in this order; ``session_defaults`` holds what every
    session has that does not say otherwise. ``keys``: those of a session. What is no mapping is left as it is, for
    the check of the whole to name.
    """
    config = dict(config)
    defaults = config.get(DEFAULTS) or {}
    given, sheet = config.get(SESSIONS), None
    if isinstance(given, str):
        sheet = read_sheet(_found(given, folders), keys)
        given = {row.name: row.entry for row in sheet.rows}
        places = {row.name: row.number for row in sheet.rows}
    if not isinstance(given, Mapping) or not isinstance(defaults, Mapping):
        return config, Places()
    config.pop(DEFAULTS, None)
    config[SESSIONS] = {name: _laid_over(defaults, entry) for name, entry in given.items()}
    return config, Places(
        given={str(name): frozenset(_keys(entry)) for name, entry in given.items()},
        rows=places if sheet is not None else {},
        sheet=sheet,
        defaults=frozenset(_keys(defaults)),
    )


def _found(name: str, folders: Iterable[str | Path]) -> Path:
    """The sheet in the first folder that has it; else in the first one, where its absence is noticed."""
    places = [Path(folder, name) for folder in folders] or [Path(name)]
    return next((place for place in places if place.is_file()), places[0])


def _laid_over(defaults: Mapping[str, Any], entry: Any) -> Any:
    """An entry over the defaults, key by key also within ``target``, ``where`` and the like."""
    if not isinstance(entry, Mapping):
        return entry
    both = {key: copy.deepcopy(value) for key, value in defaults.items()}
    for key, value in entry.items():
        inner = both.get(key)
        both[key] = _laid_over(inner, value) if isinstance(inner, Mapping) else copy.deepcopy(value)
    return both


def _keys(entry: Any, place: str = "") -> list[str]:
    if not isinstance(entry, Mapping) or not entry:
        return [place] if place else []
    return [
        key for name, inner in entry.items() for key in _keys(inner, f"{place}.{name}" if place else str(name))
    ]


def _holds(keys: Collection[str], of: str) -> bool:
    """Whether one of ``keys`` is ``of``, stands within it, or holds it."""
    return any(key == of or key.startswith(f"{of}.") or of.startswith(f"{key}.") for key in keys)
