"""Spike history: strictly causal, the same whole as step by step, honest about what was not recorded."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.features.history import HistoryBasis, mean_count, observed_counts
from neurodecode.models.glm import SpikeHistoryGLM
from neurodecode.simulate import simulate

BASIS = HistoryBasis(2, (0.5, 0.9))


def test_a_single_spike_leaves_lags_and_traces_behind():
    counts = np.zeros((1, 6, 1), np.float32)
    counts[0, 1] = 1
    features = BASIS.transform(counts, np.array([0.2]))[0, :, 0]
    assert_allclose(features[:, 0], np.float32([np.log2(1.2), 0, 1, 0, 0, 0]))
    assert_allclose(features[:, 1], np.float32([np.log2(1.2), np.log2(1.2), 0, 1, 0, 0]))
    since, time = np.array([0, 0, 1, 0.5, 0.25, 0.125]), np.arange(6)
    # Before the first step stood the mean, 1 on the traces' scale; the spike is 5 times the mean.
    assert_allclose(features[:, 2], np.log1p(0.5**time + 0.5 * 5 * since), rtol=1e-5)
    since = np.array([0, 0, 1, 0.9, 0.81, 0.729])
    assert_allclose(features[:, 3], np.log1p(0.9**time + 0.1 * 5 * since), rtol=1e-5)


def test_the_present_and_the_future_do_not_enter():
    counts = np.random.default_rng(0).poisson(0.3, (3, 40, 2)).astype(np.float32)
    later = counts.copy()
    later[:, 20:] += 1
    before = np.array([0.3, 0.3])
    assert_array_equal(BASIS.transform(counts, before)[:, :21], BASIS.transform(later, before)[:, :21])


def test_step_by_step_equals_the_whole():
    counts = np.random.default_rng(1).poisson(0.3, (3, 200, 2)).astype(np.float32)
    before = np.array([0.2, 0.4])
    whole = BASIS.transform(counts, before)
    state = BASIS.state(3, before)
    for step in range(200):
        # The whole is filtered in float32, the steps in float64: 200 steps of rounding at 6e-8.
        assert_allclose(state.features, whole[:, step], atol=5e-6, rtol=0)
        state.push(counts[:, step].astype(float))


def test_a_steady_train_gives_its_mean_everywhere():
    features = BASIS.transform(np.full((1, 30, 1), 0.25, np.float32), np.array([0.25]))
    assert_allclose(features[..., :2], np.log2(1.25), rtol=1e-6)
    assert_allclose(features[..., 2:], np.log(2.0), rtol=1e-6)


def test_silent_units_stay_finite():
    features = BASIS.transform(np.zeros((1, 30, 1), np.float32), np.zeros(1))
    assert np.isfinite(features).all()


def test_time_constants_are_log_spaced_from_two_bins():
    basis = HistoryBasis.log_spaced(0.001, n_lags=1, longest_s=0.016, ratio=2.0)
    assert_allclose(-0.001 / np.log(basis.decays), [0.002, 0.004, 0.008, 0.016])
    assert basis.n_features == 5


def test_unobserved_bins_hold_the_mean_not_silence():
    mask = np.ones((2, 4, 1), bool)
    mask[0, 1] = False
    counts = np.array([1, 5, 0, 1, 0, 1, 0, 0]).reshape(2, 4, 1)
    trials = Trials.from_counts(counts, 0.01, mask=mask)
    mean = mean_count(trials)
    assert_allclose(mean, (3 + 0.5) / 7)
    assert_allclose(observed_counts(trials, mean)[0, :, 0], [1, 0.5, 0, 1])


def test_a_self_exciting_glm_does_not_run_away_when_it_samples():
    """On this bursting population exponentials of linear traces sampled 2.6 to 4.1 times the real spikes."""
    simulated = simulate("bursting", n_trials=60, rng=np.random.default_rng(3))
    lead = simulated.counts.shape[1] - simulated.samples.shape[1]
    trials = Trials.from_counts(simulated.counts[..., :3], simulated.bin_size_s, lead=lead)
    rng = np.random.default_rng(0)
    model = SpikeHistoryGLM(coupling="own", history_penalties=(1.0,), time_course="none")
    fitted = model.fit(trials.select(np.arange(48)), trials.select(np.arange(48, 60)), rng)
    drawn = fitted.sample(trials, rng).window_counts.sum() / trials.window_counts.sum()
    assert 0.7 < drawn < 1.4
