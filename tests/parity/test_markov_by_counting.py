"""The tables of the Markov chain against a count in dictionaries, bin by bin."""

from collections import Counter

import numpy as np
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.models.markov import MarkovChain
from neurodecode.models.psth import fit_psth

ORDER, STRENGTH = 4, 3.0


def tallies(trials: Trials, mu: np.ndarray, unit: int) -> tuple[Counter, Counter]:
    """Spikes, and spikes expected, after every word of up to ORDER observed bins (text, newest last)."""
    spikes, expected = Counter(), Counter()
    for trial in range(trials.n_trials):
        for step in range(trials.lead, trials.n_steps):
            if not trials.mask[trial, step, 0]:
                continue
            word = ""
            for length in range(ORDER + 1):
                spikes[word] += int(trials.counts[trial, step, unit])
                expected[word] += mu[trial, step, unit]
                earlier = step - 1 - length
                if length == ORDER or earlier < 0 or not trials.mask[trial, earlier, 0]:
                    break
                word = str(int(trials.counts[trial, earlier, unit] > 0)) + word
    return spikes, expected


def multiplier(word: str, spikes: Counter, expected: Counter) -> float:
    """Down the suffixes of ``word``: each adds the bins that it does not share with the next longer one."""
    mean = 1.0
    suffixes = [word[len(word) - length :] for length in range(len(word) + 1)]
    for shorter, longer in zip(suffixes, [*suffixes[1:], None], strict=True):
        n = spikes[shorter] - (spikes[longer] if longer is not None else 0)
        m = expected[shorter] - (expected[longer] if longer is not None else 0.0)
        mean = (STRENGTH * mean + n) / (STRENGTH + max(m, 0.0))
    return mean


def test_every_predicted_rate_is_that_of_a_count_in_dictionaries():
    rng = np.random.default_rng(4)
    counts = np.zeros((40, 60, 2), np.uint8)
    for step in range(1, 60):
        counts[:, step] = rng.poisson(np.where(counts[:, step - 1] > 0, 0.05, 0.4))
    mask = np.ones((40, 60, 1), bool)
    mask[::3, 25:28] = mask[5, :15] = False
    trials = Trials.from_counts(counts, 0.004, lead=10, mask=mask, condition=np.arange(40) % 2)
    model = MarkovChain(orders=(ORDER,), strengths=(STRENGTH,))
    fitted = model.fit(trials.select(np.arange(32)), trials.select(np.arange(32, 40)), rng)
    assert (fitted.order == ORDER).all()
    psth = fit_psth(trials)
    mu = psth.leave_one_out(trials) * 0.004
    found, aggregate = fitted.intensity(trials), psth.intensity(trials)
    for unit in range(2):
        spikes, expected = tallies(trials, mu, unit)
        for trial in range(0, 40, 4):
            for step in range(10, 60):
                word = ""
                for earlier in range(step - 1, step - 1 - ORDER, -1):
                    if not trials.mask[trial, earlier, 0]:
                        break
                    word = str(int(trials.counts[trial, earlier, unit] > 0)) + word
                by_hand = aggregate[trial, step - 10, unit] * multiplier(word, spikes, expected)
                assert_allclose(found[trial, step - 10, unit], by_hand, rtol=1e-9)  # sums in another order
