"""The configuration checked while the workflow is parsed, before any job.

Of the package it imports only what a file may hold and how sessions are listed, which load nothing else.

The schema is generated from the package's own types (``neurodecode.config.schema``); what a schema cannot say,
such as a bin that must divide its window, the first job checks with those types.
"""

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from neurodecode.config.listing import Places, listed
from neurodecode.config.plain import check_plain, plain, read_plain, shown
from neurodecode.errors import ConfigError
from workflow.decoding import decoder_kinds, decoding_errors
from workflow.names import SCHEMA, nearest, unknown

CELLS = Path("neurodecode", "nn", "cells")
MODELS, DECODERS = Path("neurodecode", "models"), Path("neurodecode", "decoders")
KINDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
ANY_VALUE = "true or false or a whole number or a number or text"


class ConfigurationError(Exception):
    """What is wrong with the configuration, one line for each place."""


def checked_config(
    given: Mapping[str, Any], root: str | Path, *, command_line: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The configuration that ``checked_listing`` gives."""
    return checked_listing(given, root, command_line=command_line)[0]


def checked_listing(
    given: Mapping[str, Any],
    root: str | Path,
    *,
    command_line: Mapping[str, Any] | None = None,
    folders: Iterable[str | Path] = (Path(),),
) -> tuple[dict[str, Any], Places]:
    """The configuration with every session's entry and every default of its sections filled in, and where what it
    says of sessions stands.

    ``root``: the folder of the Snakefile. ``command_line``: what came by ``--config``; Snakemake reads nested
    values there as text, so they are read again as the YAML that they are. ``folders``: where a sheet of sessions
    is looked for. Raises ConfigurationError naming each key path or row and column, what was given, what was
    expected and the nearest known name.
    """
    schema = json.loads(Path(root, SCHEMA).read_text(encoding="utf-8"))
    # A new family is a new file, and needs no more.
    for section, folder in (("models", MODELS), ("decoders", DECODERS)):
        entry = schema["properties"][section]["additionalProperties"]
        entry["properties"]["family"]["enum"] = families(root, folder)
    _plain(check_plain, given)  # before anything goes through it that would not end
    config = copy.deepcopy(dict(given))
    _read_again(config, command_line or {})
    _check_keys(config)
    by_name = schema["properties"]["sessions"]["anyOf"][0]  # a sheet has become this, too
    schema["properties"]["sessions"] = by_name
    config, places = listed(config, folders, by_name["additionalProperties"]["properties"])
    if places.problems and not config["sessions"]:
        raise ConfigurationError("\n".join(places.problems))
    try:
        check_plain(config)  # again: a sheet's cells were not there before
    except ConfigError as error:
        raise ConfigurationError("\n".join(places.placed([str(error)]))) from None
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda e: e.json_path)
    lines = [line for error in errors for line in _explained(error)]
    lines = lines or [*_references(config), *decoding_errors(config, decoder_kinds(root))]
    if lines := [*places.problems, *places.placed(lines)]:
        raise ConfigurationError("\n".join(lines))
    _fill_defaults(config, schema)
    return config, places


def families(root: str | Path, folder: Path = MODELS) -> list[str]:
    """Names of the families of models or decoders: the files that hold them, and the recurrent cells."""
    files = (file for one in (folder, CELLS) for file in Path(root, one).glob("[!_]*.py"))
    return sorted(file.stem for file in files)


def _read_again(config: Any, command_line: Any) -> None:
    places = command_line.items() if isinstance(command_line, Mapping) else enumerate(command_line)
    for key, value in places:
        if isinstance(value, Mapping | list):
            _read_again(config[key], value)
            for inner, text in value.items() if isinstance(value, Mapping) else enumerate(value):
                if isinstance(text, str):
                    config[key][inner] = _plain(plain, text, f"--config {key}")


def _plain(check: Callable[..., Any], *given: Any) -> Any:
    """What the check gives; its error as one of the configuration."""
    try:
        return check(*given)
    except ConfigError as error:
        raise ConfigurationError(str(error)) from None


def check_files(paths: Iterable[Path]) -> None:
    """Raise ConfigurationError for a file that Snakemake read in one way and that says two things, as with a key
    that stands twice. What is no longer there, or was never a file, is left to Snakemake."""
    for path in paths:
        if path.is_file():
            _plain(read_plain, path)


def _check_keys(config: Any, place: str = "") -> None:
    """Keys that YAML reads as something else than text would be compared with names and never match."""
    if isinstance(config, list):
        for index, inner in enumerate(config):
            _check_keys(inner, f"{place}[{index}]")
    elif isinstance(config, Mapping):
        for key, inner in config.items():
            if not isinstance(key, str):
                raise ConfigurationError(
                    f"{place or 'configuration'}: key {key!r} is read as {type(key).__name__}, expected text: "
                    f'put it in quotes, "{key}"'
                )
            _check_keys(inner, f"{place}.{key}" if place else key)


def _explained(error: ValidationError) -> Iterator[str]:
    place = _place(error.absolute_path)
    given: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        for key in given.keys() - set(known):
            yield f"{place}: unknown key {key!r}{nearest(key, known)}"
    elif error.validator == "required":
        missing = [name for name in rule if name not in given]
        yield f"{place}: {' and '.join(missing)} missing; it must be given"
    elif error.validator == "enum":
        yield f"{place}: given {shown(given)}{nearest(shown(given).strip(chr(39)), rule)}"
    elif error.validator == "oneOf":
        ways = [" + ".join(way["required"]) for way in rule]
        yield f"{place}: given {', '.join(given) or 'nothing'}, expected either {' or '.join(ways)}, not both"
    elif error.validator == "dependentRequired":
        for key in rule.keys() & given.keys():
            yield f"{place}: {key} goes with {' and '.join(rule[key])} alone; leave it out, or add that"
    elif error.validator in ("pattern", "not"):
        reason = (
            "must be made of letters, digits and _ . -, not of dots alone"
            if error.validator == "pattern"
            else "is reserved"
        )
        yield f"{place}: the name {shown(given)} {reason}; choose another"
    else:
        yield f"{place}: given {shown(given)} ({_kind(given)}), expected {_expected(schema)}{_hint(given)}"


def _place(path: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "configuration"


def _kind(given: object) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return "nothing" if given is None else kinds.get(type(given), "a mapping")


def _expected(schema: Mapping[str, Any]) -> str:
    """In words, what a value of this schema is."""
    if "anyOf" in schema:
        words = dict.fromkeys(_expected(branch) for branch in schema["anyOf"])
        return " or ".join(words).replace(ANY_VALUE, "a value")
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    text = KINDS.get(str(schema.get("type")), "another value")
    if "minItems" in schema and schema.get("minItems") == schema.get("maxItems"):
        text += f" of {schema['minItems']}"
    elif "minItems" in schema:
        text += f" of at least {schema['minItems']}"
    inner = schema.get("items") or next(iter(schema.get("prefixItems", [])), None)
    if isinstance(inner, Mapping):
        text += f", each {_expected(inner)}"
    if schema.get("type") == "object" and "properties" in schema:
        text += f" of {', '.join(schema['properties'])}"
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    return " ".join([text, *(f"{sign} {schema[name]:g}" for name, sign in bounds.items() if name in schema)])


def _hint(given: object) -> str:
    """YAML reads 1e-3 as text, and so would a user who wonders why."""
    if not isinstance(given, str):
        return ""
    try:
        number = float(given)
    except ValueError:
        return ""
    return f"; without quotes, and written {number!r}, YAML reads a number"


def _references(config: Mapping[str, Any]) -> Iterator[str]:
    """Names that point at nothing, in sessions, controls and the sections of further tasks."""
    for name, session in config["sessions"].items():
        yield from unknown(session.get("models", []), config["models"], f"sessions.{name}.models", "model")
    sections = {f"controls.{name}": control for name, control in config.get("controls", {}).items()}
    sections |= {name: config.get(name, {}) for name in ("co_smoothing", "decomposition", "dynamics", "forecast")}
    for section, asked in sections.items():
        for key in ("sessions", "models"):
            yield from unknown(asked.get(key, []), config[key], f"{section}.{key}", key.removesuffix("s"))
    if "decomposition" in config:
        yield from _without_psth(config, config["decomposition"].get("sessions", config["sessions"]))


def _without_psth(config: Mapping[str, Any], sessions: Iterable[str]) -> Iterator[str]:
    for name in sessions:
        if "psth" not in config["sessions"].get(name, {}).get("models", config["models"]):
            yield (
                f"decomposition: gains are counted from the model called 'psth', which sessions.{name} lacks; "
                "add it, or name other sessions in decomposition.sessions"
            )


def _fill_defaults(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Defaults of the top level and of its sections; those of sessions and models stay with the package."""
    for key, inner in schema.get("properties", {}).items():
        if "default" in inner:
            config.setdefault(key, copy.deepcopy(inner["default"]))
        if isinstance(config.get(key), dict):
            _fill_defaults(config[key], inner)
