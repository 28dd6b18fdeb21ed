"""The workflow's own check of a configuration, made before its first job."""

import json
from pathlib import Path

import pytest
import yaml

from neurodecode.config.run import NESTED_MODELS, model_config, run_config
from workflow.decoding import DecodingPlan
from workflow.plan import Plan, nested_models
from workflow.validation import ConfigurationError, checked_config, families

ROOT = Path(__file__).resolve().parents[2]
SMALL = yaml.safe_load("""
sessions:
  one: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.01, models: [psth, lstm]}
  two: {simulate: poisson, n_trials: 40}
models:
  psth: {family: psth}
  flat: {family: constant}
  lstm: {family: lstm}
controls:
  shuffled_trials: {sessions: [one]}
""")


def with_target(target: str) -> str:
    return f"sessions: {{one: {{simulate: poisson, n_trials: 40, target: {target}}}}}"


def changed(text: str) -> dict[str, object]:
    return SMALL | yaml.safe_load(text)


def test_defaults_of_the_sections_are_filled_in():
    config = checked_config(SMALL, ROOT)
    evaluation = {"folds": 5, "split": "stratified", "gap_s": 0.0, "bootstrap": 1000, "sufficiency": True}
    assert config["evaluation"] == evaluation
    assert config["decoders"] == {}
    assert (config["seed"], config["results_dir"]) == (0, "results")
    assert SMALL.keys() == {"sessions", "models", "controls"}, "the given configuration is not written into"


def test_nested_values_of_the_command_line_are_read_as_the_yaml_that_they_are():
    given = {
        "evaluation": {"folds": "3"},
        "sessions": {"one": {"window_s": ["0", "1"], "where": {"x": ["1", "a"]}}},
    }
    merged = (
        SMALL
        | {"sessions": {"one": SMALL["sessions"]["one"] | given["sessions"]["one"]}}
        | {
            "evaluation": given["evaluation"],
            "controls": {},
        }
    )
    config = checked_config(merged, ROOT, command_line=given)
    assert config["evaluation"]["folds"] == 3
    assert config["sessions"]["one"]["window_s"] == [0, 1]
    assert config["sessions"]["one"]["where"] == {"x": [1, "a"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed: 3", "configuration: unknown key 'sed'; did you mean 'seed'?"),
        ("seed: x", "seed: given 'x' (text), expected a whole number >= 0"),
        ("co_smoothing: {models: [lsmt]}", "co_smoothing.models: unknown model 'lsmt'; did you mean 'lstm'?"),
        ("co_smoothing: {unit_folds: 1}", "co_smoothing.unit_folds: given 1 (a whole number), expected"),
        ("models: {m: {family: lsmt}}", "models.m.family: given 'lsmt'; did you mean 'lstm'?"),
        ("models: {m: {family: lstm, hiden: 3}}", "models.m: unknown key 'hiden'; did you mean 'hidden'?"),
        ("models: {m: {hidden: 3}}", "models.m: family missing; it must be given"),
        ("models: {oracle: {family: psth}}", "models: the name 'oracle' is reserved; choose another"),
        ("models: {a/b: {family: psth}}", "models: the name 'a/b' must be made of letters"),
        ("sessions: {..: {simulate: poisson, n_trials: 40}}", "sessions: the name '..' must be made of letters"),
        (
            "sessions: {one: {path: x.nwb}}",
            "sessions.one: given path, expected either path + window_s + bin_size_s",
        ),
        ("sessions: {1: {path: x.nwb}}", 'sessions: key 1 is read as int, expected text: put it in quotes, "1"'),
        ("evaluation: {folds: 1e1}", "given '1e1' (text), expected a whole number >= 2; without quotes"),
        ("controls: {shuffled_trials: {models: [glm]}}", "controls.shuffled_trials.models: unknown model 'glm'"),
        ("controls: {shuffled_trials: {sessions: [ones]}}", "unknown session 'ones'; did you mean 'one'?"),
        ("decomposition: {models: [gru]}", "decomposition.models: unknown model 'gru'"),
        ("dynamics: {sessions: [ones]}", "dynamics.sessions: unknown session 'ones'; did you mean 'one'?"),
        ("decomposition: {longest_s: 0.01}", "decomposition.longest_s: given 0.01 (a number), expected"),
        ("models: {nested_gain: {family: glm}}", "models: the name 'nested_gain' is reserved; choose another"),
        (
            "{decomposition: {sessions: [two]}, controls: {}, models: {flat: {family: constant}}, "
            "sessions: {two: {simulate: poisson, n_trials: 40}}}",
            "decomposition: gains are counted from the model called 'psth', which sessions.two lacks",
        ),
        (with_target("odour"), "sessions.one.target: given 'odour' (text), expected a mapping of circular, class"),
        (with_target("{}"), "sessions.one.target: given nothing, expected either class or value or signal"),
        (with_target("{value: x, circular: true}"), "sessions.one.target: circular goes with signal alone"),
        (with_target("{value: x, pre_stimulus_s: [0, 1]}"), "pre_stimulus_s goes with class alone"),
        ("sessions: {two: {simulate: x, n_trials: 9, decoders: [d]}}", "sessions.two: decoders goes with target"),
        ("decoders: {d: {family: lstn}}", "decoders.d.family: given 'lstn'"),
        ("sessions: {one: {simulate: poisson, n_trials: 0}}", "n_trials: given 0 (a whole number), expected"),
        (
            "evaluation: [3]",
            "evaluation: given [3] (a list), expected a mapping of bootstrap, folds, gap_s, split, sufficiency",
        ),
    ],
)
def test_an_error_names_the_key_what_was_given_and_what_was_expected(text, message):
    with pytest.raises(ConfigurationError) as error:
        checked_config(changed(text), ROOT)
    assert message in str(error.value)


