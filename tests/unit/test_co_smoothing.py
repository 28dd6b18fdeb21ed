"""Units are predicted from the other units: better where something is shared, no better where nothing is."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.config.run import run_config
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.co_smoothing import (
    co_smoothed_intensity,
    co_smoothing_scores,
    fit_co_smoothing,
    unit_groups,
    write_co_smoothing_scores,
)
from neurodecode.evaluation.scores import read_scores
from neurodecode.models import build_model, cell_names, family_names
from neurodecode.models.co_smoothing import co_smoothers, co_smoothing_families
from workflow.plan import ACAUSAL, ACAUSAL_FAMILIES, Plan

N_TRIALS, LEAD, N_BINS, BIN_S = 60, 20, 60, 0.02
MODELS = {
    "psth": {},
    "psth_gain": {},
    "glm": {"longest_s": 0.4, "history_penalties": (1.0, 100.0), "coupling_penalties": (300.0,)},
    "gru": {"hidden": 4, "seeds": 1, "epochs": 3, "batches_per_epoch": 3, "longest_s": 0.4},
}


def population(*, shared: bool, n_units: int = 6, seed: int = 0) -> Trials:
    """Two conditions; Poisson units whose gain, if ``shared``, wanders alike with a time constant of 0.4 s."""
    rng = np.random.default_rng(seed)
    n_steps = LEAD + N_BINS
    log_gain = np.zeros((N_TRIALS, n_steps))
    log_gain[:, 0] = rng.normal(size=N_TRIALS)
    keep = np.exp(-BIN_S / 0.4)
    for step in range(1, n_steps):
        log_gain[:, step] = keep * log_gain[:, step - 1] + np.sqrt(1 - keep**2) * rng.normal(size=N_TRIALS)
    gain = np.exp(0.7 * log_gain - 0.7**2 / 2) if shared else np.ones_like(log_gain)
    condition = np.arange(N_TRIALS) % 2
    phase = np.arange(n_units) + 2.0 * condition[:, None]
    rate_hz = 20 * (1 + 0.5 * np.sin(np.arange(n_steps)[None, :, None] / 8.0 + phase[:, None]))
    return Trials.from_counts(
        rng.poisson(gain[..., None] * rate_hz * BIN_S), BIN_S, lead=LEAD, condition=condition
    )


def splits_of(trials: Trials) -> tuple:
    return make_splits(trials.condition, trials.condition_names, 2, np.random.default_rng(1))


def scores_of(trials: Trials, models: dict):
    splits = splits_of(trials)
    groups = unit_groups(trials.n_units, 2, np.random.default_rng(2))
    seeds = [[np.random.SeedSequence([g, s.fold]) for s in splits] for g in range(2)]
    rates, causal = {}, {}
    for family, hyperparameters in models.items():
        for name, one in co_smoothers(family, build_model(family, **hyperparameters)).items():
            rates[name], _ = co_smoothed_intensity(one, trials, splits, groups, seeds)
            causal[name] = one.causal
    given = {"trials": trials, "splits": splits, "predictions": rates, "causal": causal}
    return co_smoothing_scores(**given, session="s", n_bootstrap=200, seed=1)


def pooled(scores, model: str, metric: str) -> tuple[float, float, float]:
    at = (scores.model == model) & (scores.metric == metric) & (scores.unit == "all") & (scores.fold == "all")
    row = scores[at]
    assert len(row) == 1
    return tuple(row[["value", "low", "high"]].iloc[0])


@pytest.fixture(scope="module")
def shared():
    return scores_of(population(shared=True), MODELS)


def test_what_units_share_is_found_by_every_model_that_listens(shared):
    assert set(shared.task) == {"co_smooth"}
    for model in ("psth_gain", "glm", "glm_acausal", "gru"):
        value, low, _ = pooled(shared, model, "gain_over_psth")
        assert low > 0, model
        assert value > 0.02, model
    # The gain is slow: who also sees the units' future knows it better.
    assert pooled(shared, "glm_acausal", "co_bps")[0] > pooled(shared, "glm", "co_bps")[0]


def test_scores_are_bits_per_spike_over_two_nulls_and_say_who_sees_the_future(shared):
    for model in ("psth", "glm"):
        gain = pooled(shared, model, "gain_over_psth")[0]
        bits, of_psth = (pooled(shared, m, "co_bps")[0] for m in (model, "psth"))
        assert_allclose(bits - of_psth, gain, atol=1e-12)
        assert np.isfinite(pooled(shared, model, "co_bps_nlb")[0])
    causal = {m: pooled(shared, m, "causal")[0] for m in shared.model.unique()}
    assert causal == {"psth": 1, "psth_gain": 1, "glm": 1, "glm_acausal": 0, "gru": 1}
    assert set(shared[shared.metric == "co_bps"].unit) == {*map(str, range(6)), "all"}


def test_independent_units_say_nothing_about_each_other():
    scores = scores_of(population(shared=False), MODELS)
    for model in ("psth_gain", "glm", "glm_acausal", "gru"):
        value, low, _ = pooled(scores, model, "gain_over_psth")
        assert low <= 0, model
        assert value < 0.005, model


def test_units_are_dealt_into_groups_and_one_at_a_time_where_there_are_few():
    groups = unit_groups(11, 4, np.random.default_rng(0))
    assert [g.size for g in groups] == [3, 3, 3, 2]
    assert_array_equal(np.sort(np.concatenate(groups)), np.arange(11))
    assert [g.size for g in unit_groups(3, 5, np.random.default_rng(0))] == [1, 1, 1]
    with pytest.raises(DataError, match="one unit"):
        unit_groups(1, 5, np.random.default_rng(0))


def test_two_units_predict_each_other():
    scores = scores_of(population(shared=True, n_units=2), {"psth": {}, "glm": MODELS["glm"]})
    assert np.isfinite(pooled(scores, "glm", "co_bps")[0])


@pytest.fixture
def written(tmp_path):
    def write(trials: Trials, name: str, co_smoother: str, folder: str = "a", **model) -> dict:
        save_trials(tmp_path / "trials.npz", trials)
        save_splits(tmp_path / "splits.csv", splits_of(trials))
        inputs = {"trials": tmp_path / "trials.npz", "splits": tmp_path / "splits.csv", "session": "s", "seed": 1}
        paths = {kind: tmp_path / folder / kind for kind in ("predictions", "fit")}
        asked = {"model": {"family": name, **model}, "name": name, "co_smoother": co_smoother}
        fit_co_smoothing(**inputs, **asked, unit_folds=3, threads=1, outputs=paths)
        by_model = {kind: {co_smoother: path} for kind, path in paths.items()}
        write_co_smoothing_scores(
            **inputs,
            predictions=by_model["predictions"],
            fits=by_model["fit"],
            n_bootstrap=10,
            output=tmp_path / folder / "scores.csv",
        )
        fit = json.loads(paths["fit"].read_text())
        return {
            "rates": np.load(paths["predictions"]),
            "fit": fit,
            "scores": read_scores(tmp_path / folder / "scores.csv"),
        }

    return write


def test_files_hold_every_observed_bin_of_every_unit(written):
    trials = population(shared=True)
    mask = np.ones((N_TRIALS, LEAD + N_BINS, 6), bool)
    mask[4, 30:50, 2] = False
    trials = Trials.from_counts(trials.counts, BIN_S, lead=LEAD, mask=mask, condition=trials.condition)
    files = written(trials, "glm", "glm_acausal", **MODELS["glm"])
    assert files["rates"].dtype == np.float32
    assert_array_equal(np.isnan(files["rates"]), ~trials.window_mask)
    assert files["fit"]["causal"] is False
    assert sorted(unit for group in files["fit"]["unit_groups"] for unit in group) == list(trials.unit_names)
    assert [len(of_group) for of_group in files["fit"]["groups"]] == [2, 2, 2]
    assert set(files["scores"].model) == {"glm_acausal"}
    again = written(trials, "glm", "glm_acausal", "b", **MODELS["glm"])
    assert_array_equal(files["rates"], again["rates"])


def test_a_session_of_one_unit_has_no_scores_and_says_why(written):
    files = written(population(shared=True, n_units=1), "psth", "psth")
    assert len(files["scores"]) == 0
    assert np.isnan(files["rates"]).all()
    assert "one unit" in files["fit"]["absent"]


def test_families_that_cannot_are_refused_and_named():
    assert set(cell_names()) < set(co_smoothing_families()) < set(family_names())
    with pytest.raises(ConfigError, match=r"flat: family 'constant'.*glm"):
        co_smoothers("flat", build_model("constant"))


def test_the_configuration_is_off_unless_asked_and_checked_where_it_is():
    small = {
        "sessions": {"one": {"path": "x.nwb", "window_s": [0.0, 1.0], "bin_size_s": 0.01}},
        "models": {"psth": {"family": "psth"}, "flat": {"family": "constant"}, "glm": {"family": "glm"}},
    }
    assert run_config(small).co_smoothing is None
    assert run_config({**small, "co_smoothing": {}}).co_smoothing.unit_folds == 5
    for asked, words in (
        ({"models": ["flat"]}, "co_smoothing.models.*'constant'"),
        ({"models": ["glum"]}, "did you mean 'glm'"),
        ({"sessions": ["two"]}, "co_smoothing.sessions"),
        ({"unit_folds": 1}, "greater than or equal to 2"),
    ):
        with pytest.raises(ConfigError, match=words):
            run_config({**small, "co_smoothing": asked})
    alike = small["models"] | {"glm_acausal": {"family": "psth"}}
    with pytest.raises(ConfigError, match="called alike"):
        run_config({**small, "models": alike, "co_smoothing": {}})


def test_the_plan_knows_what_the_package_makes():
    root = Path(__file__).resolve().parents[2]
    models = {family: {"family": family} for family in family_names()}
    config = {"sessions": {}, "models": models, "controls": {}, "recordings_dir": ".", "results_dir": "r"}
    asked = {"co_smoothing": {"unit_folds": 5}, "report": {"sessions_on_page": 20}}
    plan = Plan(config | asked, root)
    assert plan.co_smoothing_families == set(co_smoothing_families())
    made = [co_smoothers(name, build_model(name)) for name in family_names() if name in co_smoothing_families()]
    assert set(plan.co_smoothers) == {name for one in made for name in one}
    assert {name.removesuffix(ACAUSAL) for name in plan.co_smoothers if name.endswith(ACAUSAL)} == {
        *ACAUSAL_FAMILIES
    }
