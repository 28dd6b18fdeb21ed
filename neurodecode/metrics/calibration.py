"""Whether probabilities of classes mean what they say, and one scalar that makes those of a likelihood do so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import ndtri, softmax

from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.classification import correct

N_BINS = 10
"""Bins of equal width that the probability of the most probable class is sorted into."""
BETA_BOUNDS = (1e-6, 1e3)
"""Between these lies every tempering exponent. Never 0: the order of the classes stays."""


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Per bin of confidence: its edges, trials in it, their mean confidence and accuracy, NaN in an empty bin.

    Confidence is the probability of the most probable class. ``low`` and ``high``: Wilson's interval of accuracy.
    """

    edges: Float[np.ndarray, " edges"]
    n_trials: Int[np.ndarray, " bins"]
    confidence: Float[np.ndarray, " bins"]
    accuracy: Float[np.ndarray, " bins"]
    low: Float[np.ndarray, " bins"]
    high: Float[np.ndarray, " bins"]


def reliability_curve(
    probabilities: Float[np.ndarray, "trials classes"],
    y: Int[np.ndarray, " trials"],
    *,
    n_bins: int = N_BINS,
    level: float = 0.95,
) -> ReliabilityCurve:
    """Accuracy against confidence in ``n_bins`` bins of equal width between 0 and 1.

    Source: DeGroot & Fienberg 1983, The Statistician 32:12 (reliability); Niculescu-Mizil & Caruana 2005, ICML;
    Wilson 1927, J Am Stat Assoc 22:209 (interval of a share).
    """
    confidence, hits = probabilities.max(axis=-1).astype(np.float64), correct(probabilities, y)
    # Bins are open below and closed above, so that certainty is in the last.
    place = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    n = np.bincount(place, minlength=n_bins)
    share = ratio(np.bincount(place, hits, n_bins), n)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    with np.errstate(invalid="ignore"):
        centre = (share + ratio(np.full(n_bins, z2), 2.0 * n)) / (1 + ratio(np.full(n_bins, z2), n))
        spread = ratio(share * (1 - share), n) + ratio(np.full(n_bins, z2), 4.0 * n**2)
        reach = np.sqrt(z2 * spread) / (1 + ratio(np.full(n_bins, z2), n))
    return ReliabilityCurve(
        edges=np.arange(n_bins + 1) / n_bins,
        n_trials=n,
        confidence=ratio(np.bincount(place, confidence, n_bins), n),
        accuracy=share,
        low=centre - reach,
        high=centre + reach,
    )


def expected_calibration_error(
    probabilities: Float[np.ndarray, "trials classes"], y: Int[np.ndarray, " trials"], *, n_bins: int = N_BINS
) -> float:
    """Mean distance of accuracy and confidence over the bins of ``reliability_curve``, weighted by their trials.

    0 where confidence is accuracy. With few trials it is above 0 even for honest probabilities: within a bin
    accuracy comes in steps of one trial. NaN without trials.

    Source: Naeini, Cooper & Hauskrecht 2015, AAAI; Guo et al. 2017, ICML, eq. 3.
    """
    curve = reliability_curve(probabilities, y, n_bins=n_bins)
    total = int(curve.n_trials.sum())
    if total == 0:
        return float("nan")
    seen = curve.n_trials > 0
    gap = np.abs(curve.accuracy[seen] - curve.confidence[seen])
    return float(gap @ curve.n_trials[seen] / total)


def posterior(
    log_likelihood: Float[np.ndarray, "*trials classes"],
    log_prior: Float[np.ndarray, " classes"],
    *,
    beta: float = 1.0,
) -> Float[np.ndarray, "*trials classes"]:
    """softmax(beta x log-likelihood + log prior): p(class | spikes), by Bayes' rule where beta is 1."""
    found: Float[np.ndarray, "*trials classes"] = softmax(beta * log_likelihood + log_prior, axis=-1)
    return found


def tempering_exponent(
    log_likelihood: Float[np.ndarray, "trials classes"],
    log_prior: Float[np.ndarray, " classes"],
    y: Int[np.ndarray, " trials"],
) -> float:
    """The beta > 0 with which ``posterior`` has the least log loss on validation trials.

    A model that takes dependent spikes for independent ones counts the same evidence several times; beta < 1 takes
    that back. It leaves the order of likelihoods as it is. The loss is convex in beta. Where every validation
    trial is decoded rightly it would fall for ever, so N trials are taken for no surer than N hits in a row make
    them: each label counts 1 - e, and e = 0.5 / (N + 1), the mean share of errors after N hits under Jeffreys'
    prior, is spread over the classes by their prior. Bounded by ``BETA_BOUNDS``; the lower one where the
    likelihood misleads. 1 without a trial, and where no class is likelier than another.

    Source: Guo et al. 2017, ICML (temperature scaling); Platt 1999, in Advances in Large Margin Classifiers
    (targets off 0 and 1); Box & Tiao 1973, Bayesian Inference in Statistical Analysis, sect. 1.3 (the prior).
    """
    if y.size == 0 or not np.ptp(log_likelihood, axis=-1).any():
        return 1.0
    level = log_likelihood - log_likelihood.max(axis=-1, keepdims=True)  # large sums would lose the difference
    doubt = 0.5 / (y.size + 1)
    target = doubt * np.exp(log_prior) + (1 - doubt) * np.eye(log_prior.size)[y]

    def slope(beta: float) -> float:
        return float(((posterior(level, log_prior, beta=beta) - target) * level).sum())

    low, high = BETA_BOUNDS
    if slope(low) >= 0:
        return low
    if slope(high) <= 0:
        return high
    return float(brentq(slope, low, high, xtol=1e-9, rtol=1e-10))
