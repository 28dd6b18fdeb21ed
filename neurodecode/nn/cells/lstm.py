"""Long short-term memory (Hochreiter & Schmidhuber 1997, Neural Comput 9:1735; forget gate: Gers et al. 2000)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import Cell, chrono_bins


@dataclass(frozen=True)
class LSTMCell(Cell):
    """``forget_bias``: of the forget gate at the start, open at 1 (Jozefowicz et al. 2015, ICML).

    ``chrono_s``: biases of forget and input gates are drawn in its place, so that units remember for times of up
    to so many seconds (chrono initialisation; Tallec & Ollivier 2018, ICLR, section 3.2).
    """

    forget_bias: float = 1.0
    chrono_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.forget_bias < math.inf:
            raise ConfigError(
                f"{self.name}: forget_bias must be finite and not negative (a gate that is shut lets no gradient "
                f"through), got {self.forget_bias}"
            )
        self.check_positive("chrono_s")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """torch's LSTM."""
        from neurodecode.nn.cells._lstm_module import LSTM

        longest = None if self.chrono_s is None else chrono_bins(self, self.chrono_s, bin_size_s)
        return LSTM(n_inputs, hidden, forget_bias=self.forget_bias, longest_bins=longest)


CELL = LSTMCell
