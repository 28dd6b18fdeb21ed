"""Peri-stimulus time histogram: the rate averaged over the trials of a condition, as good as it can be made.

Each unit's counts are summed over the trials of a condition, smoothed, and shrunk toward the mean over all
conditions. How much to smooth, when, and how far to shrink is what makes left-out trials likeliest. It is the
aggregate that every single-trial model is judged against; what each choice is worth stands in
docs/decisions/0002-psth.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt

from neurodecode.data.batches import batches
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._grid import Grid
from neurodecode.models._local_average import Blocks
from neurodecode.models._psth_choice import choose
from neurodecode.models._psth_unit import UnitPSTH
from neurodecode.models._sampling import DrivenStepper
from neurodecode.models._smoothing import KERNELS, Smoother, bandwidth_grid

_CHUNK_VALUES = 2**22  # of a unit's smoothed trials held at a time
_KEPT_VALUES = 2**26  # of all units' smoothed sums that stay: 512 MB; where they are more, they are made anew
_TRIALS_AT_ONCE = 64  # that are copied to be summed


@dataclass(frozen=True)
class PSTH(PointProcessModel):
    """``smoothing``: the kernel; ``n_bandwidths`` of it are averaged, beside flat, from one bin to the window.

    ``n_groups`` of trials are left out in turn; conditions with no more trials than that lose one at a time.
    ``pooled``: one average over all trials, whatever their condition; what a conditional PSTH must beat.
    """

    smoothing: str = "gaussian"
    n_bandwidths: int = 8
    n_groups: int = 10
    pooled: bool = False

    def __post_init__(self) -> None:
        if self.smoothing not in KERNELS:
            raise ConfigError(f"psth: unknown smoothing {self.smoothing!r}; known: {', '.join(KERNELS)}")
        if self.n_bandwidths < 1:
            raise ConfigError(f"psth: n_bandwidths must be >= 1, got {self.n_bandwidths}; 8 is usual")
        if self.n_groups < 2:
            raise ConfigError(f"psth: n_groups must be >= 2, got {self.n_groups}; 10 is usual")

        if not isinstance(self.pooled, bool):
            raise ConfigError(f"psth: pooled must be true or false, got {self.pooled!r}")

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
    grid = Grid.of(trials)
    if model.pooled:
        trials = replace(trials, condition=np.zeros(trials.n_trials, int), condition_names=("all",))
    smoother = Smoother(model.smoothing, trials.n_steps, trials.lead)
    bandwidths = bandwidth_grid(model.n_bandwidths, trials.n_bins)
    chosen = list(choose(trials, smoother, bandwidths, model.n_groups, event_step(grid)))
    return FittedPSTH(
        model=model,
        grid=grid,
        counts=_summed(trials, trials.counts),
        observed=_summed(trials, trials.mask),
        jumps=np.array([c.jumps for c in chosen]),
        grand_weights=np.stack([c.grand_weights for c in chosen]),
        weights=np.stack([c.weights for c in chosen]),
        shrinkage_trials=np.array([c.shrinkage_trials for c in chosen]),
        gain_bits_per_spike=np.array([c.gain for c in chosen]),
    )


def plain_psth_hz(trials: Trials) -> Float[np.ndarray, "conditions bins units"]:
    """Spikes over observed time (Hz), bin by bin, neither smoothed nor shrunk; NaN where nothing was observed."""
    counts, observed = (_summed(trials, values)[:, trials.lead :] for values in (trials.counts, trials.mask))
    rate_hz = np.full(counts.shape, np.nan)
    np.divide(counts, observed * trials.bin_size_s, out=rate_hz, where=np.broadcast_to(observed > 0, counts.shape))
    return rate_hz


def event_step(grid: Grid) -> int | None:
    """The step at which the event that trials are aligned to falls; None where the window does not span it."""
    bins = round(-grid.window_start_s / grid.bin_size_s)
    return grid.lead + bins if 0 < bins < grid.n_bins else None


def _summed(trials: Trials, values: np.ndarray) -> UInt[np.ndarray, "conditions steps units"]:
    sums = np.zeros((trials.n_conditions, *values.shape[1:]), np.uint32)
    for code in np.unique(trials.condition):
        members = np.flatnonzero(trials.condition == code)
        for batch in batches(members.size, _TRIALS_AT_ONCE):
            some = members[batch]
            sums[code] += values[some].sum(axis=0, dtype=np.uint32, where=trials.mask[some])
    return sums


@dataclass(frozen=True, eq=False)
class FittedPSTH(FittedModel):
    """Sums of spikes and of observed trials, and how to smooth and shrink them into rates.

    ``counts``: spikes per condition, step and unit; ``observed``: trials observed there. Per unit: whether
    smoothing stops at the event (``jumps``); over blocks of the window, the weight in the grand mean of the mean
    rate, of flat and of each bandwidth (``grand_weights``), and in the conditions' rates of the grand mean, of
    flat and of each bandwidth (``weights``); ``shrinkage_trials`` toward the grand mean (infinite: conditions are
    not told apart); ``gain_bits_per_spike`` over the mean rate on left-out trials.
    """

    model: PSTH
    grid: Grid
    counts: UInt[np.ndarray, "conditions steps units"]
    observed: UInt[np.ndarray, "conditions steps #units"]
    jumps: Bool[np.ndarray, " units"]
    grand_weights: Float[np.ndarray, "units estimates blocks"]
    weights: Float[np.ndarray, "units estimates blocks"]
    shrinkage_trials: Float[np.ndarray, " units"]
    gain_bits_per_spike: Float[np.ndarray, " units"]

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """The rate (Hz) of each trial's condition; DataError for another grid or other conditions."""
        return self.intensity_with_lead(trials)[:, self.grid.lead :]

    def intensity_with_lead(self, trials: Trials) -> Float[np.ndarray, "trials steps units"]:
        """The same over lead and window. Never 0."""
        self.grid.check_window(trials, family=self.model.family)
        rates: Float[np.ndarray, "trials steps units"] = self.condition_rates_hz[self._codes(trials)]
        return rates

    def _codes(self, trials: Trials) -> np.ndarray:
        return np.zeros(trials.n_trials, int) if self.model.pooled else trials.condition

    @cached_property
    def condition_rates_hz(self) -> Float[np.ndarray, "conditions steps units"]:
        """Rate (Hz) of each condition over lead and window; the grand mean where a condition had no trial."""
        rates = np.empty(self.counts.shape)
        for unit in range(self.grid.n_units):
            rates[:, :, unit] = self._of_unit(unit).rates_hz()
        return rates

    def leave_one_out(self, trials: Trials) -> Float[np.ndarray, "trials steps units"]:
        """Rates (Hz) for trials that this PSTH was fitted to, each without its own spikes. Never 0.

        A trial is taken out of the sums of its condition, of the grand mean and of the mean rate; how they are
        smoothed and shrunk stays. Any subset in any order. DataError for a trial that was seen not to be of the
        fit, and for another grid or other conditions.
        """
        self.grid.check_window(trials, family=self.model.family)
        out = np.empty((trials.n_trials, trials.n_steps, trials.n_units))
        at_once = max(1, _CHUNK_VALUES // (trials.n_steps * (self.model.n_bandwidths + 1)))
        for start in range(0, trials.n_trials, at_once):
            some = slice(start, start + at_once)
            self._leave_out(trials.select(np.arange(trials.n_trials)[some]), out[some])
        return out

    def log_expected_count(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps units"]:
        """Log of the expected count of each step; ``leave_out`` for the trials that this PSTH was fitted to.

        A trial that is left out keeps the level of the whole average over the window: a trial with many spikes
        would otherwise see a lower one, and a nearly flat average would earn a large negative weight.
        """
        whole = self.intensity_with_lead(trials)
        whole *= trials.bin_size_s  # in place, as all below: these arrays are the largest of a fit
        np.log(whole, out=whole)
        if not leave_out:
            return whole
        others = self.leave_one_out(trials)
        others *= trials.bin_size_s
        np.log(others, out=others)
        window = np.s_[:, self.grid.lead :]
        level: np.ndarray = (whole[window] - others[window]).mean(axis=1, keepdims=True)
        others += level
        return others

    def _leave_out(self, trials: Trials, out: np.ndarray) -> None:
        # The usual case: one mask for all, to be smoothed once and not for each trial.
        mask = trials.mask[:1] if np.all(trials.mask == trials.mask[:1]) else trials.mask
        for unit in range(trials.n_units):
            seen = _unit(mask, unit)
            counts = np.where(seen > 0, _unit(trials.counts, unit), 0.0)
            whole = self._of_unit(unit)
            if np.any(counts > whole.counts[self._codes(trials)]):
                raise DataError(
                    "leave_one_out was given a trial that the PSTH was not fitted to: use intensity for it"
                )
            out[:, :, unit] = whole.without(counts, seen, self._codes(trials))

    def stepper(self, trials: Trials) -> DrivenStepper:
        """The same rates, whatever is observed."""
        return DrivenStepper(trials, self.intensity(trials), binary=self.grid.binary)

    def parameters(self) -> dict[str, np.ndarray]:
        """Sums and choices."""
        names = ("counts", "observed", "jumps", "grand_weights", "weights")
        return {n: getattr(self, n) for n in (*names, "shrinkage_trials", "gain_bits_per_spike")}

    def description(self) -> dict[str, Any]:
        """The grid."""
        return {"grid": self.grid.describe()}

    def diagnostics(self) -> dict[str, Any]:
        """What was chosen for each unit; null: not told apart. Bandwidths are geometric means over the window."""
        return {
            "jumps_at_event": self.jumps.tolist(),
            "grand_bandwidth_s": [self._mean_bandwidth_s(w) for w in self.grand_weights],
            "bandwidth_s": [self._mean_bandwidth_s(w) for w in self.weights],
            "shrinkage_trials": [float(k) if np.isfinite(k) else None for k in self.shrinkage_trials],
            "gain_bits_per_spike": self.gain_bits_per_spike.tolist(),
        }

    def _mean_bandwidth_s(self, weights: np.ndarray) -> float | None:
        bins = np.minimum(np.array(self._bandwidths), self.grid.n_bins)  # flat counts as the window
        each = weights[1:].sum(axis=1)
        return float(self.grid.bin_size_s * np.exp(np.log(bins) @ each / each.sum())) if each.any() else None

    @property
    def _bandwidths(self) -> tuple[float, ...]:
        return bandwidth_grid(self.model.n_bandwidths, self.grid.n_bins)

    def _of_unit(self, unit: int) -> UnitPSTH:
        return self._units[unit] if self._kept else self._unit(unit)

    @property
    def _kept(self) -> bool:
        """Whether all units with their smoothed sums and weights fit into memory."""
        n_conditions, n_steps, n_units = self.counts.shape
        per_step = 2 * (len(self._bandwidths) * n_conditions + self.weights.shape[1])
        return bool(n_units * n_steps * per_step <= _KEPT_VALUES)

    @cached_property
    def _units(self) -> list[UnitPSTH]:
        return [self._unit(unit) for unit in range(self.grid.n_units)]

    @cached_property
    def _smoothers(self) -> tuple[Smoother, Smoother]:
        """Across the event, and up to it only."""
        n_steps, lead = self.counts.shape[1], self.grid.lead
        jumps = (None, event_step(self.grid))
        across, up_to = (Smoother(self.model.smoothing, n_steps, lead, jump) for jump in jumps)
        return across, up_to

    def _unit(self, unit: int) -> UnitPSTH:
        used = (self.grand_weights[unit] + self.weights[unit]).any(axis=1)
        used[0] = True  # what estimates are shrunk toward
        blocks, lead = Blocks(self.grid.n_bins), self.grid.lead
        return UnitPSTH(
            smoother=self._smoothers[int(self.jumps[unit])],
            bin_size_s=self.grid.bin_size_s,
            counts=_unit(self.counts, unit),
            observed=_unit(self.observed, unit),
            bandwidths=tuple(b for b, use in zip(self._bandwidths, used[1:], strict=True) if use),
            grand_weights=blocks.spread(self.grand_weights[unit, used], lead=lead),
            weights=blocks.spread(self.weights[unit, used], lead=lead),
            shrinkage_trials=float(self.shrinkage_trials[unit]),
        )


def _unit(values: np.ndarray, unit: int) -> np.ndarray:
    """(batch, steps) of one unit; values of one unit stand for all."""
    return np.ascontiguousarray(values[:, :, unit if values.shape[2] > 1 else 0], dtype=np.float64)


MODEL = PSTH
EXAMPLE = PSTH(n_bandwidths=4, n_groups=4)
