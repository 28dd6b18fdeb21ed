"""scores.csv: its rows, its nulls, what is absent and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import Split, make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.likelihoods import load_likelihoods, trial_likelihoods
from neurodecode.evaluation.scores import (
    collect_scores,
    read_scores,
    score_session,
    write_scores,
    write_session_scores,
)

COLUMNS = ["schema_version", "session", "control", "task", "target", "model", "fold", "unit", "metric"]
COLUMNS += ["value", "low", "high"]
LIKELIHOOD = {
    "bits_per_spike",
    "bits_per_spike_nlb",
    "gain_over_psth",
    "poisson_d2",
    "log_likelihood",
    "n_spikes",
}
RESCALING = {"ks_time_rescaling", "ks_p_holm", "ks_passed"}
VALUES = {"isi_violations_2ms", "isi_cv", "fano_100ms", "noise_correlation"}
DISTANCES = {"isi_ks", "hazard_error", "adaptation_error", "rate_ratio", "fullest_ratio"}


def recorded(*, bin_size_s=0.001, **changes):
    """40 trials of 2 units in 2 conditions, 10 lead steps and 200 bins, refractory for 3 bins; the third unit is
    silent. Trial 4 was not observed from bin 100 on. With their true rates (Hz)."""
    rng = np.random.default_rng(11)
    condition, n_steps = np.arange(40) % 2, 210
    counts, mu = np.zeros((40, n_steps, 3), np.uint8), np.zeros((40, n_steps, 3))
    drive = 0.09 * (1 + 0.6 * np.sin(np.arange(n_steps) / 25.0))
    for step in range(n_steps):
        quiet = counts[:, max(step - 3, 0) : step].any(axis=1)
        mu[:, step] = drive[step] * np.where(condition, 1.4, 0.8)[:, None] * np.array([1.0, 0.7, 0.0]) * ~quiet
        counts[:, step] = rng.random((40, 3)) < mu[:, step]
    mask = np.ones((40, n_steps, 1), bool)
    mask[4, 110:] = False
    trials = Trials.from_counts(
        counts, bin_size_s, lead=10, mask=mask, condition=condition, unit_names=["a", "b", "c"]
    )
    rates = np.maximum(mu[:, 10:], 1e-6) / bin_size_s
    return replace(trials, **changes), np.where(trials.window_mask, rates, np.nan).astype(np.float32)


@pytest.fixture(scope="module")
def session():
    """Trials, three folds, and the predictions and samples of three models."""
    trials, oracle = recorded()
    splits = make_splits(trials.condition, trials.condition_names, 3, np.random.default_rng(0))
    psth = np.stack([np.nanmean(oracle[trials.condition == c], axis=0) for c in (0, 1)])[trials.condition]
    flat = np.broadcast_to(np.nanmean(oracle, axis=(0, 1)), oracle.shape)
    predictions = {"constant": flat, "psth": psth, "oracle": oracle}
    rng = np.random.default_rng(1)
    samples = {name: (rng.random(psth.shape) < psth * 0.001).astype(np.uint8) for name in ("psth", "oracle")}
    return trials, splits, predictions, samples


def score(session, **changes):
    trials, splits, predictions, samples = session
    given = {"trials": trials, "splits": splits, "predictions": predictions, "samples": samples}
    given |= {"session": "toy", "control": "", "n_bootstrap": 50, "seed": 3}
    return score_session(**(given | changes))


@pytest.fixture(scope="module")
def scores(session):
    return score(session)


def value(scores, model, metric, *, unit="all", fold="all", column="value"):
    at = (scores.model == model) & (scores.metric == metric) & (scores.unit == unit) & (scores.fold == fold)
    assert at.sum() == 1
    return scores.loc[at, column].item()


def test_schema(scores):
    assert list(scores.columns) == COLUMNS
    assert set(scores.schema_version) == {1}
    assert set(scores.task) == {"encode"}
    assert set(scores.target) == {""}
    assert not scores.duplicated(COLUMNS[1:9]).any()
    for model in ("constant", "psth", "oracle"):
        own = scores[scores.model == model]
        per_fold = own[own.fold != "all"]
        assert set(per_fold.metric) == LIKELIHOOD
        assert set(per_fold.fold) == {"0", "1", "2"}
        sampled = VALUES | DISTANCES if model != "constant" else set()
        reached = {"mean_response_reached"} if model == "psth" else set()
        assert set(own[own.fold == "all"].metric) == LIKELIHOOD | RESCALING | sampled | reached
        assert all(set(rows.unit) == {"a", "b", "c", "all"} for _, rows in own.groupby(["metric", "fold"]))
    assert set(scores[scores.model == "recording"].metric) == VALUES | {
        "noise_ceiling",
        "psth_ceiling",
        "n_spikes",
    }


def test_unit_without_spikes_has_nan_and_a_finite_likelihood(scores):
    for metric in ("bits_per_spike", "bits_per_spike_nlb", "gain_over_psth", "poisson_d2", "ks_time_rescaling"):
        assert np.isnan(value(scores, "oracle", metric, unit="c"))
        assert np.isfinite(value(scores, "oracle", metric))
    assert value(scores, "oracle", "n_spikes", unit="c") == 0
    assert np.isfinite(value(scores, "oracle", "log_likelihood", unit="c"))


def test_pooled_bits_are_summed_over_folds_each_against_its_own_null(session, scores):
    trials, splits, predictions, _ = session
    gain, n_spikes = 0.0, 0.0
    for split in splits:
        train = trials.select(split.train)
        seen = train.window_mask.sum() * 0.001
        for unit in range(3):
            null = (train.window_counts[..., unit].sum() + 0.5) / seen * 0.001
            mask = trials.window_mask[split.test, :, 0]
            n = trials.window_counts[split.test][..., unit][mask].astype(float)
            mu = predictions["oracle"][split.test][..., unit][mask].astype(float) * 0.001
            gain += np.sum(n * np.log(mu / null) - mu + null)
            n_spikes += n.sum()
    assert_allclose(value(scores, "oracle", "bits_per_spike"), gain / n_spikes / np.log(2), rtol=1e-9)


def test_folds_add_up(scores):
    for metric in ("log_likelihood", "n_spikes"):
        folds = [value(scores, "psth", metric, unit="a", fold=str(f)) for f in range(3)]
        assert_allclose(sum(folds), value(scores, "psth", metric, unit="a"), rtol=1e-12)


def test_the_truth_is_best_and_its_interval_says_so(scores):
    assert value(scores, "oracle", "gain_over_psth", column="low") > 0
    assert value(scores, "psth", "gain_over_psth") == value(scores, "psth", "gain_over_psth", column="high") == 0
    low, high = (value(scores, "oracle", "bits_per_spike", unit="a", column=c) for c in ("low", "high"))
    assert low < value(scores, "oracle", "bits_per_spike", unit="a") < high
    assert value(scores, "oracle", "ks_time_rescaling", unit="a") < 1
    assert scores[scores.fold != "all"].low.isna().all()


def test_without_psth_there_are_no_gains(session):
    found = score(session, predictions={"constant": session[2]["constant"]})
    assert {"gain_over_psth", "hazard_error", "adaptation_error"}.isdisjoint(found.metric)
    assert "bits_per_spike" in set(found.metric)


def test_coarse_bins_and_counts_have_no_violations(session):
    trials = session[0]
    coarse = score(session, trials=replace(trials, bin_size_s=0.004))
    assert "isi_violations_2ms" not in set(coarse.metric)
    assert {"isi_ks", "isi_cv"} <= set(coarse.metric)
    counts_only = score(session, trials=replace(trials, has_spike_times=False))
    assert {"isi_violations_2ms", "isi_ks", "isi_cv"}.isdisjoint(counts_only.metric)
    assert "hazard_error" in set(counts_only.metric)


def test_one_unit_has_no_noise_correlation():
    trials, oracle = recorded()
    one = Trials.from_counts(
        trials.counts[..., :1], 0.001, lead=10, mask=np.array(trials.mask), condition=np.array(trials.condition)
    )
    splits = make_splits(one.condition, one.condition_names, 3, np.random.default_rng(0))
    found = score((one, splits, {"psth": oracle[..., :1]}, {}))
    assert "noise_correlation" not in set(found.metric)
    assert_allclose(value(found, "psth", "bits_per_spike"), value(found, "psth", "bits_per_spike", unit="0"))


def test_masked_predictions_and_counts_change_nothing(session, scores):
    trials, _, predictions, samples = session
    mask = trials.window_mask
    filled = {name: np.where(mask, rates, 1e9).astype(np.float32) for name, rates in predictions.items()}
    drawn = {name: np.where(mask, counts, 200).astype(np.uint8) for name, counts in samples.items()}
    pd.testing.assert_frame_equal(score(session, predictions=filled, samples=drawn), scores)


def test_same_seed_same_scores_and_other_models_do_not_matter(session, scores):
    pd.testing.assert_frame_equal(score(session), scores)
    predictions = {name: session[2][name] for name in ("oracle", "psth")}
    alone = score(session, predictions=predictions)
    key = ["model", "metric", "fold", "unit"]
    ours, alone = (frame[frame.model == "oracle"].sort_values(key, ignore_index=True) for frame in (scores, alone))
    pd.testing.assert_frame_equal(ours, alone)


def test_untested_trials_are_not_scored(session):
    trials, splits, predictions, _ = session
    first = (splits[0],)
    hole = predictions["psth"].copy()
    hole[np.setdiff1d(np.arange(40), splits[0].test)] = np.nan
    found = score(session, splits=first, predictions={"psth": hole}, samples={})
    n = trials.window_counts[splits[0].test].sum()
    assert value(found, "psth", "n_spikes") == value(found, "recording", "n_spikes") == n
    assert_allclose(
        value(found, "psth", "bits_per_spike"), value(found, "psth", "bits_per_spike", fold=str(splits[0].fold))
    )


def test_a_prediction_that_excludes_a_spike_scores_minus_infinity(session):
    rates = np.zeros(session[2]["psth"].shape, np.float32)
    found = score(session, predictions={"psth": session[2]["psth"], "never": rates}, samples={})
    assert value(found, "never", "bits_per_spike") == -np.inf
    assert value(found, "never", "poisson_d2") == -np.inf
    assert np.isnan(value(found, "never", "bits_per_spike", column="low"))
    assert np.isfinite(value(found, "never", "ks_time_rescaling"))


def broken(predictions, change):
    rates = predictions["psth"].copy()
    return {"psth": change(rates)}


def set_to(number, trial=7):
    def change(rates):
        rates[trial, 5, 1] = number
        return rates

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r[:, :-1], r"psth.*shape \(40, 199, 3\).*\(40, 200, 3\)"),
        (set_to(np.nan), "psth.*1 rates that are NaN or infinite.*first in trial 7"),
        (set_to(np.inf), "psth.*1 rates that are NaN or infinite"),
        (set_to(-1.0), "psth.*1 below 0"),
        (lambda r: np.nan_to_num(r).astype(int), "psth.*int64.*expected floats"),
    ],
)
def test_predictions_that_cannot_be_scored_are_refused(session, change, message):
    with pytest.raises(DataError, match=message):
        score(session, predictions=broken(session[2], change), samples={})


@pytest.mark.parametrize(
    ("samples", "message"),
    [(np.zeros((40, 200, 2), np.uint8), "samples of psth.*shape"), (np.zeros((40, 200, 3)), "unsigned integers")],
)
def test_samples_that_cannot_be_scored_are_refused(session, samples, message):
    with pytest.raises(DataError, match=message):
        score(session, samples={"psth": samples})


def test_splits_of_other_trials_are_refused(session):
    trials, splits, predictions, _ = session
    last = Split(0, train=np.array([0]), validation=np.array([1]), test=np.array([40]))
    with pytest.raises(DataError, match="tests trial 40, but there are 40 trials"):
        trial_likelihoods(trials, (last,), predictions)
    with pytest.raises(DataError, match="another fold tests"):
        trial_likelihoods(trials, (splits[0], splits[0]), predictions)


def test_a_unit_may_not_be_called_all(session):
    trials = session[0]
    with pytest.raises(DataError, match="a unit is called 'all'"):
        score(session, trials=replace(trials, unit_names=("a", "all", "c")))


@pytest.fixture
def files(session, tmp_path):
    trials, splits, predictions, samples = session
    save_trials(tmp_path / "trials.npz", trials)
    save_splits(tmp_path / "splits.csv", splits)
    given = {
        "trials": tmp_path / "trials.npz",
        "splits": tmp_path / "splits.csv",
        "predictions": {},
        "samples": {},
    }
    for name, rates in predictions.items():
        given["predictions"][name] = tmp_path / f"{name}.npy"
        np.save(given["predictions"][name], rates)
    for name, counts in samples.items():
        given["samples"][name] = tmp_path / f"{name}.npz"
        np.savez_compressed(given["samples"][name], counts=counts)
    given |= {"session": "toy", "control": "", "n_bootstrap": 50, "seed": 3, "output": tmp_path / "scores.csv"}
    return given


def test_from_files_the_same_scores_to_the_last_bit(files, scores, session, tmp_path):
    write_session_scores(**files, likelihoods=tmp_path / "likelihoods.npz")
    expected = score(session)
    pd.testing.assert_frame_equal(read_scores(files["output"]), expected, check_exact=True, check_dtype=False)
    held = load_likelihoods(tmp_path / "likelihoods.npz")
    found = trial_likelihoods(*session[:3])
    assert list(held.models) == list(found.models)
    assert held.unit_names == found.unit_names
    for name in ("null", "nlb_null", "saturated", "n_spikes", "fold", "condition"):
        assert_array_equal(getattr(held, name), getattr(found, name))
    assert_array_equal(held.of("psth"), found.of("psth"))


def test_folds_that_fell_back_are_marked(files, session, tmp_path):
    said = {"psth": [None] * 3, "rich": [False, True, False]}
    fits = {}
    for name, folds in said.items():
        fits[name] = tmp_path / f"{name}.json"
        told = [{"diagnostics": {} if fell is None else {"fallback": fell}} for fell in folds]
        fits[name].write_text(json.dumps({"folds": told}))
    write_session_scores(**files, fits=fits)
    scores = read_scores(files["output"])
    marked = scores[scores.metric == "fallback"]
    assert set(marked.model) == {"rich"}
    assert set(marked.unit) == {"a", "b", "c", "all"}
    assert marked.groupby("fold").value.agg(["min", "max"]).to_dict("index") == {
        "0": {"min": 0.0, "max": 0.0},
        "1": {"min": 1.0, "max": 1.0},
        "2": {"min": 0.0, "max": 0.0},
        "all": {"min": 1 / 3, "max": 1 / 3},
    }


def test_writing_twice_gives_the_same_bytes(files):
    write_session_scores(**files)
    first = files["output"].read_bytes()
    write_session_scores(**files)
    assert files["output"].read_bytes() == first
    assert not list(files["output"].parent.glob(".*.part"))


@pytest.mark.parametrize("kind", ["predictions", "samples"])
def test_unreadable_files_are_named(files, kind):
    path = files[kind]["psth"]
    path.write_bytes(b"\x80\x04pickled")
    with pytest.raises(DataError, match=rf"{path.name}.*psth.*fit the model again"):
        write_session_scores(**files)
    assert not files["output"].exists()


def test_bad_predictions_name_their_file(files):
    np.save(files["predictions"]["psth"], np.full((40, 200, 3), np.nan, np.float32))
    with pytest.raises(DataError, match=r"predictions of psth \(.*psth\.npy\)"):
        write_session_scores(**files)


def test_collected_scores_keep_text_and_numbers(scores, tmp_path):
    odd = scores.assign(session="other", control="shuffled_labels")
    odd.loc[odd.unit == "a", "unit"] = "NA"
    odd.loc[odd.index[0], "value"] = -np.inf
    write_scores(scores, tmp_path / "one.csv")
    write_scores(odd, tmp_path / "two.csv")
    collect_scores([tmp_path / "one.csv", tmp_path / "two.csv"], tmp_path / "scores.csv")
    expected = pd.concat([scores, odd], ignore_index=True)
    pd.testing.assert_frame_equal(
        read_scores(tmp_path / "scores.csv"), expected, check_exact=True, check_dtype=False
    )


def test_tables_that_are_no_scores_are_refused(tmp_path):
    (tmp_path / "other.csv").write_text("session,value\nx,1\n")
    with pytest.raises(DataError, match="it lacks"):
        collect_scores([tmp_path / "other.csv"], tmp_path / "scores.csv")
    with pytest.raises(DataError, match=r"missing\.csv"):
        read_scores(tmp_path / "missing.csv")
