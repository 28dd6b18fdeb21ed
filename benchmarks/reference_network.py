"""The reference that the package's networks are held to: a plain LSTM beside a linear readout of spike traces.

It stands on its own (one `torch.nn.LSTM`, its own inputs, loss and training loop) and is no part of the package,
from which it takes the trials and the PSTH:

- inputs: the last bin's spikes of all units; five exponential traces of each, of time constants 1, 4, 16, 64 and
  256 bins; the log of the smoothed PSTH of the trial's condition, divided by 3;
- log expected count: the log PSTH, and a linear readout of the hidden state (64) and the traces;
- training: one dropout mask of 0.3 per sequence on the hidden state, AdamW at 3e-3 on a one-cycle rate, weight
  decay 0.01, gradient norm clipped at 1, 60 epochs of ten batches, best epoch by validation, two seeds averaged.

The PSTH is the family `psth` with its defaults, fitted to the training trials; a training trial is left out of its
own. Sequences are whole trials; their lead is the burn-in, seen and never scored.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from scipy.signal import lfilter

from neurodecode.data.trials import Trials
from neurodecode.models.psth import FittedPSTH, fit_psth

PSTH_SCALE = 3.0
TRIALS_PER_RUN = 64  # when nothing is trained


@dataclass(frozen=True)
class ReferenceNetwork:
    """The hyper-parameters of the reference."""

    hidden: int = 64
    time_constants_bins: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0, 256.0)
    dropout: float = 0.3
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    gradient_norm: float = 1.0
    epochs: int = 60
    batches_per_epoch: int = 10
    seeds: int = 2

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedReference:
        """Train ``seeds`` networks on ``trials``, each kept at its best epoch on ``validation``."""
        psth = fit_psth(trials)
        training = sequences(self, trials, psth, leave_out=True)
        held_out = sequences(self, validation, psth, leave_out=False)
        networks = []
        for seed in rng.integers(2**31, size=self.seeds):
            torch.manual_seed(int(seed))
            network = Network(training.inputs.shape[2], training.traces.shape[2], trials.n_units, self)
            train(network, training, held_out, self, np.random.default_rng(seed))
            networks.append(network)
        return FittedReference(self, psth, tuple(networks))


@dataclass(frozen=True, eq=False)
class FittedReference:
    """Trained networks; their log-intensities are averaged."""

    model: ReferenceNetwork
    psth: FittedPSTH
    networks: tuple[Network, ...]

    def intensity(self, trials: Trials) -> np.ndarray:
        """Rate (Hz) of each bin of the window (trials, bins, units), given only spikes before it."""
        these = sequences(self.model, trials, self.psth, leave_out=False)
        each = np.stack([log_means(network, these).numpy() for network in self.networks])
        rate_hz: np.ndarray = np.exp(each.mean(axis=0, dtype=np.float64)) / trials.bin_size_s
        return rate_hz


@dataclass(frozen=True)
class Sequences:
    """Whole trials as tensors: inputs (trials, steps, inputs); the window's traces (trials, bins, traces), log of
    the PSTH's expected count, counts and mask (trials, bins, units)."""

    inputs: torch.Tensor
    traces: torch.Tensor
    log_psth: torch.Tensor
    counts: torch.Tensor
    mask: torch.Tensor

    def some(self, trials: np.ndarray) -> Sequences:
        """These trials only."""
        at = torch.from_numpy(trials)
        return Sequences(self.inputs[at], self.traces[at], self.log_psth[at], self.counts[at], self.mask[at])


