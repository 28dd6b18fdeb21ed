"""The Markov chain recovers the chain that made the data, and says how many states that takes."""

import json
import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models.markov import LONGEST, MarkovChain
from neurodecode.models.psth import fit_psth

BIN = 0.005
# Probability of a spike after the last two bins, the older one first.
ORDER_2 = {(0, 0): 0.15, (1, 0): 0.3, (0, 1): 0.05, (1, 1): 0.5}


def chain(n_trials: int, seed: int = 0, n_steps: int = 200) -> np.ndarray:
    rng = np.random.default_rng(seed)
    table = np.array([[ORDER_2[0, 0], ORDER_2[0, 1]], [ORDER_2[1, 0], ORDER_2[1, 1]]])
    counts = np.zeros((n_trials, n_steps, 1), np.uint8)
    for step in range(n_steps):
        before = [counts[:, step - lag, 0] if step >= lag else np.zeros(n_trials, int) for lag in (2, 1)]
        counts[:, step, 0] = rng.random(n_trials) < table[before[0], before[1]]
    return counts


def poisson(n_trials: int, seed: int = 0) -> np.ndarray:
    mu = 0.15 + 0.1 * np.sin(np.arange(200) / 15.0)
    return np.random.default_rng(seed).random((n_trials, 200, 1)) < mu[:, None]


