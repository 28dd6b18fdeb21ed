"""Scores of decoders: the numbers that other code gives, paired differences, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pydantic import TypeAdapter
from sklearn.metrics import accuracy_score, log_loss, r2_score

from neurodecode.config.target import TargetConfig
from neurodecode.data.splits import Split, make_splits
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import COLUMNS
from neurodecode.evaluation.decoded import Decoded
from neurodecode.evaluation.decoding_scores import baselines_of, decoding_scores
from neurodecode.metrics.medians import percentile_bounds, resampled_medians

N = 60
CLASSES = np.array(["a", "b", "c"])


@pytest.fixture(scope="module")
def trials() -> Trials:
    rng = np.random.default_rng(5)
    mask = np.ones((N, 12, 3), bool)
    mask[7, 4:6] = False
    mask[8, 6, 0] = False  # the other units were observed
    return Trials.from_counts(
        rng.poisson(1.0, (N, 12, 3)),
        0.1,
        lead=2,
        mask=mask,
        columns={"odour": CLASSES[np.arange(N) % 3], "time_s": rng.normal(size=N)},
        covariates={"hand": rng.normal(size=(N, 12, 2)), "head": rng.uniform(-3, 3, (N, 12))},
    )


@pytest.fixture(scope="module")
def splits(trials) -> tuple[Split, ...]:
    return make_splits(np.arange(N) % 3, tuple(CLASSES), 4, np.random.default_rng(0))


def probabilities(sure: float, seed: int) -> np.ndarray:
    """The true class more probable the surer they are, and noise."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(N, 3)) + sure * np.eye(3)[np.arange(N) % 3]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def scored(trials, splits, given: dict, decoded: dict[str, Decoded], **more: object) -> pd.DataFrame:
    frame = decoding_scores(
        trials=trials,
        splits=splits,
        target=TypeAdapter(TargetConfig).validate_python(given),
        decoded=decoded,
        causal=dict.fromkeys(decoded, True),
        **({"baselines": {}, "session": "s", "control": "", "n_bootstrap": 200, "seed": 1} | more),
    )
    assert list(frame.columns) == list(COLUMNS)
    assert set(frame["unit"]) == {"all"}
    return frame.set_index(["model", "target", "metric", "fold"]).sort_index()


def of_class(p: np.ndarray, raw: np.ndarray | None = None) -> Decoded:
    return Decoded(bin_size_s=0.1, classes=CLASSES, probabilities=p, raw_probabilities=raw)


@pytest.fixture(scope="module")
def classified(trials, splits) -> pd.DataFrame:
    poor, good = probabilities(0.5, 1), probabilities(2.0, 2)
    decoded = {"templates": of_class(poor), "better": of_class(good, raw=good**3 / (good**3).sum(1)[:, None])}
    return scored(trials, splits, {"class": "odour"}, decoded, baselines={"better": "templates"})


def test_classes_are_scored_as_scikit_learn_does(classified, trials, splits):
    assert set(classified["task"]) == {"classify"}
    good, y = probabilities(2.0, 2), trials.columns["odour"]
    found = classified.xs(("better", "odour"))["value"]
    assert_allclose(found["accuracy", "all"], accuracy_score(y, CLASSES[good.argmax(1)]))
    assert_allclose(found["log_loss", "all"], log_loss(y, good))
    raw = good**3 / (good**3).sum(1)[:, None]
    assert_allclose(found["log_loss_raw", "all"], log_loss(y, raw))
    test = splits[2].test
    assert_allclose(found["log_loss", str(splits[2].fold)], log_loss(y[test], good[test], labels=CLASSES))
    assert found["causal", "all"] == 1.0


def test_gains_are_paired_with_the_baseline_and_have_intervals(classified, trials):
    y = np.arange(N) % 3
    losses = [-np.log(p[np.arange(N), y]) for p in (probabilities(0.5, 1), probabilities(2.0, 2))]
    gain = classified.loc["better", "odour", "log_loss_gain", "all"]
    assert_allclose(gain["value"], (losses[0] - losses[1]).mean())
    half_width = 1.96 * (losses[0] - losses[1]).std() / np.sqrt(N)
    assert_allclose([gain["low"], gain["high"]], gain["value"] + half_width * np.array([-1, 1]), rtol=0.15)
    assert ("templates", "odour", "log_loss_gain", "all") not in classified.index, "it is held against nothing"


