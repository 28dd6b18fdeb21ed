"""Words of recent spikes: which word precedes a bin, and what is counted and estimated for it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.models._words import (
    EMPTY,
    log_likelihoods,
    multipliers,
    next_words,
    per_order,
    with_suffixes,
    words_before,
)


def longest_word(spiked: np.ndarray, observed: np.ndarray, step: int, order: int) -> str:
    """By walking back one bin at a time; the oldest bin first."""
    word = ""
    for earlier in range(step - 1, max(step - 1 - order, -1), -1):
        if not observed[earlier]:
            break
        word = str(int(spiked[earlier])) + word
    return word


def node(word: str) -> int:
    return int("1" + word, 2)


def tree(by_word: dict[str, float], order: int) -> np.ndarray:
    values = np.zeros(2 << order)
    for word, value in by_word.items():
        values[node(word)] = value
    return values


@pytest.mark.parametrize("order", [0, 1, 3, 12, 40])
@pytest.mark.parametrize("masks", [1, 4])
def test_words_are_those_found_by_walking_back(order, masks):
    order = min(order, 16)
    rng = np.random.default_rng(order)
    spiked, observed = rng.random((4, 30)) < 0.4, rng.random((masks, 30)) < 0.9
    words = words_before(spiked, observed, order)
    for trial, step in np.ndindex(words.shape):
        expected = node(longest_word(spiked[trial], observed[trial % masks], step, order))
        assert words[trial, step] == expected, (trial, step)


def test_a_trial_shorter_than_the_order_has_what_there_is():
    assert_array_equal(words_before(np.ones((1, 3), bool), np.ones((1, 3), bool), 8), [[1, 3, 7]])


def test_words_run_forward_are_the_same_words():
    rng = np.random.default_rng(0)
    spiked, observed = rng.random((5, 50, 2)) < 0.4, rng.random((5, 50, 2)) < 0.95
    order = np.array([3, 6])
    words = np.full((5, 2), EMPTY)
    for step in range(50):
        for unit in range(2):
            known = words_before(spiked[..., unit], observed[..., unit], int(order[unit]))[:, step]
            assert_array_equal(words[:, unit], known)
        words = next_words(words, spiked[:, step], observed[:, step], order)


def test_a_word_also_counts_for_its_suffixes():
    sums = with_suffixes(tree({"011": 5.0, "111": 1.0, "11": 2.0, "1": 0.5}, 3))
    assert sums[node("011")] == 5.0
    assert sums[node("11")] == 8.0  # both, and where no more was observed
    assert sums[node("1")] == 8.5
    assert sums[EMPTY] == 8.5
    assert sums[node("01")] == sums[node("0")] == 0.0


def test_a_word_leans_on_its_suffix_without_itself():
    """By hand, strength 2: `01` had 4 spikes of 5 expected, `11` had 1 of 3, and no other word was seen."""
    spikes, expected = (
        with_suffixes(tree({"01": 4.0, "11": 1.0}, 2)),
        with_suffixes(tree({"01": 5.0, "11": 3.0}, 2)),
    )
    found = multipliers(spikes, expected, 2.0)
    assert_allclose(found[EMPTY], (2 + 5) / (2 + 8))
    assert_allclose(found[node("1")], (2 + 5) / (2 + 8))  # all there is: nothing is left for the empty word but 1
    assert_allclose(found[node("01")], (2 * (2 + 1) / (2 + 3) + 4) / (2 + 5))
    assert_allclose(found[node("11")], (2 * (2 + 4) / (2 + 5) + 1) / (2 + 3))
    # Never seen: what the suffix has.
    assert_allclose(found[node("0")], found[EMPTY])
    assert_allclose(found[[node("00"), node("10")]], found[node("0")])


def test_one_silence_is_not_counted_at_every_order():
    """A word that is all that its suffixes were seen in has the multiplier that one order would give it."""
    expected = with_suffixes(tree({"00100": 20.0}, 5))
    found = multipliers(np.zeros(64), expected, 1.0)
    assert_allclose(found[[node("0"), node("00"), node("100"), node("00100")]], 1 / 21)
    assert_allclose(found[node("10100")], 1 / 21)


def test_estimates_approach_the_ratio_with_data_and_are_never_0():
    expected = with_suffixes(tree({"01": 1e6, "11": 1e6, "00": 1e6, "10": 1e6}, 2))
    spikes = with_suffixes(tree({"01": 3e5, "11": 2e6, "00": 1e6, "10": 0.0}, 2))
    found = multipliers(spikes, expected, 16.0)
    assert_allclose(found[[node("01"), node("11"), node("00")]], [0.3, 2.0, 1.0], rtol=1e-3)
    assert 0 < found[node("10")] < 1e-4


def test_every_order_is_scored_as_if_it_were_predicted_bin_by_bin():
    rng = np.random.default_rng(1)
    spiked, observed = rng.random((6, 40)) < 0.4, rng.random((6, 40)) < 0.9
    mu, multiplier = rng.uniform(0.1, 0.6, (6, 40)), rng.uniform(0.5, 2.0, 16)
    words = words_before(spiked, observed, 3)
    spikes = np.bincount(words[observed], spiked[observed], 16)
    expected = np.bincount(words[observed], mu[observed], 16)
    found = log_likelihoods(multiplier, spikes, expected)
    assert found.shape == (4,)
    for order in range(4):
        m = multiplier[words_before(spiked, observed, order)]
        terms = np.where(observed, spiked * np.log(m) - mu * (m - 1.0), 0.0)
        assert_allclose(found[order], terms.sum(), rtol=1e-10)


def test_words_of_each_order_are_summed_apart():
    assert_array_equal(per_order(np.arange(8.0)), [1.0, 2 + 3, 4 + 5 + 6 + 7])
