"""The terms of a network's gain: they add up, stand in order, and name what the population was built of."""

import json
import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.config.run import NESTED_MODELS
from neurodecode.data.splits import make_splits
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.decomposition import (
    FALLEN_BACK,
    REMAINDER,
    TERMS,
    TOTAL,
    Step,
    decomposition_scores,
    steps_to,
    write_decomposition,
)
from neurodecode.evaluation.folds import out_of_fold_intensity
from neurodecode.evaluation.scores import read_scores, score_session
from neurodecode.models import build_model
from neurodecode.simulate import simulate
from workflow.plan import nested_models

FEW = {"history_penalties": (1.0, 100.0), "coupling_penalties": (100.0,)}


def test_the_chain_runs_from_the_psth_to_the_network():
    assert steps_to("lstm", NESTED_MODELS, n_units=3) == [
        Step("drive", "nested_drive", "psth"),
        Step("slow_gain", "nested_gain", "nested_drive"),
        Step("own_below_10ms", "nested_fast", "nested_gain"),
        Step("own_above_10ms", "nested_own", "nested_fast"),
        Step("other_units", "nested_units", "nested_own"),
        Step(REMAINDER, "lstm", "nested_units"),
    ]


def test_what_is_absent_leaves_the_chain_closed():
    wide_bins = ["nested_gain", "nested_own", "nested_units"]
    assert steps_to(None, wide_bins, n_units=1) == [
        Step("slow_gain", "nested_gain", "psth"),
        Step("own_above_10ms", "nested_own", "nested_gain"),
    ]
    assert [step.before for step in steps_to("gru", wide_bins, n_units=2)] == ["psth", *wide_bins]


@pytest.fixture(scope="module")
def made_up():
    """12 trials of 3 units, the last one silent, and rates that each model might predict."""
    rng = np.random.default_rng(0)
    counts = rng.poisson([0.3, 0.1, 0.0], (12, 60, 3))
    trials = Trials.from_counts(counts, 0.005, lead=10, condition=np.arange(12) % 2, unit_names=["a", "b", "c"])
    splits = make_splits(trials.condition, trials.condition_names, 2, rng)
    names = ("psth", *NESTED_MODELS, "lstm", "gru")
    rates = {name: rng.gamma(20.0, 1.5, trials.window_counts.shape) for name in names}
    return trials, splits, rates


def decomposed(made_up, networks=("lstm", "gru"), fell_back=None, **changes):
    trials, splits, rates = made_up
    rates = {**rates, **changes}
    rates = {name: rate for name, rate in rates.items() if rate is not None}
    return decomposition_scores(
        trials, splits, rates, networks, fell_back=fell_back, session="s", n_bootstrap=30, seed=1
    )


def test_terms_add_up_to_the_gain_over_the_psth(made_up):
    found = decomposed(made_up)
    trials, splits, rates = made_up
    scores = score_session(
        trials=trials, splits=splits, predictions=rates, samples={}, session="s", control="", n_bootstrap=0, seed=1
    )
    gains = scores[(scores.metric == "gain_over_psth") & (scores.fold == "all")].set_index(["model", "unit"]).value
    assert set(found.model) == {"lstm", "gru"}
    assert set(found.metric) == {*TERMS, REMAINDER, TOTAL}
    for network in ("lstm", "gru"):
        for unit in ("a", "b", "all"):
            own = found[(found.model == network) & (found.unit == unit)].set_index("metric").value
            assert_allclose(own.drop(TOTAL).sum(), own[TOTAL], rtol=0, atol=1e-12)
            assert_allclose(own[TOTAL], gains[network, unit], rtol=0, atol=1e-12)
        assert np.isnan(found[(found.model == network) & (found.unit == "c")].value).all(), "a silent unit"
    assert (found.low <= found.value)[found.unit == "all"].all()
    assert (found.value <= found.high)[found.unit == "all"].all()


def test_a_network_holds_nothing_alone_where_it_fell_back(made_up):
    whole, folds = made_up[1], [split.fold for split in made_up[1]]
    plain = decomposed(made_up)
    of_all = decomposed(made_up, fell_back={"lstm": folds})
    of_one = decomposed(made_up, fell_back={"lstm": folds[:1]})
    assert len(whole) == 2

    def term(found, metric, model="lstm"):
        return found[(found.model == model) & (found.metric == metric) & (found.unit == "all")].iloc[0]

    assert (term(of_all, REMAINDER).value, term(of_all, REMAINDER).low, term(of_all, REMAINDER).high) == (0, 0, 0)
    assert_allclose(term(of_all, FALLEN_BACK).value, term(plain, REMAINDER).value, rtol=1e-12)
    parts = [term(of_one, metric).value for metric in (FALLEN_BACK, REMAINDER)]
    assert_allclose(sum(parts), term(plain, REMAINDER).value, rtol=1e-12)
    assert all(abs(part) > 1e-3 for part in parts)
    for found in (of_all, of_one):
        assert term(found, TOTAL).value == term(plain, TOTAL).value
        assert FALLEN_BACK not in set(found[found.model == "gru"].metric), "a term only where a fold fell back"
        assert_allclose(term(found, REMAINDER, "gru").value, term(plain, REMAINDER, "gru").value)


