"""Where networks run. Hyper-parameters name a device without importing torch."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, Literal

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda"]
_NAMED = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES")  # a number for each GPU of a job


def choose_device(wanted: Device) -> Any:
    """The ``torch.device`` to use; ``auto`` takes a GPU when there is one, and it is this job's to use.

    A GPU that was asked for and is not found is a warning, not an error.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        log.warning("device: cuda was asked for, but torch finds no GPU; running on the CPU")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if wanted == "auto" and not given_a_gpu(os.environ):
        log.info("device: auto, and the cluster gave this job no GPU; running on the CPU")
        return torch.device("cpu")
    return torch.device("cuda")


def given_a_gpu(environment: Mapping[str, str]) -> bool:
    """Whether a GPU of this machine may be used: not by a job of SLURM that was given none.

    Where nodes do not shut GPUs away from jobs, torch sees those of others too.
    """
    if "SLURM_JOB_ID" not in environment:
        return True
    return environment.get("SLURM_GPUS_ON_NODE", "0") != "0" or any(environment.get(name) for name in _NAMED)
