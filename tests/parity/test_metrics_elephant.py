"""Intervals, their variation, Fano factors and correlograms against elephant."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # elephant and what it imports warn about their own future
    import neo
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import cross_correlation_histogram
    from elephant.statistics import cv, fanofactor, isi

from neurodecode.metrics.generative import autocorrelation, fano, interval_counts, isi_cv

BIN_S = 0.001
pytestmark = pytest.mark.filterwarnings("ignore:::elephant")


@pytest.fixture
def counts():
    """25 trials of 800 bins of 1 ms and one unit, refractory for 3 ms."""
    rng = np.random.default_rng(4)
    held = np.zeros((25, 800, 1), np.uint8)
    for step in range(800):
        quiet = held[:, max(step - 3, 0) : step].any(axis=1)
        held[:, step] = (rng.random((25, 1)) < 0.06) & ~quiet
    return held


def trains(counts):
    return [
        neo.SpikeTrain((np.flatnonzero(trial[:, 0]) + 0.5) * BIN_S * pq.s, t_stop=len(trial) * BIN_S * pq.s)
        for trial in counts
    ]


def everywhere(counts):
    return np.ones((*counts.shape[:2], 1), bool)


def test_intervals_and_their_variation(counts):
    theirs = np.concatenate([isi(train).rescale("s").magnitude for train in trains(counts)])
    found = interval_counts(counts, everywhere(counts))
    assert_allclose(found[0], np.bincount(np.round(theirs / BIN_S).astype(int), minlength=800))
    assert_allclose(isi_cv(found), [cv(theirs)], rtol=1e-9)


def test_fano_factor(counts):
    """One window per trial; elephant divides by n, we by n - 1."""
    ours = fano(counts, everywhere(counts), BIN_S, windows_s=(0.8,)).fano[0, 0]
    assert_allclose(ours * 24 / 25, fanofactor(trains(counts)), rtol=1e-9)


def test_autocorrelogram(counts):
    """Products of one trial at every lag, before the division by what was observed."""
    longest = 50
    ours = autocorrelation(counts, everywhere(counts), BIN_S, max_s=longest * BIN_S).rate_hz[0]
    theirs = np.zeros(longest)
    for train in trains(counts):
        binned = BinnedSpikeTrain(train, bin_size=BIN_S * pq.s)
        histogram, lags = cross_correlation_histogram(binned, binned, window=[-longest, longest])
        theirs += np.asarray(histogram.magnitude).ravel()[lags > 0]
    pairs = 25 * (800 - np.arange(1, longest + 1))
    assert_allclose(ours, theirs / pairs / counts.mean() / BIN_S, rtol=1e-9)
