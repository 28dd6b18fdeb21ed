"""Rate units whose synapses facilitate and depress, with u and x of each sending unit.

Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821; when trained: Masse et al. 2019, Nat Neurosci 22:1159.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import Cell, check_tau


@dataclass(frozen=True)
class ShortTermPlasticityCell(Cell):
    """``release``: U, the share of its resources that a rested synapse releases at a spike. ``facilitation_s`` and
    ``depression_s``: time constants of u and x. ``learn_synapses``: all three are where learning starts, for each
    unit. ``highest_rate_hz``: of a unit at h = 1; no more than one spike a bin. ``tau_s``, ``learn_tau`` and
    ``gain``: as of ``rate``, of synapses at rest."""

    release: float = 0.2
    facilitation_s: float = 0.5
    depression_s: float = 0.2
    learn_synapses: bool = True
    highest_rate_hz: float = 50.0
    tau_s: float = 0.02
    learn_tau: bool = True
    gain: float = 1.0
    in_seconds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_flags("learn_tau", "learn_synapses")
        self.check_positive("facilitation_s", "depression_s", "highest_rate_hz", "tau_s", "gain")
        if not 0 < self.release < 1:
            raise ConfigError(f"{self.name}: release must lie in (0, 1), got {self.release}")

    def build(self, n_inputs: int, hidden: int, bin_size_s: float | None) -> Any:
        """Leaky units with such synapses."""
        import torch

        from neurodecode.nn.cells._recurrent_weights import TimeConstants, random_weights
        from neurodecode.nn.cells._synapse_module import Synapses, SynapticTanh

        size = check_tau(self, self.tau_s, bin_size_s, learnt=self.learn_tau)
        synapses = Synapses(
            hidden, self.release, self.facilitation_s, self.depression_s, size, learnt=self.learn_synapses
        )
        # What is sent is (1 + h) / 2: the slope of a half is made up for.
        weights = 2 * random_weights(hidden, self.gain)
        leak = TimeConstants(torch.full((hidden,), self.tau_s), size, learnt=self.learn_tau)
        return SynapticTanh(n_inputs, weights, synapses, leak, min(1.0, self.highest_rate_hz * size))


CELL = ShortTermPlasticityCell
