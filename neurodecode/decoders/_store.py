"""Fitted decoders on disk: one safetensors file, with all that is no array as JSON in its header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurodecode.data.store import written_whole
from neurodecode.errors import DataError

if TYPE_CHECKING:
    from neurodecode.decoders._base import Decoder

SCHEMA_VERSION = 1


def save_decoder(path: str | Path, decoder: Decoder) -> None:
    """Write hyper-parameters and every attribute that ends in one underscore."""
    from safetensors.numpy import save_file

    arrays: dict[str, np.ndarray] = {}
    plain: dict[str, Any] = {}
    for name, value in vars(decoder).items():
        if not name.endswith("_") or name.startswith("_"):
            continue
        if isinstance(value, np.ndarray) and value.dtype.kind == "U":
            plain[name] = {"strings": value.tolist()}
        elif isinstance(value, np.ndarray):
            arrays[name] = np.ascontiguousarray(value)
        elif isinstance(value, dict) and any(isinstance(v, np.ndarray) for v in value.values()):
            arrays |= {f"{name}/{key}": np.ascontiguousarray(v) for key, v in value.items()}
        else:
            plain[name] = {"value": value}
    described = {
        "schema_version": SCHEMA_VERSION,
        "family": decoder.family,
        "decoder": type(decoder).__name__,
        "hyperparameters": decoder.get_params(deep=False),
        "fitted": plain,
    }
    with written_whole(path) as part:
        save_file(arrays, part, metadata={"neurodecode": json.dumps(described)})


def load_decoder(path: str | Path) -> Decoder:
    """The decoder that ``save`` wrote.

    Raises DataError for a file that is not ours or not whole, ConfigError for an unknown family.
    """
    from safetensors import SafetensorError, safe_open

    from neurodecode.decoders import build_decoder

    try:
        with safe_open(str(path), framework="numpy") as file:
            described = json.loads(file.metadata()["neurodecode"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
        decoder = build_decoder(described["family"], described["decoder"], **described["hyperparameters"])
        for name, held in described["fitted"].items():
            setattr(decoder, name, np.array(held["strings"]) if "strings" in held else held["value"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a fitted decoder of this package ({error!r}); fit and save again") from error
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, values in arrays.items():
        group, _, key = name.partition("/")
        if key:
            groups.setdefault(group, {})[key] = values
        else:
            setattr(decoder, name, values)
    for name, group_values in groups.items():
        setattr(decoder, name, group_values)
    return decoder
