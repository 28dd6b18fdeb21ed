"""The simple recurrent network (Elman 1990, Cogn Sci 14:179): h' = tanh(W h + U x + b)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurodecode.nn.cells._base import Cell


@dataclass(frozen=True)
class RNNCell(Cell):
    """``gain``: spectral radius of the recurrent weights at the start, in a large network."""

    gain: float = 1.0

    def __post_init__(self) -> None:
        self.check_positive("gain")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """Units that keep nothing of their own state."""
        from neurodecode.nn.cells._leaky_module import LeakyTanh
        from neurodecode.nn.cells._recurrent_weights import FixedLeak, FreeWeights, random_weights

        return LeakyTanh(n_inputs, FreeWeights(random_weights(hidden, self.gain)), FixedLeak(hidden, 1.0))


CELL = RNNCell
