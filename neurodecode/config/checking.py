"""From what YAML holds to a frozen dataclass, or to a message that names the field and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from neurodecode.config.plain import shown
from neurodecode.errors import ConfigError, NeurodecodeError

T = TypeVar("T")
_UNKNOWN_KEY = ("unexpected_keyword_argument", "extra_forbidden")
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")


def validated(kind: type[T], given: object, where: str) -> T:
    """The dataclass ``kind`` with the values of the mapping ``given``, which stands at the key path ``where``.

    Raises ConfigError that names each field that does not fit, what was given, what was expected, and for an
    unknown key the nearest known one.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: given {shown(given)}, expected a mapping of {', '.join(_keys(kind, ()))}")
    try:
        found: T = _adapter(kind).validate_python(dict(given))
    except ValidationError as error:
        raise ConfigError("\n".join(_messages(error, kind, where))) from None
    except NeurodecodeError as error:  # a rule between fields, checked by the dataclass itself
        raise ConfigError(f"{where}: {error}") from error
    return found


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}  # one takes longer to make than a session to check


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def check_names(given: Iterable[object], known: Iterable[str], where: str, what: str) -> None:
    """Raise ConfigError for names at ``where`` that are not ``known``, with the nearest known one."""
    known = list(known)
    for name in given:
        if name not in known:
            raise ConfigError(f"{where}: unknown {what} {name!r}{nearest(str(name), known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message: the known name that ``name`` most resembles, and all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{meant} Known: {', '.join(known)}" if meant else f"; known: {', '.join(known) or 'none'}"


def _messages(error: ValidationError, kind: type, where: str) -> list[str]:
    """One line for each field: the branches of a union, of which pydantic reports each, become one."""
    lines: dict[str, str] = {}
    for found in error.errors():
        keys = tuple(part for part in found["loc"] if not _is_branch(part))
        place = ".".join([where, *map(str, keys)])
        if found["type"] in _UNKNOWN_KEY:
            parent, key = ".".join([where, *map(str, keys[:-1])]), str(keys[-1])
            lines.setdefault(place, f"{parent}: unknown key {key!r}{nearest(key, _keys(kind, keys[:-1]))}")
        elif found["type"] in _MISSING:
            lines.setdefault(place, f"{place}: missing, it must be given")
        else:
            expected = found["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            known = lines.get(place)
            lines[place] = f"{known} or {expected}" if known else _unfit(place, found["input"], expected)
    return list(lines.values())


def _unfit(place: str, given: object, expected: str) -> str:
    return f"{place}: given {shown(given)} ({type(given).__name__}), expected {expected}"


def _is_branch(part: int | str) -> bool:
    """Whether pydantic names a branch of a union here, which the user never wrote."""
    text = str(part)
    return text in ("str", "int", "float", "bool", "Range") or "[" in text


def _keys(kind: type, path: tuple[int | str, ...]) -> list[str]:
    """The keys known at ``path`` below ``kind``."""
    schema: dict[str, Any] = _adapter(kind).json_schema()
    at = schema
    for part in path:
        at = at.get("properties", {}).get(part) or at.get("additionalProperties") or {}
        at = next((branch for branch in at.get("anyOf", []) if "$ref" in branch), at)  # a section, or nothing
        at = schema.get("$defs", {}).get(at.get("$ref", "").rpartition("/")[2], at)
    return list(at.get("properties", {}))
