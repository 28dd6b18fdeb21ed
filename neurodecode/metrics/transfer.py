"""What learning one task after another does to those learnt before and those to come."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def backward_transfer(scores: Float[np.ndarray, "trained tasks"]) -> float:
    """Mean over the earlier tasks of their score at the end less that when they had just been learnt.

    scores[i, j]: of task j, higher is better, once tasks 0 to i have been learnt in turn. Negative: forgetting.

    Source: Lopez-Paz & Ranzato 2017, NeurIPS 30 (eq. 3).
    """
    learnt = np.diag(scores)
    return float((scores[-1, :-1] - learnt[:-1]).mean())


def learnt_when_new(scores: Float[np.ndarray, "trained tasks"]) -> float:
    """Mean over the later tasks of their score when they had just been learnt: what a remedy costs shows here."""
    return float(np.diag(scores)[1:].mean())
