"""Echo state network (Jaeger 2001, GMD report 148; leaky units: Jaeger et al. 2007, Neural Netw 20:335).

Recurrent and input weights are random and stay as they are drawn: only the readout learns, and its loss is convex.
Of a decoder of values or signals its least is found in closed form (``nn.ridge_readout``). The Poisson readout of
an encoding model is trained by the loop of all cells, AdamW stopped by validation: it ends where stopping, dropout
and weight decay say, not at the least of the training loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import Cell, check_tau


@dataclass(frozen=True)
class ReservoirCell(Cell):
    """``radius``: spectral radius of the recurrent weights, of which a share ``density`` is not zero.

    ``leak``: share of a unit's state that is renewed in each bin, whatever its size. ``tau_s``, in its place: time
    constant of every unit, of which the leak is bin / tau. ``input_scale``: standard deviation of what
    standardised inputs, independent of each other, add up to in a unit.
    """

    radius: float = 0.9
    density: float = 0.2
    leak: float = 0.3
    input_scale: float = 0.5
    tau_s: float | None = None

    def __post_init__(self) -> None:
        self.check_positive("radius", "input_scale", "tau_s")
        for name in ("density", "leak"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{self.name}: {name} must lie in (0, 1], got {getattr(self, name)}")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """Leaky units of which nothing is learnt."""
        import torch

        from neurodecode.nn.cells._leaky_module import LeakyTanh
        from neurodecode.nn.cells._recurrent_weights import FixedLeak, FixedWeights, TimeConstants, sparse_weights

        leak: Any = FixedLeak(hidden, self.leak)
        if self.tau_s is not None:
            size = check_tau(self, self.tau_s, bin_size_s, learnt=False)
            leak = TimeConstants(torch.full((hidden,), self.tau_s), size, learnt=False)
        weights = FixedWeights(sparse_weights(hidden, self.density, self.radius))
        bound = self.input_scale * (3 / n_inputs) ** 0.5  # even numbers between -b and b have variance b^2 / 3
        return LeakyTanh(n_inputs, weights, leak, bound=bound, trained=False)


CELL = ReservoirCell