def test_a_new_family_needs_its_file_and_nothing_else(tmp_path):
    for folder in ("workflow/schemas", "neurodecode/models", "neurodecode/nn/cells"):
        (tmp_path / folder).mkdir(parents=True)
    schema = "workflow/schemas/config.schema.json"
    (tmp_path / schema).write_text((ROOT / schema).read_text())
    (tmp_path / "neurodecode/models/tracking.py").touch()
    assert families(tmp_path) == ["tracking"]
    given = changed("{models: {psth: {family: tracking, width: 3}}, sessions: {s: {simulate: x, n_trials: 9}}}")
    config = checked_config(given | {"controls": {}}, tmp_path)
    assert config["models"]["psth"]["width"] == 3


@pytest.fixture
def plan() -> Plan:
    return Plan(checked_config(SMALL, ROOT), ROOT)


def test_a_session_has_its_models_and_a_control_those_that_judge_it(plan):
    assert plan.sessions == ["one", "one.shuffled_trials", "two"]
    assert plan.models_of("one") == ["psth", "lstm"]
    assert plan.models_of("one.shuffled_trials") == ["psth"]
    assert plan.predictors_of("two") == ["oracle", "psth", "flat", "lstm"]
    assert plan.origin["one.shuffled_trials"] == ("one", "shuffled_trials")


def test_a_network_depends_on_its_cell_alone(plan):
    assert plan.modules_of("lstm") == ["neurodecode.models._recurrent", "neurodecode.nn.cells.lstm"]
    assert plan.modules_of("psth") == ["neurodecode.models.psth"]


def test_an_absent_recording_is_named_with_its_field_and_folder(plan):
    (line,) = plan.absent_files()
    assert line.startswith("sessions.one.path: no file 'x.nwb' in recordings_dir . ")
    assert "--config recordings_dir=FOLDER" in line


def test_which_models_are_fitted_to_a_session_does_not_change_its_trials(plan):
    assert "models" not in plan.ingested_entry("one")


DECODED = """
sessions:
  one: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.01, condition: odour, models: [psth],
        target: {class: odour, pre_stimulus_s: [-1.0, 0.0]}}
  two: {simulate: poisson, n_trials: 40, target: {value: rt}}
  three: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.01, target: {class: odour}, decoders: [counts]}
  none: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.01}
decoders:
  counts: {family: logistic}
  templates: {family: naive_bayes}
  of_psth: {family: likelihood}
  of_lstm: {family: likelihood, model: lstm}
  hand: {family: wiener}
controls: {}
"""


def test_a_session_is_read_out_by_decoders_of_its_kind_whose_model_it_has():
    decoding = DecodingPlan(checked_config(changed(DECODED), ROOT), ROOT)
    before = ["one", "one.pre_stimulus"]
    assert decoding.sessions == [*before, "three"], "no decoder of values"
    assert [decoding.decoders_of(name) for name in before] == [["counts", "templates", "of_psth"]] * 2
    assert decoding.decoders_of("three") == ["counts"]
    assert decoding.origin["one.pre_stimulus"] == ("one", "pre_stimulus")
    assert decoding.before == {"one.pre_stimulus": "one"}
    assert decoding.families_of("one") == {
        "counts": "logistic",
        "templates": "naive_bayes",
        "of_psth": "likelihood:psth",
    }
    assert decoding.modules_of("hand") == ["neurodecode.decoders.wiener"]