def fit(trials: Trials, **options: object):
    n = trials.n_trials
    train, validation = trials.select(np.arange(n - n // 8)), trials.select(np.arange(n - n // 8, n))
    return MarkovChain(**options).fit(train, validation, np.random.default_rng(0))


@pytest.fixture(scope="module")
def order_2():
    return fit(Trials.from_counts(chain(300), BIN, lead=20), orders=(1, 2, 3, 6))


def after(fitted, past: tuple[int, ...]) -> float:
    """Probability of a spike at a bin in the middle after this past, the oldest bin first, and silence before."""
    counts = np.zeros((1, 200, 1), np.uint8)
    counts[0, 100 - len(past) : 100, 0] = past
    return float(fitted.intensity(Trials.from_counts(counts, BIN, lead=20))[0, 80, 0] * BIN)


def test_the_chain_that_made_the_data_is_recovered(order_2):
    assert order_2.order[0] >= 2
    for past, probability in ORDER_2.items():
        # 60,000 bins; the rarest of the words precedes 1,000 of them, and the PSTH adds a little of its own.
        assert_allclose(after(order_2, past), probability, rtol=0.15, atol=0.005)


def test_its_likelihood_is_nearly_that_of_the_truth(order_2):
    test = Trials.from_counts(chain(100, seed=1), BIN, lead=20)
    counts = test.counts[..., 0]
    older, newer = counts[:, 18:-2], counts[:, 19:-1]
    table = np.array([[ORDER_2[0, 0], ORDER_2[0, 1]], [ORDER_2[1, 0], ORDER_2[1, 1]]])
    mu = table[older, newer]
    truth = (counts[:, 20:] * np.log(mu) - mu).sum()
    psth = order_2.psth.log_likelihood(test)[0]
    assert (order_2.log_likelihood(test)[0] - psth) / (truth - psth) > 0.97


def test_what_is_drawn_follows_the_same_chain(order_2):
    drawn = order_2.sample(Trials.from_counts(chain(300, seed=2), BIN, lead=20), np.random.default_rng(3)).counts
    counts = drawn[..., 0]
    older, newer, now = counts[:, 20:-2], counts[:, 21:-1], counts[:, 22:]
    for (a, b), probability in ORDER_2.items():
        these = now[(older == a) & (newer == b)]
        assert_allclose(these.mean(), probability, atol=0.02 + 3 * np.sqrt(0.25 / these.size))


def test_without_memory_it_is_the_psth():
    trials = Trials.from_counts(poisson(80), BIN)
    fitted = fit(trials)
    assert fitted.order[0] == 0
    assert_array_equal(fitted.intensity(trials), fit_psth(trials).intensity(trials))
    assert fitted.diagnostics()["strength"] == [None]


def test_units_have_orders_of_their_own():
    both = np.concatenate([chain(120), poisson(120)], axis=2)
    fitted = fit(Trials.from_counts(both, BIN, lead=20), orders=(2,))
    assert_array_equal(fitted.order, [2, 0])


def test_what_was_not_observed_ends_the_word():
    mask = np.ones((300, 200, 1), bool)
    mask[:, 97:99] = False
    counts = chain(300)
    fitted = fit(Trials.from_counts(counts, BIN, lead=20, mask=mask), orders=(2,))
    one = np.zeros((3, 200, 1), np.uint8)
    one[0, 99] = 1  # a spike in the only observed bin
    one[1, 95:97] = 1  # spikes before the gap only
    known = fitted.intensity(Trials.from_counts(one, BIN, lead=20, mask=mask[:3]))[:, :, 0] * BIN
    psth = fitted.psth.intensity(Trials.from_counts(one, BIN, lead=20, mask=mask[:3]))[:, :, 0] * BIN
    after_one = known[0, 100 - 20] / psth[0, 100 - 20]
    assert_allclose(after_one, fitted.multiplier[0, 0b11], rtol=1e-12)
    assert_allclose(known[1, 99 - 20] / psth[1, 99 - 20], fitted.multiplier[0, 0b1], rtol=1e-12)
    assert_allclose(known[1, 100 - 20], known[2, 100 - 20], rtol=1e-12)


def test_counts_above_one_are_a_spike_of_the_word():
    rng = np.random.default_rng(0)
    counts = np.zeros((100, 150, 1), np.uint16)
    for step in range(1, 150):
        counts[:, step] = rng.poisson(np.where(counts[:, step - 1] > 0, 0.3, 1.2))
    trials = Trials.from_counts(counts, BIN, lead=10)
    fitted = fit(trials, orders=(1, 2))
    before = counts[:, 9:-1, 0]
    rate = fitted.intensity(trials)[..., 0] * BIN
    assert_allclose(rate[before == 0].mean(), 1.2, rtol=0.05)
    assert_allclose(rate[before == 1].mean(), 0.3, rtol=0.1)
    assert_allclose(rate[before > 1].mean(), 0.3, rtol=0.1)


def test_rates_of_binary_bins_stay_below_one_spike():
    counts = np.zeros((60, 100, 1), np.uint8)
    rng = np.random.default_rng(0)
    for step in range(1, 100):
        counts[:, step] = rng.random((60, 1)) < np.where(counts[:, step - 1], 0.02, 0.9)
    fitted = fit(Trials.from_counts(counts, BIN), orders=(1,))
    assert fitted.intensity(Trials.from_counts(counts, BIN)).max() <= 1.0 / BIN


def test_states_explode_with_the_order_and_it_says_so(caplog):
    counts = chain(80)
    with caplog.at_level(logging.INFO):
        fitted = fit(Trials.from_counts(counts, BIN, lead=20), orders=(1, 4, 10))
    states = json.loads(json.dumps(fitted.diagnostics()))["states"]
    assert [s["order"] for s in states] == [1, 4, 10]
    assert [s["possible_words"] for s in states] == [2, 16, 1024]
    spikes = counts[:, 20:].sum()
    for state in states:
        k = state["order"]
        seen = {tuple(trial[t - k : t, 0]) for trial in counts for t in range(20, 200)}
        assert state["words_seen"] == [len(seen)]
        assert_allclose(state["spikes_per_word"], spikes / len(seen))  # the lead is longer than every word
    assert states[2]["words_seen"][0] > 300
    assert states[2]["spikes_per_word"][0] < 10
    assert "order 10: " in caplog.text
    assert "of 1024 words seen" in caplog.text


def test_orders_that_no_table_holds_are_refused():
    for orders in ((), (0,), (2, LONGEST + 1)):
        with pytest.raises(ConfigError, match="orders"):
            MarkovChain(orders=orders)
