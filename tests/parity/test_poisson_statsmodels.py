"""Penalised splines with hardly any penalty are statsmodels' Poisson regression on a B-spline basis of patsy's."""

import numpy as np
import patsy
import statsmodels.api as sm
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.models.poisson import InhomogeneousPoisson

BIN_SIZE_S = 0.005


def test_time_course_matches_where_the_penalty_vanishes():
    rng = np.random.default_rng(0)
    time = (np.arange(60) + 0.5) / 60
    rate_hz = 40 + 30 * np.sin(7 * time)
    counts = rng.poisson(rate_hz * BIN_SIZE_S, (500, 60))
    mask = rng.random((500, 60, 1)) < 0.8
    trials = Trials.from_counts(counts[..., None], BIN_SIZE_S, mask=mask)
    model = InhomogeneousPoisson(n_splines=7, penalties=(1e-7,))
    fitted = model.fit(trials.select(np.arange(400)), trials.select(np.arange(400, 500)), rng)

    basis = patsy.dmatrix(
        "bs(t, knots=(0.25, 0.5, 0.75), degree=3, include_intercept=True, lower_bound=0, upper_bound=1) - 1",
        {"t": time},
    )
    seen = mask[..., 0]
    design = np.broadcast_to(np.asarray(basis), (500, 60, 7))[seen]
    exposure = np.full(len(design), BIN_SIZE_S)
    reference = sm.GLM(counts[seen], design, family=sm.families.Poisson(), exposure=exposure).fit(tol=1e-12)
    # Half a spike is added to 4,900, on purpose: a ten-thousandth of the rate, more where it is low.
    assert_allclose(fitted.intensity(trials)[0, :, 0], np.exp(np.asarray(basis) @ reference.params), rtol=1e-3)