def test_the_prior_and_chance_stand_beside_the_decoders(classified):
    assert_allclose(classified.loc["prior", "odour", "prior_entropy", "all"]["value"], np.log(3))
    assert_allclose(classified.loc["prior", "odour", "log_loss", "all"]["value"], np.log(3), rtol=1e-2)
    null = classified.loc["better", "odour", "accuracy_null", "all"]
    assert null["low"] < 1 / 3 < null["high"] < classified.loc["better", "odour", "accuracy", "all"]["value"]
    assert classified.loc["better", "odour", "permutation_p", "all"]["value"] < 0.01


def test_probabilities_that_are_none_are_refused(trials, splits):
    for wrong, words in (
        (probabilities(1.0, 1)[:-1], r"shape \(59, 3\), expected"),
        (2 * probabilities(1.0, 1), "must be >= 0 and add up to 1"),
        (np.full((N, 3), np.nan), "must be >= 0 and add up to 1"),
    ):
        with pytest.raises(DataError, match=words):
            scored(trials, splits, {"class": "odour"}, {"d": of_class(wrong)})


def hand(trials: Trials, noise: float, seed: int) -> np.ndarray:
    true = trials.covariates["hand"][:, 2:]
    return true + noise * np.random.default_rng(seed).normal(size=true.shape)


@pytest.fixture(scope="module")
def regressed(trials, splits) -> pd.DataFrame:
    decoded = {
        "poor": Decoded(bin_size_s=0.1, signal=hand(trials, 1.0, 1)),
        "good": Decoded(bin_size_s=0.1, signal=hand(trials, 0.5, 2)),
    }
    return scored(trials, splits, {"signal": "hand"}, decoded, baselines={"good": "poor"})


def observed(trials: Trials) -> np.ndarray:
    return trials.window_mask.any(axis=2)


def test_signals_are_scored_in_observed_bins_as_scikit_learn_does(regressed, trials, splits):
    assert set(regressed["task"]) == {"regress"}
    true, good, seen = trials.covariates["hand"][:, 2:], hand(trials, 0.5, 2), observed(trials)
    assert seen.sum() == N * 10 - 2, "a bin in which one unit of three was observed counts"
    test = splits[1].test
    pair = true[test][seen[test]], good[test][seen[test]]
    fold = str(splits[1].fold)
    value = regressed["value"]
    assert_allclose(value["good", "hand", "r2", fold], r2_score(*pair, multioutput="variance_weighted"))
    for dim, score in enumerate(r2_score(*pair, multioutput="raw_values")):
        assert_allclose(value["good", f"hand[{dim}]", "r2", fold], score)
    apart = np.linalg.norm(true - good, axis=2)[seen]
    assert_allclose(value["good", "hand", "mean_error", "all"], apart.mean())
    assert_allclose(value["good", "hand", "median_error", "all"], np.median(apart))
    first = np.corrcoef(true[seen][:, 0], good[seen][:, 0])[0, 1]
    assert_allclose(value["good", "hand[0]", "correlation", "all"], first)


def test_gains_of_signals_are_those_of_their_scores(regressed):
    value = regressed["value"]
    for metric, sign in (("r2", 1), ("mean_error", -1), ("median_error", -1)):
        gain = regressed.loc["good", "hand", f"{metric}_gain", "all"]
        expected = sign * (value["good", "hand", metric, "all"] - value["poor", "hand", metric, "all"])
        assert_allclose(gain["value"], expected)
        assert 0 < gain["low"] < gain["value"] < gain["high"]


def test_intervals_of_signals_hold_their_value(regressed):
    for metric in ("r2", "mean_error", "median_error"):
        found = regressed.loc["good", "hand", metric, "all"]
        assert found["low"] < found["value"] < found["high"]


