"""A recording that was binned before it reached us: counts, not spike times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt

from neurodecode.data.session import Signal
from neurodecode.errors import DataError


@dataclass(frozen=True, eq=False, kw_only=True)
class CountRecording:
    """Binned counts with signals on the same bins; when a spike fell within its bin is unknown.

    counts: (pieces, bins, units). ``continuous``: one piece on one clock that starts at ``start_s``, with
    ``trials`` any table on that clock (no row where there is none). Otherwise each piece is a trial with its row
    of ``trials``, and its first bin starts at the row's ``start_time``.
    mask: (pieces, bins, units) or (pieces, bins, 1); False where nothing was recorded, counts are 0 there.
    signals: name -> (pieces, bins, dims).
    """

    name: str
    counts: UInt[np.ndarray, "pieces bins units"]
    bin_size_s: float
    mask: Bool[np.ndarray, "pieces bins #units"]
    unit_names: tuple[str, ...]
    trials: pd.DataFrame
    continuous: bool
    start_s: float = 0.0
    signals: Mapping[str, Float[np.ndarray, "pieces bins _dims"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n_pieces, n_bins, n_units = self.counts.shape
        if 0 in self.counts.shape:
            raise DataError(f"{self.name}: counts {self.counts.shape} hold no pieces, no bins or no units")
        if not self.bin_size_s > 0:
            raise DataError(f"{self.name}: bin_size_s must be a positive number of seconds, got {self.bin_size_s}")
        if self.mask.shape not in ((n_pieces, n_bins, n_units), (n_pieces, n_bins, 1)):
            raise DataError(f"{self.name}: mask {self.mask.shape} does not fit counts {self.counts.shape}")
        if len(self.unit_names) != n_units:
            raise DataError(f"{self.name}: {len(self.unit_names)} unit names for {n_units} units")
        if self.continuous and n_pieces != 1:
            raise DataError(f"{self.name}: a continuous recording is one piece, got {n_pieces}")
        if not self.continuous and len(self.trials) != n_pieces:
            raise DataError(f"{self.name}: {len(self.trials)} rows of trials for {n_pieces} trials of counts")
        for name, values in self.signals.items():
            if values.ndim != 3 or values.shape[:2] != (n_pieces, n_bins):
                raise DataError(f"{self.name}: signal {name!r} {values.shape} does not fit {self.counts.shape}")
        for array in (self.counts, self.mask, *self.signals.values()):
            array.flags.writeable = False

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.counts.shape[2])

    @property
    def span_s(self) -> Float[np.ndarray, "pieces 2"]:
        """Start and stop (s) of each piece."""
        start = np.array([self.start_s]) if self.continuous else self.trials["start_time"].to_numpy(dtype=float)
        return np.column_stack([start, start + int(self.counts.shape[1]) * self.bin_size_s])

    def signal(self, name: str, piece: int) -> Signal:
        """One signal of one piece, its clock in bins: bin centres at 0, 1, 2, ..."""
        values = np.array(self.signals[name][piece], float)
        return Signal(values=values, times_s=np.arange(values.shape[0], dtype=float))
