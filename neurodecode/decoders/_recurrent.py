"""Recurrent networks that decode: one set of classes for every cell of ``nn/cells``."""

from __future__ import annotations

from typing import Any

from neurodecode.decoders._base import Decoder
from neurodecode.decoders._recurrent_signal import RecurrentSignal
from neurodecode.decoders._recurrent_trials import RecurrentClasses, RecurrentValues
from neurodecode.models import cell_names
from neurodecode.nn.cells import cell_type, extended

_EXAMPLE = {"hidden": 8, "seeds": 1, "epochs": 6, "batches_per_epoch": 6}

_TYPES: dict[str, tuple[type[Decoder], ...]] = {}


def recurrent_types(family: str) -> tuple[type[Decoder], ...]:
    """The decoders of one cell: ``lstm`` gives LSTMDecoder (signal), LSTMClassDecoder and LSTMValueDecoder."""
    if family not in _TYPES:
        cell = cell_type(family)
        origin = {"family": family, "cell_type": cell, "__module__": __name__}
        name = cell.__name__.removesuffix("Cell")
        _TYPES[family] = tuple(
            extended(
                base,
                cell,
                f"{name}{kind}Decoder",
                namespace={**origin, "__doc__": base.__doc__},
                eq=False,
                repr=False,
                kw_only=True,
            )
            for kind, base in (("", RecurrentSignal), ("Class", RecurrentClasses), ("Value", RecurrentValues))
        )
    return _TYPES[family]


def example(family: str) -> dict[str, Any]:
    """Hyper-parameters of a toy; of arrays too, whose bins are taken for 5 ms by cells that need to know."""
    return _EXAMPLE | ({"bin_size_s": 0.005} if cell_type(family).in_seconds else {})


def __getattr__(name: str) -> type[Decoder]:
    """A class by its name: what other processes know it by, to whom decoders are handed."""
    for family in cell_names():
        for kind in recurrent_types(family):
            if kind.__name__ == name:
                return kind
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
