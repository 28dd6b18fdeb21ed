"""The rate model in continuous time, tau dh/dt = -h + tanh(W h + U x + b), by Euler's steps of one bin.

Sompolinsky, Crisanti & Sommers 1988, Phys Rev Lett 61:259, with inputs. At tau = bin it is the family ``rnn``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import Cell, check_tau


@dataclass(frozen=True)
class RateCell(Cell):
    """``tau_s``: time constant of every unit; with ``longest_tau_s`` each has one of its own, log-spaced from
    ``tau_s`` to it. ``learn_tau``: they are where learning starts; learnt ones last a bin or more. ``gain``: as of
    ``rnn``. What was fitted in bins of one size runs in others (``rebinned``)."""

    tau_s: float = 0.02
    longest_tau_s: float | None = None
    learn_tau: bool = True
    gain: float = 1.0
    in_seconds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_flags("learn_tau")
        self.check_positive("tau_s", "longest_tau_s", "gain")
        if self.longest_tau_s is not None and self.longest_tau_s < self.tau_s:
            raise ConfigError(
                f"{self.name}: longest_tau_s must not be below tau_s, got {self.longest_tau_s} and {self.tau_s}"
            )

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """Leaky units."""
        import torch

        from neurodecode.nn.cells._leaky_module import LeakyTanh
        from neurodecode.nn.cells._recurrent_weights import FreeWeights, TimeConstants, random_weights

        size = check_tau(self, self.tau_s, bin_size_s, learnt=self.learn_tau)
        ends = torch.tensor([self.tau_s, self.longest_tau_s or self.tau_s]).log()
        taus_s = torch.linspace(float(ends[0]), float(ends[1]), hidden).exp()
        weights = FreeWeights(random_weights(hidden, self.gain))
        return LeakyTanh(n_inputs, weights, TimeConstants(taus_s, size, learnt=self.learn_tau))


CELL = RateCell
