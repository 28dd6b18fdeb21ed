"""Where spikes meet rates: the log-likelihood of counts given an intensity."""

import numpy as np
from jaxtyping import Bool, Float, UInt
from scipy.special import gammaln, xlogy


def trial_log_likelihood(
    counts: UInt[np.ndarray, "trials bins units"],
    intensity_hz: Float[np.ndarray, "trials bins units"],
    bin_size_s: float,
    mask: Bool[np.ndarray, "trials bins #units"],
) -> Float[np.ndarray, "trials units"]:
    """Poisson log-likelihood (nats) of each trial and unit, over observed bins.

    The sum over bins of n log(mu) - mu - log(n!) with mu = intensity x bin, the expected count given the past
    (Truccolo et al. 2005, J Neurophysiol 93:1074, eq. 4, in discrete time). A spike where mu is 0 gives -inf.
    """
    total = np.empty((counts.shape[0], counts.shape[2]))
    for trial in range(counts.shape[0]):  # one trial at a time: float64 copies of a whole session are large
        n = counts[trial].astype(np.float64)
        mu = np.where(mask[trial], intensity_hz[trial], 0.0).astype(np.float64) * bin_size_s
        terms = xlogy(n, mu) - mu - gammaln(n + 1.0)
        total[trial] = np.where(mask[trial], terms, 0.0).sum(axis=0)
    return total


def mean_rate_hz(
    counts: UInt[np.ndarray, "trials bins units"], mask: Bool[np.ndarray, "trials bins #units"], bin_size_s: float
) -> Float[np.ndarray, " units"]:
    """Rate of each unit (Hz) over the observed bins, never 0: see ``rate_of_totals``."""
    n_spikes = counts.sum(axis=(0, 1), dtype=np.int64, where=mask).astype(np.float64)
    observed_s = mask.sum(axis=(0, 1), dtype=np.int64) * bin_size_s
    return rate_of_totals(n_spikes, np.broadcast_to(observed_s, n_spikes.shape))


def rate_of_totals(
    n_spikes: Float[np.ndarray, "*shape"], observed_s: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """(n + 0.5) / T in Hz; where nothing was observed T counts as 1 s, so that the rate stays finite.

    Half a spike is the mean under Jeffreys' prior for a Poisson rate (Box & Tiao 1973, Bayesian Inference in
    Statistical Analysis, sect. 1.3): a unit that was silent while a model was fitted may still fire.
    """
    rate: Float[np.ndarray, "*shape"] = (n_spikes + 0.5) / np.where(observed_s > 0, observed_s, 1.0)
    return rate
