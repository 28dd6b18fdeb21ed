"""Where networks run. Hyper-parameters name a device without importing torch."""

from __future__ import annotations

import logging
from typing import Any, Literal

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]


def choose_device(wanted: Device) -> Any:
    """The ``torch.device`` to use; ``auto`` takes a GPU when there is one.

    A GPU that was asked for and is not found is a warning, not an error.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        log.warning("device: cuda was asked for, but torch finds no GPU; running on the CPU")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")
