"""Model families. A family's name in the configuration is its file's name, here or in ``nn/cells``."""

import pkgutil
from importlib import import_module
from pathlib import Path

from neurodecode.errors import ConfigError
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._store import load_fitted, save_fitted

__all__ = [
    "FittedModel",
    "PointProcessModel",
    "build_model",
    "cell_names",
    "example",
    "family_names",
    "family_type",
    "load_fitted",
    "save_fitted",
]

_CELLS = str(Path(__file__).parents[1] / "nn" / "cells")


def cell_names() -> list[str]:
    """Families that are recurrent cells: the files of ``nn/cells``, which are not imported for it."""
    return sorted(m.name for m in pkgutil.iter_modules([_CELLS]) if not m.name.startswith("_"))


def family_names() -> list[str]:
    """Every family: the files here that do not start with an underscore, and the cells."""
    own = [m.name for m in pkgutil.iter_modules(__path__) if not (m.name.startswith("_") or m.ispkg)]
    return sorted([*own, *cell_names()])


def family_type(family: str) -> type[PointProcessModel]:
    """The class of hyper-parameters of one family; imports that family's file only, and no torch.

    Raises ConfigError for a family that does not exist.
    """
    if family not in family_names():
        raise ConfigError(f"unknown model family {family!r}; known: {', '.join(family_names())}")
    if family in cell_names():
        recurrent: type[PointProcessModel] = import_module(f"{__name__}._recurrent").recurrent_type(family)
        return recurrent
    found: type[PointProcessModel] = import_module(f"{__name__}.{family}").MODEL
    return found


def example(family: str) -> PointProcessModel:
    """Hyper-parameters of one family that fit a toy session in under two seconds: its file's ``EXAMPLE``.

    Raises ConfigError for a family that does not exist.
    """
    kind = family_type(family)
    if family in cell_names():
        return kind(**import_module(f"{__name__}._recurrent").EXAMPLE)
    found: PointProcessModel = import_module(f"{__name__}.{family}").EXAMPLE
    return found


def build_model(family: str, **hyperparameters: object) -> PointProcessModel:
    """The unfitted model of one family with these hyper-parameters.

    Raises ConfigError for an unknown family or hyper-parameter, or a value out of range.
    """
    kind = family_type(family)
    known = kind.hyperparameter_names()
    unknown = sorted(hyperparameters.keys() - known)
    if unknown:
        raise ConfigError(f"family {family!r} has no {', '.join(unknown)}; it has: {', '.join(sorted(known))}")
    # YAML and JSON know lists only; hyper-parameters are hashable.
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in hyperparameters.items()})
