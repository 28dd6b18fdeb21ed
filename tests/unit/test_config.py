"""A configuration is right as a whole, or its error names the field, what was given and the way out."""

import json
from pathlib import Path

import pytest
import yaml

from neurodecode.config.run import CONTROLS, RunConfig, model_config, read_config, run_config
from neurodecode.config.schema import json_schema
from neurodecode.errors import ConfigError
from neurodecode.evaluation.controls import control_names

ROOT = Path(__file__).resolve().parents[2]
RECORDED = {"path": "x.nwb", "window_s": [0.0, 1.0], "bin_size_s": 0.01}
SMALL = {"sessions": {"one": RECORDED}, "models": {"psth": {"family": "psth"}}}


def with_session(**fields: object) -> dict[str, object]:
    return {**SMALL, "sessions": {"one": {**RECORDED, **fields}}}


def with_decoder(session: dict[str, object] | None = None, **entry: object) -> dict[str, object]:
    return {**with_session(target={"class": "odour"}, **(session or {})), "decoders": {"d": entry}}


def test_defaults_are_filled_in():
    run = run_config(SMALL)
    assert isinstance(run, RunConfig)
    assert (run.results_dir, run.recordings_dir, run.evaluation.folds, run.evaluation.split) == (
        "results",
        ".",
        5,
        "stratified",
    )
    assert run.sessions["one"].window().lead_s == 0.5
    assert run.models["psth"].family == "psth"


def test_what_is_written_out_reads_back_as_the_same_configuration():
    run = run_config(
        {
            **with_session(
                where={"a": {"min": 3}},
                units=[0, "u"],
                covariates={"head": {"signal": "angle"}},
                target={"signal": "head", "circular": True},
            ),
            "controls": {"shuffled_trials": {}},
            "decomposition": {},
            "dynamics": {},
            "decoders": {"d": {"family": "wiener", "n_lags": [1, 2]}, "l": {"family": "likelihood"}},
        }
    )
    assert run_config(json.loads(json.dumps(run.as_mapping()))) == run


