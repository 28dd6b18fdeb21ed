"""One batch of an ``lstm`` on a session of any size, of noise: what training holds beside the session."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks._large_recording import LEAD_S, RecordingSize
from neurodecode.features.history import HistoryBasis
from neurodecode.models._network_inputs import TRACE_RATIO
from neurodecode.models._network_paths import Paths
from neurodecode.models._population_gain import PopulationGain
from neurodecode.models._recurrent import RecurrentModel, recurrent_type
from neurodecode.nn.memory import keep_freed_memory
from neurodecode.nn.sequences import Batch
from neurodecode.nn.training import some_units

BIN_S = 0.001
TRAINED_ON = 0.7  # of all trials, at five folds


def usual_paths(model: RecurrentModel, n_units: int) -> Paths:
    """Population and own cells: each unit's history and aggregate, and the gains of all (``NetworkInputs``)."""
    n_features = HistoryBasis.log_spaced(BIN_S, n_lags=1, longest_s=model.longest_s, ratio=TRACE_RATIO).n_features
    n_gains = len(PopulationGain.up_to(model.longest_s, BIN_S).decays)
    gains = n_units * n_features + np.arange(n_gains)
    unit = np.arange(n_units)[:, None]
    own = [unit * n_features + np.arange(n_features), gains[-1] + 1 + unit, np.tile(gains, (n_units, 1))]
    n_inputs = n_units * (n_features + 1) + n_gains
    return Paths(n_inputs, n_units, model.hidden, gains, BIN_S, np.concatenate(own, axis=1))


def made_batch(model: RecurrentModel, paths: Paths, size: RecordingSize) -> Batch:
    """As many trials as a batch of training on ``size`` has, in the order in memory that training sees."""
    n_trials = max(1, round(TRAINED_ON * size.n_trials / model.batches_per_epoch))
    burn_in = min(model.burn_in_bins, round(LEAD_S / BIN_S))
    window = (n_trials, size.n_bins, paths.n_units)
    return Batch(
        torch.randn(burn_in + size.n_bins, n_trials, paths.n_inputs).transpose(0, 1),
        torch.full(window, float(np.log(size.rate_hz * BIN_S))),
        (torch.rand(window) < size.rate_hz * BIN_S).to(torch.float32),
        torch.ones((*window[:2], 1), dtype=torch.bool),
        np.zeros((n_trials, 2), int),
    )


def train_on_a_batch(size: RecordingSize) -> None:
    """Two steps with usual settings, on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    keep_freed_memory()
    model = recurrent_type("lstm")()
    paths = usual_paths(model, size.n_units)
    network, batch = model.network(paths).train(), made_batch(model, paths, size)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    for _ in range(2):
        units = some_units(size.n_units, torch.device("cpu"))
        part = batch if units is None else batch.of_units(units)
        optimizer.zero_grad()
        outputs, _ = network(part.inputs, part.offset, None, units)
        (part.loss(outputs) / part.size).backward()
        optimizer.step()
