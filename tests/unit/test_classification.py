"""Scores of decoded classes: accuracy, log loss, confusion, what chance would give."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights
from neurodecode.metrics.classification import (
    accuracy,
    class_prior,
    confusion_matrix,
    correct,
    log_loss,
    permutation_null,
    prior_entropy,
    trial_log_loss,
)


@pytest.fixture
def forecast() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of 3 classes for 90 trials that tell something, and the classes."""
    rng = np.random.default_rng(1)
    y = rng.integers(3, size=90)
    return rng.dirichlet(np.ones(3), 90) * 0.7 + 0.3 * np.eye(3)[y], y


def test_by_hand():
    p, y = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]), np.array([0, 0, 2])
    assert_array_equal(correct(p, y), [True, False, True])
    assert_allclose(accuracy(p, y), 2 / 3)
    assert_allclose(trial_log_loss(p, y), -np.log([0.5, 0.1, 0.6]))
    assert_array_equal(confusion_matrix(p, y), [[1, 1, 0], [0, 0, 0], [0, 0, 1]])


def test_as_scikit_learn_counts(forecast):
    from sklearn import metrics

    p, y = forecast
    assert_allclose(accuracy(p, y), metrics.accuracy_score(y, p.argmax(1)))
    assert_allclose(log_loss(p, y), metrics.log_loss(y, p))
    assert_array_equal(confusion_matrix(p, y), metrics.confusion_matrix(y, p.argmax(1)))


def test_as_a_trial_unfolds(forecast):
    p, y = forecast
    flat = np.full_like(p, 1 / 3)
    unfolding = np.stack([flat, (p + flat) / 2, p], axis=1)
    assert accuracy(unfolding, y).shape == log_loss(unfolding, y).shape == (3,)
    assert_allclose(log_loss(unfolding, y)[[0, 2]], [np.log(3), log_loss(p, y)])
    assert_allclose(accuracy(unfolding, y)[2], accuracy(p, y))


def test_a_class_ruled_out_that_comes_costs_much_and_is_finite():
    assert_allclose(log_loss(np.array([[1.0, 0.0]]), np.array([1])), 708.4, atol=0.1)


def test_no_trials_have_no_score():
    nothing = np.empty((0, 2))
    assert np.isnan(accuracy(nothing, np.empty(0, int)))
    assert np.isnan(log_loss(nothing, np.empty(0, int)))


def test_the_prior_alone_loses_its_entropy():
    y = np.repeat([0, 1, 2], [10, 20, 70])
    shares = np.tile([0.1, 0.2, 0.7], (100, 1))
    assert_allclose(prior_entropy(y), log_loss(shares, y))
    assert_allclose(prior_entropy(np.arange(7)), np.log(7))


def test_a_class_without_training_trials_is_not_ruled_out():
    assert_allclose(class_prior(np.array([0, 0, 1]), 3), [2.5 / 4.5, 1.5 / 4.5, 0.5 / 4.5])


def test_losses_of_trials_pair_two_decoders(forecast):
    """A decoder that is half sure of the same is worse on every trial but few: the interval excludes 0."""
    p, y = forecast
    difference = (trial_log_loss(p, y) - trial_log_loss(0.5 * p + 0.5 / 3, y))[:, None]
    weights = resampling_weights(y, 500, np.random.default_rng(0))
    low, high = ratio_interval(difference, np.ones_like(difference), weights, y)
    assert low < difference.mean() < high < 0


def test_the_null_is_that_of_all_permutations():
    """Six trials in one fold: all 720 pairings of labels and predictions, counted out."""
    y, decoded = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 2, 0])
    every = np.array([np.mean(decoded == np.array(order)) for order in permutations(y)])
    null = permutation_null(
        np.eye(3)[decoded], y, np.zeros(6, int), np.random.default_rng(0), n_permutations=20000
    )
    assert_allclose(null.accuracy, 5 / 6)
    assert_allclose(null.p_value, np.mean(every >= 5 / 6), rtol=0.1)  # 0.022: 20,000 draws of it, 5 percent
    assert_allclose(null.mean, every.mean(), atol=0.005)
    assert_allclose([null.low, null.high], np.quantile(every, [0.025, 0.975]))


def test_labels_are_permuted_within_folds_only():
    """Each fold has one class and always says so: no permutation within folds can be worse."""
    fold = np.repeat([0, 1], 20)
    null = permutation_null(np.eye(2)[fold], fold, fold, np.random.default_rng(0), n_permutations=200)
    assert null.accuracy == null.mean == null.low == null.high == null.p_value == 1.0


def test_p_values_are_uniform_where_nothing_is_decoded():
    rng = np.random.default_rng(0)
    p_values = [
        permutation_null(
            rng.random((40, 2)), rng.integers(2, size=40), np.arange(40) % 5, rng, n_permutations=99
        ).p_value
        for _ in range(300)
    ]
    assert np.mean(np.array(p_values) <= 0.05) < 0.09  # 5 percent of 300, and three times its spread
    assert min(p_values) >= 0.01


def test_what_tells_the_classes_apart_has_the_smallest_p_value(forecast):
    p, y = forecast
    null = permutation_null(p, y, np.arange(90) % 5, np.random.default_rng(0), n_permutations=999)
    assert null.p_value == 0.001
    assert null.low < 1 / 3 < null.high < null.accuracy
