"""Every decoder keeps the promises of its base class: scikit-learn's manners, time, trials, files."""

import json
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from neurodecode.decoders import build_decoder, load_decoder
from neurodecode.errors import ConfigError, DataError

READS_NO_SPIKES = ("mean",)


# -- scikit-learn's manners ---------------------------------------------------------------------------------------


def test_the_constructor_stores_and_nothing_more(decoder):
    unfitted = decoder.fresh()
    assert set(vars(unfitted)) == set(unfitted.get_params())
    copy = clone(unfitted)
    assert copy is not unfitted
    assert copy.get_params() == unfitted.get_params() == type(unfitted)(**unfitted.get_params()).get_params()


def test_the_family_is_the_name_of_its_file_and_says_what_it_decodes(decoder):
    unfitted = decoder.fresh()
    assert unfitted.family == decoder.family
    assert unfitted.kind in ("class", "signal", "value")
    assert isinstance(unfitted.causal, bool)


def test_hyperparameters_can_be_written_as_json(decoder):
    unfitted = decoder.fresh()
    again = build_decoder(decoder.family, type(unfitted).__name__, **json.loads(json.dumps(unfitted.get_params())))
    assert json.dumps(again.get_params()) == json.dumps(unfitted.get_params())


def test_an_unfitted_decoder_refuses(decoder, tmp_path):
    fresh = decoder.fresh()
    with pytest.raises(NotFittedError):
        fresh.predict(decoder.toy.X)
    with pytest.raises(NotFittedError):
        fresh.save(tmp_path / "decoder.safetensors")
    if fresh.causal:
        with pytest.raises(NotFittedError):
            fresh.stream()


def test_what_comes_out_has_the_right_shape(decoder):
    X, y = decoder.test
    found = decoder.fitted.predict(X)
    assert found.shape == y.shape
    if decoder.fitted.kind != "class":
        assert np.isfinite(found).all()
        return
    p = decoder.fitted.predict_proba(X)
    assert p.shape == (len(X), 2)
    assert (p >= 0).all()
    assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)
    assert_array_equal(decoder.fitted.classes_, ["left", "right"])
    assert_array_equal(found, decoder.fitted.classes_[p.argmax(axis=1)])
    if decoder.unfolds:
        each = decoder.fitted.predict_proba_bins(X)
        assert each.shape == (*X.shape[:2], 2)
        assert_allclose(each.sum(axis=2), 1.0, rtol=1e-6)
        assert_allclose(each[:, -1], p)


def test_a_signal_is_decoded_from_one_recording_too(signal_decoder):
    X, y = (np.concatenate(list(values)) for values in signal_decoder.train)
    assert signal_decoder.fresh().fit(X, y).predict(X).shape == y.shape


def test_what_is_there_is_decoded(decoder):
    """Far above chance, which is 0.5 +- 0.05 of 100 trials, and an R2 of 0."""
    if decoder.family not in READS_NO_SPIKES:
        assert decoder.fitted.score(*decoder.test) > (0.7 if decoder.fitted.kind == "class" else 0.2)


def test_shuffled_targets_decode_at_chance(decoder):
    X, y = decoder.train
    shuffled = decoder.fresh().fit(X, np.random.default_rng(1).permutation(y))
    score = shuffled.score(*decoder.test)
    if decoder.fitted.kind == "class":
        assert abs(score - 0.5) < 0.2  # 100 trials: 0.05, and the likelihood of a class is shared by its trials
    else:
        assert score < 0.1


def test_fit_is_quick_returns_the_decoder_itself_and_finds_the_same_again(decoder):
    fresh = decoder.fresh()
    started = time.process_time()
    assert fresh.fit(*decoder.train) is fresh
    assert time.process_time() - started < 2.0
    X, _ = decoder.test
    assert_array_equal(decoder.outputs(X, fresh), decoder.outputs(X))


def test_scikit_learn_cross_validates_arrays_and_trials(decoder):
    X, y = (values[:24] for values in decoder.train)
    on_arrays = cross_val_score(decoder.fresh(), X, y, cv=2)
    on_trials = cross_val_score(decoder.fresh(), decoder.train_trials.select(np.arange(24)), y, cv=2)
    assert on_arrays.shape == on_trials.shape == (2,)
    assert np.isfinite([on_arrays, on_trials]).all()


def test_choices_may_be_made_on_validation_trials_of_ones_own(decoder):
    X, y = decoder.test
    own = decoder.fresh().fit(*decoder.train, validation=(X[:20], y[:20]))
    assert np.isfinite(own.score(X[20:], y[20:]))


# -- trials, and what was not observed ----------------------------------------------------------------------------


