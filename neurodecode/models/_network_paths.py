"""The shape of a network: which paths lead from its inputs to log-rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True, eq=False)
class Paths:
    """The shape of a network: ``hidden`` units that see all inputs (0: none), and a cell for each unit, or not.

    ``gain_columns``: the inputs of the gain that all units share. ``own_columns``: those of each unit's own cell;
    None where there is no such cell.
    """

    n_inputs: int
    n_units: int
    hidden: int
    gain_columns: Int[np.ndarray, " gains"]
    bin_size_s: float
    own_columns: Int[np.ndarray, "units columns"] | None = None

    @property
    def name(self) -> str:
        """In words, for logs and fit.json."""
        if self.own_columns is None:
            return "population" if self.hidden else "shared gain"
        return "population and own" if self.hidden else "own"
