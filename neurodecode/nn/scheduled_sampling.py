"""Scheduled sampling: a network in training learns to live with a past that it drew itself.

Trained on recorded spikes alone, a network that samples meets a past such as it never saw (exposure bias). Here a
coin decides for each bin whether what later bins see of it is the recording or the network's own draw, and the
network's share grows over the epochs (Bengio et al. 2015, NeurIPS 28:1171; the linear schedule of its section 2.4,
rising from 0). In the parallel form all bins are predicted from the recorded past at once, drawn, mixed into the
recorded ones and predicted again, the loss being that of the second pass against the recorded counts (Duckworth et
al. 2019, arXiv:1906.04331, with one sampling pass). No gradient goes through a draw.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from neurodecode.nn.sequences import Batch, Remake


def ramp(largest: float, epoch: int, n_epochs: int) -> float:
    """Share of the past that is drawn in ``epoch`` of 1..``n_epochs``: from 0 in the first to ``largest``."""
    return largest * (epoch - 1) / max(1, n_epochs - 1)


def with_own_draws(
    network: torch.nn.Module, batch: Batch, state: Any, remake: Remake, share: float, rng: np.random.Generator
) -> Batch:
    """The batch with a past that ``network`` as it is drew in ``share``; ``state``: the network's before it."""
    training = network.training
    network.eval()  # what is drawn later, without dropout, is what is to be met here
    with torch.inference_mode():
        log_mean = network(batch.inputs, batch.offset, state)[0].cpu().numpy()
    network.train(training)
    inputs, offset = remake(batch.segments, batch.inputs.cpu().numpy(), log_mean, share, rng)
    device = batch.inputs.device
    return replace(batch, inputs=torch.from_numpy(inputs).to(device), offset=torch.from_numpy(offset).to(device))
