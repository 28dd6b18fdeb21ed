"""The population's gain as networks see it."""

import numpy as np
from numpy.testing import assert_allclose

from neurodecode.models._population_gain import FASTEST_S, PRIOR_SPIKES, PopulationGain, PopulationGainState

BIN_S = 0.01


def test_time_constants_end_where_single_spikes_begin():
    gain = PopulationGain.up_to(0.5, BIN_S)
    constants = -BIN_S / np.log(gain.decays)
    assert_allclose(np.sort(constants), [0.0625, 0.125, 0.25, 0.5])
    assert PopulationGain.up_to(0.9 * FASTEST_S, BIN_S).decays == ()


def test_gain_is_the_posterior_mean_of_what_the_past_told():
    rng = np.random.default_rng(0)
    seen, due = rng.poisson(0.5, (3, 40)).astype(float), rng.gamma(2.0, 0.2, (3, 40))
    gain = PopulationGain((0.8, 0.95))
    found = gain.transform(seen, due)
    for k, decay in enumerate(gain.decays):
        for step in (0, 1, 17, 39):
            weights = decay ** np.arange(step)[::-1]  # the bin before counts whole
            n, m = seen[:, :step] @ weights, due[:, :step] @ weights
            assert_allclose(
                found[:, step, k], np.log((PRIOR_SPIKES + n) / (PRIOR_SPIKES + m)), rtol=1e-5, atol=1e-6
            )


def test_step_by_step_is_the_whole_also_for_rows_that_fork():
    rng = np.random.default_rng(1)
    seen, due = rng.poisson(0.5, (2, 30)).astype(float), rng.gamma(2.0, 0.2, (2, 30))
    gain = PopulationGain((0.8, 0.95))
    whole, state, rows = gain.transform(seen, due), PopulationGainState(gain, due), np.arange(2)
    for step in range(30):
        if step == 12:
            state = state.repeated(3)
            rows = np.repeat(rows, 3)
        assert_allclose(state.features, whole[rows, step], rtol=1e-5, atol=1e-6)
        state.push(step, seen[rows, step], rows)
