"""How spike counts vary from trial to trial: Fano factor and pairwise noise correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.metrics._ratio import ratio

FANO_WINDOWS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LEAST_OBSERVED = 0.5


@dataclass(frozen=True, eq=False)
class Fano:
    """Summed variances and summed means of counts in windows of ``windows_s``, (units, windows)."""

    windows_s: Float[np.ndarray, " windows"]
    variance: Float[np.ndarray, "units windows"]
    mean: Float[np.ndarray, "units windows"]

    @property
    def fano(self) -> Float[np.ndarray, "units windows"]:
        """Variance over mean: 1 for Poisson counts; NaN for silent units."""
        return ratio(self.variance, self.mean)

    @property
    def pooled(self) -> Float[np.ndarray, " windows"]:
        """The same over all units together."""
        return ratio(self.variance.sum(axis=0), self.mean.sum(axis=0))


@dataclass(frozen=True, eq=False)
class NoiseCorrelation:
    """Pearson correlations between units; the diagonal and silent units are NaN."""

    correlation: Float[np.ndarray, "units units"]

    @property
    def per_unit(self) -> Float[np.ndarray, " units"]:
        """Mean correlation of each unit with the others; NaN where there is none."""
        known = np.isfinite(self.correlation)
        return ratio(np.where(known, self.correlation, 0.0).sum(axis=1), known.sum(axis=1))

    @property
    def pooled(self) -> float:
        """Mean over all pairs; NaN without pairs."""
        known = self.correlation[np.isfinite(self.correlation)]
        return float(known.mean()) if known.size else float("nan")


def fano(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    *,
    condition: Int[np.ndarray, " trials"] | None = None,
    windows_s: Sequence[float] = FANO_WINDOWS_S,
) -> Fano:
    """Fano factor of spike counts against the length of the counting window.

    Windows tile the trial from its start. Variance (n - 1) and mean are taken over the trials of one condition at
    one place, then summed over places and conditions, and divided: so the PSTH does not count as variability.
    Lengths are rounded to whole bins; those below a bin or beyond the trial are left out. A window with an
    unobserved bin is left out for that trial.

    Source: Fano 1947, Phys Rev 72:26; per condition and place: Churchland et al. 2010, Nat Neurosci 13:369.
    """
    n_bins, n_units = counts.shape[1:]
    sizes = sorted(
        {round(w / bin_size_s) for w in windows_s if w > bin_size_s * 0.999} & set(range(1, n_bins + 1))
    )
    groups = np.zeros(counts.shape[0], int) if condition is None else condition
    variance, mean = np.zeros((2, n_units, len(sizes)))
    for code in np.unique(groups):
        members = np.flatnonzero(groups == code)
        for place, size in enumerate(sizes):
            spread, level = _moments(counts, mask, members, size)
            variance[:, place] += spread
            mean[:, place] += level
    return Fano(windows_s=np.array(sizes) * bin_size_s, variance=variance, mean=mean)


def _moments(
    counts: np.ndarray, mask: np.ndarray, members: np.ndarray, size: int
) -> tuple[Float[np.ndarray, " units"], Float[np.ndarray, " units"]]:
    """Variances and means over trials of counts in windows of ``size`` bins, each summed over windows."""
    n_windows, n_units = counts.shape[1] // size, counts.shape[2]
    shape = (n_windows, size, -1)
    n, total, squares = np.zeros((3, n_windows, n_units))
    for trial in members:
        whole = mask[trial, : n_windows * size].reshape(shape).all(axis=1)
        held = counts[trial, : n_windows * size].reshape(shape).sum(axis=1, dtype=np.float64)
        held = np.where(whole, held, 0.0)
        n += whole
        total += held
        squares += held**2
    enough = n >= 2
    mean = total / np.maximum(n, 1)
    variance = np.maximum(squares - n * mean**2, 0.0) / np.maximum(n - 1, 1)
    return np.where(enough, variance, 0.0).sum(axis=0), np.where(enough, mean, 0.0).sum(axis=0)


def noise_correlation(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    bin_size_s: float,
    *,
    condition: Int[np.ndarray, " trials"] | None = None,
) -> NoiseCorrelation:
    """Correlation of trial-to-trial variability between units.

    Each trial's spikes over its observed time, less the mean of its condition, correlated over trials. A pair uses
    the trials in which both units were observed for at least half of the window.

    Source: Cohen & Kohn 2011, Nat Neurosci 14:811 (spike count correlation of residuals within condition).
    """
    n_trials, n_bins, n_units = counts.shape
    rate, usable = np.zeros((n_trials, n_units)), np.zeros((n_trials, n_units), bool)
    for trial in range(n_trials):
        observed = mask[trial].sum(axis=0)
        usable[trial] = observed >= max(1.0, LEAST_OBSERVED * n_bins)
        rate[trial] = counts[trial].sum(axis=0, where=mask[trial], dtype=np.float64)
        rate[trial] /= np.maximum(observed, 1) * bin_size_s
    groups = np.zeros(n_trials, int) if condition is None else condition
    residual = np.zeros_like(rate)
    for code in np.unique(groups):
        members = groups == code
        n = np.maximum(usable[members].sum(axis=0), 1)
        mean = np.where(usable[members], rate[members], 0.0).sum(axis=0) / n
        residual[members] = np.where(usable[members], rate[members] - mean, 0.0)
    shared = usable.astype(np.float64)
    covariance = residual.T @ residual
    power = (residual**2).T @ shared  # of the row's unit over the trials that the pair shares
    correlation = ratio(covariance, np.sqrt(power * power.T))
    np.fill_diagonal(correlation, np.nan)
    return NoiseCorrelation(correlation)
