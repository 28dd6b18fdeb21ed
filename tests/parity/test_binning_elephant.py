"""Counts against elephant's BinnedSpikeTrain, where both are defined."""

import neo
import numpy as np
import pytest
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from numpy.testing import assert_array_equal

from neurodecode.data.binning import bin_spikes

pytestmark = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")  # elephant's own


def elephant_counts(times: np.ndarray, start: float, bin_size_s: float, n_bins: int) -> np.ndarray:
    stop = start + n_bins * bin_size_s
    inside = times[(times >= start) & (times < stop)]
    train = neo.SpikeTrain(inside * pq.s, t_start=start * pq.s, t_stop=stop * pq.s)
    return BinnedSpikeTrain(train, bin_size=bin_size_s * pq.s, n_bins=n_bins).to_array()[0]


@pytest.mark.parametrize("bin_size_s", [0.001, 0.004, 0.01])
@pytest.mark.parametrize("start", [0.0, 12.0, 333.3])
def test_counts_of_spikes_off_the_bin_edges_agree(start: float, bin_size_s: float):
    """Both take a spike just before an edge as on it, by different fractions: edges are left out."""
    rng = np.random.default_rng(11)
    times = np.sort(rng.uniform(start - 1.0, start + 3.0, 4000))
    place = (times - start) / bin_size_s
    times = times[np.abs(place - np.round(place)) > 1e-3]
    counts = bin_spikes([times], np.array([start]), bin_size_s, 0, 200)
    assert_array_equal(counts[0, :, 0], elephant_counts(times, start, bin_size_s, 200))


def test_counts_of_a_grid_agree():
    """A 1 ms grid half a bin off the edges, for trials along a long recording."""
    rng = np.random.default_rng(2)
    for start in (0.0, 100.0, 5000.0):
        occupied = np.sort(rng.choice(1000, 300, replace=False))
        times = start + (occupied + 0.5) / 1000
        counts = bin_spikes([times], np.array([start]), 0.001, 0, 1000)
        assert_array_equal(counts[0, :, 0], elephant_counts(times, start, 0.001, 1000))
