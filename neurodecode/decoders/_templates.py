"""Templates of classes: the mean count of every bin and unit, as smooth as held-out trials say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from neurodecode.decoders._series import Series
from neurodecode.likelihood import rate_of_totals
from neurodecode.models._psth_rates import shrunk_rate
from neurodecode.models._smoothing import Smoother, bandwidth_grid

N_BANDWIDTHS = 8
SHRINKAGES_TRIALS = (0.0, 1.0, 4.0, 16.0, 64.0)
"""What the smoothness of templates is chosen from where nothing else is asked for."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Spikes, and how many trials were observed, of each class, bin and unit."""

    counts: Float[np.ndarray, "classes bins units"]
    observed: Float[np.ndarray, "classes bins #units"]

    @classmethod
    def of(cls, series: Series, codes: Int[np.ndarray, " trials"], n_classes: int) -> Sums:
        """Over the window of trials whose classes are ``codes``."""
        mask = series.mask[:, series.lead :]
        counts = np.zeros((n_classes, series.n_bins, series.n_units))
        observed = np.zeros((n_classes, *mask.shape[1:]))
        for code in np.unique(codes):
            here = codes == code
            counts[code] = series.window_counts[here].sum(axis=0, where=mask[here], dtype=np.float64)
            observed[code] = mask[here].sum(axis=0)
        return cls(counts, observed)

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.counts + other.counts, self.observed + other.observed)

    def templates(
        self, bandwidths: Sequence[float], shrinkages: Sequence[float]
    ) -> Iterator[tuple[float, float, Float[np.ndarray, "classes bins units"]]]:
        """Expected counts at every bandwidth (bins) and shrinkage (trials) in turn, with these; never 0.

        At each bandwidth a class is shrunk toward the mean over classes, and that a little toward the mean rate.
        """
        smoother = Smoother("gaussian", self.counts.shape[1], 0)
        total = np.broadcast_to(self.observed.sum(axis=(0, 1)), self.counts.shape[2:])
        mean = rate_of_totals(self.counts.sum(axis=(0, 1)), total)
        pairs = (smoother.at_each(np.moveaxis(sums, 1, 2), bandwidths) for sums in (self.counts, self.observed))
        for bandwidth, n, seen in zip(bandwidths, *pairs, strict=True):
            everyone = shrunk_rate(n.sum(axis=0), seen.sum(axis=0), mean[:, None], 0.0, 1.0)
            for shrinkage in shrinkages:
                yield bandwidth, shrinkage, np.moveaxis(shrunk_rate(n, seen, everyone, shrinkage, 1.0), 1, 2)

    def log_likelihood(self, mu: Float[np.ndarray, "classes bins units"]) -> Float[np.ndarray, " units"]:
        """Of these sums under expected counts of a bin, up to a constant."""
        total: np.ndarray = (self.counts * np.log(mu) - self.observed * mu).sum(axis=(0, 1))
        return total

    def log_templates(
        self, bandwidths: Float[np.ndarray, " units"], shrinkages: Float[np.ndarray, " units"]
    ) -> Float[np.ndarray, "classes bins units"]:
        """Log expected counts with these choices for each unit."""
        chosen = np.empty(self.counts.shape)
        used = np.unique(bandwidths)
        for bandwidth, shrinkage, mu in self.templates(used.tolist(), np.unique(shrinkages).tolist()):
            units = (bandwidths == bandwidth) & (shrinkages == shrinkage)
            chosen[..., units] = np.log(mu[..., units])
        return chosen


def chosen_templates(
    sums: Sums, held_out: Sums, n_bandwidths: int, shrinkages: Sequence[float]
) -> tuple[Float[np.ndarray, " units"], Float[np.ndarray, " units"], Float[np.ndarray, "classes bins units"]]:
    """Bandwidth and shrinkage of each unit, under which held-out trials are likeliest given their class, and the
    log templates that these give."""
    bandwidths = bandwidth_grid(n_bandwidths, sums.counts.shape[1])
    settings = np.array(list(product(bandwidths, shrinkages)))
    scores = np.stack([held_out.log_likelihood(mu) for _, _, mu in sums.templates(bandwidths, shrinkages)])
    bandwidth, shrinkage = settings[scores.argmax(axis=0)].T
    return bandwidth, shrinkage, sums.log_templates(bandwidth, shrinkage)


def log_likelihood_bins(
    series: Series, log_template: Float[np.ndarray, "classes bins units"]
) -> Float[np.ndarray, "trials bins classes"]:
    """Log-likelihood (nats) of the counts up to and with each bin of the window, without log(n!)."""
    counts, observed = series.window_counts, series.mask[:, series.lead :]
    # (bins, trials, units) @ (bins, units, classes): one small product for each bin.
    log_mu = np.moveaxis(log_template, 0, 2)
    seen = np.moveaxis(np.where(observed, counts, 0.0).astype(np.float64), 0, 1)
    each = seen @ log_mu
    if observed.shape[2] == 1:
        each -= np.moveaxis(observed, 0, 1) * np.exp(log_mu).sum(axis=1, keepdims=True)
    else:
        each -= np.moveaxis(observed, 0, 1).astype(np.float64) @ np.exp(log_mu)
    summed: np.ndarray = np.moveaxis(each.cumsum(axis=0), 0, 1)
    return summed
