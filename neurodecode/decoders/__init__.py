"""Decoders of stimulus and behaviour. A family's name in the configuration is its file's name, here or in
``nn/cells``; its classes are imported from here by name: ``from neurodecode.decoders import KalmanDecoder``."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from neurodecode.decoders._base import (
    ClassDecoder,
    Decoder,
    SignalDecoder,
    Stream,
    UnfoldingClassDecoder,
    ValueDecoder,
)
from neurodecode.decoders._series import signal_values
from neurodecode.decoders._store import load_decoder, load_decoders, put_together, save_decoders, taken_apart
from neurodecode.errors import ConfigError
from neurodecode.models import cell_names

__all__ = [
    "ClassDecoder",
    "Decoder",
    "SignalDecoder",
    "Stream",
    "UnfoldingClassDecoder",
    "ValueDecoder",
    "build_decoder",
    "decoder_families",
    "decoder_types",
    "example",
    "load_decoder",
    "load_decoders",
    "put_together",
    "save_decoders",
    "signal_values",
    "taken_apart",
]


def decoder_families() -> list[str]:
    """Every family: the files here that do not start with an underscore, and the recurrent cells."""
    own = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return sorted([*own, *cell_names()])


def decoder_types(family: str) -> tuple[type[Decoder], ...]:
    """The classes of one family: one for each kind of target that it decodes. Imports no torch.

    Raises ConfigError for a family that does not exist.
    """
    if family not in decoder_families():
        raise ConfigError(f"unknown decoder family {family!r}; known: {', '.join(decoder_families())}")
    if family in cell_names():
        recurrent: tuple[type[Decoder], ...] = import_module(f"{__name__}._recurrent").recurrent_types(family)
        return recurrent
    found: tuple[type[Decoder], ...] = import_module(f"{__name__}.{family}").DECODERS
    return found


def example(family: str) -> dict[str, Any]:
    """Hyper-parameters with which a family's decoders fit a toy session in under two seconds."""
    if family in cell_names():
        recurrent: dict[str, Any] = import_module(f"{__name__}._recurrent").example(family)
        return recurrent
    found: dict[str, Any] = import_module(f"{__name__}.{family}").EXAMPLE
    return found


def build_decoder(family: str, name: str, **hyperparameters: Any) -> Decoder:
    """The unfitted decoder called ``name`` of one family. Raises ConfigError for one that does not exist."""
    for kind in decoder_types(family):
        if kind.__name__ == name:
            return kind(**hyperparameters)
    raise ConfigError(f"family {family!r} has no decoder {name!r}")


def __getattr__(name: str) -> type[Decoder]:
    """A decoder's class by its name, without importing the other families."""
    if name.endswith("Decoder"):
        for family in decoder_families():
            for kind in decoder_types(family):
                if kind.__name__ == name:
                    return kind
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
