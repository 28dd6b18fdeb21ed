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
from neurodecode.models.glm import FittedGLM

TRACE_RATIO = 4.0  # between the time constants of the traces that the network sees


@dataclass(frozen=True, eq=False)
class NetworkInputs:
    """What a network sees at each step: past spikes, their traces, log aggregate, covariates; standardised.

    ``mean``, ``sd`` (n_inputs,) are those of the training trials.
    """

    glm: FittedGLM
    basis: HistoryBasis
    burn_in: int
    mean: Float[np.ndarray, " inputs"]
    sd: Float[np.ndarray, " inputs"]

    @classmethod
    def measured(cls, glm: FittedGLM, trials: Trials, *, burn_in: int) -> NetworkInputs:
        """With the mean and standard deviation of the training trials, to which ``glm`` was fitted."""
        longest_s = -trials.bin_size_s / np.log(max(glm.design.own.decays))
        basis = HistoryBasis.log_spaced(trials.bin_size_s, n_lags=1, longest_s=longest_s, ratio=TRACE_RATIO)
        none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
        raw = cls(glm, basis, burn_in, none, one)
        mean, sd = input_scale(
            raw.make(trials.select(np.array([i])), leave_out=True) for i in range(trials.n_trials)
        )
        return cls(glm, basis, burn_in, mean, sd)

    @property
    def n_inputs(self) -> int:
        """Inputs per step."""
        return int(self.mean.size)

    @property
    def n_units(self) -> int:
        """Units that are predicted."""
        return int(self.glm.design.fill.size)

    def own_columns(self) -> Int[np.ndarray, "units columns"]:
        """Where the inputs of each unit alone lie: its history, its aggregate, and the covariates of all."""
        n_units, n_features = self.n_units, self.basis.n_features
        unit = np.arange(n_units)[:, None]
        history = unit * n_features + np.arange(n_features)
        covariates = np.arange(n_units * (n_features + 1), self.n_inputs)
        shared = np.broadcast_to(covariates, (n_units, covariates.size))
        return np.concatenate([history, n_units * n_features + unit, shared], axis=1)

    def make(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps inputs"]:
        """Inputs of the burn-in and the window; ``leave_out`` for the trials that the aggregate was made of."""
        history, driven = self.history(trials), self.driven(trials, leave_out=leave_out)
        scaled = (driven - self.mean[-driven.shape[2] :]) / self.sd[-driven.shape[2] :]
        return np.concatenate([history, scaled], axis=2, dtype=np.float32)

    def history(self, trials: Trials) -> Float[np.ndarray, "trials steps columns"]:
        """The inputs that depend on spikes, which come first."""
        fill = self.glm.design.fill
        features = self.basis.transform(observed_counts(trials, fill), fill)[:, trials.lead - self.burn_in :]
        raw = features.reshape(*features.shape[:2], -1)
        scaled: np.ndarray = (raw - self.mean[: raw.shape[2]]) / self.sd[: raw.shape[2]]
        return scaled

    def driven(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps columns"]:
        """The inputs that do not depend on spikes: log aggregate and covariates, burn-in and window."""
        aggregate = self.glm.design.log_aggregate(trials, leave_out=leave_out)
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
