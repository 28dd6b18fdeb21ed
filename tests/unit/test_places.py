"""Signals as the probability of places: labels, read-out, and networks that say them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.decoders import LSTMDecoder, load_decoder
from neurodecode.decoders._places import N_PLACES, Places
from neurodecode.errors import ConfigError

TINY = {"hidden": 6, "seeds": 1, "epochs": 3, "batches_per_epoch": 4, "segment_bins": 20, "warm_up_bins": 5}


def test_labels_are_probabilities_about_the_signal_and_nothing_where_it_is_not_known():
    values = np.linspace(-3.0, 9.0, 40).reshape(2, 20, 1)
    known = np.ones((2, 20), bool)
    known[1, 4] = False
    places = Places.of(values[known])
    labels = places.labels(np.where(known[..., None], values, np.nan), known)
    assert labels.shape == (2, 20, N_PLACES)
    assert_allclose(labels[known].sum(axis=1), 1.0, rtol=1e-5)
    assert (labels[1, 4] == 0).all()
    nearest = np.abs(places.grid.points[0] - values).argmin(axis=2)
    assert (np.abs(labels.argmax(axis=2) - nearest)[known] <= 1).all()


def test_what_the_labels_say_is_read_as_the_signal():
    values = np.linspace(0.0, 10.0, 200).reshape(1, 200, 1)
    places = Places.of(values[0])
    labels = places.labels(values, np.ones((1, 200), bool))
    decoded = places.decoded(np.log(labels + 1e-30))
    inner = slice(20, 180)  # at the borders half of a label is cut off
    assert_allclose(decoded[0, inner], values[0, inner], atol=0.02)
    assert decoded.min() >= 0.0
    assert decoded.max() <= 10.0


def test_of_two_likely_places_one_is_decoded_and_not_what_lies_between():
    places = Places.of(np.linspace(0.0, 59.0, 60)[:, None])
    probability = np.full(60, 1e-6)
    probability[[10, 50]] = 0.55, 0.45
    assert places.decoded(np.log(probability))[0] == pytest.approx(10.5, abs=0.6)


def test_an_angle_has_places_around_its_circle():
    turned = np.linspace(-np.pi, np.pi, 80)
    values = np.stack([np.sin(turned), np.cos(turned)], axis=-1)
    places = Places.of(values)
    assert places.grid.circular
    labels = places.labels(values[None], np.ones((1, 80), bool))
    decoded = places.decoded(np.log(labels))[0]
    assert_allclose(decoded / np.linalg.norm(decoded, axis=1, keepdims=True), values, atol=0.01)
    assert Places.of(np.random.default_rng(0).normal(size=(50, 2))) is None


@pytest.fixture(scope="module")
def followed() -> tuple[np.ndarray, np.ndarray]:
    """Counts (16 trials, 40 bins, 6 units) of place fields on a line, and the place."""
    rng = np.random.default_rng(1)
    place = 50 + 50 * np.sin(rng.uniform(0, 6, (16, 1)) + np.arange(40) / 6.0)
    counts = rng.poisson(0.1 + 1.5 * np.exp(-0.5 * ((place[..., None] - np.linspace(0, 100, 6)) / 15) ** 2))
    return counts, place[..., None]


def test_networks_that_say_places_decode_stream_and_are_saved(followed, tmp_path):
    counts, place = followed
    fitted = LSTMDecoder(**TINY, places=True).fit(counts, place)
    decoded = fitted.predict(counts[:2])
    assert decoded.shape == (2, 40, 1)
    assert fitted.offset_.shape == (N_PLACES,)
    stream = fitted.stream()
    assert_allclose([stream.step(now) for now in counts[0].astype(float)], decoded[0], atol=1e-4)
    fitted.save(tmp_path / "places.safetensors")
    assert_allclose(load_decoder(tmp_path / "places.safetensors").predict(counts[:2]), decoded)


def test_of_places_and_values_the_one_that_errs_less_is_kept(followed):
    counts, place = followed
    parts = (counts[:12], place[:12]), (counts[12:], place[12:])
    errors = {}
    for places in (None, True, False):
        fitted = LSTMDecoder(**TINY, places=places).fit(*parts[0], validation=parts[1])
        errors[places] = np.abs(fitted.predict(parts[1][0]) - parts[1][1]).mean()
    assert errors[None] == pytest.approx(min(errors[True], errors[False]))


def test_places_of_several_dims_are_refused(followed):
    counts, place = followed
    with pytest.raises(ConfigError, match="one dim or an angle"):
        LSTMDecoder(**TINY, places=True).fit(counts, np.concatenate([place, place**2], axis=2))
