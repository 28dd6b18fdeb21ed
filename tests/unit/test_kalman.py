"""The Kalman filter against conditioning the joint Gaussian of everything, and the model that is fitted."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.decoders._kalman_filter import LinearGaussian, filtered
from neurodecode.decoders._kalman_fit import states
from neurodecode.decoders.kalman import KalmanDecoder
from neurodecode.errors import ConfigError, DataError

N_BINS = 9


@pytest.fixture
def system() -> LinearGaussian:
    """Two states, of which the second is the first one's change (so that the drift is singular), and 4 units."""
    rng = np.random.default_rng(2)
    root = rng.normal(size=(4, 4))
    return LinearGaussian(
        transition=np.array([[1.0, 0.8], [-0.1, 0.7]]),
        drift=np.array([[0.2, 0.2], [0.2, 0.2]]),
        first=np.array([[1.5, 0.3], [0.3, 0.6]]),
        observation=rng.normal(size=(4, 2)),
        noise=root @ root.T + 0.5 * np.eye(4),
    )


def conditioned(system: LinearGaussian, counts: np.ndarray, seen: np.ndarray, lag: int) -> np.ndarray:
    """E[s(t) | counts of bins <= t] with counts of bin t made by s(t + lag), from the joint covariance of all."""
    n = N_BINS + lag
    covariance = np.zeros((n, n, 2, 2))
    own = system.first
    for i in range(n):
        covariance[i, i] = own
        later = own
        for j in range(i + 1, n):
            later = system.transition @ later
            covariance[j, i], covariance[i, j] = later, later.T
        own = system.transition @ own @ system.transition.T + system.drift
    found = []
    for t in range(N_BINS):
        of_counts = [(b, u) for b in range(t + 1) for u in range(4) if seen[b, u]]
        if not of_counts:
            found.append(np.zeros(2))
            continue
        h = system.observation
        between = np.array(
            [
                [h[u] @ covariance[b + lag, c + lag] @ h[v] + (b == c) * system.noise[u, v] for c, v in of_counts]
                for b, u in of_counts
            ]
        )
        across = np.array([covariance[t, b + lag] @ h[u] for b, u in of_counts]).T
        found.append(across @ np.linalg.solve(between, np.array([counts[b, u] for b, u in of_counts])))
    return np.array(found)


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_the_filter_is_direct_conditioning(system, lag):
    rng = np.random.default_rng(3)
    counts = rng.normal(size=(2, N_BINS, 4))
    seen = np.ones((2, N_BINS, 4), bool)
    seen[0, 3:5] = seen[0, 7, 1] = seen[1, 0] = False
    means = filtered(system.with_past(lag), np.where(seen, counts, 0.0), seen)
    for trial in range(2):
        expected = conditioned(system, counts[trial], seen[trial], lag)
        assert_allclose(means[trial, :, -2:], expected, atol=1e-10)


def test_a_settled_gain_changes_nothing(system):
    """Where the covariance has settled, only means are computed; a hole unsettles it."""
    rng = np.random.default_rng(4)
    counts = rng.normal(size=(1, 300, 4))
    mask = np.ones((1, 300, 1), bool)
    mask[0, 200:205] = False
    counts[~mask[..., 0]] = 0.0
    long = filtered(system, counts, mask)
    each = np.repeat(mask, 4, axis=2)
    each[0, 5, 2] = False  # another trial, of other bins, so that trials no longer share a covariance
    pair = filtered(system, np.concatenate([counts, counts * each]), np.concatenate([mask.repeat(4, 2), each]))
    assert_allclose(pair[0], long[0], atol=1e-10)
    assert_allclose(pair[1, 60:], long[0, 60:], atol=1e-6)
    assert not np.allclose(pair[1, 5:8], long[0, 5:8], atol=1e-6)