def test_without_a_network_the_chain_ends_at_the_last_nested_model(made_up):
    found = decomposed(made_up, networks=())
    assert set(found.model) == {"nested_units"}
    assert set(found.metric) == {*TERMS, TOTAL}


def test_what_cannot_be_decomposed_says_what_is_missing(made_up):
    with pytest.raises(DataError, match=r"takes predictions of psth, nested models and \['lstm', 'gru'\]"):
        decomposed(made_up, psth=None)
    with pytest.raises(DataError, match="nested models"):
        decomposed(made_up, **dict.fromkeys(NESTED_MODELS))


def fitted_terms(population, n_trials, n_units, *, every):
    """Pooled terms of the nested models as the workflow fits them; fewer penalties, bins of ``every`` ms."""
    made = simulate(population, n_trials=n_trials, rng=np.random.default_rng(3))
    names, condition = np.unique(made.session.trials[made.condition].to_numpy(str), return_inverse=True)
    counts = made.counts.reshape(n_trials, -1, every, made.counts.shape[2]).sum(axis=2)[..., :n_units]
    lead = round(made.lead_s / made.bin_size_s) // every
    trials = Trials.from_counts(
        counts, every * made.bin_size_s, lead=lead, condition=condition, condition_names=names.tolist()
    )
    splits = make_splits(condition, trials.condition_names, 2, np.random.default_rng(0))
    seeds = [np.random.SeedSequence(fold) for fold in range(2)]
    rates = {}
    for name, entry in {"psth": {"family": "psth"}, **nested_models({"longest_s": 0.5})}.items():
        family, given = entry["family"], {k: v for k, v in entry.items() if k != "family"}
        model = build_model(family, **given, **(FEW if family == "glm" else {}))
        rates[name] = out_of_fold_intensity(model.fit_folds(trials, splits, seeds), trials, splits)
    found = decomposition_scores(trials, splits, rates, (), session="s", n_bootstrap=100, seed=1)
    return found[found.unit == "all"].set_index("metric")


def test_refractory_adapting_units_are_told_by_their_own_spikes():
    terms = fitted_terms("refractory_adapting", n_trials=40, n_units=3, every=2)
    own = terms.value["own_below_10ms"] + terms.value["own_above_10ms"]
    assert own > 0.9 * terms.value[TOTAL]
    assert terms.value[TOTAL] > 0.15
    assert terms.low["own_below_10ms"] > 0.1, "the refractory period"
    assert abs(terms.value["other_units"]) < 0.01
    assert abs(terms.value["slow_gain"]) < 0.02


def test_a_shared_gain_is_told_by_slow_gain_and_other_units():
    terms = fitted_terms("shared_gain", n_trials=48, n_units=6, every=10)
    slow_or_shared = terms.value["slow_gain"] + terms.value["other_units"]
    assert terms.low[TOTAL] > 0.0
    assert slow_or_shared > 0.8 * terms.value[TOTAL]
    assert terms.value["own_below_10ms"] < 0.1 * terms.value[TOTAL]


def test_the_rule_reads_files_and_writes_rows(made_up, tmp_path, caplog):
    from neurodecode.data.store import save_splits, save_trials

    trials, splits, rates = made_up
    save_trials(tmp_path / "trials.npz", trials)
    save_splits(tmp_path / "splits.csv", splits)
    for name, rate in rates.items():
        np.save(tmp_path / f"{name}.npy", rate.astype(np.float32))
    folds = [{"diagnostics": {"fallback": fell}} for fell in (True, False)]
    (tmp_path / "fit.json").write_text(json.dumps({"folds": folds}))
    with caplog.at_level(logging.INFO):
        write_decomposition(
            trials=tmp_path / "trials.npz",
            splits=tmp_path / "splits.csv",
            predictions={name: tmp_path / f"{name}.npy" for name in rates},
            networks={"gru": tmp_path / "fit.json"},
            session="s",
            n_bootstrap=20,
            seed=1,
            output=tmp_path / "decomposition.csv",
        )
    found = read_scores(tmp_path / "decomposition.csv")
    assert set(found["task"]) == {"decompose"}
    assert list(found["unit"].unique()) == ["a", "b", "c", "all"]
    assert FALLEN_BACK in set(found["metric"])
    assert "slow_gain" in caplog.text
