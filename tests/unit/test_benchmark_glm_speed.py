"""What the benchmark gives to other packages is the regression that it gives to ours."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.glm_speed import Problem, simulated


@pytest.fixture(scope="module", params=[False, True], ids=["history", "with splines of time"])
def problem(request):
    return Problem.of(simulated(8, 3), 10.0, time_course=request.param)


def test_our_optimum_is_stationary_in_what_is_written_out(problem):
    fitted = problem.fit()
    for unit, weights in enumerate(fitted):
        columns, counts = problem.written_out(unit)
        used = weights[1:][np.isfinite(problem.penalty[unit, 1:])]
        mean = np.exp(weights[0] + columns @ used)
        # A gain below 1e-7 nats at curvatures up to the 200 spikes: |gradient| < sqrt(2e-7 * 200) = 0.006.
        assert abs((mean - counts).sum()) < 0.01
        assert_allclose(columns.T @ (mean - counts) + problem.ridge * used, 0.0, atol=0.01)


def test_a_reference_may_stop_a_millionth_above_our_loss(problem):
    fitted = problem.fit()
    regression = problem.regression(1, fitted[1], 1e-6)
    used = fitted[1, 1:][np.isfinite(problem.penalty[1, 1:])]
    reached = regression.loss(fitted[1, 0], used)
    assert regression.enough == pytest.approx(reached, rel=2e-6)
    assert regression.enough > reached
    assert regression.loss(fitted[1, 0] + 0.1, used) > regression.enough


def test_histories_are_standardised(problem):
    columns, _ = problem.written_out(0)
    history = columns[:, : problem.rows.columns.n_alone - 1]
    assert_allclose(history.mean(axis=0), 0.0, atol=1e-4)
    assert_allclose(history[:, 1:].std(axis=0), 1.0, atol=1e-3)  # the first is the aggregate
