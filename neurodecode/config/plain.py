"""What a configuration file holds, bounded and unambiguous, before anybody looks at what it means.

No tags, no key twice, no anchors that make a few lines a large value, no number that is none. The workflow calls
this while it is parsed, in every job: it loads ``yaml`` and no more.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from neurodecode.errors import ConfigError

MOST_BYTES = 1 << 20
MOST_VALUES = 100_000  # anchors written out
DEEPEST = 40  # levels; a configuration has seven
TEMPLATE_KEY = "__use_yte__"
_LONGEST = 200  # characters of a given value that a message repeats


def read_plain(path: str | Path) -> Any:
    """What a YAML or JSON file holds.

    Raises ConfigError that names the file for one that is absent, too large, not UTF-8 or no YAML, and for what
    ``check_plain`` refuses; with the line for a key that stands twice.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: {len(content)} bytes, expected a configuration of at most {MOST_BYTES}")
    try:
        return plain(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not YAML: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def plain(text: str, where: str) -> Any:
    """What YAML or JSON text holds; ConfigError as ``read_plain``, ``where`` being what messages begin with."""
    try:
        held = _json(text, where)
        if held is None:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            if node is not None:
                _placed(_n_values, where, node, (), {})
                _check_nodes(node, where)
            held = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{where}: not YAML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{where}: nested deeper than {DEEPEST} levels; write it flat") from None
    if isinstance(held, Mapping) and TEMPLATE_KEY in held:
        raise ConfigError(
            f"{where}: {TEMPLATE_KEY} would run the file as a program; write values, and leave it out"
        )
    _placed(check_plain, where, held)
    return held


def check_plain(value: Any) -> None:
    """Raise ConfigError for a value of too many values or levels, one within itself, or a number that is none."""
    _n_values(value, (), {})
    pending, seen = [("", value)], set[int]()
    while pending:
        place, one = pending.pop()
        if isinstance(one, float) and not math.isfinite(one):
            raise ConfigError(f"{place or 'configuration'}: given {one}, expected a finite number")
        if id(one) not in seen and isinstance(one, Mapping | list | tuple):
            seen.add(id(one))
            pairs = one.items() if isinstance(one, Mapping) else enumerate(one)
            pending += [(f"{place}.{key}".removeprefix("."), inner) for key, inner in pairs]


def shown(given: object) -> str:
    """A given value as a message repeats it: not in full where it is long."""
    text = repr(given)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _json(text: str, where: str) -> Any:
    """What the text holds as JSON, of which not all is YAML; None where it is none."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        held = dict(pairs)
        if len(held) < len(pairs):
            twice = next(name for name, n in Counter(name for name, _ in pairs).items() if n > 1)
            raise ConfigError(f"{where}: key {twice!r} stands twice; leave one out")
        return held

    try:
        return json.loads(text, object_pairs_hook=distinct)
    except ValueError:
        return None


def _placed(check: Callable[..., object], where: str, *given: Any) -> None:
    try:
        check(*given)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _check_nodes(root: yaml.Node, where: str) -> None:
    """Refuse a mapping with a key twice, which YAML's reader would take the last of."""
    seen: set[int] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _check_keys(node, where)
        pending += _within(node)


def _check_keys(node: yaml.MappingNode, where: str) -> None:
    first: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{where}: line {key.start_mark.line + 1}: a key must be text; write it as one")
        name, line = (key.tag, key.value), key.start_mark.line + 1
        if name in first:
            raise ConfigError(
                f"{where}: line {line}: key {key.value!r} stands in line {first[name]}, too; leave one out"
            )
        first[name] = line


def _within(value: Any) -> Iterator[Any]:
    """What a list, a mapping, or a node of either holds."""
    if isinstance(value, yaml.MappingNode):
        yield from (inner for pair in value.value for inner in pair)
    elif isinstance(value, yaml.SequenceNode | list | tuple):
        yield from value.value if isinstance(value, yaml.SequenceNode) else value
    elif isinstance(value, Mapping):
        yield from value.values()


def _n_values(value: Any, above: tuple[int, ...], known: dict[int, int]) -> int:
    """Values within ``value``, itself too, each as often as it stands there; ``above``: what it stands within."""
    if id(value) in above:
        raise ConfigError("a value stands within itself (&anchor and *alias); write it out")
    if len(above) > DEEPEST:
        raise ConfigError(f"nested deeper than {DEEPEST} levels; write it flat")
    inner = list(_within(value))
    if not inner:
        return 1
    if id(value) not in known:
        known[id(value)] = 1 + sum(_n_values(one, (*above, id(value)), known) for one in inner)
        if known[id(value)] > MOST_VALUES:
            raise ConfigError(
                f"more than {MOST_VALUES} values, aliases written out; leave out aliases, or make it several runs"
            )
    return known[id(value)]
