"""Spike trains that stay in their file: each is read when it is asked for, and none is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

import numpy as np
from jaxtyping import Float, Int

Train = Float[np.ndarray, " _spikes"]


class StoredTrains(Sequence[Train]):
    """Trains (s) of units, as a tuple of arrays would hold them.

    read: the train of a unit, by index, always the same one: ascending, unique, finite. edges_s: its first and
    last spike (s), NaN for a train without any.
    """

    def __init__(
        self,
        read: Callable[[int], Train],
        edges_s: Float[np.ndarray, "all_units 2"],
        units: Int[np.ndarray, " units"] | None = None,
    ) -> None:
        self._read, self._edges_s = read, edges_s
        self._units = np.arange(len(edges_s)) if units is None else units

    def __len__(self) -> int:
        return self._units.size

    @overload
    def __getitem__(self, index: int) -> Train: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Train]: ...
    def __getitem__(self, index: int | slice) -> Train | Sequence[Train]:
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        return self._read(int(self._units[index]))

    def select(self, units: Int[np.ndarray, " some"]) -> StoredTrains:
        """Only these, by index, in this order."""
        return StoredTrains(self._read, self._edges_s, self._units[units])

    @property
    def edges_s(self) -> Float[np.ndarray, "units 2"]:
        """First and last spike (s) of each."""
        edges_s: np.ndarray = self._edges_s[self._units]
        return edges_s


def trains_of(trains: Sequence[Train], units: Int[np.ndarray, " some"]) -> Sequence[Train]:
    """The trains of these units, by index, in this order; stored ones stay where they are."""
    if isinstance(trains, StoredTrains):
        return trains.select(units)
    return [trains[unit] for unit in units]


def train_edges_s(trains: Sequence[Train]) -> Float[np.ndarray, "units 2"]:
    """First and last spike (s) of each train, NaN for one without any."""
    if isinstance(trains, StoredTrains):
        return trains.edges_s
    return np.array([t[[0, -1]] if t.size else (np.nan, np.nan) for t in trains]).reshape(-1, 2)
