"""Searched hyper-parameters: the better setting is found, from trials that no test trial is among."""

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from neurodecode.config.run import run_config
from neurodecode.config.search import DEFAULT_TRIALS, SearchRange, search_config
from neurodecode.data.splits import Split, make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.evaluation.search import searched
from neurodecode.models import build_model, load_fitted
from workflow.plan import SEARCH_TRIALS
from workflow.validation import ConfigurationError, checked_config

ROOT = Path(__file__).resolve().parents[2]
RECORDED = {"path": "x.nwb", "window_s": [0.0, 1.0], "bin_size_s": 0.01}


def alternating(n_trials: int = 40) -> Trials:
    """A spike makes the third bin after it likely, and no other: a memory of three bins is needed."""
    rng = np.random.default_rng(3)
    counts = np.zeros((n_trials, 150, 1), np.uint8)
    for step in range(150):
        before = counts[:, step - 3] if step >= 3 else np.zeros((n_trials, 1), np.uint8)
        counts[:, step] = rng.random((n_trials, 1)) < np.where(before, 0.7, 0.1)
    return Trials.from_counts(counts, 0.005, lead=10)


@pytest.fixture(scope="module")
def trials() -> Trials:
    return alternating()


@pytest.fixture(scope="module")
def splits(trials):
    return make_splits(trials.condition, trials.condition_names, 3, np.random.default_rng(0))


def search(trials, split, space, *, family="markov", n_trials=6, seed=1, **options):
    model = build_model(family, **options)
    asked = search_config({"space": space, "n_trials": n_trials}, model, "models.m.search")
    return searched(model, asked, trials, split, np.random.SeedSequence(seed))


ORDERS = {"orders": [[1], [3]]}


def test_the_better_of_two_settings_is_found(trials, splits):
    found = search(trials, splits[0], ORDERS, orders=(2,))
    assert found.model.orders == (3,)
    assert found.record["chosen"] == {"orders": (3,)}
    by_order = {row["hyperparameters"].get("orders", "as configured"): row for row in found.record["settings"]}
    assert by_order[(3,)]["bits_per_spike"] > by_order[(1,)]["bits_per_spike"] + 0.2
    assert by_order[(3,)]["bits_per_spike"] > by_order["as configured"]["bits_per_spike"] + 0.2


def test_what_is_configured_stands_unless_a_setting_is_better(trials, splits):
    found = search(trials, splits[0], {"orders": [[1], [2]]}, orders=(3,))
    assert found.model.orders == (3,)
    assert found.record["chosen"] == {}
    assert found.record["settings"][0]["hyperparameters"] == {}


def test_a_setting_that_changes_nothing_does_not_stand_for_what_is_configured(trials, splits):
    found = search(
        trials, splits[0], {"strengths": [[4.0], [4.0, 4.0]]}, orders=(3,), strengths=(4.0,), n_trials=2
    )
    assert found.record["chosen"] == {}
    values = [row["bits_per_spike"] for row in found.record["settings"]]
    assert max(values) - min(values) < 1e-9


def test_every_kind_of_hyperparameter_is_drawn_from_its_space(trials, splits):
    space = {
        "n_lags": {"low": 1, "high": 4},
        "longest_s": {"low": 0.02, "high": 0.2, "log": True},
        "coupling": ["own", "auto"],
        "history_penalties": [[1.0], [100.0]],
    }
    given = {"family": "glm", "time_course": "none", "coupling_penalties": (), "history_penalties": (1.0,)}
    few = trials.select(np.arange(12))
    split = Split(0, np.arange(8), np.arange(8, 10), np.arange(10, 12))
    rows = search(few, split, space, n_trials=3, **given).record["settings"][1:]
    assert len(rows) == 3
    for drawn in (row["hyperparameters"] for row in rows):
        assert drawn["n_lags"] in (1, 2, 3, 4)
        assert isinstance(drawn["n_lags"], int)
        assert 0.02 <= drawn["longest_s"] <= 0.2
        assert drawn["coupling"] in ("own", "auto")
        assert drawn["history_penalties"] in ((1.0,), (100.0,))
    assert len({row["hyperparameters"]["longest_s"] for row in rows}) == 3