def test_the_workflow_and_the_package_agree_on_who_reads_out_what():
    config = checked_config(changed(DECODED), ROOT)
    run, decoding = run_config(config), DecodingPlan(config, ROOT)
    for name in run.sessions:
        assert decoding.decoders_of(name) == run.decoders_of(name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[counts]", "[count]", "sessions.three.decoders: unknown decoder 'count'; did you mean 'counts'?"),
        ("[counts]", "[hand]", "sessions.three.decoders: 'hand' decodes a signal, the target is a class"),
        ("model: lstm}", "model: lsmt}", "decoders.of_lstm.model: unknown model 'lsmt'; did you mean 'lstm'?"),
        (
            "models: [psth],",
            "models: [psth], decoders: [of_lstm],",
            "sessions.one.decoders: 'of_lstm' reads model 'lstm', which is not fitted here; add it to models",
        ),
        (
            "family: wiener",
            "family: wiener, n_lag: 3",
            "decoders.hand: unknown key 'n_lag'; did you mean 'n_lags'?",
        ),
    ],
)
def test_a_decoder_that_is_named_where_it_cannot_read_is_an_error(old, new, message):
    assert old in DECODED
    with pytest.raises(ConfigurationError) as error:
        checked_config(changed(DECODED.replace(old, new)), ROOT)
    assert message in str(error.value)


def test_what_is_decoded_changes_trials_only_by_their_folds():
    entry = Plan(checked_config(changed(DECODED), ROOT), ROOT).ingested_entry("one")
    assert entry["target"] == {"class": "odour"}
    assert not {"models", "decoders"} & entry.keys()


def test_the_order_of_keys_says_nothing_and_that_of_names_does():
    config = checked_config(changed(f"{DECODED}\nforecast: {{steps: [1], samples: 2}}"), ROOT)
    turned = json.loads(json.dumps(config, sort_keys=True))
    turned |= {
        key: {name: turned[key][name] for name in config[key]} for key in ("sessions", "models", "decoders")
    }
    plans = [(Plan(one, ROOT), DecodingPlan(one, ROOT)) for one in (config, turned)]
    # As text, for Snakemake compares params as they are written.
    texts = {repr((a.recorded, a.fitted, a.forecast, b.recorded, b.decoders)) for a, b in plans}
    assert len(texts) == 1
    assert list(plans[0][0].models) == list(config["models"]), "tables have the models in this order"


DECOMPOSED = """
decomposition: {}
sessions:
  one: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.004, models: [psth, lstm]}
  wide: {path: x.nwb, window_s: [0.0, 1.0], bin_size_s: 0.02, covariates: {hand: {signal: x}}}
  two: {simulate: poisson, n_trials: 40, models: [psth]}
"""


def test_nested_models_are_fitted_where_they_say_something_and_stand_apart():
    plan = Plan(checked_config(changed(DECOMPOSED), ROOT), ROOT)
    chain = ["nested_drive", "nested_gain", "nested_fast", "nested_own", "nested_units"]
    assert plan.nested_of("one") == chain
    assert plan.nested_of("wide") == ["nested_drive", "nested_gain", "nested_own", "nested_units"]
    assert plan.nested_of("one.shuffled_trials") == []
    assert plan.decomposition_of("one") == ["psth", *chain, "lstm"]
    assert plan.decomposition_of("two") == ["psth", *chain], "without a network the chain ends at the last of them"
    assert plan.models_of("one") == ["psth", "lstm"]
    assert "nested_own" not in plan.predictors_of("two")
    assert plan.modules_of("nested_own") == ["neurodecode.models.glm"]


def test_networks_are_looked_into_where_it_is_asked_for(plan):
    assert plan.moving() == []
    asked = Plan(checked_config(changed(f"{DECOMPOSED}\ndynamics: {{}}"), ROOT), ROOT)
    assert asked.dynamics_of("one") == ["lstm"]
    assert asked.dynamics_of("one.shuffled_trials") == []
    assert asked.moving() == ["one", "wide"], "a session without a network has nothing to look into"


def test_nothing_is_decomposed_that_was_not_asked_for(plan):
    assert (plan.nested, plan.decomposed()) == ({}, [])
    some = Plan(checked_config(changed("decomposition: {sessions: [one], models: [flat]}"), ROOT), ROOT)
    assert some.decomposed() == ["one"]
    assert some.networks_of("one") == [], "flat is not fitted to it"


def test_nested_models_contain_each_other_and_can_be_built():
    entries = nested_models({"longest_s": 0.3})
    assert tuple(entries) == NESTED_MODELS
    built = {name: model_config(entry, name) for name, entry in entries.items()}
    assert [m.slow_gain for m in built.values()] == [False, True, True, True, True]
    assert [m.lags_s for m in built.values()] == [None, None, 0.01, 0.01, 0.01]
    assert [m.longest_s for m in built.values()] == [0.0, 0.0, 0.0, 0.3, 0.3]
    assert [m.coupling for m in built.values()] == ["own"] * 4 + ["auto"]
