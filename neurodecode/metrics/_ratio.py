"""Division where the divisor may be 0: a score that is not defined is NaN, never a warning or an infinity."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def ratio(
    numerator: np.ndarray, denominator: np.ndarray, *, undefined: float = np.nan
) -> Float[np.ndarray, "*shape"]:
    """numerator over denominator, broadcast against each other; ``undefined`` where the latter is not above 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    divided: Float[np.ndarray, "*shape"] = np.divide(
        numerator, denominator, out=np.full(shape, undefined), where=np.broadcast_to(denominator > 0, shape)
    )
    return divided
