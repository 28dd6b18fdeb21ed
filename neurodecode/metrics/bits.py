"""What a model knows about held-out spikes, counted in bits per spike and in explained deviance.

Everything here starts from log-likelihoods (nats) and spike counts that were already summed over the bins, trials
and units in question. Since both add up, the same formulas score one unit and all units together: ``with_pooled``
appends the sum over units, so that the last column is summed gain over summed spikes.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.likelihood import mean_rate_hz, trial_log_likelihood
from neurodecode.metrics._ratio import ratio

NATS_PER_BIT = float(np.log(2.0))


def training_null_hz(
    counts: UInt[np.ndarray, "trials bins units"], mask: Bool[np.ndarray, "trials bins #units"], bin_size_s: float
) -> Float[np.ndarray, " units"]:
    """Rate of each unit (Hz) over a fold's training trials, (n + 0.5) / T: the null of ``bits_per_spike``.

    A unit silent in training keeps a rate above 0 and so a finite score.
    """
    return mean_rate_hz(counts, mask, bin_size_s)


def scored_null_hz(
    counts: UInt[np.ndarray, "trials bins units"], mask: Bool[np.ndarray, "trials bins #units"], bin_size_s: float
) -> Float[np.ndarray, " units"]:
    """Mean rate of each unit (Hz) over the very trials that are scored, n / T: the null of ``bits_per_spike_nlb``.

    As the Neural Latents Benchmark defines it (Pei et al. 2021, NeurIPS Datasets and Benchmarks, bits per spike of
    co-smoothing). 0 for a unit that is silent in them or was never observed.
    """
    n_spikes = counts.sum(axis=(0, 1), dtype=np.int64, where=mask).astype(np.float64)
    observed_s = np.broadcast_to(mask.sum(axis=(0, 1), dtype=np.int64) * bin_size_s, n_spikes.shape)
    return ratio(n_spikes, observed_s, undefined=0.0)


def constant_log_likelihood(
    counts: UInt[np.ndarray, "trials bins units"],
    rate_hz: Float[np.ndarray, "trials units"],
    bin_size_s: float,
    mask: Bool[np.ndarray, "trials bins #units"],
) -> Float[np.ndarray, "trials units"]:
    """Log-likelihood (nats) of each trial and unit under one rate (Hz) for the whole trial."""
    return trial_log_likelihood(counts, np.broadcast_to(rate_hz[:, None, :], counts.shape), bin_size_s, mask)


def saturated_log_likelihood(
    counts: UInt[np.ndarray, "trials bins units"], mask: Bool[np.ndarray, "trials bins #units"]
) -> Float[np.ndarray, "trials units"]:
    """Log-likelihood (nats) of each trial and unit when every bin expects just what it holds."""
    total = np.empty((counts.shape[0], counts.shape[2]))
    for trial in range(counts.shape[0]):  # rates of all trials at once would be as large as a prediction
        one = counts[trial : trial + 1]
        total[trial] = trial_log_likelihood(one, one.astype(np.float64), 1.0, mask[trial : trial + 1])[0]
    return total


def with_pooled(per_unit: Float[np.ndarray, "*rest units"]) -> Float[np.ndarray, "*rest columns"]:
    """The values of each unit and, as one more column, their sum over units."""
    return np.concatenate([per_unit, per_unit.sum(axis=-1, keepdims=True)], axis=-1)


def bits_per_spike(
    log_likelihood: Float[np.ndarray, " columns"],
    reference: Float[np.ndarray, " columns"],
    n_spikes: Float[np.ndarray, " columns"] | Int[np.ndarray, " columns"],
) -> Float[np.ndarray, " columns"]:
    """(L - L_reference) / (n ln 2): bits that the model knows about each spike beyond the reference.

    Both log-likelihoods in nats over the same bins. The reference is a null (``bits_per_spike``,
    ``bits_per_spike_nlb``) or another model (``gain_over_psth``). NaN where there is no spike.

    Source: information per spike of Brenner et al. 2000, Neural Comput 12:1531, as a ratio of likelihoods: Pillow
    et al. 2008, Nature 454:995; Pei et al. 2021, NeurIPS Datasets and Benchmarks.
    """
    with np.errstate(invalid="ignore"):
        gain = log_likelihood - reference
    return ratio(gain, n_spikes * NATS_PER_BIT)


def poisson_d2(
    log_likelihood: Float[np.ndarray, " columns"],
    null: Float[np.ndarray, " columns"],
    saturated: Float[np.ndarray, " columns"],
    n_spikes: Float[np.ndarray, " columns"] | Int[np.ndarray, " columns"],
) -> Float[np.ndarray, " columns"]:
    """Share of the Poisson deviance that the model explains: 1 - D / D_null with D = 2 (L_saturated - L).

    1 for a model that expects each bin's count, 0 for the null, negative below it. NaN where there is no spike.
    With small bins even the true intensity explains little, since no rate foretells a single spike.

    Source: Cameron & Windmeijer 1996, J Bus Econ Stat 14:209 (R2 of deviance residuals, for Poisson counts), here
    with a null that is not fitted to the scored trials.
    """
    unexplained = ratio(saturated - log_likelihood, saturated - null)
    return np.where(n_spikes > 0, 1.0 - unexplained, np.nan)