def test_trials_name_what_is_decoded(on_trials):
    test = on_trials.test_trials
    chance = 0.5 if on_trials.fitted.kind == "class" else 0.0
    score = on_trials.fitted.score(test, on_trials.toy.name)
    assert score > chance + 0.1 if on_trials.family not in READS_NO_SPIKES else np.isfinite(score)
    assert on_trials.fitted.predict(test).shape == on_trials.test[1].shape


def test_counts_where_nothing_was_observed_change_nothing(on_trials):
    noisy_train, noisy_test = (
        replace(trials, counts=np.where(trials.mask, trials.counts, 9).astype(np.uint8))
        for trials in (on_trials.train_trials, on_trials.test_trials)
    )
    again = on_trials.fresh().fit(noisy_train, on_trials.toy.name)
    expected = on_trials.outputs(on_trials.test_trials)
    assert_array_equal(on_trials.outputs(noisy_test), expected)
    assert_array_equal(on_trials.outputs(on_trials.test_trials, again), expected)


def test_trials_are_summed_into_coarser_bins(rebinning_decoder):
    trials = rebinning_decoder.train_trials
    coarse = rebinning_decoder.fresh(bin_size_s=2 * trials.bin_size_s).fit(trials, rebinning_decoder.toy.name)
    found = rebinning_decoder.outputs(trials, coarse)
    assert len(found) == trials.n_trials
    if rebinning_decoder.unfolds:
        assert found.shape[1] == trials.n_bins // 2
    with pytest.raises(ConfigError, match="no multiple"):
        rebinning_decoder.fresh(bin_size_s=1.5 * trials.bin_size_s).fit(trials, rebinning_decoder.toy.name)


# -- time ---------------------------------------------------------------------------------------------------------


def test_a_causal_decoder_does_not_see_the_future(streaming_decoder):
    X, _ = streaming_decoder.test
    changed = X.copy()
    changed[:, 14:] = changed[::-1, 14:] + 1
    before, after = streaming_decoder.outputs(X), streaming_decoder.outputs(changed)
    assert_allclose(after[:, :14], before[:, :14], rtol=1e-5, atol=1e-6)  # float32 sums of networks
    if streaming_decoder.family not in READS_NO_SPIKES:
        assert np.abs(after[:, 14:] - before[:, 14:]).max() > 1e-3


def test_a_stream_says_what_the_batch_says(streaming_decoder):
    X, _ = streaming_decoder.test
    batch = streaming_decoder.outputs(X[:2])
    for trial in range(2):
        stream = streaming_decoder.fitted.stream()
        streamed = np.stack([stream.step(counts) for counts in X[trial].astype(float)])
        assert_allclose(streamed, batch[trial], rtol=0, atol=1e-5)


def test_a_stream_of_trials_is_told_their_lead_first(streaming_on_trials):
    trials = streaming_on_trials.test_trials.select(np.arange(2))  # the first has a hole
    batch = streaming_on_trials.outputs(trials)
    for trial in range(2):
        stream = streaming_on_trials.fitted.stream()
        told = np.where(trials.mask[trial], trials.counts[trial], np.nan)
        streamed = np.stack([stream.step(counts) for counts in told])
        assert_allclose(streamed[trials.lead :], batch[trial], rtol=0, atol=1e-5)


def test_a_stream_refuses_counts_of_other_units(streaming_decoder):
    n_units = streaming_decoder.toy.trials.n_units
    with pytest.raises(DataError, match=str(n_units)):
        streaming_decoder.fitted.stream().step(np.zeros(n_units + 1))


def test_what_is_not_causal_has_no_stream(whole_trial_decoder):
    with pytest.raises(ConfigError, match="not causal"):
        whole_trial_decoder.fitted.stream()


# -- files --------------------------------------------------------------------------------------------------------


def test_a_saved_decoder_decodes_the_same(decoder, tmp_path, monkeypatch):
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("pickled")

    for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    decoder.fitted.save(tmp_path / "decoder.safetensors")
    loaded = load_decoder(tmp_path / "decoder.safetensors")
    X, _ = decoder.test
    assert type(loaded) is type(decoder.fitted)
    assert json.dumps(loaded.get_params()) == json.dumps(decoder.fitted.get_params())
    assert_array_equal(decoder.outputs(X, loaded), decoder.outputs(X))
    assert_array_equal(loaded.predict(X), decoder.fitted.predict(X))
    if decoder.fitted.causal and decoder.unfolds:
        streams = loaded.stream(), decoder.fitted.stream()
        # Where arrays lie in memory decides in which order BLAS sums.
        assert_allclose(*(stream.step(X[0, 0].astype(float)) for stream in streams), rtol=1e-6)


def test_a_file_that_is_not_ours_is_refused(tmp_path):
    (tmp_path / "other").write_bytes(b"nothing of ours")
    with pytest.raises(DataError, match="not a fitted decoder"):
        load_decoder(tmp_path / "other")
