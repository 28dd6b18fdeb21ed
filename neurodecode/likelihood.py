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
