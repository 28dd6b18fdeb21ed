"""The GLM of coupled units against nemos: same columns, same ridge, bias unpenalised, float64.

nemos sees a unit's columns written out; ours are fitted side by side with those of the other unit.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.testing import assert_allclose

nemos = pytest.importorskip("nemos", reason="nemos is not installed; `make setup` brings it")
RIDGE = 20.0
DRIVEN = 1  # the unit that the other one drives; to compile the fit of one costs seconds


@pytest.fixture
def double_precision() -> Iterator[None]:
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.usefixtures("double_precision")
def test_the_optimum_is_that_of_nemos(coupled):
    ours = coupled.optimum(RIDGE)[DRIVEN]
    columns, counts = coupled.columns[DRIVEN], coupled.counts[DRIVEN]
    model = nemos.glm.GLM(
        regularizer="Ridge",
        regularizer_strength=RIDGE / len(counts),  # its log-likelihood is a mean over rows
        solver_name="LBFGS",
        solver_kwargs={"tol": 1e-12, "maxiter": 2000},
    ).fit(columns, counts)
    theirs = np.concatenate([model.intercept_, model.coef_])
    assert theirs.dtype == np.float64
    # Our columns are kept in float32, theirs in float64: 1e-6 of a weight. Ours stop below 1e-10 nats.
    assert_allclose(ours, theirs, atol=1e-5, rtol=0)
    assert coupled.log_likelihood(DRIVEN, ours) == pytest.approx(coupled.log_likelihood(DRIVEN, theirs), abs=1e-4)