def test_the_same_seed_tries_the_same_settings(trials, splits):
    def settings(seed: int) -> list[tuple[dict, float]]:
        space = {"orders": [[1], [2], [3], [4]], "n_groups": {"low": 2, "high": 9}}
        rows = search(trials, splits[0], space, seed=seed, n_trials=3, orders=(1,)).record["settings"]
        return [(row["hyperparameters"], row["bits_per_spike"]) for row in rows]

    assert settings(1) == settings(1)
    assert settings(1) != settings(2)


def test_test_trials_are_not_seen(trials, splits):
    counts = trials.counts.copy()
    counts[splits[0].test] = 1 - counts[splits[0].test]
    one, other = (search(t, splits[0], ORDERS, n_trials=2) for t in (trials, replace(trials, counts=counts)))
    values = [[row["bits_per_spike"] for row in found.record["settings"]] for found in (one, other)]
    assert values[0] == values[1]
    counts = trials.counts.copy()
    counts[splits[0].validation] = 1 - counts[splits[0].validation]
    changed = search(replace(trials, counts=counts), splits[0], ORDERS, n_trials=2)
    assert [row["bits_per_spike"] for row in changed.record["settings"]] != values[0]


def test_settings_are_scored_on_trials_that_the_fit_has_not_seen(trials, splits, monkeypatch):
    """Families refit on what they are given for validation: that must not be what a setting is scored on."""
    seen = []
    kind = type(build_model("markov"))
    fit = kind.fit

    def watched(self, train, validation, rng):
        seen.append((train, validation))
        return fit(self, train, validation, rng)

    marked = replace(trials, columns={"number": np.arange(trials.n_trials)})
    monkeypatch.setattr(kind, "fit", watched)
    search(marked, splits[0], ORDERS, n_trials=2)
    assert len(seen) == 3
    for train, held_out in seen:
        numbers = np.concatenate([train.columns["number"], held_out.columns["number"]])
        assert_array_equal(np.sort(numbers), splits[0].train)


def test_a_setting_whose_parts_do_not_fit_is_passed_over(trials, splits, monkeypatch):
    kind = type(build_model("markov"))
    checked = kind.__post_init__

    def refuse(self):
        checked(self)
        if self.orders == (1,) and self.n_groups == 3:
            raise ConfigError("these do not go together")

    monkeypatch.setattr(kind, "__post_init__", refuse)
    space = {"orders": [[1], [2]], "n_groups": [3, 4]}
    rows = search(trials, splits[0], space, n_trials=12).record["settings"]
    refused = [row for row in rows if row["hyperparameters"] == {"orders": (1,), "n_groups": 3}]
    assert refused
    assert all(row["bits_per_spike"] is None for row in refused)


def test_one_training_trial_is_too_few(trials, splits):
    split = replace(splits[0], train=splits[0].train[:1])
    with pytest.raises(DataError, match="two training trials"):
        search(trials, split, ORDERS)


def test_without_optuna_the_way_out_is_named(trials, splits, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"\[search\]"):
        search(trials, splits[0], ORDERS)


# -- the files of a fit -------------------------------------------------------------------------------------------


def test_each_fold_keeps_what_it_found_and_loads_with_it(trials, splits, tmp_path, caplog):
    save_trials(tmp_path / "trials.npz", trials)
    save_splits(tmp_path / "splits.csv", splits)
    names = {"predictions": "p.npy", "samples": "s.npz", "parameters": "f.safetensors", "fit": "fit.json"}
    space = {"orders": [[2], [3], [4]], "n_groups": {"low": 2, "high": 6}}
    with caplog.at_level(logging.INFO):
        fit_and_predict(
            trials=tmp_path / "trials.npz",
            splits=tmp_path / "splits.csv",
            model={"family": "markov", "orders": [1], "search": {"n_trials": 3, "space": space}},
            name="m",
            session="s",
            seed=1,
            threads=1,
            outputs={kind: tmp_path / name for kind, name in names.items()},
        )
    written = json.loads((tmp_path / "fit.json").read_text())
    assert [one["fold"] for one in written["search"]] == [0, 1, 2]
    assert all(len(one["settings"]) == 4 for one in written["search"])
    assert "settings tried" in caplog.text
    loaded = load_fitted(tmp_path / "f.safetensors", tmp_path / "fit.json")
    predictions = np.load(tmp_path / "p.npy")
    for fitted, one, split in zip(loaded, written["search"], splits, strict=True):
        chosen = {k: tuple(v) if isinstance(v, list) else v for k, v in one["chosen"].items()}
        assert chosen == {name: getattr(fitted.model, name) for name in chosen}
        assert 3 in fitted.model.orders or 4 in fitted.model.orders
        assert_array_equal(fitted.intensity(trials.select(split.test)).astype(np.float32), predictions[split.test])


