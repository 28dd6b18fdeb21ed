"""Binned trials and plain PSTHs against elephant's, as `benchmarks.speed` compares them."""

import numpy as np
import pytest

from benchmarks._elephant import Spikes, elephant_counts, elephant_psth_hz
from neurodecode.models.psth import plain_psth_hz

pytestmark = pytest.mark.filterwarnings("ignore:::elephant", "ignore:The 'copy' argument")


@pytest.fixture(scope="module")
def spikes() -> Spikes:
    return Spikes.drawn(2, 12)


def test_counts_agree(spikes):
    np.testing.assert_array_equal(spikes.trials().counts, elephant_counts(spikes.of_elephant()))


def test_plain_rates_agree(spikes):
    ours, theirs = plain_psth_hz(spikes.trials()), elephant_psth_hz(spikes.of_elephant(), spikes.condition)
    assert theirs.max() > 0
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_plain_rates_are_spikes_over_observed_time(toy_trials):
    rates = plain_psth_hz(toy_trials)
    for code in range(2):
        members = np.flatnonzero(toy_trials.condition == code)
        counts, mask = toy_trials.window_counts[members], toy_trials.window_mask[members]
        expected = counts.sum(axis=0) / (mask.sum(axis=0) * toy_trials.bin_size_s)
        np.testing.assert_allclose(rates[code], expected)
    alone = toy_trials.select(np.array([5]))
    assert np.array_equal(np.isnan(plain_psth_hz(alone)[1, :, 0]), ~alone.window_mask[0, :, 0])
