"""Which spike trains of neo's segments belong to one unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.errors import DataError
from neurodecode.io._neo_clock import Piece, loaded, seconds

_IDENTIFIERS = ("unit_id", "unit", "id")  # annotations that name a unit where its train has no name
_NOT_OURS = ("nix_name", "neo_name")  # bookkeeping of neo's own writers


@dataclass(frozen=True, eq=False)
class Train:
    """One unit's spikes in one segment, on the common clock (s)."""

    times_s: np.ndarray
    start_s: float
    stop_s: float
    annotations: dict[str, object]


def trains_by_unit(pieces: list[Piece], where: str) -> dict[str, list[Train]]:
    """Trains of each unit over all segments, joined by name, else by annotation, else by their order.

    A segment that lacks a unit's train did not observe the unit.
    Raises DataError for unnamed trains whose number differs between segments.
    """
    per_piece = [[loaded(train) for train in piece.segment.spiketrains] for piece in pieces]
    names = [[_name(train) for train in trains] for trains in per_piece]
    named = all(None not in own and len(set(own)) == len(own) for own in names)
    sizes = {len(trains) for trains in per_piece if trains}
    if not named and len(sizes) > 1:
        raise DataError(
            f"{where}: its segments hold {sorted(sizes)} spike trains without names of their own, so units "
            "cannot be followed; name the trains, or annotate them with unit_id"
        )
    units: dict[str, list[Train]] = {}
    for piece, trains, own in zip(pieces, per_piece, names, strict=True):
        for place, train in enumerate(trains):
            name = own[place] if named else str(place)
            units.setdefault(str(name), []).append(_train(train, piece))
    return units


def unit_table(units: dict[str, list[Train]]) -> pd.DataFrame:
    """One row a unit: its name and its train's annotations of one number or text."""
    rows = [
        {"unit_name": name} | {key: value for key, value in trains[0].annotations.items() if key != "unit_name"}
        for name, trains in units.items()
    ]
    return pd.DataFrame(rows)


def scalars(annotations: dict[str, Any]) -> dict[str, object]:
    """The annotations that are one number or text."""
    plain = (str, bool, int, float, np.generic)
    return {k: v for k, v in annotations.items() if isinstance(v, plain) and k not in _NOT_OURS}


def _name(train: Any) -> str | None:
    if train.name:
        return str(train.name)
    return next((str(train.annotations[key]) for key in _IDENTIFIERS if key in train.annotations), None)


def _train(train: Any, piece: Piece) -> Train:
    return Train(
        times_s=np.atleast_1d(seconds(train.times)) + piece.shift_s,
        start_s=float(seconds(train.t_start)) + piece.shift_s,
        stop_s=float(seconds(train.t_stop)) + piece.shift_s,
        annotations=scalars(train.annotations),
    )