# -- the configuration --------------------------------------------------------------------------------------------


def configured(search: object, family: str = "lstm") -> dict:
    return {"sessions": {"one": RECORDED}, "models": {"m": {"family": family, "search": search}}}


GOOD = {"n_trials": 3, "space": {"hidden": {"low": 16, "high": 128, "log": True}, "coupling": ["own", "units"]}}


def test_a_search_of_the_configuration_is_read_and_written_out():
    run = run_config(configured(GOOD))
    assert run.searches["m"].n_trials == 3
    assert run.searches["m"].space["hidden"] == SearchRange(low=16, high=128, log=True)
    assert run_config(json.loads(json.dumps(run.as_mapping()))) == run
    assert checked_config(configured(GOOD), ROOT)["models"]["m"]["search"] == GOOD
    assert run_config(configured({"space": {"dropout": [0.1, 0.3]}})).searches["m"].n_trials == DEFAULT_TRIALS


def test_the_workflow_knows_how_many_settings_are_tried():
    assert SEARCH_TRIALS == DEFAULT_TRIALS


BAD = [
    ({"space": {"hiden": [1, 2]}}, ["models.m.search.space", "'hiden'", "did you mean 'hidden'", "weight_decay"]),
    ({"space": {}}, ["models.m.search.space"]),
    ({"space": {"hidden": {"low": 1}}}, ["models.m.search.space.hidden", "high"]),
    ({"space": {"hidden": 64}}, ["models.m.search.space.hidden", "64"]),
    ({"space": {"hidden": [64]}}, ["models.m.search.space.hidden", "[64]"]),
    ({"space": {"coupling": {"low": 0, "high": 1}}}, ["models.m.search.space.coupling"]),
    ({"n_trials": 0, "space": GOOD["space"]}, ["models.m.search.n_trials", "0"]),
    ({"trials": 5, "space": GOOD["space"]}, ["models.m.search", "'trials'", "n_trials"]),
    ({"n_trials": 5}, ["models.m.search", "space"]),
]
ONLY_TYPES_SEE = [
    ({"space": {"hidden": {"low": 8, "high": 4}}}, ["models.m.search.space.hidden", "low must lie below high"]),
    ({"space": {"hidden": {"low": 0, "high": 4}}}, ["models.m.search.space.hidden", "hidden must be >= 1"]),
    ({"space": {"hidden": {"low": 1.5, "high": 4}}}, ["models.m.search.space.hidden", "whole number"]),
    ({"space": {"dropout": {"low": 0, "high": 0.5, "log": True}}}, ["dropout", "positive on a log scale"]),
    ({"space": {"dropout": [0.1, 1.5]}}, ["models.m.search.space.dropout", "1.5"]),
    ({"space": {"dropout": [0.1, "much"]}}, ["models.m.search.space.dropout", "'much'"]),
    ({"space": {"coupling": ["own", "everyone"]}}, ["models.m.search.space.coupling", "'everyone'"]),
]


@pytest.mark.parametrize(("search", "words"), [*BAD, *ONLY_TYPES_SEE])
def test_an_error_of_the_space_names_the_key_and_what_is_known(search, words):
    with pytest.raises(ConfigError) as error:
        run_config(configured(search))
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(("search", "words"), BAD)
def test_the_workflow_says_it_before_the_first_job(search, words):
    with pytest.raises(ConfigurationError) as error:
        checked_config(configured(search), ROOT)
    assert words[0] in str(error.value)
    assert words[1] in str(error.value) if len(words) > 1 else True


def test_a_family_without_hyperparameters_has_nothing_to_search():
    with pytest.raises(ConfigError, match=r"models\.m\.search\.space"):
        run_config(configured({"space": {"rate": [1, 2]}}, family="constant"))
