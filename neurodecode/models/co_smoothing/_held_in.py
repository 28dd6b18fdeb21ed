"""What a regression hears of held-in units: their mean and each of them, before the predicted bin or around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.features.history import HistoryBasis, mean_count, observed_counts
from neurodecode.models.glm import MANY_UNITS, SpikeHistoryGLM, bins_within


@dataclass(frozen=True, eq=False)
class HeldInFeatures:
    """Features of the population's mean count, then of each unit (none where ``single`` has no features).

    ``causal``: of earlier bins only. Else the same features of later bins, with time running backwards, and the
    present bin follow. ``fill``: expected count per bin where nothing was recorded.
    """

    population: HistoryBasis
    single: HistoryBasis
    causal: bool
    fill: Float[np.ndarray, " units"]

    @classmethod
    def of(cls, model: SpikeHistoryGLM, held_in: Trials, *, causal: bool) -> HeldInFeatures:
        """As the GLM would couple to these units; that it couples to none (``own``) counts as ``auto``."""
        n_lags = model.n_lags if model.lags_s is None else bins_within(model.lags_s, held_in.bin_size_s)
        population = HistoryBasis.log_spaced(held_in.bin_size_s, n_lags=n_lags, longest_s=model.longest_s)
        wanted = "units" if held_in.n_units <= MANY_UNITS else "mean"
        each = (model.coupling if model.coupling in ("units", "mean") else wanted) == "units"
        # Coupling is weak and smooth: every second time constant, no single bins.
        single = HistoryBasis(0, population.decays[::2] if each and held_in.n_units > 1 else ())
        return cls(population, single, causal, mean_count(held_in))

    @property
    def n_population(self) -> int:
        """Columns of the population's mean."""
        return self.population.n_features if self.causal else 2 * self.population.n_features + 1

    @property
    def n_single(self) -> int:
        """Columns of the single units."""
        of_each = self.single.n_features if self.causal else 2 * self.single.n_features + 1
        return of_each * self.fill.size if self.single.n_features else 0

    def columns(self, held_in: Trials) -> Float[np.ndarray, "trials bins columns"]:
        """The features in the window."""
        counts = observed_counts(held_in, self.fill)
        mean = counts.mean(axis=-1, keepdims=True, dtype=np.float32)
        parts = [self._around(self.population, mean, self.fill.mean(keepdims=True), held_in.lead)]
        if self.single.n_features:
            parts.append(self._around(self.single, counts, self.fill, held_in.lead))
        return np.concatenate(parts, axis=2)

    def _around(
        self, basis: HistoryBasis, counts: np.ndarray, fill: np.ndarray, lead: int
    ) -> Float[np.ndarray, "trials bins columns"]:
        sides = [basis.transform(counts, fill)[:, lead:]]
        if not self.causal:
            sides += [basis.transform(counts[:, ::-1], fill)[:, ::-1][:, lead:]]
            sides += [np.log2(1.0 + counts[:, lead:, :, None])]
        together = np.concatenate(sides, axis=3)
        return together.reshape(*together.shape[:2], -1)