def test_a_simulated_session_takes_its_window_from_its_population():
    run = run_config({**SMALL, "sessions": {"sim": {"simulate": "poisson", "n_trials": 20, "lead_s": 0.1}}})
    window = run.sessions["sim"].window()
    assert window.window_s == (-0.2, 0.8)
    assert window.condition == "direction"
    assert window.lead_s == 0.1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({**SMALL, "sed": 3}, ["unknown key 'sed'", "did you mean 'seed'"]),
        ({**SMALL, "seed": -1}, ["configuration.seed", "-1", "greater than or equal to 0"]),
        ({**SMALL, "sessions": {}}, ["sessions", "at least one"]),
        (with_session(windw_s=1), ["sessions.one", "unknown key 'windw_s'", "did you mean 'window_s'"]),
        (with_session(bin_size_s="fine"), ["sessions.one.bin_size_s", "'fine'", "number"]),
        (with_session(bin_size_s=0.3), ["sessions.one", "bin_size_s 0.3 does not divide"]),
        (with_session(window_s=[1.0, 0.0]), ["sessions.one", "start < stop"]),
        (with_session(window_s=None), ["sessions.one", "window_s must be given"]),
        (with_session(simulate="poisson"), ["sessions.one", "one of path and simulate"]),
        (with_session(where={"a": {"mni": 3}}), ["sessions.one.where.a", "mni"]),
        (with_session(covariates={"x": {"sginal": "y"}}), ["sessions.one.covariates.x", "did you mean 'signal'"]),
        (with_session(models=["psht"]), ["sessions.one.models", "did you mean 'psth'"]),
        ({**SMALL, "sessions": {"a": {"simulate": "poison", "n_trials": 9}}}, ["sessions.a", "mean 'poisson'"]),
        ({**SMALL, "sessions": {"a": {"simulate": "poisson"}}}, ["sessions.a", "n_trials must be given"]),
        (
            {**SMALL, "sessions": {"a": {"simulate": "poisson", "n_trials": 9, "window_s": [0.0, 1.0]}}},
            ["sessions.a", "window_s does not go with simulate"],
        ),
        (with_session(n_trials=3), ["sessions.one", "n_trials does not go with path"]),
        ({**SMALL, "sessions": {"a/b": RECORDED}}, ["sessions", "'a/b'", "letters"]),
        ({**SMALL, "sessions": {"a.shuffled_trials": RECORDED}}, ["sessions", "null control"]),
        ({**SMALL, "models": {"m": {"family": "pshht"}}}, ["models.m.family", "did you mean 'psth'"]),
        ({**SMALL, "models": {"m": {"familiy": "psth"}}}, ["models.m", "must give its family"]),
        ({**SMALL, "models": {"oracle": {"family": "psth"}}}, ["models", "'oracle'"]),
        ({**SMALL, "sessions": {"logs": RECORDED}}, ["sessions", "'logs' is reserved"]),
        ({**SMALL, "models": {"m": {"family": "lstm", "hiden": 3}}}, ["models.m", "did you mean 'hidden'"]),
        ({**SMALL, "models": {"m": {"family": "lstm", "hidden": 0}}}, ["models.m", "hidden must be >= 1"]),
        ({**SMALL, "models": {"m": {"family": "lstm", "hidden": "many"}}}, ["models.m.hidden", "'many'"]),
        ({**SMALL, "controls": {"shuffled": {}}}, ["controls", "'shuffled'"]),
        ({**SMALL, "controls": {"shuffled_trials": {"sessions": ["two"]}}}, ["controls.shuffled_trials", "'two'"]),
        ({**SMALL, "evaluation": {"gap_s": 2.0}}, ["evaluation", "gap_s 2 goes with split: blocks"]),
        (with_session(target="odour"), ["sessions.one", "{class: odour}", "{value: odour}", "{signal: odour}"]),
        (with_session(target={}), ["sessions.one", "exactly one of class, value, signal"]),
        (with_session(target={"class": "a", "value": "b"}), ["sessions.one", "exactly one of class, value"]),
        (with_session(target={"klass": "a"}), ["sessions.one.target", "did you mean 'class'"]),
        (with_session(target={"value": "a", "circular": True}), ["sessions.one", "circular goes with signal"]),
        (with_session(target={"value": "a", "pre_stimulus_s": [0, 1]}), ["pre_stimulus_s goes with class"]),
        (with_session(target={"class": "a", "pre_stimulus_s": [1, 0]}), ["pre_stimulus_s", "start < stop"]),
        (
            with_session(target={"class": "a", "pre_stimulus_s": [0.0, 0.255]}),
            ["sessions.one", "target.pre_stimulus_s: bin_size_s 0.01 does not divide"],
        ),
        (with_session(target={"signal": "x"}), ["sessions.one", "'x' must be one of covariates", "add it"]),
        (
            with_session(target={"signal": "x"}, covariates={"x": {"signal": "s", "lags_s": [0.0, 0.1]}}),
            ["sessions.one", "several lags_s"],
        ),
        (with_session(decoders=["nb"], target={"class": "a"}), ["sessions.one.decoders", "'nb'"]),
        ({**SMALL, "decoders": {"d": {}}}, ["decoders.d", "must give its family"]),
        ({**SMALL, "decoders": {"d": {"family": "nearest"}}}, ["decoders.d.family", "'nearest'"]),
        (with_decoder(family="wiener", n_lag=[3]), ["decoders.d", "did you mean 'n_lags'"]),
        (with_decoder(family="wiener", n_lags="many"), ["decoders.d.n_lags", "'many'"]),
        (with_decoder(family="lda", random_state=3), ["decoders.d", "unknown hyper-parameter", "'random_state'"]),
        (with_decoder(family="likelihood", model="glm"), ["decoders.d.model", "unknown model 'glm'"]),
        (
            with_decoder({"condition": "a"}, family="likelihood"),
            ["sessions.one", "'d' decodes the condition", "set condition: odour"],
        ),
        (
            with_decoder({"decoders": ["d"]}, family="wiener"),
            ["sessions.one.decoders", "'d' decodes a signal, the target is a class"],
        ),
        ({**SMALL, "decoders": {"prior": {"family": "lda"}}}, ["'prior' is reserved"]),
        ({**SMALL, "sessions": {"a.pre_stimulus": RECORDED}}, ["sessions", "null control"]),
        ({**SMALL, "evaluation": {"split": "block"}}, ["evaluation.split", "'block'", "'blocks'"]),
        ({**SMALL, "decomposition": {"models": ["psht"]}}, ["decomposition.models", "did you mean 'psth'"]),
        ({**SMALL, "dynamics": {"models": ["psht"]}}, ["dynamics.models", "did you mean 'psth'"]),
        ({**SMALL, "dynamics": {"models": ["psth"]}}, ["dynamics.models", "'psth'", "no state that recurs"]),
        ({**SMALL, "decomposition": {"longest_s": 0.005}}, ["decomposition.longest_s", "0.005"]),
        (
            {**SMALL, "models": {"flat": {"family": "constant"}}, "decomposition": {}},
            ["decomposition", "'psth'", "sessions.one"],
        ),
        ({**SMALL, "models": {"nested_own": {"family": "glm"}}}, ["models", "'nested_own' is reserved"]),
        ([SMALL], ["mapping"]),
    ],
)
def test_an_error_names_the_field_and_the_way_out(given, words):
    with pytest.raises(ConfigError) as error:
        run_config(given)
    for word in words:
        assert word in str(error.value)


