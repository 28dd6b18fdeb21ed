"""Fitted models on disk: arrays in safetensors, all else as JSON beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurodecode.data.documents import read_json
from neurodecode.data.store import written_whole
from neurodecode.errors import ConfigError, DataError

if TYPE_CHECKING:
    from neurodecode.models._base import FittedModel

SCHEMA_VERSION = 1


def save_fitted(
    parameters_path: str | Path, description_path: str | Path, fitted: Sequence[FittedModel], **about: object
) -> None:
    """Write the fitted models of all folds: arrays as ``fold.name`` in safetensors, the rest as JSON.

    ``about`` goes into the JSON as it is (seconds, seeds). A fold whose hyper-parameters differ from those of the
    first, after a search, holds its own.
    """
    from safetensors.numpy import save_file

    model = fitted[0].model
    arrays = {
        f"{fold}.{name}": np.ascontiguousarray(values)
        for fold, one in enumerate(fitted)
        for name, values in one.parameters().items()
    }
    described: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "family": model.family,
        "hyperparameters": asdict(model),
        **about,
        "folds": [
            {"description": f.description(), "diagnostics": f.diagnostics()}
            | ({} if f.model == model else {"hyperparameters": asdict(f.model)})
            for f in fitted
        ],
    }
    with written_whole(parameters_path) as part:
        save_file(arrays, part)
        described["parameters_sha256"] = _sha256(part)
    with written_whole(description_path) as part:
        part.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_fitted(parameters_path: str | Path, description_path: str | Path) -> list[FittedModel]:
    """The fitted models of all folds, as ``save_fitted`` wrote them.

    Raises DataError for files that are not ours, not whole, changed since, or of different fits, and for arrays
    that are missing, too many, or of other shapes and types; ConfigError for an unknown family.
    """
    from neurodecode.models._stored_fields import check_fitted

    described = read_json(description_path, way_out="fit again")
    try:
        arrays = _arrays(parameters_path, described)
        found = [_rebuilt(arrays, described, fold) for fold in range(len(described["folds"]))]
        held = {f"{fold}.{name}" for fold, one in enumerate(found) for name in one.parameters()}
        if other := sorted(arrays.keys() - held):
            raise DataError(f"it holds {other[0]!r}, which a {described['family']} does not have")
        for one in found:
            check_fitted(one)
    except ConfigError:
        raise
    except _UNUSABLE as error:
        raise DataError(
            f"{parameters_path}: not a fitted model of this package, or not that of {description_path} "
            f"({str(error) if isinstance(error, DataError) else repr(error)}); fit again"
        ) from error
    return found


# What rebuilding a model and one prediction raise where arrays do not fit each other.
_UNUSABLE = (DataError, OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError)


def _arrays(path: str | Path, described: Mapping[str, Any]) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not Path(path).is_file():
        raise DataError("no such file")
    if (known := described.get("parameters_sha256")) is not None and known != _sha256(Path(path)):
        raise DataError("its content is not what was written: the check sum differs")
    try:
        arrays: dict[str, np.ndarray] = load_file(path)
    except SafetensorError as error:
        raise DataError(str(error)) from error
    return arrays


def _rebuilt(arrays: Mapping[str, np.ndarray], described: Mapping[str, Any], fold: int) -> FittedModel:
    from neurodecode.models import build_model

    one = described["folds"][fold]
    model = build_model(described["family"], **one.get("hyperparameters", described["hyperparameters"]))
    own = {k.removeprefix(f"{fold}."): v for k, v in arrays.items() if k.startswith(f"{fold}.")}
    return model.rebuild(own, one["description"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
