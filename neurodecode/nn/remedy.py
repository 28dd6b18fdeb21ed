"""What may stand beside the loss and around each step of training, to keep what was learnt before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class Remedy:
    """None: the loss and the step as they are. Remedies of ``nn.continual`` change one or the other."""

    def added_to(self, loss: torch.Tensor, network: torch.nn.Module, rng: np.random.Generator) -> torch.Tensor:
        """The loss (nats per count) to take the gradient of."""
        return loss

    def step(self, network: torch.nn.Module, step: Callable[[], Any]) -> None:
        """Let the optimiser take its ``step``."""
        step()


NO_REMEDY = Remedy()
