"""What the trials that a model predicts must share with those it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neurodecode.data.trials import Trials
from neurodecode.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Bins, units, conditions and covariates that a model was fitted to; ``binary``: all counts were 0 or 1.

    ``covariate_dims``: dimensions of each covariate, by name.
    """

    bin_size_s: float
    window_start_s: float
    lead: int
    n_bins: int
    n_units: int
    condition_names: tuple[str, ...]
    covariate_dims: Mapping[str, int]
    binary: bool

    @classmethod
    def of(cls, trials: Trials) -> Grid:
        """The grid of the trials that a model is fitted to."""
        return cls(
            bin_size_s=trials.bin_size_s,
            window_start_s=trials.window_start_s,
            lead=trials.lead,
            n_bins=trials.n_bins,
            n_units=trials.n_units,
            condition_names=trials.condition_names,
            covariate_dims={n: v.shape[2] if v.ndim == 3 else 1 for n, v in trials.covariates.items()},
            binary=_binary(trials),
        )

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Grid:
        """The grid that ``describe`` wrote, back from JSON."""
        return cls(**{**description, "condition_names": tuple(description["condition_names"])})

    def describe(self) -> dict[str, Any]:
        """Every field, JSON-able."""
        return asdict(self)

    def check(self, trials: Trials, *, family: str) -> None:
        """Refuse trials of other bins or units: DataError. Every family asks this before it predicts."""
        if not np.isclose(trials.bin_size_s, self.bin_size_s, rtol=1e-6, atol=0.0):
            raise self._misfit(family, "bins of {} s", self.bin_size_s, trials.bin_size_s)
        if trials.n_units != self.n_units:
            raise self._misfit(family, "{} units", self.n_units, trials.n_units)

    def check_window(self, trials: Trials, *, family: str) -> None:
        """``check``, and refuse another window or other conditions: for families that keep a rate per bin."""
        self.check(trials, family=family)
        if trials.n_bins != self.n_bins or abs(trials.window_start_s - self.window_start_s) > self.bin_size_s / 2:
            raise self._misfit(
                family,
                "a window of {}",
                f"{self.n_bins} bins from {self.window_start_s:g} s",
                f"{trials.n_bins} bins from {trials.window_start_s:g} s",
            )
        if trials.lead != self.lead:
            raise self._misfit(family, "a lead of {} steps", self.lead, trials.lead)
        if trials.condition_names != self.condition_names:
            raise self._misfit(family, "the conditions {}", self.condition_names, trials.condition_names)

    def check_covariates(self, trials: Trials, *, family: str) -> None:
        """Refuse trials whose covariates are not those of the fit: for families that use them."""
        given = Grid.of(trials).covariate_dims
        if given != self.covariate_dims:
            raise self._misfit(family, "covariates (name: dims) {}", dict(self.covariate_dims), dict(given))

    @staticmethod
    def _misfit(family: str, what: str, fitted: object, given: object) -> DataError:
        return DataError(
            f"{family} was fitted to {what.format(fitted)} and cannot predict {what.format(given)}: "
            "bin both the same way, or fit it again"
        )


def _binary(trials: Trials) -> bool:
    """Whether no observed bin holds more than one spike; trial by trial where some bin does."""
    each = zip(trials.counts, trials.mask, strict=True)
    return trials.binary or not any(np.any(counts > 1, where=mask) for counts, mask in each)