def test_derivatives_are_backward_differences():
    values = np.array([[[0.0], [1.0], [3.0], [np.nan], [2.0], [2.0]]])
    expected = [[0, 1, 3, np.nan, 2, 2], [np.nan, 1, 2, np.nan, np.nan, 0], [np.nan, np.nan, 1, *[np.nan] * 3]]
    assert_allclose(states(values, 2)[0].T, expected)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Counts (3000 bins, 8 units) that lead an autoregressive signal of two dims by 2 bins."""
    rng = np.random.default_rng(5)
    signal = np.zeros((3000, 2))
    for t in range(1, 3000):
        signal[t] = 0.95 * signal[t - 1] + rng.normal(0, 0.3, 2)
    tuning = rng.normal(size=(2, 8))
    ahead = np.roll(signal, -2, axis=0)
    return rng.poisson(np.exp(1.2 + 0.25 * ahead @ tuning)), 3.0 * signal + [10.0, -4.0]


def test_what_was_drawn_is_recovered(drawn):
    counts, signal = drawn
    fitted = KalmanDecoder(derivatives=(0,), square_root=False).fit(counts, signal)
    assert fitted.choice_["lag"] == 2
    assert fitted.choice_["noise_scale"] == 1.0, "what was drawn is independent over time"
    assert_allclose(np.linalg.eigvals(fitted.system.transition), 0.95, atol=0.02)
    assert_allclose(fitted.mean_counts_, counts.mean(axis=0))
    assert fitted.score(counts, signal) > 0.8


def test_it_beats_the_same_without_dynamics_and_knows_the_lag(drawn):
    counts, signal = drawn
    fitted = KalmanDecoder(square_root=False).fit(counts[:2500], signal[:2500])
    at_once = KalmanDecoder(lags=(0,), square_root=False).fit(counts[:2500], signal[:2500])
    linear = np.linalg.lstsq(np.column_stack([counts[:2500], np.ones(2500)]), signal[:2500], rcond=None)[0]
    instant = np.column_stack([counts[2500:], np.ones(500)]) @ linear
    errors = [
        np.square(decoded - signal[2500:]).mean()
        for decoded in (fitted.predict(counts)[2500:], at_once.predict(counts)[2500:], instant)
    ]
    assert errors[0] < 0.93 * errors[1]
    assert errors[1] < 0.7 * errors[2]


def test_streamed_is_batch_also_through_holes(drawn):
    counts, signal = drawn
    fitted = KalmanDecoder(lags=(1,), derivatives=(1,), noise_scales=(3.0,)).fit(counts[:600], signal[:600])
    mask = np.ones((1, 200, 8), bool)
    mask[0, 50:60] = mask[0, 80, 3] = mask[0, 0] = False
    decoded = fitted.predict(Trials.from_counts(counts[None, :200], 0.05, lead=20, mask=mask))[0]
    told = np.where(mask[0], counts[:200], np.nan)
    stream = fitted.stream()
    streamed = np.array([stream.step(one) for one in told])
    assert decoded.shape == (180, 2)
    assert_allclose(streamed[20:], decoded, atol=1e-9)


def test_a_unit_that_is_silent_or_half_observed_does_no_harm(drawn):
    counts, signal = drawn
    silent = np.column_stack([counts, np.zeros(3000, int)])
    mask = np.ones((1, 3000, 9), bool)
    mask[0, :1500, 0] = False
    trials = Trials.from_counts(silent[None], 0.05, mask=mask, covariates={"hand": signal[None]})
    fitted = KalmanDecoder(derivatives=(0,), lags=(2,), square_root=False).fit(trials, "hand")
    plain = KalmanDecoder(derivatives=(0,), lags=(2,), square_root=False).fit(counts, signal)
    without = KalmanDecoder(derivatives=(0,), lags=(2,), square_root=False).fit(counts[:, 1:], signal)
    assert without.score(counts[:, 1:], signal) < fitted.score(trials, "hand") < plain.score(counts, signal)
    assert_allclose(fitted.system.observation[0], plain.system.observation[0], rtol=0.25)
    assert_allclose(fitted.system.observation[8], 0.0)


def test_a_unit_that_was_silent_in_training_may_fire(drawn):
    """Also where its mean over the fitted bins is a little beside its counts, as it is at the ends of trials."""
    counts, signal = drawn
    late = np.zeros(3000, int)
    late[[1, 2500]] = 1
    fitted = KalmanDecoder(lags=(1, 2)).fit(np.column_stack([counts, late])[:2000], signal[:2000])
    without = KalmanDecoder(lags=(1, 2)).fit(counts[:2000], signal[:2000])
    decoded = fitted.predict(np.column_stack([counts, late]))[2495:2520]
    assert_allclose(decoded, without.predict(counts)[2495:2520], atol=0.5 * signal.std())


@pytest.mark.parametrize(
    "bad",
    [{"derivatives": (-1,)}, {"lags": (0.5,)}, {"shrinkages": (1.5,)}, {"noise_scales": (0.0,)}, {"lags": ()}],
)
def test_hyper_parameters_that_cannot_work_are_refused(drawn, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        KalmanDecoder(**bad).fit(*drawn)


def test_a_signal_without_neighbouring_bins_has_no_dynamics(drawn):
    counts, signal = drawn
    sparse = np.where((np.arange(3000) % 2 == 0)[:, None], signal, np.nan)
    with pytest.raises(DataError, match="neighbouring"):
        KalmanDecoder().fit(counts, sparse)
