"""Dropout of what goes through a sequence. Hyper-parameters name its masks without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Masks = Literal["per_sequence", "per_step"]


@dataclass(frozen=True)
class Dropout:
    """A ``share`` of features is put to 0 in training, and the others are scaled up.

    masks: ``per_sequence``, the same features in all steps (variational; Gal & Ghahramani 2016, NeurIPS), or
    ``per_step``, others in each (Srivastava et al. 2014, JMLR 15:1929).
    """

    share: float
    masks: Masks = "per_sequence"

    def __call__(self, values: Any, *, training: bool) -> Any:
        """Tensors (batch, steps, ...)."""
        if not training or self.share == 0.0:
            return values
        n_masks = 1 if self.masks == "per_sequence" else values.shape[1]
        mask = values.new_empty(values.shape[0], n_masks, *values.shape[2:]).bernoulli_(1.0 - self.share)
        return values * (mask / (1.0 - self.share))
