"""Penalised Poisson regressions of several units side by side: Newton's method with a curvature that is kept.

Every step needs the gradients, which one pass over the rows gives to all units. The curvature costs each unit as
much again, and changes little from one step, and from one penalty of a path, to the next: it is kept until a step
shows that it has changed. The optimum does not depend on it. The log-likelihood is concave, and the gradient alone
says where it ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpotri

from neurodecode.errors import ConvergenceError
from neurodecode.models._glm_rows import Parts, Rows

_MAX_ITERATIONS = 100
_MAX_FLOAT32 = 40  # iterations: what float32 has not found by then it cannot find
_HANDED_ON = 1e-4  # nats: where float32 gives over to float64, far above what rounding leaves of a gradient
# With a curvature that is wrong by a third a step leaves a tenth of the expected gain: then it is found anew.
_MOST_LEFT = 0.1
_FAR, _STUCK = 1.0, 30.0  # nats: at a greater expected gain the curvature of some of the rows may do
_MOST_THIN, _BLOCKS_LEFT = 8, 16  # one in so many blocks of rows then, and at least so many of them
_JITTER = (1e-10, 1e-7, 1e-5, 1e-3)  # of a curvature's diagonal
_ROUNDING = 1e-5  # of the loss: gains below are judged by the slope, which rounding leaves


@dataclass(frozen=True, eq=False)
class Objective:
    """Sum(mu - n log mu) + sum(penalty (w - center)^2) / 2 per unit; weights at an infinite penalty stay 0."""

    rows: Rows
    penalty: Float[np.ndarray, "units columns"]
    center: Float[np.ndarray, "units columns"]

    @property
    def used(self) -> Bool[np.ndarray, "units columns"]:
        """Which columns of each unit are in use."""
        used: np.ndarray = np.isfinite(self.penalty)
        return used

    @property
    def parts(self) -> Parts:
        """What any unit uses."""
        c, used = self.rows.columns, self.used
        return Parts(bool(used[:, c.n_alone : c.n_rows].any()), bool(used[:, c.n_rows :].any()))

    @property
    def ridge(self) -> Float[np.ndarray, "units columns"]:
        """The penalty, 0 where a column is left out."""
        ridge: np.ndarray = np.where(self.used, self.penalty, 0.0)
        return ridge

    def at(self, weights: np.ndarray, units: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
        """Loss (some,) and gradient (some, columns) of some units."""
        rows, ridge, away = self.rows, self.ridge[units], weights - self.center[units]
        expected = rows.expected(weights, units, self.parts, dtype)
        value = expected[:, 0] - (weights * rows.spikes[units]).sum(axis=1) + (ridge * away**2).sum(axis=1) / 2.0
        return value, np.where(self.used[units], expected - rows.spikes[units] + ridge * away, 0.0)


class KeptNewton:
    """Fits the units of ``rows`` to one penalty after another."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._curvature: dict[int, tuple[Parts, np.ndarray]] = {}
        self._factor: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._close: set[int] = set()
        self._thinned: set[int] = set()
        self._thin = max(1, min(_MOST_THIN, len(rows.blocks) // _BLOCKS_LEFT))
        n_pieces = len({block.bins.start for block in rows.blocks})
        while math.gcd(self._thin, n_pieces) > 1:  # each piece of a trial is to be among the blocks that are left
            self._thin -= 1

    def fit(
        self, objective: Objective, start: Float[np.ndarray, "units columns"], tolerance: float, *, exact: bool
    ) -> Float[np.ndarray, "units columns"]:
        """Weights at which a further step is expected to gain less than ``tolerance`` nats in every unit.

        ``exact``: the last steps, and the gradient that says so, are float64 throughout; otherwise products within
        a block of rows are float32. Raises ConvergenceError.
        Source: McCullagh & Nelder 1989, Generalized Linear Models, sect. 2.5, with step halving.
        """
        self._factor.clear()
        weights = np.where(objective.used, start, 0.0)
        enough = max(tolerance, _HANDED_ON) if exact else tolerance
        weights, gain = self._descend(objective, weights, enough, np.float32)
        if not exact and (gain < tolerance).all():
            return weights
        weights, gain = self._descend(objective, weights, tolerance, np.float64)
        if (gain < tolerance).all():
            return weights
        worst = int(gain.argmax())
        raise ConvergenceError(
            f"GLM: the fit of unit {worst} to {self.rows.spikes[worst, 0]:.0f} spikes still gains "
            f"{gain[worst]:.3g} nats after {_MAX_ITERATIONS} steps; raise the penalties"
        )

    def variances(self, objective: Objective, weights: np.ndarray, unit: int) -> Float[np.ndarray, " columns"]:
        """Diagonal of the inverse penalised curvature of a unit at its weights; 0 where columns are left out."""
        used, factor = self._factored(objective, weights, unit)
        inverse = dpotri(factor, lower=1)[0]
        out = np.zeros(weights.shape[1])
        out[used] = np.diag(inverse)
        return out

    def _descend(
        self, objective: Objective, start: np.ndarray, tolerance: float, dtype: type
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights, and what a further step is expected to gain (nats): below ``tolerance``, or steps ran out."""
        weights, everyone = start.copy(), np.arange(len(start))
        value, gradient = objective.at(weights, everyone, dtype)
        step, gain = self._steps(objective, weights, gradient, everyone)
        anew = self._close_but_rough(np.flatnonzero(gain / 2.0 < _FAR))
        step[anew], gain[anew] = self._steps(objective, weights, gradient, anew)
        scale, found_here = np.ones(len(start)), np.zeros(len(start), bool)
        for _ in range(_MAX_FLOAT32 if dtype is np.float32 else _MAX_ITERATIONS):
            active = np.flatnonzero(gain / 2.0 >= tolerance)
            if active.size == 0:
                break
            new_weights = weights[active] + scale[active, None] * step[active]
            new_value, new_gradient = objective.at(new_weights, active, dtype)
            slope = np.abs((new_gradient * step[active]).sum(axis=1))
            better = _better(value[active], new_value, scale[active], gain[active], slope)
            taken, refused = active[better], active[~better]
            weights[taken], value[taken], gradient[taken] = (
                new[better] for new in (new_weights, new_value, new_gradient)
            )
            before = gain[taken]
            step[taken], gain[taken] = self._steps(objective, weights, gradient, taken)
            slow = taken[(gain[taken] > _MOST_LEFT * before) & (gain[taken] / 2.0 >= tolerance)]
            # Rows that tell two columns apart may be few: then some of the rows lead nowhere.
            stuck = (gain[taken] > before / 3.0) & (gain[taken] / 2.0 < _STUCK)
            rough = self._close_but_rough(taken[stuck | (gain[taken] / 2.0 < _FAR)])
            scale[refused] /= 2.0
            # A step that was refused may have come of an old curvature: it is taken again with a new one.
            anew = np.unique(np.concatenate([slow, refused[~found_here[refused]], rough]))
            self._forget(anew)
            found_here[taken] = False
            found_here[anew], scale[anew], scale[taken] = True, 1.0, 1.0
            step[anew], gain[anew] = self._steps(objective, weights, gradient, anew)
        return weights, gain / 2.0

    def _steps(
        self, objective: Objective, weights: np.ndarray, gradient: np.ndarray, units: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Newton's step of each of ``units``, and twice what it is expected to gain."""
        steps = np.zeros((len(units), weights.shape[1]))
        for number, unit in enumerate(units.tolist()):
            used, factor = self._factored(objective, weights, unit)
            steps[number, used] = -cho_solve((factor, True), gradient[unit, used], check_finite=False)
        return steps, -(steps * gradient[units]).sum(axis=1)

    def _factored(self, objective: Objective, weights: np.ndarray, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """The columns in use, and the Cholesky factor of their curvature."""
        if unit not in self._factor:
            used = np.flatnonzero(objective.used[unit])
            hessian = self._found(objective, weights, unit)[np.ix_(used, used)]
            hessian[np.diag_indices_from(hessian)] += objective.ridge[unit, used]
            self._factor[unit] = used, _lower_factor(hessian)
        return self._factor[unit]

    def _found(self, objective: Objective, weights: np.ndarray, unit: int) -> np.ndarray:
        """The curvature of a unit's likelihood, kept where it has the columns that are asked for."""
        of_unit = Objective(self.rows, objective.penalty[[unit]], objective.center[[unit]]).parts
        has, curvature = self._curvature.get(unit, (None, None))
        covers = has and has.sources >= of_unit.sources and has.time_course >= of_unit.time_course
        if not covers or curvature is None:
            thin = 1 if unit in self._close else self._thin
            curvature = self.rows.curvature(weights[unit], unit, of_unit, thin=thin)
            self._curvature[unit] = of_unit, curvature
            self._thinned = self._thinned - {unit} if thin == 1 else self._thinned | {unit}
        return curvature

    def _forget(self, units: np.ndarray) -> None:
        """Find the curvature of ``units`` anew when it is needed."""
        for unit in units.tolist():
            self._factor.pop(unit, None)
            self._curvature.pop(unit, None)

    def _close_but_rough(self, close: np.ndarray) -> np.ndarray:
        """Those of the units that are ``close`` on the curvature of some of the rows; from now on it is of all."""
        self._close.update(close.tolist())
        rough = np.array([unit for unit in close.tolist() if unit in self._thinned], int)
        self._forget(rough)
        return rough


def _lower_factor(hessian: Float[np.ndarray, "used used"]) -> Float[np.ndarray, "used used"]:
    """Cholesky factor, with as little on the diagonal as it takes.

    A column that never varies leaves a zero there, and in the gradient. Sums of float32 products of columns that
    are nearly collinear may fall short of a curvature: a share of each column's own makes up for their rounding,
    far below any curvature that matters. Raises ConvergenceError where even a thousandth does not do.
    """
    diagonal = np.diag(hessian)
    for share in _JITTER:
        try:
            held_up = hessian + np.diag(np.where(diagonal > 0.0, share * diagonal, 1.0))
            factor: np.ndarray = cho_factor(held_up, lower=True, check_finite=False)[0]
        except np.linalg.LinAlgError:
            continue
        return factor
    raise ConvergenceError("GLM: columns of the regression are collinear; raise the penalties or drop covariates")


def _better(
    value: np.ndarray, new_value: np.ndarray, scale: np.ndarray, gain: np.ndarray, slope: np.ndarray
) -> np.ndarray:
    """Which steps lead down: by the loss, or by its slope at their ends where rounding hides the loss."""
    falls = new_value <= value - 1e-4 * scale * gain
    hidden = scale * gain < _ROUNDING * np.maximum(np.abs(value), 1.0)
    better: np.ndarray = falls | (hidden & (slope <= gain / 2.0))
    return better