def test_a_session_is_read_out_by_the_decoders_that_can():
    decoders = {
        "w": {"family": "wiener"},
        "nb": {"family": "naive_bayes"},
        "of_psth": {"family": "likelihood"},
        "of_glm": {"family": "likelihood", "model": "glm"},
        "own": {"family": "likelihood", "model": {"family": "psth"}},
    }
    models = {"psth": {"family": "psth"}, "glm": {"family": "glm"}}
    of_class = {**RECORDED, "condition": "odour", "target": {"class": "odour"}, "models": ["psth"]}
    of_signal = {**RECORDED, "covariates": {"x": {"signal": "s"}}, "target": {"signal": "x"}}
    some = {**of_class, "decoders": ["own", "nb"]}
    sessions = {"a": of_class, "b": of_signal, "c": RECORDED, "d": some}
    run = run_config({"sessions": sessions, "models": models, "decoders": decoders})
    assert [run.decoders_of(name) for name in "abcd"] == [["nb", "of_psth", "own"], ["w"], [], ["nb", "own"]]
    assert run.decoders["w"].build("signal", random_state=4).n_lags == (1, 2, 5, 10, 15, 20)
    assert run.decoders["nb"].build("class", random_state=4).random_state == 4


@pytest.mark.parametrize("circular", [True, False])
def test_an_angle_is_cut_as_one(circular):
    target = {"signal": "h", "circular": circular}
    run = run_config(with_session(covariates={"h": {"signal": "s"}, "g": {"signal": "s"}}, target=target))
    window = run.sessions["one"].window()
    assert (window.covariates["h"].circular, window.covariates["g"].circular) == (circular, False)


def test_an_error_of_a_file_names_the_file(tmp_path):
    path = tmp_path / "mine.yaml"
    with pytest.raises(ConfigError, match=r"mine\.yaml: cannot be read"):
        read_config(path)
    path.write_text("sessions: [")
    with pytest.raises(ConfigError, match=r"mine\.yaml: not YAML"):
        read_config(path)
    path.write_text(yaml.safe_dump({**SMALL, "sed": 3}))
    with pytest.raises(ConfigError, match=r"mine\.yaml: configuration: unknown key 'sed'"):
        read_config(path)


def test_the_controls_of_the_configuration_are_those_that_exist():
    assert sorted(CONTROLS) == control_names()


def test_hyperparameters_reach_the_model():
    assert model_config({"family": "lstm", "hidden": 8}, "m").hidden == 8


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted(ROOT.glob("examples/*.yaml"))], ids=lambda p: p.stem
)
def test_every_configuration_that_we_ship_holds(path):
    read_config(path)


def test_the_committed_schema_is_in_step_with_the_types():
    committed = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    assert committed == json.loads(json.dumps(json_schema())), "run `make schema` and commit what it writes"