def test_a_decoder_on_wider_bins_is_held_to_a_baseline_on_its_own(trials, splits):
    wide = hand(trials, 0.0, 0).reshape(N, 5, 2, 2).mean(axis=2)
    decoded = {
        "wide": Decoded(bin_size_s=0.2, signal=wide),
        "poor": Decoded(bin_size_s=0.1, signal=hand(trials, 1.0, 1)),
    }
    found = scored(trials, splits, {"signal": "hand"}, decoded, baselines={"wide": "poor"})["value"]
    assert_allclose(found["wide", "hand", "r2", "all"], 1.0)
    assert_allclose(found["wide", "hand", "r2_gain", "all"], 1.0 - found["poor", "hand", "r2", "all"])


def test_errors_of_an_angle_are_angles(trials, splits):
    head = trials.covariates["head"][:, 2:]
    off = np.stack([np.sin(head + 0.3), np.cos(head + 0.3)], axis=-1)
    given = {"signal": "head", "circular": True}
    found = scored(trials, splits, given, {"d": Decoded(bin_size_s=0.1, signal=off)})["value"]
    assert_allclose(found["d", "head", "median_error", "all"], 0.3, rtol=1e-5)
    assert_allclose(found["d", "head", "correlation", "all"], 1.0, rtol=1e-5)


def test_values_are_scored_once_a_trial(trials, splits):
    true = trials.columns["time_s"]
    guess = {name: true + w * np.random.default_rng(2).normal(size=N) for name, w in (("mean", 2), ("d", 0.5))}
    decoded = {name: Decoded(bin_size_s=0.1, values=values) for name, values in guess.items()}
    found = scored(trials, splits, {"value": "time_s"}, decoded, baselines={"d": "mean"})
    assert set(found["task"]) == {"trial_value"}
    assert_allclose(found["value"]["d", "time_s", "mean_error", "all"], np.abs(true - guess["d"]).mean())
    row = found.loc["d", "time_s", "correlation", "all"]
    assert_allclose(row["value"], np.corrcoef(true, guess["d"])[0, 1])
    assert row["low"] < row["value"] < row["high"]
    assert found.loc["d", "time_s", "r2_gain", "all"]["low"] > 0


def test_signals_of_another_shape_or_unknown_are_refused(trials, splits):
    nothing = np.full((N, 10, 2), np.nan)
    for wrong, words in ((nothing[:, :5], r"expected \(trials, bins, dims\) = \(60, 10, 2\)"), (nothing, "NaN")):
        with pytest.raises(DataError, match=words):
            scored(trials, splits, {"signal": "hand"}, {"d": Decoded(bin_size_s=0.1, signal=wrong)})


def test_the_aggregate_that_a_decoder_is_held_against():
    families = {
        "lstm": "lstm",
        "of_glm": "likelihood:glm",
        "of_psth": "likelihood:psth",
        "nb": "naive_bayes",
        "nb_fine": "naive_bayes",
    }
    assert baselines_of(families, "class") == {"lstm": "nb", "of_glm": "of_psth", "nb_fine": "nb"}
    del families["nb"], families["nb_fine"]
    assert baselines_of(families, "class") == {"lstm": "of_psth", "of_glm": "of_psth"}
    assert baselines_of({"w": "wiener", "m": "mean", "b": "bayesian"}, "signal") == {"w": "b", "m": "b"}
    assert baselines_of({"w": "wiener", "m": "mean"}, "signal") == {"w": "m"}
    assert baselines_of({"r": "ridge", "m": "mean"}, "value") == {"r": "m"}
    assert baselines_of({"w": "wiener"}, "signal") == {}


def test_resampled_medians_are_those_of_the_bins_drawn():
    rng = np.random.default_rng(0)
    values, trial = rng.normal(size=200), rng.integers(0, 20, 200)
    weights = rng.multinomial(20, np.full(20, 1 / 20), 50).astype(float)
    by_hand = [
        np.quantile(np.repeat(values, one[trial].astype(int)), 0.5, method="inverted_cdf") for one in weights
    ]
    assert_allclose(resampled_medians(values, trial, weights), by_hand)
    assert np.isnan(resampled_medians(np.empty(0), np.empty(0, int), weights)).all()
    assert np.isnan(percentile_bounds(np.array([1.0, np.nan]))).all()
