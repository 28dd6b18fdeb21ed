"""A gain estimated from spikes, (a + n) / (a + m): what it is summed from, and what it wins over none.

n spikes were seen where m were expected, both forgotten exponentially; a is the worth of the prior in spikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.signal import lfilter

from neurodecode.data.trials import Trials

FASTEST_S = 0.25  # below it the estimate would follow single spikes
MARGIN = 2.0  # nats that a gain must win over none on the trials of the fit


def decayed_past(
    values: Float[np.ndarray, "trials steps *units"], decay: float
) -> Float[np.ndarray, "trials steps *units"]:
    """Sum over earlier steps s of decay^(t - 1 - s) times the value there."""
    past: np.ndarray = lfilter([0.0, 1.0], [1.0, -decay], values, axis=1)
    return past


@dataclass(frozen=True, eq=False)
class BlockSums:
    """Observed counts and expected counts (``mu``) in blocks of 10 ms, within which no gain changes much.

    That costs a tenth where bins are 1 ms. ``window``: the blocks that lie in the window, not in the lead.
    """

    counts: Float[np.ndarray, "trials blocks units"]
    mu: Float[np.ndarray, "trials blocks units"]
    window: Bool[np.ndarray, " blocks"]
    block_s: float

    @classmethod
    def of(cls, trials: Trials, rate_hz: Float[np.ndarray, "trials steps units"]) -> BlockSums:
        """Of these trials at these rates, over observed steps."""
        width = max(1, int(FASTEST_S / 25 / trials.bin_size_s))
        starts = np.union1d(0, np.arange(trials.lead % width, trials.n_steps, width))
        mu = np.add.reduceat(np.where(trials.mask, rate_hz * trials.bin_size_s, 0.0), starts, axis=1)
        counts = np.add.reduceat(np.where(trials.mask, trials.counts, 0.0), starts, axis=1)
        return cls(counts, mu, starts >= trials.lead, width * trials.bin_size_s)

    def won(
        self,
        seen: Float[np.ndarray, "trials blocks #units"],
        due: Float[np.ndarray, "trials blocks #units"],
        time_constants_s: Sequence[float],
        prior_spikes: Sequence[float],
    ) -> Float[np.ndarray, "time_constants priors units"]:
        """Log-likelihood (nats) of each unit under its gain less that under none.

        The gain follows the spikes ``seen`` where ``due`` were expected.
        """
        counts, mu = self.counts[:, self.window], self.mu[:, self.window]
        scores = np.zeros((len(time_constants_s), len(prior_spikes), counts.shape[2]))
        for at, tau in enumerate(time_constants_s):
            decay = float(np.exp(-self.block_s / tau))
            n, m = (decayed_past(values, decay)[:, self.window] for values in (seen, due))
            for a, prior in enumerate(prior_spikes):
                scores[at, a] = _won(counts, mu, (prior + n) / (prior + m))
        return scores


def _won(counts: np.ndarray, mu: np.ndarray, gain: np.ndarray) -> Float[np.ndarray, " units"]:
    """Log-likelihood (nats) of each unit under mu x gain less that under mu."""
    at = np.nonzero(counts)  # logs are taken where there are spikes only
    logs = counts[at] * np.log(np.broadcast_to(gain, counts.shape)[at])
    won: Float[np.ndarray, " units"] = np.bincount(at[2], logs, counts.shape[2]) - (mu * (gain - 1.0)).sum(
        axis=(0, 1)
    )
    return won
