"""How well classes of trials are read out: from probabilities of classes that each trial was given unseen.

``y`` are codes: the column of ``probabilities`` that is a trial's true class. Losses and hits of single trials are
given beside their means, so that decoders can be compared paired by trial (``bootstrap.ratio_interval``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import xlogy

SMALLEST_PROBABILITY = float(np.finfo(np.float64).tiny)
"""What a probability too small to be written counts as: it costs 708 nats, and means stay finite."""


def correct(
    probabilities: Float[np.ndarray, "trials *bins classes"], y: Int[np.ndarray, " trials"]
) -> Bool[np.ndarray, "trials *bins"]:
    """Whether the most probable class is the true one, for each trial and, where there are bins, after each bin.

    Of classes equally probable the first counts as the most probable, as in ``ClassDecoder.predict``.
    """
    true = y.reshape(-1, *[1] * (probabilities.ndim - 2))
    hits: Bool[np.ndarray, "trials *bins"] = probabilities.argmax(axis=-1) == true
    return hits


def accuracy(
    probabilities: Float[np.ndarray, "trials *bins classes"], y: Int[np.ndarray, " trials"]
) -> Float[np.ndarray, "*bins"]:
    """Share of trials whose most probable class is the true one; with bins, against time. NaN without trials."""
    return _mean_over_trials(correct(probabilities, y))


def trial_log_loss(
    probabilities: Float[np.ndarray, "trials *bins classes"], y: Int[np.ndarray, " trials"]
) -> Float[np.ndarray, "trials *bins"]:
    """-log p(true class) of each trial and bin, nats; below ``SMALLEST_PROBABILITY`` p counts as that.

    Source: Good 1952, J R Stat Soc B 14:107 (the logarithmic score; proper: honest probabilities win).
    """
    place = y.reshape(-1, *[1] * (probabilities.ndim - 1))
    true = np.take_along_axis(probabilities, place, axis=-1)[..., 0]
    loss: Float[np.ndarray, "trials *bins"] = -np.log(np.maximum(true.astype(np.float64), SMALLEST_PROBABILITY))
    return loss


def log_loss(
    probabilities: Float[np.ndarray, "trials *bins classes"], y: Int[np.ndarray, " trials"]
) -> Float[np.ndarray, "*bins"]:
    """Mean of ``trial_log_loss`` over trials, nats; with bins, against time. NaN without trials."""
    return _mean_over_trials(trial_log_loss(probabilities, y))


def _mean_over_trials(values: np.ndarray) -> Float[np.ndarray, "*bins"]:
    mean: Float[np.ndarray, "*bins"] = np.asarray(
        values.mean(axis=0) if len(values) else np.full(values.shape[1:], np.nan)
    )
    return mean


def class_prior(y: Int[np.ndarray, " trials"], n_classes: int) -> Float[np.ndarray, " classes"]:
    """Share of each class among (training) trials, (n + 0.5) / (N + classes / 2): never 0.

    Half a trial is the mean under Jeffreys' prior (Box & Tiao 1973, Bayesian Inference in Statistical Analysis,
    sect. 1.3).
    """
    n_trials = np.bincount(y, minlength=n_classes) + 0.5
    prior: Float[np.ndarray, " classes"] = n_trials / n_trials.sum()
    return prior


def prior_entropy(y: Int[np.ndarray, " trials"]) -> float:
    """Entropy (nats) of the shares of classes among trials: the log loss of one who knows these shares alone.

    Probabilities that lose more than this are worth less than no look at the spikes.
    Source: Cover & Thomas 2006, Elements of Information Theory, ch. 2.
    """
    share = np.bincount(y) / max(y.size, 1)
    return float(-xlogy(share, share).sum())


def confusion_matrix(
    probabilities: Float[np.ndarray, "trials classes"], y: Int[np.ndarray, " trials"]
) -> Int[np.ndarray, "true decoded"]:
    """Number of trials of each true class (row) that were decoded as each class (column)."""
    n_classes = probabilities.shape[-1]
    cells = y * n_classes + probabilities.argmax(axis=-1)
    table: Int[np.ndarray, "true decoded"] = np.bincount(cells, minlength=n_classes**2).reshape(
        n_classes, n_classes
    )
    return table


@dataclass(frozen=True)
class PermutationNull:
    """An accuracy, and what it is under permuted labels: mean, bounds of the middle 95 percent, p value."""

    accuracy: float
    p_value: float
    mean: float
    low: float
    high: float


def permutation_null(
    probabilities: Float[np.ndarray, "trials classes"],
    y: Int[np.ndarray, " trials"],
    fold: Int[np.ndarray, " trials"],
    rng: np.random.Generator,
    *,
    n_permutations: int = 2000,
    level: float = 0.95,
) -> PermutationNull:
    """Accuracy against that of out-of-fold predictions paired with labels permuted within their test fold.

    Within folds, since each fold's decoder has a bias of its own towards some classes. Predictions stay as they
    are, so what is tested is whether they depend on the labels. The p value is (1 + permutations at least as
    accurate) / (1 + permutations). Labels that came in blocks cannot be permuted freely: there drift is read out
    too, and a small p value is no evidence for the stimulus.

    Source: Ojala & Garriga 2010, J Mach Learn Res 11:1833; Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39
    (the 1 in the p value).
    """
    decoded = probabilities.argmax(axis=-1)
    labels = np.broadcast_to(y, (n_permutations, y.size)).copy()
    for name in np.unique(fold):
        members = np.flatnonzero(fold == name)
        labels[:, members] = rng.permuted(labels[:, members], axis=1)
    observed = float(np.mean(decoded == y)) if y.size else np.nan
    null = (labels == decoded).mean(axis=1) if y.size else np.full(n_permutations, np.nan)
    low, high = np.quantile(null, [(1 - level) / 2, (1 + level) / 2])
    # The same share of hits is the same number, whatever the order in which it was summed.
    at_least = int(np.sum(null >= observed - 1e-12))
    return PermutationNull(
        observed, (1 + at_least) / (1 + n_permutations), float(null.mean()), float(low), float(high)
    )
