"""Peri-stimulus time histogram: the rate averaged over the trials of a condition, as good as it can be made.

Each unit's counts are summed over the trials of a condition, smoothed, and shrunk toward the mean over all
conditions; bandwidths and shrinkage are those under which left-out trials are likeliest. It is the aggregate that
every single-trial model is judged against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, UInt

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.likelihood import rate_of_totals
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._grid import Grid
from neurodecode.models._psth_choice import choose, shrunk_rate
from neurodecode.models._sampling import draw_counts
from neurodecode.models._smoothing import KERNELS, Smoother, bandwidth_grid

_CHUNK_BYTES = 2**26  # of spectra held at a time


@dataclass(frozen=True)
class PSTH(PointProcessModel):
    """``smoothing``: kernel; ``n_bandwidths``: how many are tried, beside flat; ``n_groups``: of cross-validation.

    Conditions with no more than ``n_groups`` trials are left out one trial at a time.
    """

    smoothing: str = "gaussian"
    n_bandwidths: int = 16
    n_groups: int = 10

    def __post_init__(self) -> None:
        if self.smoothing not in KERNELS:
            raise ConfigError(f"unknown smoothing {self.smoothing!r}; known: {', '.join(KERNELS)}")
        if self.n_bandwidths < 1:
            raise ConfigError(f"n_bandwidths must be at least 1, got {self.n_bandwidths}")
        if self.n_groups < 2:
            raise ConfigError(f"n_groups must be at least 2, got {self.n_groups}; 10 is usual")

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedPSTH:
        """Average and choose over training and validation trials together; ``rng`` is not used."""
        del rng
        return fit_psth(trials.concatenate(validation), self)

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedPSTH:
        """From the sums, the choices and the grid."""
        return FittedPSTH(model=self, grid=Grid.from_description(description["grid"]), **parameters)


def fit_psth(trials: Trials, model: PSTH | None = None) -> FittedPSTH:
    """The PSTH of these trials, all choices cross-validated within them. Raises DataError for no trials."""
    if trials.n_trials == 0:
        raise DataError("a PSTH needs at least one trial, got none: loosen `where:` or use fewer folds")
    model = PSTH() if model is None else model
    smoother = Smoother(model.smoothing, trials.n_steps, trials.lead)
    chosen = choose(trials, smoother, bandwidth_grid(model.n_bandwidths, trials.n_bins), model.n_groups)
    return FittedPSTH(
        model=model,
        grid=Grid.of(trials),
        counts=_summed(trials, trials.counts),
        observed=_summed(trials, trials.mask),
        grand_bandwidth_s=np.array([c.grand_bandwidth for c in chosen]) * trials.bin_size_s,
        bandwidth_s=np.array([c.bandwidth for c in chosen]) * trials.bin_size_s,
        shrinkage_trials=np.array([c.shrinkage_trials for c in chosen]),
        gain_bits_per_spike=np.array([c.gain_bits_per_spike for c in chosen]),
    )


def _summed(trials: Trials, values: np.ndarray) -> UInt[np.ndarray, "conditions steps units"]:
    sums = np.zeros((trials.n_conditions, *values.shape[1:]), np.uint32)
    for code in np.unique(trials.condition):
        members = trials.condition == code
        sums[code] = values[members].sum(axis=0, dtype=np.uint32, where=trials.mask[members])
    return sums


@dataclass(frozen=True, eq=False)
class FittedPSTH(FittedModel):
    """Sums of spikes and of observed trials, and how to smooth and shrink them into rates.

    ``counts``: spikes per condition, step and unit; ``observed``: trials observed there. Per unit:
    ``grand_bandwidth_s`` and ``bandwidth_s`` (infinite: flat), ``shrinkage_trials`` toward the grand mean
    (infinite: conditions are not told apart), ``gain_bits_per_spike`` over the mean rate on left-out trials.
    """

    model: PSTH
    grid: Grid
    counts: UInt[np.ndarray, "conditions steps units"]
    observed: UInt[np.ndarray, "conditions steps #units"]
    grand_bandwidth_s: Float[np.ndarray, " units"]
    bandwidth_s: Float[np.ndarray, " units"]
    shrinkage_trials: Float[np.ndarray, " units"]
    gain_bits_per_spike: Float[np.ndarray, " units"]

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """The rate (Hz) of each trial's condition; DataError for another grid or other conditions."""
        return self.intensity_with_lead(trials)[:, self.grid.lead :]

    def intensity_with_lead(self, trials: Trials) -> Float[np.ndarray, "trials steps units"]:
        """The same over lead and window. Never 0."""
        self.grid.check_window(trials, family=self.model.family)
        rates: Float[np.ndarray, "trials steps units"] = self.condition_rates_hz[trials.condition]
        return rates

    @cached_property
    def condition_rates_hz(self) -> Float[np.ndarray, "conditions steps units"]:
        """Rate (Hz) of each condition over lead and window; the grand mean where a condition had no trial."""
        rates = self._rates(self._sums, self._sums.pooled())
        return np.ascontiguousarray(np.swapaxes(rates, 1, 2))

    def leave_one_out(self, trials: Trials) -> Float[np.ndarray, "trials steps units"]:
        """Rates (Hz) for trials that this PSTH was fitted to, each without its own spikes. Never 0.

        A trial is taken out of the sums of its condition, of the grand mean and of the mean rate; bandwidths and
        shrinkage stay. Trials may come in any subset and order, but only ones of the fit: DataError otherwise.
        """
        self.grid.check_window(trials, family=self.model.family)
        out = np.empty((trials.n_trials, trials.n_steps, trials.n_units))
        for start in range(0, trials.n_trials, self._chunk):
            at = np.arange(start, min(start + self._chunk, trials.n_trials))
            out[at] = self._without(trials.select(at))
        return out

    def sample(self, trials: Trials, rng: np.random.Generator) -> Trials:
        """Independent draws in every bin of the window: what the average knows of a trial."""
        mu = self.intensity(trials) * self.grid.bin_size_s
        return trials.with_window_counts(draw_counts(mu, rng, binary=self.grid.binary))

    def parameters(self) -> dict[str, np.ndarray]:
        """Sums and choices."""
        return {
            "counts": self.counts,
            "observed": self.observed,
            "grand_bandwidth_s": self.grand_bandwidth_s,
            "bandwidth_s": self.bandwidth_s,
            "shrinkage_trials": self.shrinkage_trials,
            "gain_bits_per_spike": self.gain_bits_per_spike,
        }

    def description(self) -> dict[str, Any]:
        """The grid."""
        return {"grid": self.grid.describe()}

    def diagnostics(self) -> dict[str, Any]:
        """What was chosen for each unit; null stands for infinite."""
        names = ("grand_bandwidth_s", "bandwidth_s", "shrinkage_trials", "gain_bits_per_spike")
        return {n: [float(v) if np.isfinite(v) else None for v in getattr(self, n)] for n in names}

    @property
    def _chunk(self) -> int:
        bytes_per_trial = 32 * self.grid.n_units * (self.grid.lead + self.grid.n_bins)
        return max(1, _CHUNK_BYTES // bytes_per_trial)

    @cached_property
    def _smoother(self) -> Smoother:
        return Smoother(self.model.smoothing, self.counts.shape[1], self.grid.lead)

    @cached_property
    def _sums(self) -> _Smoothed:
        return self._smooth(self.counts, self.observed)

    def _smooth(self, counts: np.ndarray, observed: np.ndarray) -> _Smoothed:
        series = [np.ascontiguousarray(np.swapaxes(v, 1, 2), dtype=np.float64) for v in (counts, observed)]
        narrow, wide = self.bandwidth_s / self.grid.bin_size_s, self.grand_bandwidth_s / self.grid.bin_size_s
        totals = [v[..., self.grid.lead :].sum(axis=-1, keepdims=True) for v in series]
        return _Smoothed(
            *(self._smoother.per_unit(v, narrow) for v in series),
            *(self._smoother.per_unit(v, wide) for v in series),
            *totals,
        )

    def _rates(self, own: _Smoothed, pooled: _Smoothed) -> np.ndarray:
        """(batch, units, steps): mean rate -> grand mean -> condition, each shrunk toward the one before."""
        bin_size_s = self.grid.bin_size_s
        mean_hz = rate_of_totals(
            pooled.n_spikes, np.broadcast_to(pooled.n_seen * bin_size_s, pooled.n_spikes.shape)
        )
        grand_hz = shrunk_rate(pooled.wide_counts, pooled.wide_observed, mean_hz, 0.0, bin_size_s)
        return shrunk_rate(own.counts, own.observed, grand_hz, self.shrinkage_trials[:, None], bin_size_s)

    def _without(self, trials: Trials) -> np.ndarray:
        """Rates of these trials, each taken out of its sums."""
        counts = np.where(trials.mask, trials.counts, 0)
        if np.any(counts > self.counts[trials.condition]):
            raise DataError(
                "leave_one_out was given a trial that this PSTH was not fitted to; use intensity for it"
            )
        same = np.all(trials.mask == trials.mask[:1])  # the usual case: one mask to smooth, not one for each trial
        single = self._smooth(counts, trials.mask[:1] if same else trials.mask)
        rates = self._rates(self._sums.select(trials.condition).minus(single), self._sums.pooled().minus(single))
        return np.swapaxes(rates, 1, 2)


@dataclass(frozen=True, eq=False)
class _Smoothed:
    """Sums of spikes and of observed trials (batch, units, steps), at the bandwidths of the condition and,
    as ``wide_*``, of the grand mean; totals over the window (batch, units, 1)."""

    counts: np.ndarray
    observed: np.ndarray
    wide_counts: np.ndarray
    wide_observed: np.ndarray
    n_spikes: np.ndarray
    n_seen: np.ndarray

    def pooled(self) -> _Smoothed:
        """The sums over the batch, as a batch of one."""
        return _Smoothed(*(values.sum(axis=0, keepdims=True) for values in self._fields()))

    def select(self, batch: np.ndarray) -> _Smoothed:
        """These of the batch."""
        return _Smoothed(*(values[batch] for values in self._fields()))

    def minus(self, other: _Smoothed) -> _Smoothed:
        """The difference, without the -1e-17 that rounding leaves where nothing remains."""
        pairs = zip(self._fields(), other._fields(), strict=True)
        return _Smoothed(*(np.maximum(mine - theirs, 0.0) for mine, theirs in pairs))

    def _fields(self) -> Iterator[np.ndarray]:
        return (getattr(self, field.name) for field in fields(self))


MODEL = PSTH
EXAMPLE = PSTH(n_bandwidths=4, n_groups=4)
