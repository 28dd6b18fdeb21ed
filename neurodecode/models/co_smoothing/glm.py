"""Units predicted by a Poisson regression on the log of their PSTH and the spikes of the other units.

log mu_t = b + a log psth_t + covariates . c + population . k + each unit . h, one set of weights per held-out
unit: the coupling terms of the GLM (Pillow et al. 2008, Nature 454:995) without the unit's own history. Ridge
penalties on the population's and on the single units' features are chosen by the likelihood of validation trials,
and either may be left out; without both the prediction is the PSTH. The acausal form also sees the held-in units'
present and future bins, as co-smoothing of the Neural Latents Benchmark does (Pei et al. 2021, NeurIPS Datasets
and Benchmarks).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.batches import trial_batches
from neurodecode.data.trials import Trials
from neurodecode.models._covariates import covariate_columns
from neurodecode.models.co_smoothing._base import (
    CoSmoother,
    DividedTrials,
    FittedCoSmoother,
    largest_count,
    unheard,
)
from neurodecode.models.co_smoothing._held_in import HeldInFeatures
from neurodecode.models.co_smoothing._regression import (
    Bins,
    Layout,
    Regression,
    chosen_regression,
    refitted_regression,
)
from neurodecode.models.glm import SpikeHistoryGLM
from neurodecode.models.psth import PSTH, FittedPSTH, fit_psth


@dataclass(frozen=True)
class CouplingGLM(CoSmoother):
    """``model`` says how far back history reaches and which penalties there are to choose from.

    The population's penalties are chosen from ``history_penalties``, the single units' from
    ``coupling_penalties``; the same bases serve the future where ``causal`` is False.
    """

    model: SpikeHistoryGLM
    causal: bool

    def fit(
        self, training: DividedTrials, validation: DividedTrials, rng: np.random.Generator
    ) -> FittedCouplingGLM:
        """Choose the penalties on ``validation``, then refit on both; ``rng`` is not used."""
        del rng
        return self.refit(self.fit_training(training, validation), training.concatenate(validation))

    def fit_training(self, training: DividedTrials, validation: DividedTrials) -> FittedCouplingGLM:
        """The fit to the training trials alone, with the penalties that ``validation`` chose."""
        blank = self._blank(training)
        found = chosen_regression(
            blank.bins(training, leave_out=True),
            blank.bins(validation, leave_out=False),
            blank.layout,
            population_penalties=self.model.history_penalties,
            single_penalties=self.model.coupling_penalties if blank.layout.n_single else (),
        )
        return replace(blank, regression=found)

    def refit(self, chosen: FittedCouplingGLM, trials: DividedTrials) -> FittedCouplingGLM:
        """The fit to other trials, with the penalties of ``chosen``."""
        blank = self._blank(trials)
        found = refitted_regression(blank.bins(trials, leave_out=True), blank.layout, chosen.regression)
        return replace(blank, regression=found)

    def _blank(self, trials: DividedTrials) -> FittedCouplingGLM:
        """The PSTH and the features; weights as if nothing were heard."""
        features = HeldInFeatures.of(self.model, trials.held_in, causal=self.causal)
        n_covariates = covariate_columns(trials.held_in).shape[2]
        layout = Layout(n_covariates, features.n_population, features.n_single)
        return FittedCouplingGLM(
            features,
            layout,
            fit_psth(trials.held_out, PSTH()),
            trials.held_out.unit_names,
            Regression.aggregate_alone(trials.held_out.n_units, layout.n_columns),
            largest_count(trials.held_out),
        )


@dataclass(frozen=True, eq=False)
class FittedCouplingGLM(FittedCoSmoother):
    """Weights on what is heard and on the log of ``psth``; ``cap``: largest expected count per bin."""

    features: HeldInFeatures
    layout: Layout
    psth: FittedPSTH
    held_out: tuple[str, ...]
    regression: Regression
    cap: float

    def bins(self, trials: DividedTrials, *, leave_out: bool) -> Bins:
        """What the regression is fitted to; ``leave_out`` for the trials that the PSTH was made of."""
        held_out, n_units = trials.held_out, trials.held_out.n_units
        aggregate = self.psth.log_expected_count(held_out, leave_out=leave_out)[:, held_out.lead :]
        mask = np.broadcast_to(held_out.window_mask, held_out.window_counts.shape)
        return Bins(
            self._columns(trials.held_in).reshape(-1, self.layout.n_columns),
            aggregate.reshape(-1, n_units),
            held_out.window_counts.reshape(-1, n_units),
            mask.reshape(-1, n_units),
        )

    def _columns(self, held_in: Trials) -> Float[np.ndarray, "trials bins columns"]:
        """Covariates, then what is heard; made in batches, for the features of all steps are larger."""
        n_columns = self.layout.n_columns
        out = np.empty((held_in.n_trials, held_in.n_bins, n_columns), np.float32)
        for batch in trial_batches(held_in.n_trials, held_in.n_steps * n_columns):
            some = held_in.select(batch)
            covariates = covariate_columns(some)[:, some.lead :]
            out[batch] = np.concatenate([covariates, self.features.columns(some)], axis=2, dtype=np.float32)
        return out

    def log_mean(
        self, held_in: Trials, aggregate: Float[np.ndarray, "trials bins units"]
    ) -> Float[np.ndarray, "trials bins units"]:
        """Log of the expected count, uncapped, beside the log ``aggregate`` of the held-out units."""
        log_mean: np.ndarray = self.regression.bias + self.regression.aggregate * aggregate
        if not self.regression.weights.any():
            return log_mean
        for batch in trial_batches(held_in.n_trials, held_in.n_steps * self.layout.n_columns):
            log_mean[batch] += self._columns(held_in.select(batch)) @ self.regression.weights.T
        return log_mean

    def intensity(self, held_in: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) of the held-out units."""
        blank = unheard(held_in, self.held_out)
        aggregate = self.psth.log_expected_count(blank, leave_out=False)[:, held_in.lead :]
        mean: np.ndarray = np.minimum(np.exp(self.log_mean(held_in, aggregate)), self.cap)
        return mean / held_in.bin_size_s

    def parameters(self) -> dict[str, np.ndarray]:
        """Weights, the PSTH and what fills unobserved bins."""
        psth = {f"psth.{name}": values for name, values in self.psth.parameters().items()}
        return {**psth, **self.regression.arrays(), "fill": self.features.fill}

    def diagnostics(self) -> dict[str, Any]:
        """Penalties that validation chose, per held-out unit; null: these columns were left out."""
        return self.regression.diagnostics()


def co_smoothers(model: SpikeHistoryGLM) -> list[CouplingGLM]:
    """From the past of the other units, and from all of their bins."""
    return [CouplingGLM(model, causal=True), CouplingGLM(model, causal=False)]
