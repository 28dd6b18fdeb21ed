"""Fitted models on disk: arrays in safetensors, all else as JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurodecode.data.store import written_whole
from neurodecode.errors import DataError

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
    described = {
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
    with written_whole(description_path) as part:
        part.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_fitted(parameters_path: str | Path, description_path: str | Path) -> list[FittedModel]:
    """The fitted models of all folds, as ``save_fitted`` wrote them.

    Raises DataError for files that are not ours or not whole, ConfigError for an unknown family.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from neurodecode.models import build_model

    try:
        arrays = load_file(parameters_path)
        described = json.loads(Path(description_path).read_text(encoding="utf-8"))
        folds = described["folds"]
        models = [
            build_model(described["family"], **one.get("hyperparameters", described["hyperparameters"]))
            for one in folds
        ]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{parameters_path}: not a fitted model of this package ({error!r}); fit again") from error
    return [
        model.rebuild(
            {k.removeprefix(f"{fold}."): v for k, v in arrays.items() if k.startswith(f"{fold}.")},
            one["description"],
        )
        for fold, (model, one) in enumerate(zip(models, folds, strict=True))
    ]
