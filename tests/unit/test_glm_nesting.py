"""What the GLM may be reduced to: without history, of single bins alone, on an aggregate scaled by a slow gain."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models import build_model, load_fitted
from neurodecode.models.glm import SpikeHistoryGLM, bins_within
from neurodecode.models.psth_gain import GainPSTH

BIN = 0.005
FEW = {"history_penalties": (1.0, 100.0), "coupling_penalties": (100.0,)}


def drifting(n_trials: int = 60, seed: int = 0) -> Trials:
    """Poisson spikes of two units, 40 + 100 steps of 5 ms, each trial and unit with a gain of its own."""
    rng = np.random.default_rng(seed)
    gain = rng.gamma(4.0, 0.25, (n_trials, 1, 2))
    rate_hz = 25 + 10 * np.sin(np.arange(140) / 15.0)
    return Trials.from_counts(rng.poisson(BIN * rate_hz[:, None] * gain), BIN, lead=40)


@pytest.fixture(scope="module")
def parts():
    trials = drifting()
    return trials.select(np.arange(48)), trials.select(np.arange(48, 60))


def fit(parts, **options):
    return build_model("glm", coupling="own", **FEW, **options).fit(*parts, np.random.default_rng(0))


def test_without_history_the_slow_gain_alone_moves_the_rate(parts):
    fitted = fit(parts, n_lags=0, longest_s=0.0, slow_gain=True)
    assert fitted.design.own.n_features == 0
    gain = GainPSTH().fit(*parts, np.random.default_rng(0))
    test = drifting(40, seed=1)
    assert np.isfinite(gain.prior_spikes).all()
    # The same gain on nearly the same aggregate: what the GLM adds is a bias and, at most, a smooth time-course.
    assert_allclose(np.log(fitted.intensity(test) / gain.intensity(test)), 0.0, atol=0.25)
    assert (fitted.log_likelihood(test) > fit(parts, n_lags=0, longest_s=0.0).log_likelihood(test) + 10).all()


def test_a_slow_gain_leaves_less_for_slow_history(parts):
    """Drift is no history: where the gain enters first, traces of the own past have nothing left to say."""
    test = drifting(80, seed=2)

    def gained_by_traces(**options):
        with_traces = fit(parts, n_lags=1, longest_s=0.3, **options).log_likelihood(test)
        return (with_traces - fit(parts, n_lags=1, longest_s=0.0, **options).log_likelihood(test)).sum()

    plain, after_gain = gained_by_traces(), gained_by_traces(slow_gain=True)
    assert plain > 40
    assert after_gain < 0.25 * plain


def test_the_gain_of_a_training_trial_leaves_that_trial_out(parts):
    train, _ = parts
    fitted = SpikeHistoryGLM(coupling="own", slow_gain=True, **FEW).fit_training(*parts)
    gain = fitted.design.gain
    whole, left_out = gain.log_gain(train, leave_out=False), gain.log_gain(train, leave_out=True)
    trial = int(train.counts.sum(axis=(1, 2)).argmax())
    with_itself, without = whole[trial, -1], left_out[trial, -1]
    assert (without > with_itself).all(), "the others expect fewer spikes of the busiest trial than all together"


def test_sampling_draws_from_the_intensity_that_its_own_spikes_give(parts):
    """Bin by bin, the sampler's expected counts are those of ``intensity`` on what it drew."""
    from neurodecode.models.glm import GLMStepper

    fitted = fit(parts, n_lags=2, longest_s=0.3, slow_gain=True)
    test = drifting(5, seed=3)
    stepper = GLMStepper(fitted, test)
    expected = []
    for step in range(test.n_steps):
        expected.append(stepper.expected(step))
        stepper.observe(step, test.counts[:, step].astype(float))
    found = np.stack(expected[test.lead :], axis=1) / BIN
    assert_allclose(found, fitted.intensity(test), rtol=1e-5)  # features of whole trials are float32


def test_it_is_saved_and_loaded_with_its_gain(parts, tmp_path):
    fitted = fit(parts, n_lags=2, longest_s=0.1, slow_gain=True)
    fitted.save(tmp_path / "glm")
    again = load_fitted(tmp_path / "glm", f"{tmp_path / 'glm'}.json")[0]
    assert_array_equal(again.intensity(drifting(5)), fitted.intensity(drifting(5)))


def test_single_bins_cover_a_time(parts):
    fitted = fit(parts, lags_s=0.01, longest_s=0.0)
    assert (fitted.design.own.n_lags, fitted.design.own.decays) == (2, ())


@pytest.mark.parametrize(
    ("duration_s", "bin_size_s", "n_bins"), [(0.01, 0.001, 10), (0.01, 0.004, 3), (0.01, 0.02, 1), (0.3, 0.1, 3)]
)
def test_bins_within(duration_s, bin_size_s, n_bins):
    assert bins_within(duration_s, bin_size_s) == n_bins


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_lags": -1}, "n_lags must not be negative, got -1"),
        ({"lags_s": 0.0}, "lags_s must be a positive, finite time, got 0.0"),
        ({"longest_s": -0.1}, "longest_s must be 0 or a finite time, got -0.1"),
        ({"longest_s": 0.0, "coupling": "units"}, "longest_s 0 leaves none"),
    ],
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        build_model("glm", **options)


def test_a_network_needs_traces():
    with pytest.raises(ConfigError, match="lstm: longest_s must be positive, got 0"):
        build_model("lstm", longest_s=0.0)
