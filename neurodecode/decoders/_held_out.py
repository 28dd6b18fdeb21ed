"""What is held out of a fit, and what that says: how much of a network's outputs to keep."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

HELD_OUT_PARTS = 5  # a network of classes or values holds out one of so many parts of the trials, another each
HELD_OUT_SHARE = 0.1  # of the bins of a signal, the last ones
SHARES = np.linspace(0.0, 1.0, 41)


def dealt(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which of ``HELD_OUT_PARTS`` parts each trial belongs to, the trials of a class spread over all of them."""
    parts, n_dealt = np.empty(labels.size, int), 0
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        parts[members] = (np.arange(members.size) + n_dealt) % min(HELD_OUT_PARTS, labels.size)
        n_dealt += members.size
    return parts


def share_of_values(targets: np.ndarray, found: np.ndarray, weights: np.ndarray) -> float:
    """The share of what networks found (series, bins, dims) with the least weighted squared error."""
    seen = np.isfinite(found).all(axis=2) & (weights > 0)
    true, said = np.where(seen[..., None], targets, 0.0), np.where(seen[..., None], found, 0.0)
    return _best_share(np.stack([weights * np.square(true - share * said).mean(axis=2) for share in SHARES]))


def share_of_logits(targets: np.ndarray, start: np.ndarray, found: np.ndarray, weights: np.ndarray) -> float:
    """The share of what networks add to log odds (series, bins, classes) with the least weighted log loss."""
    seen = np.isfinite(found).all(axis=2)
    said = np.where(seen[..., None], found, 0.0)
    losses = [
        np.where(
            seen, -weights * (targets * np.log(softmax(start + share * said, axis=-1) + 1e-300)).sum(axis=2), 0.0
        )
        for share in SHARES
    ]
    return _best_share(np.stack(losses))


def _best_share(losses: Float[np.ndarray, "shares series bins"]) -> float:
    """The share with the least loss, or 0 where it is not below that of 0 by a standard error over series.

    That rule: Breiman et al. 1984, Classification and Regression Trees, sect. 3.4.3.
    """
    of_series = losses.sum(axis=2)
    best = int(of_series.sum(axis=1).argmin())
    gains = of_series[0] - of_series[best]
    error = gains.std(ddof=1) * np.sqrt(gains.size) if gains.size > 1 else 0.0
    return float(SHARES[best]) if gains.sum() > error else 0.0


def without_the_last(known: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the bins to fit and of the last tenth of the known ones; ``gap`` bins between count nothing."""
    order = np.flatnonzero(known)
    n_held = max(1, round(HELD_OUT_SHARE * order.size))
    fitted, held = np.zeros((2, known.size), np.float32)
    held[order[-n_held:]] = 1
    fitted[order[: max(1, order.size - n_held - min(gap, order.size // 10))]] = 1
    return fitted.reshape(known.shape), held.reshape(known.shape)
