"""Forecasts of fitted models on disk: scored as predictions are, and each row says how many steps it is about."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.evaluation.forecasts import default_steps, forecast_model
from neurodecode.evaluation.likelihoods import load_likelihoods
from neurodecode.evaluation.scores import read_scores, score_session

STEPS = (2, 8, 64)
MODELS = {
    "psth": {"family": "psth", "n_bandwidths": 4, "n_groups": 4},
    "glm": {"family": "glm", "longest_s": 0.05, "history_penalties": [1.0], "time_course": "none"},
}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A folder with 30 trials of 2 units that never fire in two neighbouring bins, and two fitted models."""
    folder = tmp_path_factory.mktemp("session")
    rng = np.random.default_rng(0)
    counts = np.zeros((30, 120, 2), np.uint8)
    for step in range(1, 120):
        counts[:, step] = (rng.random((30, 2)) < 0.3) & (counts[:, step - 1] == 0)
    trials = Trials.from_counts(counts, 0.005, lead=20, unit_names=["a", "b"])
    splits = make_splits(trials.condition, trials.condition_names, 2, rng)
    save_trials(folder / "trials.npz", trials)
    save_splits(folder / "splits.csv", splits)
    for name, model in MODELS.items():
        files = {"predictions": "npy", "samples": "npz", "parameters": "safetensors", "fit": "json"}
        fit_and_predict(
            trials=folder / "trials.npz",
            splits=folder / "splits.csv",
            model=model,
            name=name,
            session="s",
            seed=0,
            threads=1,
            outputs={kind: folder / f"{name}.{kind}.{suffix}" for kind, suffix in files.items()},
        )
    return folder, trials, splits


def forecast(folder, name, *, steps=STEPS, psth=True, out="forecasts", splits="splits.csv"):
    forecast_model(
        trials=folder / "trials.npz",
        splits=folder / splits,
        parameters=folder / f"{name}.parameters.safetensors",
        fit=folder / f"{name}.fit.json",
        psth=folder / "psth.predictions.npy" if psth else None,
        session="s",
        name=name,
        steps=steps,
        n_samples=16,
        n_bootstrap=50,
        seed=0,
        threads=1,
        outputs={"scores": folder / f"{out}.csv", "likelihoods": folder / f"{out}.npz"},
    )
    return read_scores(folder / f"{out}.csv")


@pytest.fixture(scope="module")
def rows(session):
    return forecast(session[0], "glm").set_index(["metric", "target", "unit"])


def test_default_steps_are_powers_of_two_up_to_half_a_second():
    assert default_steps(0.001) == (1, 2, 4, 8, 16, 32, 64, 128, 256)
    assert default_steps(0.004)[-1] == 64
    assert default_steps(0.0078125)[-1] == 64, "exactly half a second"
    assert default_steps(0.3) == default_steps(2.0) == (1,)


def test_one_step_has_the_scores_of_the_prediction(session, rows):
    """Of the same file of predictions, by the one scorer, intervals and all."""
    folder, trials, splits = session
    predictions = {name: np.load(folder / f"{name}.predictions.npy") for name in MODELS}
    scores = score_session(
        trials=trials,
        splits=splits,
        predictions=predictions,
        samples={},
        session="s",
        control="",
        n_bootstrap=50,
        seed=0,
    )
    scores = scores[(scores["model"] == "glm") & (scores["fold"] == "all")].set_index(["metric", "unit"])
    for metric in ("bits_per_spike", "gain_over_psth", "n_spikes"):
        for unit in ("a", "b", "all"):
            numbers = ["value", "low", "high"]
            one, other = rows.loc[(metric, "1", unit)], scores.loc[(metric, unit)]
            assert_allclose(one[numbers].astype(float), other[numbers].astype(float), rtol=1e-12)


def test_rows_name_their_task_and_steps(rows):
    assert set(rows["task"]) == {"forecast"}
    assert set(rows["model"]) == {"glm"}
    assert set(rows["fold"]) == {"all"}
    assert set(rows.index.get_level_values("target")) == {"1", "2", "8", "64"}


def test_a_refractory_unit_is_foretold_worse_the_longer_the_model_runs_free(rows):
    bits = [rows.loc[("bits_per_spike", k, "all"), "value"] for k in ("1", "2", "8", "64")]
    assert bits == sorted(bits, reverse=True)
    assert bits[0] > 0.1 > bits[-1]
    for k in ("2", "8", "64"):
        lost = rows.loc[("loss_running_free", k, "all")]
        assert_allclose(lost["value"], bits[0] - rows.loc[("bits_per_spike", k, "all"), "value"], rtol=1e-9)
        assert lost["low"] > 0, "every trial shows it: the interval is paired"
    assert rows.loc[("loss_running_free", "1", "all"), "value"] == 0.0


def test_a_model_without_history_loses_nothing(session):
    found = forecast(session[0], "psth", out="flat").set_index(["metric", "target", "unit"])
    for k in ("2", "8", "64"):
        assert_allclose(found.loc[("loss_running_free", k, "all"), "value"], 0.0, atol=1e-6)  # float32 rates
        assert_allclose(found.loc[("gain_over_psth", k, "all"), "value"], 0.0, atol=1e-6)


def test_likelihoods_of_trials_are_kept_by_steps(session, rows):
    held = load_likelihoods(session[0] / "forecasts.npz")
    assert set(held.models) == {"1", "2", "8", "64", "psth"}
    assert held.of("8").shape == (30, 2)


def test_the_same_seed_gives_the_same_forecasts(session, rows):
    again = forecast(session[0], "glm", out="again").set_index(["metric", "target", "unit"])
    assert again.equals(rows)


def test_steps_beyond_the_window_are_dropped_and_said(session, caplog):
    caplog.set_level("INFO")
    found = forecast(session[0], "psth", steps=(4, 100, 101, 500), psth=False, out="short")
    assert set(found["target"]) == {"1", "4", "100"}
    assert "no forecasts of 101, 500 steps: the window has 100 bins" in caplog.text
    assert "gain_over_psth" not in set(found["metric"])


def test_fits_of_other_folds_are_refused(session):
    folder, trials, _ = session
    other = make_splits(trials.condition, trials.condition_names, 3, np.random.default_rng(0))
    save_splits(folder / "other.csv", other)
    with pytest.raises(DataError, match=r"2 folds, but .*other\.csv has 3"):
        forecast(folder, "glm", splits="other.csv")