def sequences(model: ReferenceNetwork, trials: Trials, psth: FittedPSTH, *, leave_out: bool) -> Sequences:
    """What a network sees of trials; ``leave_out`` for those that the PSTH was fitted to."""
    spikes = trials.counts.astype(np.float32)
    before = np.zeros_like(spikes)
    before[:, 1:] = spikes[:, :-1]
    traces = np.concatenate([trace(before, tau) for tau in model.time_constants_bins], axis=2)
    rate_hz = psth.leave_one_out(trials) if leave_out else psth.intensity_with_lead(trials)
    log_psth = np.log(rate_hz * trials.bin_size_s).astype(np.float32)
    inputs = np.concatenate([before, traces, log_psth / PSTH_SCALE], axis=2, dtype=np.float32)
    window = slice(trials.lead, None)
    mask = np.broadcast_to(trials.window_mask, trials.window_counts.shape)
    arrays = (inputs, traces[:, window], log_psth[:, window], spikes[:, window], mask)
    return Sequences(*(torch.from_numpy(np.array(values)) for values in arrays))


def trace(before: np.ndarray, time_constant_bins: float) -> np.ndarray:
    """Exponentially weighted mean over the bins before each one, of (trials, steps, units) one bin late."""
    decay = np.exp(-1.0 / time_constant_bins)
    values: np.ndarray = lfilter([1.0 - decay], [1.0, -decay], before, axis=1).astype(np.float32)
    return values


class Network(torch.nn.Module):
    """One LSTM layer and a linear readout of its hidden state and the traces."""

    def __init__(self, n_inputs: int, n_traces: int, n_units: int, model: ReferenceNetwork) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(n_inputs, model.hidden, batch_first=True)
        self.readout = torch.nn.Linear(model.hidden + n_traces, n_units)
        self.dropout = model.dropout

    def forward(self, batch: Sequences) -> torch.Tensor:
        """Log expected counts (trials, bins, units)."""
        hidden, _ = self.lstm(batch.inputs)
        hidden = hidden[:, -batch.traces.shape[1] :]
        if self.training and self.dropout > 0:
            keep = 1.0 - self.dropout
            hidden = hidden * (torch.empty(hidden.shape[0], 1, hidden.shape[2]).bernoulli_(keep) / keep)
        added: torch.Tensor = self.readout(torch.cat([hidden, batch.traces], dim=2))
        return batch.log_psth + added


def mean_loss(log_mean: torch.Tensor, batch: Sequences) -> torch.Tensor:
    """Minus the Poisson log-likelihood without log n!, per observed bin and unit."""
    terms = torch.exp(log_mean) - batch.counts * log_mean
    return torch.where(batch.mask, terms, 0.0).sum() / batch.mask.sum().clamp(min=1)


def train(
    network: Network, training: Sequences, held_out: Sequences, model: ReferenceNetwork, rng: np.random.Generator
) -> None:
    """Train in place; what is left is the best epoch on ``held_out``."""
    n_trials = training.counts.shape[0]
    n_batches = min(model.batches_per_epoch, n_trials)
    optimizer = torch.optim.AdamW(network.parameters(), lr=model.learning_rate, weight_decay=model.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, model.learning_rate, total_steps=model.epochs * n_batches
    )
    best, lowest = copy.deepcopy(network.state_dict()), np.inf
    for _ in range(model.epochs):
        network.train()
        for part in np.array_split(rng.permutation(n_trials), n_batches):
            batch = training.some(part)
            optimizer.zero_grad()
            torch.autograd.backward(mean_loss(network(batch), batch))
            torch.nn.utils.clip_grad_norm_(network.parameters(), model.gradient_norm)
            optimizer.step()
            schedule.step()
        loss = float(mean_loss(log_means(network, held_out), held_out))
        if loss < lowest:
            best, lowest = copy.deepcopy(network.state_dict()), loss
    network.load_state_dict(best)


def log_means(network: Network, these: Sequences) -> torch.Tensor:
    """Log expected counts (trials, bins, units), without dropout."""
    network.eval()
    with torch.inference_mode():
        parts = np.arange(these.counts.shape[0])
        split = np.array_split(parts, -(-parts.size // TRIALS_PER_RUN))
        return torch.cat([network(these.some(part)) for part in split])
