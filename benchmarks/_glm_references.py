"""One unit's penalised Poisson regression by nemos and by statsmodels, stopped where a loss is reached."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_STEPS = 2000


@dataclass(frozen=True, eq=False)
class Regression:
    """Columns (rows, columns) without the bias, counts (rows,), one ridge on all columns, all float64.

    ``enough``: the sum(mu - n log mu) + ridge |w|^2 / 2 at which a fit may stop.
    """

    columns: np.ndarray
    counts: np.ndarray
    ridge: float
    enough: float

    def loss(self, bias: float, weights: np.ndarray) -> float:
        """Nats, the penalty included."""
        log_mean = bias + self.columns @ weights
        return float(np.exp(log_mean).sum() - self.counts @ log_mean + self.ridge * weights @ weights / 2)

    @property
    def start(self) -> tuple[np.ndarray, float]:
        """Weights of 0, and the log of the mean count."""
        return np.zeros(self.columns.shape[1]), float(np.log(self.counts.mean()))


@dataclass(frozen=True, eq=False)
class Reference:
    """Another package's fit: ``run`` is what is timed, and gives the loss that it reached; ``steps`` it takes."""

    run: Callable[[], object]
    reached: float
    steps: int


def nemos_fits(regressions: Sequence[Regression]) -> list[Reference]:
    """nemos' L-BFGS in float64 for regressions of one size: compiled once, data on its side.

    Each takes the fewest steps that reach ``enough``. These are counted first; then all of a fit's steps run in
    one compiled loop, with nothing to check.
    """
    import equinox
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    update, run = _compiled(regressions[0])
    references = []
    for regression in regressions:
        data = jnp.asarray(regression.columns), jnp.asarray(regression.counts)
        start = _nemos_start(regression, *data)
        (params, state), steps = run(start, *data, 0), 0
        while (reached := _loss(regression, params)) > regression.enough and steps < MOST_STEPS:
            (params, state), steps = update(params, state, *data), steps + 1
        timed = equinox.Partial(run, start, *data, steps)
        references.append(Reference(lambda timed=timed: jax.block_until_ready(timed()[0]), reached, steps))
    return references


def _compiled(regression: Regression) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """One step of nemos' solver, and so many steps from its start: (parameters, state)."""
    import equinox
    import jax
    import nemos

    model = nemos.glm.GLM(
        regularizer="Ridge",
        regularizer_strength=regression.ridge / len(regression.counts),  # its log-likelihood is a mean over rows
        solver_name="LBFGS",
    )
    weights, bias = regression.start
    model.initialize_solver_and_state(regression.columns, regression.counts, (weights, np.array([bias])))
    solver = model.solver

    @equinox.filter_jit
    def update(params: Any, state: Any, columns: Any, counts: Any) -> Any:
        return solver.update(params, state, columns, counts)[:2]

    @equinox.filter_jit
    def run(params: Any, columns: Any, counts: Any, steps: Any) -> Any:
        start = (params, solver.init_state(params, columns, counts))
        moving, still = equinox.partition(start, equinox.is_array)

        def step(_: Any, moving: Any) -> Any:
            now = solver.update(*equinox.combine(moving, still), columns, counts)[:2]
            return equinox.filter(now, equinox.is_array)

        return equinox.combine(jax.lax.fori_loop(0, steps, step, moving), still)

    return update, lambda params, columns, counts, steps: run(params, columns, counts, jax.numpy.asarray(steps))


def _nemos_start(regression: Regression, columns: Any, counts: Any) -> Any:
    from nemos.glm.params import GLMParams

    weights, bias = regression.start
    return GLMParams(columns[0] * 0 + weights, counts[:1] * 0 + bias)


def _loss(regression: Regression, params: Any) -> float:
    return regression.loss(float(params.intercept[0]), np.asarray(params.coef))


def statsmodels_fits(regressions: Sequence[Regression]) -> list[Reference]:
    """statsmodels' ridge by BFGS from the same starts, as it stops of itself."""
    return [_statsmodels_fit(regression) for regression in regressions]


def _statsmodels_fit(regression: Regression) -> Reference:
    import statsmodels.api as sm

    weights, bias = regression.start
    columns = sm.add_constant(regression.columns)
    alpha = np.r_[0.0, np.full(weights.size, regression.ridge)] / len(regression.counts)
    model = sm.GLM(regression.counts, columns, family=sm.families.Poisson())

    def run() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may stop short of its tolerance, and its loss is told
            start = np.r_[bias, weights]
            return np.asarray(model.fit_regularized(alpha=alpha, L1_wt=0.0, start_params=start).params)

    found = run()
    return Reference(run, regression.loss(float(found[0]), found[1:]), 0)
