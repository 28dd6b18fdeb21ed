"""What the README prints can be run, and what it lists is what there is."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from pydantic import TypeAdapter

from neurodecode.config.run import CONTROLS, KEYS, NESTED_MODELS, run_config
from neurodecode.config.search import DEFAULT_TRIALS
from neurodecode.config.sections import (
    CoSmoothingConfig,
    DecompositionConfig,
    DynamicsConfig,
    EvaluationConfig,
    ForecastConfig,
    ReportConfig,
)
from neurodecode.config.session import CovariateConfig, SessionConfig
from neurodecode.config.target import TargetConfig
from neurodecode.data.session import Session
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.decoders import decoder_families, decoder_types
from neurodecode.evaluation import decomposition, sufficiency
from neurodecode.evaluation._fallbacks import FALLBACK
from neurodecode.evaluation._score_rows import COLUMNS
from neurodecode.evaluation.co_smoothing import co_smoothing_scores
from neurodecode.evaluation.decoded import Decoded
from neurodecode.evaluation.decoding_scores import decoding_scores
from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.evaluation.forecasts import forecast_scores
from neurodecode.evaluation.likelihoods import trial_likelihoods
from neurodecode.evaluation.scores import read_scores, score_session
from neurodecode.io import FORMATS, write_nwb
from neurodecode.models import family_names
from neurodecode.simulate import population_names
from workflow.validation import checked_config

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def python_after(line: str) -> str:
    """The first block of Python below a heading or another line."""
    found = re.search(r"^```python\n(.*?)^```", README.split(f"\n{line}\n", 1)[1], flags=re.MULTILINE | re.DOTALL)
    assert found, line
    return found[1]


MODULES = python_after("## As modules")
RECORDING = python_after("A recording takes the place of the arrays like this:")
OTHER_TOOL = python_after("### Predictions of another tool")
CELL = python_after("### A model of your own")


def table_after(heading: str, column: str) -> set[str]:
    """The names in code type in the first column of the table that is headed ``column``, after ``heading``."""
    after = README.split(heading, maxsplit=1)[1]
    rows = after.split(f"| {column} |", maxsplit=1)[1].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_modules_fit_score_sample_save_and_load():
    held = run(MODULES)
    assert np.all(held["gain"] > 0.05), "a unit that rests after each spike is foretold by its history"
    assert held["rate_hz"].shape == held["test"].window_counts.shape
    assert held["drawn"].n_bins == 100
    np.testing.assert_array_equal(held["again"].intensity(held["test"]), held["rate_hz"])


def test_a_recording_becomes_trials():
    cue = np.arange(3.0, 60.0, 3.0)
    rng = np.random.default_rng(0)
    session = Session(
        name="stn",
        spike_times_s=(np.sort(rng.uniform(0.0, 62.0, 400)),),
        units=pd.DataFrame({"unit_name": ["a"]}),
        trials=pd.DataFrame(
            {
                "start_time": cue - 1.5,
                "stop_time": cue + 1.5,
                "go_time": cue,
                "direction": np.resize(["left", "right"], cue.size),
            }
        ),
    )
    write_nwb("stn_joystick.nwb", session)
    trials = run(RECORDING)["trials"]
    assert trials.counts.shape == (cue.size, 2500, 1)
    assert trials.condition_names == ("left", "right")


def test_predictions_of_another_tool_are_scored():
    folder = Path("results/stn")
    rng = np.random.default_rng(0)
    trials = Trials.from_counts(rng.poisson(0.1, (15, 60, 2)), 0.005, lead=10)
    splits = make_splits(trials.condition, trials.condition_names, 3, rng)
    save_trials(folder / "trials.npz", trials)
    save_splits(folder / "splits.csv", splits)
    model = folder / "models/psth"
    model.mkdir(parents=True)
    fit_and_predict(
        trials=folder / "trials.npz",
        splits=folder / "splits.csv",
        model={"family": "psth"},
        name="psth",
        session="stn",
        seed=1,
        threads=1,
        outputs={
            "predictions": model / "predictions.npy",
            "samples": model / "samples.npz",
            "parameters": model / "parameters.safetensors",
            "fit": model / "fit.json",
        },
    )
    np.save("my_predictions.npy", np.full(trials.window_counts.shape, 20.0, np.float32))
    run(OTHER_TOOL)
    written = read_scores("my_scores.csv")
    assert set(written["model"]) >= {"psth", "mine"}
    assert ((written["metric"] == "gain_over_psth") & (written["model"] == "mine")).any()


def test_a_class_is_decoded():
    held = run(python_after("### Decoding a class"))
    assert held["accuracy"].mean() > 0.8
    assert held["log_loss"](held["p"], held["code"][held["test"]]) < 0.5 < held["prior_entropy"](held["code"])
    np.testing.assert_allclose(held["so_far"], held["unfolding"][0, -1])
    np.testing.assert_allclose(held["raw"].sum(axis=2), 1.0)


def test_a_signal_is_decoded():
    held = run(python_after("### Decoding a signal"))
    for decoder, worst_cm in ((held["bayesian"], 8.0), (held["wiener"], 25.0), (held["kalman"], 25.0)):
        decoded = decoder.predict(held["counts"][held["test"]])
        assert held["median_error"](held["distances"](held["true"], decoded), held["true"]) < worst_cm
        assert held["r2"](held["true"], decoded)[0] > 0.8
    whole = held["wiener"].predict(held["counts"])
    np.testing.assert_allclose(held["of_windows"][3], whole[800:980], atol=1e-5)  # counts in single precision
    np.testing.assert_allclose(held["here"], held["kalman"].predict(held["counts"][held["test"]])[-1])


def test_the_cell_is_one_that_a_network_can_be_built_on():
    cell = run(CELL)["CELL"](3, 5)
    hidden, state = cell(torch.zeros(2, 7, 3), None)
    again, _ = cell(torch.zeros(2, 1, 3), state)
    assert hidden.shape == (2, 7, 5)
    assert again.shape == (2, 1, 5)


def test_the_configuration_holds(tmp_path):
    mine, sheet, free, search, decoding = blocks("yaml")
    given = yaml.safe_load(mine)
    assert len(mine.splitlines()) <= 16
    assert run_config(given).sessions["rat1"].condition == "stimulus"
    assert checked_config(given, ROOT)["results_dir"] == "results_mine"
    table = re.search(r"^```\n(name,path,.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "sheet.csv").write_text(table[1])
    rows = run_config({**given, **yaml.safe_load(sheet)}, folders=[tmp_path]).sessions
    assert rows["rat1_0301"].window_s == (-0.5, 1.0)
    assert rows["rat1_0302"].window_s == (-0.5, 0.8)
    free_running = {**given, **yaml.safe_load(free)}
    assert checked_config(free_running, ROOT)["forecast"]["samples"] == 32
    assert run_config(free_running).forecast.steps == (1, 2, 4, 8, 16, 32, 64)
    searching = {**given, **yaml.safe_load(search)}
    assert checked_config(searching, ROOT)["models"]["lstm"]["search"]["n_trials"] == DEFAULT_TRIALS
    assert run_config(searching).searches["lstm"].space["coupling"] == ("own", "units")

    read_out = {**given, **yaml.safe_load(decoding)}
    assert checked_config(read_out, ROOT)["decoders"]["of_glm"]["model"] == "glm"
    assert run_config(read_out).decoders_of("rat1") == ["templates", "counts", "of_psth", "of_glm"]


def test_every_key_of_the_configuration_is_explained():
    listed = table_after("### Configuration", "key")
    nested = {
        "evaluation": EvaluationConfig,
        "co_smoothing": CoSmoothingConfig,
        "decomposition": DecompositionConfig,
        "dynamics": DynamicsConfig,
        "forecast": ForecastConfig,
        "report": ReportConfig,
    }
    expected = {*KEYS, "session_defaults"} - nested.keys()
    expected |= {f"{section}.{f.name}" for section, kind in nested.items() for f in fields(kind)}
    assert listed == expected


def test_every_key_of_a_session_is_explained():
    recorded = table_after("Under each name of `sessions`", "key")
    simulated = table_after("or a simulation", "key")
    assert recorded | simulated == {f.name for f in fields(SessionConfig)}
    for field in fields(CovariateConfig):
        assert f"{field.name}:" in README


def test_every_format_population_and_control_is_named():
    assert table_after("### Formats", "format") == set(FORMATS)
    for name in (*population_names(), *CONTROLS):
        assert f"`{name}`" in README


def test_every_family_is_listed():
    assert table_after("## Models", "family") | table_after("### Cells", "family") == set(family_names())


def test_every_decoder_is_listed_with_what_it_decodes():
    cells = table_after("### Cells", "family")  # "and the other cells"
    assert table_after("## Decoders", "decoder") | cells == set(decoder_families())
    rows = README.split("| decoder | decodes |")[1].split("\n\n")[0].splitlines()[2:]
    for names, kinds in (row.split("|")[1:3] for row in rows):
        for family in re.findall(r"`([^`]+)`", names):
            assert kinds.replace(",", " ").split() == [one.kind for one in decoder_types(family)], family


def test_every_metric_of_decoding_is_listed():
    rng = np.random.default_rng(0)
    trials = Trials.from_counts(
        rng.random((12, 9, 3)) < 0.3,
        0.1,
        columns={"odour": np.tile(["a", "b"], 6), "time_s": rng.normal(size=12)},
        covariates={"hand": rng.normal(size=(12, 9, 2))},
    )
    p, classes = rng.dirichlet([1.0, 1.0], 12), np.array(["a", "b"])
    of_kind = {
        "class": ("odour", Decoded(bin_size_s=0.1, classes=classes, probabilities=p, raw_probabilities=p)),
        "signal": ("hand", Decoded(bin_size_s=0.1, signal=rng.normal(size=(12, 9, 2)))),
        "value": ("time_s", Decoded(bin_size_s=0.1, values=rng.normal(size=12))),
    }
    found = []
    for kind, (name, decoded) in of_kind.items():
        scores = decoding_scores(
            trials=trials,
            splits=make_splits(trials.condition, ("all",), 2, np.random.default_rng(0)),
            target=TypeAdapter(TargetConfig).validate_python({kind: name}),
            decoded={"base": decoded, "other": decoded},
            causal={"base": True, "other": False},
            baselines={"other": "base"},
            session="s",
            control="",
            n_bootstrap=0,
            seed=1,
        )
        found.append(scores)
    assert table_after("## Decoders", "decoding metric") == {m for frame in found for m in frame["metric"]}
    for task in (t for frame in found for t in frame["task"].unique()):
        assert f"`{task}`" in README


def test_every_metric_and_column_of_the_scores_is_listed():
    rng = np.random.default_rng(0)
    trials = Trials.from_counts(rng.random((12, 200, 3)) < 0.05, 0.001)
    splits = make_splits(trials.condition, trials.condition_names, 2, rng)
    scored = {
        "trials": trials,
        "splits": splits,
        "predictions": {"psth": np.full(trials.counts.shape, 50.0)},
        "session": "s",
        "n_bootstrap": 0,
        "seed": 1,
    }
    scores = score_session(**scored, samples={"psth": trials.counts}, control="")
    from_others = co_smoothing_scores(**scored, causal={"psth": True})
    ahead = trial_likelihoods(trials, splits, {"1": scored["predictions"]["psth"]})
    ahead = forecast_scores(ahead, session="s", model="psth", n_bootstrap=0, seed=1)
    assert table_after("Columns of `scores.csv`", "column") == set(COLUMNS)
    found = [scores, from_others, ahead]
    metrics = {name for frame in found for name in frame["metric"]} | {FALLBACK}
    assert table_after("Columns of `scores.csv`", "metric") == metrics
    for task in (*(t for frame in found for t in frame["task"].unique()), sufficiency.TASK, decomposition.TASK):
        assert f"`{task}`" in README


def test_every_term_of_a_decomposition_is_explained():
    assert table_after("### Where does the gain come from?", "term") == {
        *decomposition.TERMS,
        decomposition.FALLEN_BACK,
        decomposition.REMAINDER,
    }
    for name in (*NESTED_MODELS, decomposition.TOTAL, sufficiency.METRIC):
        assert f"`{name}`" in README
