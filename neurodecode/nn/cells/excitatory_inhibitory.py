"""Rate units that excite or inhibit (Dale's law), in balance at the start.

Song, Yang & Wang 2016, PLoS Comput Biol 12:e1004792; balance: Rajan & Abbott 2006, Phys Rev Lett 97:188104.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import Cell, check_tau


@dataclass(frozen=True)
class ExcitatoryInhibitoryCell(Cell):
    """``inhibitory``: share of the units that inhibit, at least one of two or more units; the others excite.

    What a unit sends to other units has its sign whatever is learnt. The readout is free: spikes may be read from
    both kinds, with either sign, where Song, Yang & Wang read excitatory units alone. ``tau_s``, ``learn_tau``,
    ``gain``: as of ``rate``.
    """

    inhibitory: float = 0.2
    tau_s: float = 0.02
    learn_tau: bool = True
    gain: float = 1.0
    in_seconds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_flags("learn_tau")
        self.check_positive("tau_s", "gain")
        if not 0 < self.inhibitory < 1:
            raise ConfigError(f"{self.name}: inhibitory must lie in (0, 1), got {self.inhibitory}")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """Leaky units whose recurrent weights keep their signs."""
        import torch

        from neurodecode.nn.cells._leaky_module import LeakyTanh
        from neurodecode.nn.cells._recurrent_weights import SignedWeights, TimeConstants

        size = check_tau(self, self.tau_s, bin_size_s, learnt=self.learn_tau)
        n_inhibitory = min(max(1, round(self.inhibitory * hidden)), hidden - 1)
        leak = TimeConstants(torch.full((hidden,), self.tau_s), size, learnt=self.learn_tau)
        return LeakyTanh(n_inputs, SignedWeights(hidden, n_inhibitory, self.gain), leak)

    def diagnostics(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """Summed weight of excitation and of inhibition that units receive, mean over units, and their balance.

        balance: mean of (excitation - inhibition) / (excitation + inhibition); 0 where they are equal.
        """
        magnitude, sign = np.abs(weights["recurrent.magnitude"]), weights["recurrent.sign"]
        exciting, inhibiting = magnitude[:, sign > 0].sum(axis=1), magnitude[:, sign < 0].sum(axis=1)
        balance = (exciting - inhibiting) / np.maximum(exciting + inhibiting, 1e-12)
        return {
            "excitation": float(exciting.mean()),
            "inhibition": float(inhibiting.mean()),
            "balance": float(balance.mean()),
        }


CELL = ExcitatoryInhibitoryCell
