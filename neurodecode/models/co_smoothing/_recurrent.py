"""Units predicted by a recurrent network that hears the other units: one class for every cell of ``nn/cells``.

The network adds to the causal regression of ``glm`` what it makes of the held-in units' past spikes, exponential
traces of them, the log aggregate of the held-out units and the covariates. It is trained as the networks of the
families are, starts as that regression, and is kept only where validation trials say that it is better. It has the
population's path alone: a unit's own cell would read the unit's own past, which is held out here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.features.history import HistoryBasis, observed_counts
from neurodecode.models._covariates import covariate_columns
from neurodecode.models._input_scale import input_scale
from neurodecode.models._network_inputs import TRACE_RATIO
from neurodecode.models._network_paths import Paths
from neurodecode.models._network_share import Share, chosen_share, what_networks_add
from neurodecode.models._recurrent import RecurrentModel
from neurodecode.models.co_smoothing._base import CoSmoother, DividedTrials, FittedCoSmoother, unheard
from neurodecode.models.co_smoothing.glm import CouplingGLM, FittedCouplingGLM
from neurodecode.nn.cells import diagnostics_of_cells


@dataclass(frozen=True)
class CoupledNetwork(CoSmoother):
    """``model``: size and training of the networks."""

    model: RecurrentModel
    causal: bool = True

    def fit(
        self, training: DividedTrials, validation: DividedTrials, rng: np.random.Generator
    ) -> FittedCoupledNetwork:
        """Fit the regression, then train the networks on what it leaves."""
        regression = CouplingGLM(self.model.glm(), causal=True)
        glm = regression.fit_training(training, validation)
        inputs = HeldInInputs.measured(
            glm,
            training,
            burn_in=min(training.held_in.lead, self.model.burn_in_bins),
            longest_s=self.model.longest_s,
        )
        held_out = inputs.sequences(validation, leave_out=False).cached()
        networks, curves = self.model.trained_networks(
            inputs.sequences(training, leave_out=True).cached(),
            held_out,
            Paths(
                inputs.mean.size,
                training.held_out.n_units,
                self.model.hidden,
                np.zeros(0, int),
                training.held_in.bin_size_s,
            ),
            rng,
        )
        share = chosen_share(networks, held_out, self.model.device)
        # As in the families: learnt beside the fit to training trials, used beside that to validation trials too.
        whole = regression.refit(glm, training.concatenate(validation))
        return FittedCoupledNetwork(self.model, replace(inputs, glm=whole), networks, share, curves)


@dataclass(frozen=True, eq=False)
class HeldInInputs:
    """What a network sees at each step: past spikes of the held-in units, their traces, the held-out units' log
    aggregate, covariates; standardised. ``mean``, ``sd`` (inputs,) are those of the training trials."""

    glm: FittedCouplingGLM
    basis: HistoryBasis
    burn_in: int
    mean: Float[np.ndarray, " inputs"]
    sd: Float[np.ndarray, " inputs"]

    @classmethod
    def measured(
        cls, glm: FittedCouplingGLM, training: DividedTrials, *, burn_in: int, longest_s: float
    ) -> HeldInInputs:
        """Scaled by the training trials, to which ``glm`` was fitted."""
        bin_size_s, n_trials = training.held_in.bin_size_s, training.held_in.n_trials
        basis = HistoryBasis.log_spaced(bin_size_s, n_lags=1, longest_s=longest_s, ratio=TRACE_RATIO)
        raw = cls(glm, basis, burn_in, np.zeros(1, np.float32), np.ones(1, np.float32))
        one_by_one = (training.select(np.array([trial])) for trial in range(n_trials))
        mean, sd = input_scale(raw.make(one.held_in, raw.aggregate(one, leave_out=True)) for one in one_by_one)
        return replace(raw, mean=mean, sd=sd)

    def aggregate(self, trials: DividedTrials, *, leave_out: bool) -> Float[np.ndarray, "trials steps units"]:
        """Log aggregate of the held-out units; ``leave_out`` for the trials that it was made of."""
        return self.glm.psth.log_expected_count(trials.held_out, leave_out=leave_out)

    def make(
        self, held_in: Trials, aggregate: Float[np.ndarray, "trials steps units"]
    ) -> Float[np.ndarray, "trials steps inputs"]:
        """Inputs of the burn-in and the window."""
        first, fill = held_in.lead - self.burn_in, self.glm.features.fill
        history = self.basis.transform(observed_counts(held_in, fill), fill)[:, first:]
        parts = [
            history.reshape(*history.shape[:2], -1),
            aggregate[:, first:],
            covariate_columns(held_in)[:, first:],
        ]
        inputs: np.ndarray = (np.concatenate(parts, axis=2, dtype=np.float32) - self.mean) / self.sd
        return inputs

    def sequences(self, trials: DividedTrials, *, leave_out: bool) -> Any:
        """The trials as a network runs through them: ``nn.sequences.Sequences``."""
        from neurodecode.nn.sequences import Sequences

        held_out = trials.held_out
        aggregate = self.aggregate(trials, leave_out=leave_out)
        offset = self.glm.log_mean(trials.held_in, aggregate[:, held_out.lead :])
        return Sequences(
            lambda index: self.make(trials.held_in.select(index), aggregate[index]),
            self.burn_in,
            held_out.window_counts,
            held_out.window_mask,
            offset.astype(np.float32),
        )


@dataclass(frozen=True, eq=False)
class FittedCoupledNetwork(FittedCoSmoother):
    """The regression of ``inputs``, and a ``share`` of what ``networks`` add to its log-intensity on average."""

    model: RecurrentModel
    inputs: HeldInInputs
    networks: tuple[Any, ...]  # nn.network.RateNetwork: naming it here would import torch
    share: Share
    curves: list[dict[str, Any]]

    def intensity(self, held_in: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) of the held-out units."""
        blank = DividedTrials(held_in, unheard(held_in, self.inputs.glm.held_out))
        sequences = self.inputs.sequences(blank, leave_out=False)
        log_mean = sequences.offset.astype(np.float64)
        if not self.share.fallback:
            log_mean += self.share.value * what_networks_add(self.networks, sequences, self.model.device)
        mean: np.ndarray = np.minimum(np.exp(log_mean), self.inputs.glm.cap)
        return mean / held_in.bin_size_s

    def parameters(self) -> dict[str, np.ndarray]:
        """The regression's and each network's weights, and the scaling of the inputs."""
        arrays = {f"glm.{name}": values for name, values in self.inputs.glm.parameters().items()}
        for number, network in enumerate(self.networks):
            state = network.state_dict().items()
            arrays |= {f"seed{number}.{name}": values.detach().cpu().numpy() for name, values in state}
        return {**arrays, "mean": self.inputs.mean, "sd": self.inputs.sd}

    def diagnostics(self) -> dict[str, Any]:
        """Learning curves, one per seed, what of the networks was kept, and the regression's penalties."""
        return {
            "curves": self.curves,
            "fallback": self.share.fallback,
            "share": asdict(self.share),
            "cells": diagnostics_of_cells(self.model.cell(), self.parameters()),
            "glm": self.inputs.glm.diagnostics(),
        }


def co_smoothers(model: RecurrentModel) -> list[CoupledNetwork]:
    """One, from the past of the other units."""
    return [CoupledNetwork(model)]
