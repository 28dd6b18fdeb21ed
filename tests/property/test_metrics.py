"""What must hold of every metric whatever the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics import generative
from neurodecode.metrics.bits import bits_per_spike, saturated_log_likelihood, training_null_hz
from neurodecode.metrics.reliability import noise_ceiling
from neurodecode.metrics.rescaling import rescale

BIN_S = 0.001
RATE_HZ = np.full((6, 80, 2), 60.0)
CONDITION = np.arange(6) % 2

ON_TRAINS = {
    "trial_log_likelihood": lambda n, m: trial_log_likelihood(n, RATE_HZ, BIN_S, m),
    "saturated_log_likelihood": saturated_log_likelihood,
    "training_null_hz": lambda n, m: training_null_hz(n, m, BIN_S),
    "rescale": lambda n, m: rescale(n, RATE_HZ, BIN_S, m, np.random.default_rng(0)).statistic,
    "interval_counts": generative.interval_counts,
    "isi_histogram": lambda n, m: generative.isi_histogram(n, m, BIN_S).n_intervals,
    "isi_violations": lambda n, m: generative.isi_violations(n, m, BIN_S).share,
    "hazard": lambda n, m: generative.hazard(n, m, BIN_S, RATE_HZ).ratio,
    "adaptation": lambda n, m: generative.adaptation(n, m, BIN_S, RATE_HZ, window_s=0.02).ratio,
    "fano": lambda n, m: generative.fano(n, m, BIN_S, condition=CONDITION).fano,
    "autocorrelation": lambda n, m: generative.autocorrelation(n, m, BIN_S, max_s=0.02).rate_hz,
    "noise_correlation": lambda n, m: generative.noise_correlation(n, m, BIN_S, condition=CONDITION).correlation,
    "noise_ceiling": lambda n, m: noise_ceiling(n, m, BIN_S, np.random.default_rng(0), condition=CONDITION),
}


@pytest.mark.parametrize("name", ON_TRAINS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), per_unit=st.booleans())
def test_what_stands_in_unobserved_bins_changes_no_number(name, seed, per_unit):
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 80, 2 if per_unit else 1)) < 0.9
    counts = (rng.random((6, 80, 2)) < 0.1).astype(np.uint8)
    other = np.where(mask, counts, rng.integers(0, 200, counts.shape)).astype(np.uint8)
    kept = counts.copy()
    assert_array_equal(ON_TRAINS[name](counts, mask), ON_TRAINS[name](other, mask))
    assert_array_equal(counts, kept, err_msg="an argument was written into")


@pytest.mark.parametrize("name", ON_TRAINS)
def test_one_mask_for_all_units_is_the_same_mask_for_each(name):
    rng = np.random.default_rng(1)
    mask = rng.random((6, 80, 1)) < 0.9
    counts = (rng.random((6, 80, 2)) < 0.1).astype(np.uint8)
    each = np.repeat(mask, 2, axis=2)
    assert_allclose(ON_TRAINS[name](counts, mask), ON_TRAINS[name](counts, each), rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), noise=st.floats(0.2, 1.0))
def test_the_truth_beats_its_perturbations(seed, noise):
    """By more than chance: each log-likelihood ratio is about noise^2 / 2 per expected spike above 0."""
    rng = np.random.default_rng(seed)
    truth = 0.3 * np.exp(0.5 * np.sin(np.arange(400) / 11.0))[None, :, None] * np.ones((40, 1, 1))
    counts = rng.poisson(truth).astype(np.uint8)
    wrong = truth * np.exp(rng.normal(0, noise, truth.shape))
    mask = np.ones((40, 400, 1), bool)
    fitted, other = (trial_log_likelihood(counts, mu, 1.0, mask).sum(axis=0) for mu in (truth, wrong))
    assert bits_per_spike(fitted, other, counts.sum(axis=(0, 1), dtype=np.int64))[0] > 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_nothing_beats_the_saturated_model(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.7, (5, 30, 2)).astype(np.uint8)
    mask = rng.random((5, 30, 1)) < 0.8
    rate = rng.gamma(1.0, 1.0, counts.shape)
    assert (saturated_log_likelihood(counts, mask) >= trial_log_likelihood(counts, rate, 1.0, mask) - 1e-9).all()
