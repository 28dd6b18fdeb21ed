"""Decoders of a session: every trial decoded by the fold that did not see it, and what is written of it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter

from neurodecode.config.decoders import DecoderConfig, decoder_config
from neurodecode.config.target import TargetConfig
from neurodecode.data.splits import Split, make_splits, window_spans_s
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.decoders import ClassDecoder, load_decoders
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.decoded import Decoded, load_decoded
from neurodecode.evaluation.decoding import FittedFold, fit_decoder, fit_folds, out_of_fold
from neurodecode.evaluation.targets import Target


def target(**given: object) -> TargetConfig:
    return TypeAdapter(TargetConfig).validate_python(given)


@pytest.fixture
def trials() -> Trials:
    """20 windows of 30 bins whose units follow a hand; three odours."""
    rng = np.random.default_rng(3)
    hand = np.cumsum(rng.normal(size=(20, 34, 2)), axis=1) / 3
    rates = np.exp(0.4 + 0.5 * hand @ rng.normal(size=(2, 4)))
    return Trials.from_counts(
        rng.poisson(rates),
        0.1,
        lead=4,
        t0_s=5.0 * np.arange(20),
        covariates={"hand": hand, "head": np.arctan2(hand[..., 0], hand[..., 1])},
        columns={"odour": np.array(["b", "a", "c", "b", "a"] * 4), "number": np.arange(20.0)},
    )


@pytest.fixture
def splits(trials) -> tuple[Split, ...]:
    ask = {"kind": "blocks", "spans_s": window_spans_s(trials), "gap_s": 1.0}
    return make_splits(trials.condition, trials.condition_names, 4, np.random.default_rng(0), **ask)


@dataclass(eq=False, repr=False, kw_only=True)
class Remembering(ClassDecoder):
    """Sure of the class of trials that it was fitted to, and of the first class for all others."""

    random_state: int = 0
    causal = True

    def fit(self, X, y=None, *, validation=None):
        self.classes_ = np.unique(y)
        self.seen_ = dict(zip(X.columns["number"].tolist(), np.searchsorted(self.classes_, y), strict=True))
        return self

    def predict_proba(self, X):
        codes = [int(self.seen_.get(number, 0)) for number in X.columns["number"].tolist()]
        return np.eye(self.classes_.size)[codes]


class OfRemembering(DecoderConfig):
    def build(self, kind, *, random_state=0, circular=None):
        return Remembering(random_state=random_state)


def remembered(trials: Trials, splits: tuple[Split, ...], **given: object) -> list[FittedFold]:
    wanted = Target.of(trials, target(**given))
    return fit_folds(OfRemembering("none"), wanted, splits, None, seed=1, names=("s", "d"))


def test_a_trial_is_decoded_by_the_fold_that_did_not_see_it(trials, splits):
    wanted = Target.of(trials, target(**{"class": "odour"}))
    fitted = remembered(trials, splits, **{"class": "odour"})
    found = out_of_fold(fitted, wanted, splits)
    assert found.classes.tolist() == ["a", "b", "c"]
    assert_array_equal(found.probabilities, np.tile([1.0, 0.0, 0.0], (20, 1)))
    assert len({one.random_state for one in fitted}) == len(splits), "each fold has a seed of its own"
    again = remembered(trials, splits, **{"class": "odour"})
    assert [one.random_state for one in again] == [one.random_state for one in fitted]


def test_a_class_that_a_fold_lacks_has_probability_0_there(trials, splits):
    lonely = np.where(np.arange(20) < 5, "rare", trials.columns["odour"])  # the trials that the first fold tests
    odd = Trials.from_counts(trials.counts, 0.1, lead=4, columns={**trials.columns, "odour": lonely})
    wanted = Target.of(odd, target(**{"class": "odour"}))
    found = out_of_fold(remembered(odd, splits, **{"class": "odour"}), wanted, splits)
    assert found.classes.tolist() == ["a", "b", "c", "rare"]
    assert_array_equal(found.probabilities[:5, 3], np.zeros(5))
    assert_allclose(found.probabilities.sum(axis=1), 1.0)


def written(folder: Path, trials: Trials, splits: tuple[Split, ...], entry: dict, **given: object) -> Path:
    save_trials(folder / "trials.npz", trials)
    save_splits(folder / "splits.csv", splits)
    names = {"predictions": "predictions.npz", "parameters": "parameters.safetensors", "fit": "fit.json"}
    fit_decoder(
        trials=folder / "trials.npz",
        splits=folder / "splits.csv",
        decoder=entry,
        name="wiener",
        session="toy",
        target=given,
        encoding=None,
        seed=1,
        threads=1,
        outputs={part: folder / name for part, name in names.items()},
    )
    return folder


WIENER = {"family": "wiener", "n_lags": [1, 3], "penalties": [0.01, 1.0], "bin_size_s": 0.2}


def test_a_signal_is_decoded_on_the_bins_of_its_decoder(trials, splits, tmp_path):
    folder = written(tmp_path, trials, splits, WIENER, signal="hand")
    found = load_decoded(folder / "predictions.npz")
    assert (found.bin_size_s, found.signal.shape) == (0.2, (20, 15, 2))
    held = load_decoders(folder / "parameters.safetensors")
    for decoder, split in zip(held, splits, strict=True):
        assert_allclose(decoder.predict(trials.select(split.test)), found.signal[split.test])
    by_hand = decoder_config(WIENER, "w").build("signal")
    train, validation = trials.select(splits[2].train), trials.select(splits[2].validation)
    by_hand.fit(train, "hand", validation=(validation, "hand"))
    decoded = by_hand.predict(trials.select(splits[2].test))
    assert_allclose(decoded, found.signal[splits[2].test], atol=1e-6)  # covariates are held in single precision


def test_what_a_fit_chose_stands_beside_it(trials, splits, tmp_path):
    folder = written(tmp_path, trials, splits, WIENER, signal="hand")
    fit = json.loads((folder / "fit.json").read_text())
    assert (fit["family"], fit["decoder"], fit["kind"], fit["target"]) == (
        *("wiener", "WienerDecoder", "signal", "hand"),
    )
    assert fit["causal"] is True
    assert fit["hyperparameters"]["n_lags"] == [1, 3]
    assert [fold["fold"] for fold in fit["folds"]] == [0, 1, 2, 3]
    assert {fold["diagnostics"]["n_lags"] for fold in fit["folds"]} <= {1, 3}


def test_of_an_angle_the_sine_and_cosine_are_decoded(trials, splits, tmp_path):
    folder = written(tmp_path, trials, splits, WIENER, signal="head", circular=True)
    assert load_decoded(folder / "predictions.npz").signal.shape == (20, 15, 2)


def test_a_decoder_is_told_that_a_signal_is_an_angle(trials, splits):
    """Sine and cosine averaged in wide bins do not lie on the circle, from which it could be seen."""
    entry = {
        "family": "bayesian",
        "bin_size_s": 0.5,
        "n_points": 6,
        "lags": [0],
        "smoothing": [0.1],
        "steps": [1.0],
    }
    for given, circular in (({"signal": "head", "circular": True}, True), ({"signal": "hand"}, False)):
        wanted = Target.of(trials, target(**given))
        one, *_ = fit_folds(decoder_config(entry, "b"), wanted, splits[:1], None, seed=1, names=("s", "b"))
        assert one.decoder.choice_["circular"] is circular


def test_nothing_of_test_trials_reaches_a_fold(trials, splits):
    split = splits[1]
    scrambled = trials.counts.copy()
    scrambled[split.test] = 9
    signal = trials.covariates["hand"].copy()
    signal[split.test] = 1e3
    other = Trials.from_counts(scrambled, 0.1, lead=4, covariates={"hand": signal})
    config = decoder_config(WIENER, "w")
    fits = []
    for held in (trials, other):
        wanted = Target.of(held, target(signal="hand"))
        fits += fit_folds(config, wanted, [split], None, seed=1, names=("s", "w"))
    for name in ("weights_", "intercept_", "mean_counts_"):
        assert_array_equal(getattr(fits[0].decoder, name), getattr(fits[1].decoder, name))


def test_an_error_names_the_decoder_the_session_and_the_fold(trials, splits, tmp_path):
    still = Trials.from_counts(trials.counts, 0.1, lead=4, covariates={"hand": np.ones((20, 34))})
    with pytest.raises(DataError, match=r"wiener on toy, fold 0: dim 0 of the signal is constant"):
        written(tmp_path, still, splits, WIENER, signal="hand")
    with pytest.raises(ConfigError, match="family wiener decodes no class, only signal"):
        written(tmp_path, trials, splits, WIENER, **{"class": "odour"})


def test_columns_of_other_classes_are_refused():
    found = Decoded(bin_size_s=0.1, classes=np.array(["b", "a"]), probabilities=np.array([[0.9, 0.1]]))
    with pytest.raises(DataError, match="2 columns for the classes b, a; the trials have a, c"):
        found.probabilities_of(np.array(["a", "c"]), "d")
    with pytest.raises(DataError, match="predictions of d hold no signal"):
        found.of_kind("signal", "d")


def test_columns_are_put_in_order():
    found = Decoded(bin_size_s=0.1, classes=np.array(["b", "a"]), probabilities=np.array([[0.9, 0.1]]))
    assert_array_equal(found.probabilities_of(np.array(["a", "b", "c"]), "d"), [[0.1, 0.9, 0.0]])


def test_a_file_that_holds_no_predictions_is_named(tmp_path):
    path = tmp_path / "predictions.npz"
    np.savez(path, something=np.zeros(3))
    with pytest.raises(DataError, match="not the predictions of a decoder"):
        load_decoded(path)
