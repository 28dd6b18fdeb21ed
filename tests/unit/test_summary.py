"""The summary over sessions: its values are those of the scores, and it claims no more than it saw."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import ScoreRows
from neurodecode.evaluation.likelihoods import TrialLikelihoods
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.summary import SESSIONS, TRIALS, UNITS, read_summary, write_summary
from neurodecode.metrics.bits import NATS_PER_BIT

GAINS = {"glm": 0.10, "lstm": 0.12}


def likelihoods(number: int, *, models: dict[str, float] = GAINS, spread: float = 0.02) -> TrialLikelihoods:
    """18 tested trials and two that are not; models gain about as much as told over the PSTH, on each session more
    or less alike."""
    rng = np.random.default_rng(number)
    spikes = rng.integers(1, 9, (20, 3))
    fold = np.repeat([0, 1], 10)
    fold[[3, 12]] = -1
    spikes[fold < 0] = 0
    own = spread * rng.normal()
    psth = rng.normal(-50, 5, spikes.shape)
    held = {"psth": psth}
    for model, gain in models.items():
        held[model] = psth + spikes * (gain + own) * NATS_PER_BIT + 0.05 * rng.normal(size=spikes.shape)
    held = {model: np.where(fold[:, None] < 0, np.nan, values) for model, values in held.items()}
    other = np.where(fold[:, None] < 0, np.nan, -60.0) * np.ones_like(psth)
    references = {"null": other, "nlb_null": other, "saturated": other}
    units = ("a", "b", "c")
    return TrialLikelihoods(
        models=held, n_spikes=spikes, fold=fold, condition=np.arange(20) % 2, unit_names=units, **references
    )


@pytest.fixture
def summarised(tmp_path):
    """Writes sessions and reads their summary."""

    def write(sessions: dict[str, TrialLikelihoods], n_bootstrap: int = 400):
        files: dict[str, dict] = {"likelihoods": {}, "scores": {}}
        for name, held in sessions.items():
            held.save(tmp_path / f"{name}.npz")
            rows = ScoreRows(session=name, control="", unit_names=held.unit_names)
            for model in held.models:
                value = np.array([0.1, 0.2, 0.3, 0.2]) * (model != "psth")
                rows.add(model, "gain_over_psth", value, low=value - 0.05, high=value + 0.05)
                rows.add(model, "gain_over_psth", value, fold=0)
                rows.add(model, "bits_per_spike", value)
            write_scores(rows.frame(), tmp_path / f"{name}.csv")
            files["likelihoods"][name], files["scores"][name] = tmp_path / f"{name}.npz", tmp_path / f"{name}.csv"
        write_summary(**files, n_bootstrap=n_bootstrap, seed=1, output=tmp_path / "summary.csv")
        return read_summary(tmp_path / "summary.csv")

    return write


def one(gains, **wanted):
    (found,) = [g for g in gains if all(getattr(g, name) == value for name, value in wanted.items())]
    return found


def test_values_are_the_scores_and_their_mean_over_sessions(summarised):
    sessions = {f"s{n}": likelihoods(n) for n in range(5)}
    gains = summarised(sessions)
    own = []
    for name, held in sessions.items():
        tested = held.fold >= 0
        bits = (held.of("glm") - held.of("psth"))[tested].sum() / NATS_PER_BIT / held.n_spikes.sum()
        found = one(gains, session=name, unit="all", model="glm", against="psth")
        assert_allclose(found.value, bits)
        assert found.low < found.value < found.high
        assert (found.resampled, found.n_units) == (UNITS, 3)
        own.append(bits)
    over_all = one(gains, session="all", model="glm", against="psth")
    assert_allclose(over_all.value, np.mean(own))
    assert (over_all.resampled, over_all.n_sessions, over_all.n_units) == (SESSIONS, 5, 15)


def test_units_are_those_of_the_scores(summarised):
    gains = summarised({"s0": likelihoods(0)})
    unit = one(gains, session="s0", unit="b", model="lstm")
    assert_allclose([unit.value, unit.low, unit.high], [0.2, 0.15, 0.25])
    assert unit.resampled == TRIALS
    assert not [g for g in gains if g.model == "psth"]


def test_the_interval_follows_how_sessions_differ_and_pairs_do_not(summarised):
    alike = summarised({f"s{n}": likelihoods(n, spread=0.0) for n in range(8)})
    apart = summarised({f"s{n}": likelihoods(n, spread=0.1) for n in range(8)})

    def width(gains, **wanted) -> float:
        found = one(gains, session="all", **wanted)
        return found.high - found.low

    assert width(apart, model="glm", against="psth") > 4 * width(alike, model="glm", against="psth")
    # All models gain more on the same sessions: their difference is as sharp as where sessions are alike.
    between = one(apart, session="all", model="lstm", against="glm")
    assert_allclose(between.value, 0.02, atol=0.01)
    assert between.low > 0
    assert width(apart, model="lstm", against="glm") < 2 * width(alike, model="lstm", against="glm")


def test_one_session_says_nothing_of_others(summarised):
    gains = summarised({"s0": likelihoods(0)})
    found = one(gains, session="all", model="glm", against="psth")
    alone = one(gains, session="s0", unit="all", model="glm", against="psth")
    assert found.resampled == UNITS
    assert (found.value, found.low, found.high) == (alone.value, alone.low, alone.high)


def test_sessions_without_a_psth_or_a_model_or_spikes_count_where_they_can(summarised):
    silent = replace(likelihoods(3), n_spikes=np.zeros((20, 3), int))
    sessions = {"both": likelihoods(0), "glm_alone": likelihoods(1, models={"glm": 0.1}), "silent": silent}
    bare = likelihoods(2)
    sessions["no_psth"] = replace(bare, models={"glm": bare.of("glm")})
    gains = summarised(sessions)
    assert one(gains, session="all", model="glm", against="psth").n_sessions == 2
    assert one(gains, session="all", model="lstm", against="psth").n_sessions == 1
    assert np.isnan(one(gains, session="silent", unit="all", model="glm").value)
    assert not [g for g in gains if g.session == "no_psth" and g.unit == "all"]
    # lstm is absent from one session: the two are not compared over all
    assert not [g for g in gains if g.against == "glm"]


def test_a_model_that_excludes_a_spike_has_no_interval(summarised):
    held = likelihoods(0)
    held.models["glm"][0, 0] = -np.inf
    gains = summarised({"s0": held, "s1": likelihoods(1)})
    found = one(gains, session="all", model="glm", against="psth")
    assert found.value == -np.inf
    assert np.isnan([found.low, found.high]).all()


def test_the_same_seed_gives_the_same_table_whatever_the_memory(summarised, monkeypatch):
    sessions = {f"s{n}": likelihoods(n) for n in range(3)}
    first = summarised(sessions, n_bootstrap=50)
    assert summarised(sessions, n_bootstrap=50) == first


def test_without_resamples_there_are_no_intervals(summarised):
    found = one(summarised({"s0": likelihoods(0)}, n_bootstrap=0), session="all", model="glm", against="psth")
    assert np.isnan(found.low)


def test_another_file_is_refused(tmp_path):
    pd.DataFrame({"x": [1]}).to_csv(tmp_path / "summary.csv")
    with pytest.raises(DataError, match="summarise them again"):
        read_summary(tmp_path / "summary.csv")
