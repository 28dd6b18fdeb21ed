"""Gated recurrent unit (Cho et al. 2014, EMNLP)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurodecode.nn.cells._base import Cell, chrono_bins


@dataclass(frozen=True)
class GRUCell(Cell):
    """``chrono_s``: the bias of the gate that keeps the state is drawn so that units remember for times of up to
    so many seconds (chrono initialisation; Tallec & Ollivier 2018, ICLR, section 3.2)."""

    chrono_s: float | None = None

    def __post_init__(self) -> None:
        self.check_positive("chrono_s")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """torch's GRU; on a CPU compiled."""
        from neurodecode.nn.cells._gru_module import GRU

        longest = None if self.chrono_s is None else chrono_bins(self, self.chrono_s, bin_size_s)
        return GRU(n_inputs, hidden, longest_bins=longest)


CELL = GRUCell
