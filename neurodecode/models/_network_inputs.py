"""What recurrent networks see of trials, and the sequences that they are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.batches import batches, trial_batches
from neurodecode.data.trials import Trials
from neurodecode.features.history import HistoryBasis, observed_counts
from neurodecode.models._covariates import covariate_columns
from neurodecode.models._input_scale import input_scale
from neurodecode.models._population_gain import PopulationGain
from neurodecode.models.glm import FittedGLM

TRACE_RATIO = 4.0  # between the time constants of the traces that the network sees
_TRIALS_AT_ONCE = 32  # whose aggregates are made together


@dataclass(frozen=True, eq=False)
class Drive:
    """What is expected of trials whatever their own spikes, kept since it takes long to leave each trial out.

    columns: log aggregate and covariates of the burn-in and the window. due: spikes of all units that the
    aggregate expects in each step, those of the lead too; the mean where nothing was recorded.
    """

    columns: Float[np.ndarray, "trials steps columns"]
    due: Float[np.ndarray, "trials all_steps"]

    @classmethod
    def of(cls, glm: FittedGLM, trials: Trials, burn_in: int, *, leave_out: bool) -> Drive:
        """Made of some trials at a time; ``leave_out`` for the trials that the aggregate was made of."""
        n_covariates = sum(values[0, 0].size for values in trials.covariates.values())
        steps = slice(trials.lead - burn_in, None)
        n_columns = trials.n_units + n_covariates
        columns = np.empty((trials.n_trials, burn_in + trials.n_bins, n_columns), np.float32)
        due = np.empty((trials.n_trials, trials.n_steps))
        for at in batches(trials.n_trials, _TRIALS_AT_ONCE):
            some = trials.select(at)
            aggregate = glm.design.log_aggregate(some, leave_out=leave_out)
            columns[at, :, : trials.n_units] = aggregate[:, steps]
            columns[at, :, trials.n_units :] = covariate_columns(some)[:, steps]
            due[at] = np.where(some.mask, np.exp(aggregate, out=aggregate), glm.design.fill).sum(axis=2)
        return cls(columns, due)

    def select(self, trials: Int[np.ndarray, " trials"]) -> Drive:
        """Of these trials, by index."""
        return Drive(self.columns[trials], self.due[trials])


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
    def measured(
        cls, glm: FittedGLM, trials: Trials, *, burn_in: int, drive: Drive | None = None
    ) -> NetworkInputs:
        """With the mean and standard deviation of the training trials, to which ``glm`` was fitted.

        ``drive``: theirs, each left out of its own aggregate, where it was made before.
        """
        longest_s = -trials.bin_size_s / np.log(max(glm.design.own.decays))
        basis = HistoryBasis.log_spaced(trials.bin_size_s, n_lags=1, longest_s=longest_s, ratio=TRACE_RATIO)
        gain = PopulationGain.up_to(longest_s, trials.bin_size_s)
        none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
        raw = cls(glm, basis, gain, burn_in, none, one)
        drive = raw.drive(trials, leave_out=True) if drive is None else drive
        one_by_one = (np.array([trial]) for trial in range(trials.n_trials))
        mean, sd = input_scale(raw.make(trials.select(one), drive.select(one)) for one in one_by_one)
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

    def drive(self, trials: Trials, *, leave_out: bool) -> Drive:
        """What depends on no spike of these trials; ``leave_out`` for those that the aggregate was made of."""
        return Drive.of(self.glm, trials, self.burn_in, leave_out=leave_out)

    def make(self, trials: Trials, drive: Drive) -> Float[np.ndarray, "trials steps inputs"]:
        """Inputs of the burn-in and the window of trials with their ``drive``; step by step in memory."""
        n_driven = drive.columns.shape[2]
        n_history = self.n_units * self.basis.n_features + len(self.gain.decays)
        inputs = np.empty((self.burn_in + trials.n_bins, trials.n_trials, n_history + n_driven), np.float32)
        for some in trial_batches(trials.n_trials, trials.n_steps * inputs.shape[2]):
            at = slice(some[0], some[-1] + 1)
            history = self.history(trials.select(some), drive.due[at])
            driven = (drive.columns[at] - self.mean[-n_driven:]) / self.sd[-n_driven:]
            inputs[:, at, :n_history] = history.swapaxes(0, 1)
            inputs[:, at, n_history:] = driven.swapaxes(0, 1)
        return inputs.swapaxes(0, 1)

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

    def sequences(self, trials: Trials, *, leave_out: bool, drive: Drive | None = None) -> Any:
        """The trials as a network runs through them: ``nn.sequences.Sequences``; ``drive``: made before."""
        from neurodecode.nn.sequences import Sequences

        known = self.drive(trials, leave_out=leave_out) if drive is None else drive
        return Sequences(
            lambda index: self.make(trials.select(index), known.select(index)),
            self.burn_in,
            trials.window_counts,
            trials.window_mask,
            self.glm.narrow_log_mean(trials, leave_out=leave_out),
        )
