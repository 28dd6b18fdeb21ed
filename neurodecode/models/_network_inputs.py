"""What recurrent networks see of trials, and the sequences that they are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials
from neurodecode.features.history import HistoryBasis, observed_counts
from neurodecode.models._covariates import covariate_columns
from neurodecode.models._input_scale import input_scale
from neurodecode.models._population_gain import PopulationGain
from neurodecode.models.glm import FittedGLM

TRACE_RATIO = 4.0  # between the time constants of the traces that the network sees


@dataclass(frozen=True, eq=False)
class NetworkInputs:
    """What a network sees at each step, standardised: past spikes, their traces, the population's gain, log
    aggregate, covariates.

    ``mean``, ``sd`` (n_inputs,) are those of the training trials.
    """

    glm: FittedGLM
    basis: HistoryBasis
    gain: PopulationGain
    burn_in: int
    mean: Float[np.ndarray, " inputs"]
    sd: Float[np.ndarray, " inputs"]

    @classmethod
    def measured(cls, glm: FittedGLM, trials: Trials, *, burn_in: int) -> NetworkInputs:
        """With the mean and standard deviation of the training trials, to which ``glm`` was fitted."""
        longest_s = -trials.bin_size_s / np.log(max(glm.design.own.decays))
        basis = HistoryBasis.log_spaced(trials.bin_size_s, n_lags=1, longest_s=longest_s, ratio=TRACE_RATIO)
        gain = PopulationGain.up_to(longest_s, trials.bin_size_s)
        none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
        raw = cls(glm, basis, gain, burn_in, none, one)
        mean, sd = input_scale(
            raw.make(trials.select(np.array([i])), leave_out=True) for i in range(trials.n_trials)
        )
        return cls(glm, basis, gain, burn_in, mean, sd)

    @property
    def n_inputs(self) -> int:
        """Inputs per step."""
        return int(self.mean.size)

    @property
    def n_units(self) -> int:
        """Units that are predicted."""
        return int(self.glm.design.fill.size)

    def gain_columns(self) -> Int[np.ndarray, " gains"]:
        """Where the population's gains lie."""
        return self.n_units * self.basis.n_features + np.arange(len(self.gain.decays))

    def own_columns(self) -> Int[np.ndarray, "units columns"]:
        """Where inputs of each unit alone lie: its history and aggregate, and the gain and covariates of all."""
        n_units, n_features, n_gains = self.n_units, self.basis.n_features, len(self.gain.decays)
        unit = np.arange(n_units)[:, None]
        history = unit * n_features + np.arange(n_features)
        aggregate = n_units * n_features + n_gains + unit
        covariates = np.arange(n_units * (n_features + 1) + n_gains, self.n_inputs)
        shared = np.concatenate([self.gain_columns(), covariates])
        return np.concatenate([history, aggregate, np.broadcast_to(shared, (n_units, shared.size))], axis=1)

    def make(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps inputs"]:
        """Inputs of the burn-in and the window; ``leave_out`` for the trials that the aggregate was made of."""
        aggregate = self.glm.design.log_aggregate(trials, leave_out=leave_out)
        history, driven = self.history(trials, self._due(trials, aggregate)), self._driven(trials, aggregate)
        scaled = (driven - self.mean[-driven.shape[2] :]) / self.sd[-driven.shape[2] :]
        return np.concatenate([history, scaled], axis=2, dtype=np.float32)

    def history(
        self, trials: Trials, due: Float[np.ndarray, "trials all_steps"]
    ) -> Float[np.ndarray, "trials steps columns"]:
        """The inputs that depend on spikes, which come first; ``due``: spikes of all units that were expected."""
        fill, first = self.glm.design.fill, trials.lead - self.burn_in
        counts = observed_counts(trials, fill)
        features = self.basis.transform(counts, fill)[:, first:]
        gains = self.gain.transform(counts.sum(axis=2), due)[:, first:]
        raw = np.concatenate([features.reshape(*features.shape[:2], -1), gains], axis=2)
        scaled: np.ndarray = (raw - self.mean[: raw.shape[2]]) / self.sd[: raw.shape[2]]
        return scaled

    def due(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps"]:
        """Spikes of all units that the aggregate expects in each step; the mean where nothing was recorded."""
        return self._due(trials, self.glm.design.log_aggregate(trials, leave_out=leave_out))

    def _due(self, trials: Trials, aggregate: np.ndarray) -> Float[np.ndarray, "trials steps"]:
        due: np.ndarray = np.where(trials.mask, np.exp(aggregate), self.glm.design.fill).sum(axis=2)
        return due

    def driven(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps columns"]:
        """The inputs that do not depend on spikes: log aggregate and covariates, burn-in and window."""
        return self._driven(trials, self.glm.design.log_aggregate(trials, leave_out=leave_out))

    def _driven(self, trials: Trials, aggregate: np.ndarray) -> Float[np.ndarray, "trials steps columns"]:
        driven = np.concatenate([aggregate, covariate_columns(trials)], axis=2, dtype=np.float32)
        return driven[:, trials.lead - self.burn_in :]

    def sequences(self, trials: Trials, *, leave_out: bool) -> Any:
        """The trials as a network runs through them: ``nn.sequences.Sequences``."""
        from neurodecode.nn.sequences import Sequences

        return Sequences(
            lambda index: self.make(trials.select(index), leave_out=leave_out),
            self.burn_in,
            trials.window_counts,
            trials.window_mask,
            self.glm.log_mean(trials, leave_out=leave_out).astype(np.float32),
        )
