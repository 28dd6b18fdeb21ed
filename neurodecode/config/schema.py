"""The JSON schema of the configuration; ``make schema`` writes it to ``workflow/schemas/config.schema.json``.

The workflow checks every configuration against the committed file while it is parsed, where importing the
package, with all it needs, would be paid again by every job.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import TypeAdapter

from neurodecode.config.decoders import RESERVED_DECODERS, hyperparameter_type
from neurodecode.config.run import CONTROLS, KEYS, RESERVED_MODELS, RESERVED_SESSIONS
from neurodecode.config.search import DEFAULT_TRIALS, SearchRange, numeric_type
from neurodecode.config.sections import (
    ControlConfig,
    CoSmoothingConfig,
    DecompositionConfig,
    DynamicsConfig,
    EvaluationConfig,
    ForecastConfig,
    PlainConfig,
    ReportConfig,
)
from neurodecode.config.session import SessionConfig
from neurodecode.config.sheet import SPELLING
from neurodecode.config.target import KINDS
from neurodecode.decoders import decoder_families, decoder_types
from neurodecode.models import PointProcessModel, family_names, family_type


def json_schema() -> dict[str, Any]:
    """The schema of a whole configuration, from the types that check it: unknown keys are errors everywhere."""
    control = _of(ControlConfig)
    properties = {
        **_of(PlainConfig)["properties"],
        "sessions": {"anyOf": [_named(_session(), RESERVED_SESSIONS), {"type": "string"}]},  # or a sheet's name
        "session_defaults": _of(SessionConfig),
        "models": _named(_model(), RESERVED_MODELS),
        "decoders": _named(_decoder(), RESERVED_DECODERS) | {"minProperties": 0, "default": {}},
        "evaluation": _of(EvaluationConfig) | {"default": {}},
        "controls": {
            "type": "object",
            "properties": dict.fromkeys(CONTROLS, control),
            "additionalProperties": False,
            "default": {},
        },
        "co_smoothing": _of(CoSmoothingConfig),
        "decomposition": _of(DecompositionConfig),
        "dynamics": _of(DynamicsConfig),
        "forecast": _of(ForecastConfig),
        "report": _of(ReportConfig) | {"default": {}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "neurodecode configuration",
        "type": "object",
        "properties": {key: properties[key] for key in (*KEYS, "session_defaults")},
        "required": ["sessions", "models"],
        "additionalProperties": False,
    }


_SESSION_RULES: dict[str, Any] = {
    "oneOf": [
        {"required": ["path", "window_s", "bin_size_s"]},
        {"required": ["simulate", "n_trials"]},
    ],
    "dependentRequired": {"decoders": ["target"]},
}
_TARGET_RULES: dict[str, Any] = {
    "oneOf": [{"required": [kind]} for kind in KINDS],
    "dependentRequired": {"circular": ["signal"], "pre_stimulus_s": ["class"]},
}


def _session() -> dict[str, Any]:
    schema = _of(SessionConfig) | _SESSION_RULES
    schema["properties"]["target"] |= _TARGET_RULES
    return schema


def _named(entry: dict[str, Any], reserved: tuple[str, ...]) -> dict[str, Any]:
    """A mapping of names, which become folders, to entries."""
    # A plain $ also stands before a line break at the end.
    names = {"pattern": f"^{SPELLING.pattern}$(?!\n)", "not": {"enum": list(reserved)}}
    return {"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": entry}


def _model() -> dict[str, Any]:
    """A model names its family, and has the hyper-parameters of that family alone."""
    families = family_names()
    return {
        "type": "object",
        "required": ["family"],
        "properties": {"family": {"enum": families}},
        "allOf": [
            {
                "if": {"properties": {"family": {"const": family}}, "required": ["family"]},
                "then": _family(family_type(family)),
            }
            for family in families
        ],
    }


def _decoder() -> dict[str, Any]:
    """A decoder names its family, and has hyper-parameters of that family alone.

    ``kinds`` is no keyword of JSON schema: it tells the workflow what targets a family decodes.
    """
    families = decoder_families()
    return {
        "type": "object",
        "required": ["family"],
        "properties": {"family": {"enum": families}},
        "allOf": [
            {
                "if": {"properties": {"family": {"const": family}}, "required": ["family"]},
                "then": _decoder_family(family),
            }
            for family in families
        ],
    }


def _decoder_family(family: str) -> dict[str, Any]:
    """The hyper-parameters of all decoders of a family: its kinds may have different ones."""
    types = decoder_types(family)
    schemas = [_of(hyperparameter_type(one)) for one in types]
    properties: dict[str, Any] = {}
    for schema in schemas:
        properties = schema["properties"] | properties
    required = {name for schema in schemas for name in schema.get("required", [])}
    return {
        "kinds": [one.kind for one in types],
        "properties": {"family": True, **properties},
        "required": ["family", *sorted(required)],
        "additionalProperties": False,
    }


def _family(kind: type[PointProcessModel]) -> dict[str, Any]:
    schema = _of(kind)
    search = {"search": _search(kind)} if kind.hyperparameter_names() else {}
    return {
        "properties": {"family": True, **schema["properties"], **search},
        "required": ["family", *schema.get("required", [])],
        "additionalProperties": False,
    }


def _search(kind: type[PointProcessModel]) -> dict[str, Any]:
    """Ranges for hyper-parameters that are numbers, lists of values for all."""
    values = {"type": "array", "minItems": 2}
    either = {"anyOf": [_of(SearchRange), values]}
    names = sorted(kind.hyperparameter_names())
    space = {name: values if numeric_type(kind, name) is None else either for name in names}
    return {
        "type": "object",
        "properties": {
            "n_trials": {"type": "integer", "minimum": 1, "default": DEFAULT_TRIALS},
            "space": {
                "type": "object",
                "properties": space,
                "minProperties": 1,
                "additionalProperties": False,
            },
        },
        "required": ["space"],
        "additionalProperties": False,
    }


def _of(kind: type) -> dict[str, Any]:
    """The schema of one dataclass with its references written out, without titles, words and nulls.

    A key that may be missing is left out by who does not want it; null says nothing that this does not.
    """
    schema = TypeAdapter(kind).json_schema()
    plain: dict[str, Any] = _written_out(schema, schema.get("$defs", {}))
    plain.pop("$defs", None)
    return plain | {"additionalProperties": False}


def _written_out(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_written_out(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _written_out(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    kept = {k: _written_out(v, definitions) for k, v in schema.items() if not _is_noise(k, v)}
    branches = [b for b in kept.get("anyOf", []) if b != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        kept |= branches[0]
    elif branches:
        kept["anyOf"] = branches
    return kept


def _is_noise(key: str, value: object) -> bool:
    words = key in ("title", "description") and isinstance(value, str)
    return words or (key == "default" and value is None) or key == "$defs"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=1, sort_keys=True) + "\n")
