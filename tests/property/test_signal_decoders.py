"""What must hold of every decoder of signals, whatever the units of measure and the order of things."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from neurodecode.decoders.bayesian import BayesianDecoder
from neurodecode.decoders.kalman import KalmanDecoder
from neurodecode.decoders.wiener import WienerDecoder

DECODERS = {
    "wiener": WienerDecoder(n_lags=(1, 3), penalties=(0.01, 1.0)),
    "kalman": KalmanDecoder(derivatives=(0, 1), lags=(0, 1), shrinkages=(0.1,), noise_scales=(1.0, 3.0)),
    "bayesian": BayesianDecoder(n_points=12, smoothing=(0.05,), steps=(1.0, 3.0), powers=(1.0,), lags=(0, 1)),
}


@cache
def data() -> tuple[np.ndarray, np.ndarray]:
    """Counts (12 trials, 30 bins, 5 units) and a signal of two dims that they follow."""
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 6, (12, 1)) + np.arange(30) / 5.0
    signal = np.stack([np.sin(phase), np.cos(0.7 * phase)], axis=-1)
    counts = rng.poisson(np.exp(signal @ rng.normal(size=(2, 5)) + 0.5))
    return counts, signal


def fit_and_decode(name: str, counts: np.ndarray, signal: np.ndarray, new: np.ndarray) -> np.ndarray:
    fresh = type(DECODERS[name])(**DECODERS[name].get_params())
    return fresh.fit(counts[:8], signal[:8], validation=(counts[8:10], signal[8:10])).predict(new[10:])


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=6, deadline=None)
@given(scale=st.floats(1e-3, 1e3), offset=st.floats(-1e3, 1e3))
def test_another_unit_of_measure_decodes_the_same(name, scale, offset):
    """Up to rounding of an offset that is large beside the signal; where two choices err alike, either may be
    taken, so that medians are compared."""
    counts, signal = data()
    plain = fit_and_decode(name, counts, signal, counts)
    other = fit_and_decode(name, counts, scale * signal + offset, counts)
    assert np.median(np.abs((other - offset) / scale - plain)) < 1e-6


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_units_and_of_training_trials_does_not_matter(name, seed):
    counts, signal = data()
    rng = np.random.default_rng(seed)
    units, trials = rng.permutation(5), np.concatenate([rng.permutation(8), np.arange(8, 12)])
    plain = fit_and_decode(name, counts, signal, counts)
    other = fit_and_decode(name, counts[trials][..., units], signal[trials], counts[..., units])
    assert_allclose(other, plain, atol=1e-8)


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_silent_unit_more_changes_little(name, seed):
    """It tells nothing; penalties and noise are measured by the mean over units, which it moves."""
    counts, signal = data()
    place = int(np.random.default_rng(seed).integers(0, 6))
    more = np.insert(counts, place, 0, axis=2)
    plain, other = fit_and_decode(name, counts, signal, counts), fit_and_decode(name, more, signal, more)
    assert np.median(np.abs(other - plain)) < 0.03


@pytest.mark.parametrize("name", DECODERS)
def test_dims_may_be_exchanged(name):
    counts, signal = data()
    plain = fit_and_decode(name, counts, signal, counts)
    assert_allclose(fit_and_decode(name, counts, signal[..., ::-1], counts)[..., ::-1], plain, atol=1e-8)
