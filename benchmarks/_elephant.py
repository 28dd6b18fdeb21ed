"""Binning and PSTH by elephant and by the package, on one simulated recording; the results are checked alike."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from benchmarks._clock import Ratio, interleaved, ratio
from neurodecode.data.binning import bin_spikes
from neurodecode.data.trials import Trials
from neurodecode.models.psth import fit_psth, plain_psth_hz

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # elephant and what it imports warn about their own future
    import neo
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.kernels import GaussianKernel
    from elephant.statistics import instantaneous_rate, time_histogram

BIN_S, N_BINS, PERIOD_S, RATE_HZ, N_CONDITIONS, KERNEL_S = 0.001, 1000, 2.0, 20.0, 4, 0.02


@dataclass(frozen=True, eq=False)
class Spikes:
    """One recording: spike times (s) of units, when its trials start (s) and of which condition they are."""

    times_s: list[np.ndarray]
    t0_s: np.ndarray
    condition: np.ndarray

    @classmethod
    def drawn(cls, n_units: int, n_trials: int) -> Spikes:
        """A trial of 1 s every 2 s, spikes of 20 Hz throughout, none near the edge of a bin."""
        rng = np.random.default_rng(0)
        t0_s = 1.0 + PERIOD_S * np.arange(n_trials)
        last = round((t0_s[-1] + PERIOD_S) / BIN_S)
        times = []
        for _ in range(n_units):
            place = np.sort(rng.integers(last, size=rng.poisson(RATE_HZ * last * BIN_S)))
            times.append(np.sort((place + rng.uniform(0.2, 0.8, place.size)) * BIN_S))
        return cls(times, t0_s, np.arange(n_trials) % N_CONDITIONS)

    def of_elephant(self) -> list[list[neo.SpikeTrain]]:
        """One train for each unit and trial, in time since the trial's start."""
        trains = []
        for times in self.times_s:
            bounds = np.searchsorted(times, [self.t0_s, self.t0_s + N_BINS * BIN_S])
            cut = [times[a:b] - t0 for a, b, t0 in zip(*bounds, self.t0_s, strict=True)]
            trains.append([neo.SpikeTrain(t, t_stop=N_BINS * BIN_S, units="s") for t in cut])
        return trains

    def trials(self) -> Trials:
        """The package's binning."""
        counts = bin_spikes(self.times_s, self.t0_s, BIN_S, 0, N_BINS)
        return Trials.from_counts(counts, BIN_S, condition=self.condition)


def elephant_counts(trains: list[list[neo.SpikeTrain]]) -> np.ndarray:
    """(trials, bins, units)."""
    binned = [BinnedSpikeTrain(of_unit, bin_size=BIN_S * pq.s, n_bins=N_BINS).to_array() for of_unit in trains]
    return np.stack(binned, axis=2)


def elephant_psth_hz(trains: list[list[neo.SpikeTrain]], condition: np.ndarray) -> np.ndarray:
    """(conditions, bins, units), as its histogram gives it: mean spikes per bin."""
    rates = np.empty((N_CONDITIONS, N_BINS, len(trains)))
    for unit, of_unit in enumerate(trains):
        for code in range(N_CONDITIONS):
            members = [train for train, c in zip(of_unit, condition, strict=True) if c == code]
            mean = time_histogram(members, bin_size=BIN_S * pq.s, output="mean")
            rates[code, :, unit] = mean.magnitude[:, 0] / BIN_S
    return rates


def elephant_smooth_hz(trains: list[list[neo.SpikeTrain]], condition: np.ndarray) -> np.ndarray:
    """The same by its Gaussian kernel of 20 ms on every trial."""
    rates = np.empty((N_CONDITIONS, N_BINS, len(trains)))
    for unit, of_unit in enumerate(trains):
        each = instantaneous_rate(of_unit, sampling_period=BIN_S * pq.s, kernel=GaussianKernel(KERNEL_S * pq.s))
        for code in range(N_CONDITIONS):
            rates[code, :, unit] = each.magnitude[:, condition == code].mean(axis=1)
    return rates


def measured(n_units: int, n_trials: int, repeats: int) -> dict[str, Ratio]:
    """How many times longer elephant takes. Its spike trains are made outside the clock.

    Raises AssertionError where counts or rates differ.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spikes = Spikes.drawn(n_units, n_trials)
        trains = spikes.of_elephant()
        trials = spikes.trials()
        np.testing.assert_array_equal(trials.counts, elephant_counts(trains))
        np.testing.assert_allclose(plain_psth_hz(trials), elephant_psth_hz(trains, spikes.condition), rtol=1e-9)
        seconds = interleaved(
            {
                "binning": spikes.trials,
                "psth": lambda: plain_psth_hz(trials),
                "binning and psth": lambda: plain_psth_hz(spikes.trials()),
                "binning and fit": lambda: fit_psth(spikes.trials()).condition_rates_hz,
                "elephant binning": lambda: elephant_counts(trains),
                "elephant psth": lambda: elephant_psth_hz(trains, spikes.condition),
                "elephant smooth": lambda: elephant_smooth_hz(trains, spikes.condition),
            },
            repeats,
        )
    both = seconds | {"elephant both": seconds["elephant binning"] + seconds["elephant psth"]}
    both["elephant smoothed"] = seconds["elephant binning"] + seconds["elephant smooth"]
    return {
        "binning": ratio(both, "elephant binning", "binning"),
        "binning and PSTH, both by elephant's histogram alone": ratio(both, "elephant psth", "binning and psth"),
        "binning and PSTH": ratio(both, "elephant both", "binning and psth"),
        "binning and PSTH with cross-validated smoothing, against one fixed kernel": ratio(
            both, "elephant smoothed", "binning and fit"
        ),
    }
