"""How smooth a GLM's time-course is: penalties on roughness and size that make the training trials likeliest.

The penalties are precisions of Gaussian priors on the splines' coefficients. Where the coefficients are integrated
out (Laplace's approximation), the likelihood of the training trials has its maximum at

    penalty <- penalty * (tr(S- S_j) - tr(V S_j)) / (w' S_j w)

repeated; w: the weights, V: the inverse of the penalised curvature, S: the sum of penalty times S_j, S-: its
inverse.
Source: Wood & Fasiolo 2017, Biometrics 73:1071, eq. 4 (generalised Fellner-Schall).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from neurodecode.models._glm_newton import KeptNewton, Objective
from neurodecode.models._glm_rows import Rows
from neurodecode.models._glm_weights import STRAIGHT_PENALTY, Penalties

START = {"shared": 10.0, "deviating": 100.0, "size": 1.0}
_MOST_ROUNDS = 12
_SETTLED = 0.1  # of a penalty's log: far below what moves a fit
_SMALLEST, _LARGEST = 1e-4, 1e7


def smoothed(
    newton: KeptNewton,
    objective: Callable[[Sequence[Penalties]], Objective],
    penalties: Sequence[Penalties],
    start: Float[np.ndarray, "units columns"],
    tolerance: float,
) -> tuple[Float[np.ndarray, "units columns"], list[Penalties]]:
    """Weights with a time-course, and penalties of which ``shared``, ``deviating`` and ``size`` were measured.

    The others are those of ``penalties``, as is what the aggregate is held at.
    """
    found, weights = [p._replace(**START) for p in penalties], start
    for _ in range(_MOST_ROUNDS):
        asked = objective(found)
        weights = newton.fit(asked, weights, tolerance, exact=False)
        updated = [
            _updated(newton.rows, one, weights[unit], newton.variances(asked, weights, unit))
            for unit, one in enumerate(found)
        ]
        moved = max(_moved(new, old) for new, old in zip(updated, found, strict=True))
        found = updated
        if moved < _SETTLED:
            break
    return newton.fit(objective(found), weights, tolerance, exact=False), found


def _updated(rows: Rows, now: Penalties, weights: np.ndarray, variances: np.ndarray) -> Penalties:
    """One round, for one unit."""
    rough, n_rows = rows.roughness, rows.columns.n_rows
    curves, spread = (x[n_rows:].reshape(-1, rough.size) for x in (weights, variances))
    prior = rough / (now.shared * rough + STRAIGHT_PENALTY)
    shared = _rescaled(now.shared, prior.sum() - spread[0] @ rough, curves[0] ** 2 @ rough)
    if len(curves) == 1:
        return now._replace(shared=shared)
    each = now.deviating * rough + now.size
    squares, spreads, n = (curves[1:] ** 2).sum(axis=0), spread[1:].sum(axis=0), len(curves) - 1
    deviating = _rescaled(now.deviating, (n * rough / each).sum() - spreads @ rough, squares @ rough)
    size = _rescaled(now.size, (n / each).sum() - spreads.sum(), squares.sum())
    return now._replace(shared=shared, deviating=deviating, size=size)


def _rescaled(penalty: float, freedom: float, size: float) -> float:
    ratio = max(freedom, 1e-9) / max(size, 1e-12)
    return float(np.clip(penalty * ratio, _SMALLEST, _LARGEST))


def _moved(new: Penalties, old: Penalties) -> float:
    """The largest change of a penalty's log."""
    return float(max(abs(np.log(getattr(new, name) / getattr(old, name))) for name in START))
