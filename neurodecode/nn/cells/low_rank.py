"""Rate units whose weights are a fixed random matrix and a learnt one of low rank.

Mastrogiuseppe & Ostojic 2018, Neuron 99:609: W = J + M N^T / hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import Cell, check_tau


@dataclass(frozen=True)
class LowRankCell(Cell):
    """``rank`` of what is learnt of the recurrent weights. ``gain``: spectral radius of the random part in a large
    network; below 1, where it does nothing by itself. ``tau_s``, ``learn_tau``: as of ``rate``."""

    rank: int = 2
    gain: float = 0.8
    tau_s: float = 0.02
    learn_tau: bool = True
    in_seconds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_flags("learn_tau")
        self.check_positive("gain", "tau_s")
        if self.rank < 1:
            raise ConfigError(f"{self.name}: rank must be >= 1, got {self.rank}")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """Leaky units."""
        import torch

        from neurodecode.nn.cells._leaky_module import LeakyTanh
        from neurodecode.nn.cells._recurrent_weights import LowRankWeights, TimeConstants

        size = check_tau(self, self.tau_s, bin_size_s, learnt=self.learn_tau)
        leak = TimeConstants(torch.full((hidden,), self.tau_s), size, learnt=self.learn_tau)
        return LeakyTanh(n_inputs, LowRankWeights(hidden, self.rank, self.gain), leak)

    def diagnostics(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """``bulk_radius``: of the random part's eigenvalues; ``outliers``: those of W that lie beyond it by more
        than 1 / sqrt(hidden) [real, imaginary], the largest first and both of a complex pair; ``n_outliers``;
        ``largest_outlier``: its modulus, None without one.

        By so much M and N that were only drawn move the rim of the bulk (in 19 of 20 draws of rank 2).
        """
        random, left, right = (weights[f"recurrent.{name}"].astype(float) for name in ("random", "left", "right"))
        radius = float(np.abs(np.linalg.eigvals(random)).max())
        found = np.linalg.eigvals(random + left @ right.T / len(random))
        beyond = found[np.abs(found) > radius + len(random) ** -0.5]
        beyond = beyond[np.lexsort((-beyond.imag, -np.abs(beyond).round(12)))]
        return {
            "bulk_radius": radius,
            "outliers": [[float(v.real), float(v.imag)] for v in beyond],
            "n_outliers": len(beyond),
            "largest_outlier": float(np.abs(beyond[0])) if len(beyond) else None,
        }


CELL = LowRankCell
