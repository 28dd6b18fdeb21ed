"""Fitted decoders on disk: one safetensors file, with all that is no array as JSON in its header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from neurodecode.data.store import written_whole
from neurodecode.errors import DataError

if TYPE_CHECKING:
    from neurodecode.decoders._base import Decoder

SCHEMA_VERSION = 1


def save_decoder(path: str | Path, decoder: Decoder) -> None:
    """Write hyper-parameters and every attribute that ends in one underscore."""
    arrays, described = taken_apart(decoder)
    _save(path, arrays, described | {"schema_version": SCHEMA_VERSION})


def save_decoders(path: str | Path, decoders: Sequence[Decoder]) -> None:
    """Write the decoders of all folds to one file; arrays are called ``fold.name``."""
    arrays: dict[str, np.ndarray] = {}
    folds: list[dict[str, Any]] = []
    for fold, decoder in enumerate(decoders):
        own, described = taken_apart(decoder)
        arrays |= {f"{fold}.{name}": values for name, values in own.items()}
        folds.append(described)
    _save(path, arrays, {"schema_version": SCHEMA_VERSION, "folds": folds})


def load_decoder(path: str | Path) -> Decoder:
    """The decoder that ``save`` wrote.

    Raises DataError for a file that is not ours or not whole, ConfigError for an unknown family.
    """
    arrays, described = _load(path)
    return _of_file(path, arrays, described)


def load_decoders(path: str | Path) -> list[Decoder]:
    """The decoders of all folds, as ``save_decoders`` wrote them. Raises as ``load_decoder``."""
    arrays, described = _load(path)
    if "folds" not in described:
        raise DataError(f"{path}: holds one decoder, not those of several folds; read it with load_decoder")
    found = []
    for fold, one in enumerate(described["folds"]):
        own = {k.removeprefix(f"{fold}."): v for k, v in arrays.items() if k.startswith(f"{fold}.")}
        found.append(_of_file(path, own, one))
    return found


def taken_apart(decoder: Decoder) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a fitted decoder and, JSON-able, what else ``put_together`` needs."""
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
        "family": decoder.family,
        "decoder": type(decoder).__name__,
        "hyperparameters": decoder.get_params(deep=False),
        "fitted": plain,
    }
    return arrays, described


def _save(path: str | Path, arrays: dict[str, np.ndarray], described: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    with written_whole(path) as part:
        save_file(
            arrays, part, metadata={"neurodecode": json.dumps(described), "sha256": _sha256(arrays, described)}
        )


def _load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            about = file.metadata()
            described = json.loads(about["neurodecode"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
            if about.get("sha256", (whole := _sha256(arrays, described))) != whole:
                raise ValueError("its content is not what was written: the check sum differs")
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{path}: not a fitted decoder of this package ({error!r}); fit and save again") from error
    return arrays, described


def put_together(arrays: dict[str, np.ndarray], described: dict[str, Any]) -> Decoder:
    """The fitted decoder that ``taken_apart`` was given.

    Raises ValueError, KeyError, TypeError or AttributeError for what no decoder was taken apart into.
    """
    from neurodecode.decoders import build_decoder

    decoder = build_decoder(described["family"], described["decoder"], **described["hyperparameters"])
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, held in described["fitted"].items():
        _set(decoder, name, np.array(held["strings"]) if "strings" in held else held["value"])
    for name, values in arrays.items():
        group, _, key = name.partition("/")
        if key:
            groups.setdefault(group, {})[key] = values
        else:
            _set(decoder, name, values)
    for name, group_values in groups.items():
        _set(decoder, name, group_values)
    return decoder


def _set(decoder: Decoder, name: str, value: object) -> None:
    """What a fit found; a file may not set anything else of a decoder, such as its methods."""
    if not name.isidentifier() or name.startswith("_") or not name.endswith("_") or hasattr(type(decoder), name):
        raise ValueError(f"{name!r} is nothing that a fit finds")
    setattr(decoder, name, value)


def _of_file(path: str | Path, arrays: dict[str, np.ndarray], described: dict[str, Any]) -> Decoder:
    try:
        decoder = put_together(arrays, described)
        check_is_fitted(decoder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not a fitted decoder of this package ({error!r}); fit and save again") from error
    return decoder


def _sha256(arrays: Mapping[str, np.ndarray], described: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in sorted(arrays):
        about, values = arrays[name], np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {about.dtype} {about.shape}".encode() + values.tobytes())
    return digest.hexdigest()
