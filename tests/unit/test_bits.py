"""Bits per spike and explained deviance, reckoned by hand."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics.bits import (
    bits_per_spike,
    constant_log_likelihood,
    poisson_d2,
    saturated_log_likelihood,
    scored_null_hz,
    training_null_hz,
    with_pooled,
)

COUNTS = np.array([[[1, 0], [0, 0], [2, 0], [0, 0]]], np.uint8)  # 1 trial, 4 bins, 2 units; the second silent
MASK = np.array([[[True], [True], [True], [False]]])
BIN_S = 0.5


def test_nulls_are_over_observed_time():
    assert_allclose(training_null_hz(COUNTS, MASK, BIN_S), [3.5 / 1.5, 0.5 / 1.5])
    assert_allclose(scored_null_hz(COUNTS, MASK, BIN_S), [2.0, 0.0])


def test_null_of_a_unit_that_was_never_observed_is_zero():
    assert_array_equal(scored_null_hz(COUNTS, np.zeros_like(MASK), BIN_S), [0.0, 0.0])


def test_bits_per_spike_by_hand():
    rate_hz = np.array([[[2.0, 1.0], [1.0, 1.0], [4.0, 1.0], [9.0, 9.0]]])
    fitted = trial_log_likelihood(COUNTS, rate_hz, BIN_S, MASK).sum(axis=0)
    null = constant_log_likelihood(COUNTS, np.array([[2.0, 0.0]]), BIN_S, MASK).sum(axis=0)
    # mu = 1, 0.5, 2 against 1, 1, 1: the factorials cancel; 2 ln 2 - (3.5 - 3).
    gain = 2 * np.log(2.0) - 0.5
    assert_allclose(fitted[0] - null[0], gain)
    found = bits_per_spike(with_pooled(fitted), with_pooled(null), with_pooled(np.array([3.0, 0.0])))
    assert_allclose(found[0], gain / 3 / np.log(2.0))
    assert np.isnan(found[1]), "a unit without spikes has no bits per spike"
    # Pooled: the silent unit brings its log-likelihood, -1.5 expected spikes that did not come, but no spike.
    assert_allclose(found[2], (gain - 1.5) / 3 / np.log(2.0))


def test_a_spike_that_the_model_excludes_costs_everything():
    fitted = trial_log_likelihood(COUNTS, np.zeros(COUNTS.shape), BIN_S, MASK).sum(axis=0)
    assert fitted[0] == -np.inf
    assert bits_per_spike(fitted, np.zeros(2), np.array([3.0, 0.0]))[0] == -np.inf


def test_saturated_is_the_likelihood_of_each_bins_own_count():
    # ln(e^-1) + 0 + ln(4 e^-2 / 2); a bin without a spike expects none and is certain.
    assert_allclose(saturated_log_likelihood(COUNTS, MASK), [[-1.0 + np.log(2.0) - 2.0, 0.0]])


def test_d2_is_one_at_the_counts_and_zero_at_the_null():
    n_spikes, saturated = np.array([3.0]), np.array([-2.3])
    null = np.array([-5.0])
    assert_allclose(poisson_d2(saturated, null, saturated, n_spikes), [1.0])
    assert_allclose(poisson_d2(null, null, saturated, n_spikes), [0.0])
    assert_allclose(poisson_d2(null - 2.7, null, saturated, n_spikes), [-1.0])
    assert np.isnan(poisson_d2(null, null, saturated, np.array([0.0]))[0])
