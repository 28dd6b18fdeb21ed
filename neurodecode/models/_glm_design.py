"""What the spike-history GLM regresses on: aggregate rate, covariates, own history, the other units' history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.features.bsplines import roughness_basis
from neurodecode.features.history import HistoryBasis, observed_counts
from neurodecode.models.psth import FittedPSTH
from neurodecode.models.psth_gain import FittedGainPSTH

SPLINE_SPACING_S = 0.03  # finer detail than a condition's trials can tell; the penalty on roughness does the rest
MOST_SPLINES = 60
MOST_PROFILES = 600  # the Hessian grows with their square
N_LEADING = 2  # columns before the covariates: 1, and the log of the aggregate's expected count


@dataclass(frozen=True, eq=False)
class HistoryDesign:
    """Columns for one unit: 1, log aggregate, covariates, own history, then the history of each source.

    The sources are all units (``per_unit``), or one: the mean count of the population. ``fill``: expected count
    per bin where nothing was recorded. ``gain``: a slow gain of each trial, made on the same ``psth``, that the
    aggregate is scaled by; None: it is not scaled.
    """

    psth: FittedPSTH
    own: HistoryBasis
    sources: HistoryBasis
    per_unit: bool
    fill: Float[np.ndarray, " units"]
    gain: FittedGainPSTH | None = None

    def n_sources(self) -> int:
        """How many histories beside its own a unit sees."""
        if self.sources.n_features == 0:
            return 0
        return self.fill.size if self.per_unit else 1

    def log_aggregate(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps units"]:
        """Log of the aggregate's expected count; ``leave_out`` for the trials that its PSTH was made of."""
        log_aggregate: np.ndarray = self.psth.log_expected_count(trials, leave_out=leave_out)
        if self.gain is None:
            return log_aggregate
        scaled: np.ndarray = log_aggregate + self.gain.log_gain(trials, leave_out=leave_out)
        return scaled

    def own_history(self, trials: Trials, units: list[int]) -> Float[np.ndarray, "trials bins units features"]:
        """Own-history features of ``units`` in the window."""
        return self.history_of(trials.select_units(np.array(units, int)), units)

    def own_values(self, trials: Trials) -> int:
        """Own-history features of one trial, lead and window, all units together."""
        return trials.n_steps * trials.n_units * self.own.n_features

    def history_of(self, trials: Trials, units: list[int]) -> Float[np.ndarray, "trials bins units features"]:
        """The same from trials of ``units`` alone."""
        fill = self.fill[units]
        return self.own.transform(observed_counts(trials, fill), fill)[:, trials.lead :]

    def source_history(self, trials: Trials) -> Float[np.ndarray, "trials bins sources features"]:
        """Features of the sources in the window."""
        if not self.n_sources():
            return np.zeros((trials.n_trials, trials.n_bins, 0, 0), np.float32)
        counts = observed_counts(trials, self.fill)
        return self.sources.transform(self.source_counts(counts), self.source_fill())[:, trials.lead :]

    def source_counts(self, counts: Float[np.ndarray, "... units"]) -> Float[np.ndarray, "... sources"]:
        """What the sources' histories are made of."""
        return counts if self.per_unit else counts.mean(axis=-1, keepdims=True)

    def source_fill(self) -> Float[np.ndarray, " sources"]:
        """Expected count per bin of the sources."""
        return self.source_counts(self.fill)


def time_course_basis(
    trials: Trials,
) -> tuple[Float[np.ndarray, "bins splines"], Float[np.ndarray, " splines"]]:
    """Splines over the window that a smooth time-course is made of, and the roughness of each."""
    duration_s = trials.n_bins * trials.bin_size_s
    wanted = round(duration_s / SPLINE_SPACING_S) + 3
    n_splines = int(np.clip(wanted, 4, min(MOST_SPLINES, max(4, MOST_PROFILES // (trials.n_conditions + 1)))))
    return roughness_basis(trials.n_bins, n_splines)
