"""One run from a simulated population to the page; then what an edit makes run again, and what not."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

TINY = Path(__file__).with_name("tiny.yaml")
JUDGED = "judge the sufficiency of the models of toy"
TOGETHER = {"collect the scores", "summarise the sessions", "write the report"}  # from the scores of every session
AFTER_A_FIT = {"score toy", JUDGED, "draw toy", *TOGETHER}
OF_A_NETWORK = {"decompose the gains on toy", *AFTER_A_FIT}
MOVING = "draw the dynamics of toy"
REFITTED = {"look at the dynamics of lstm on toy", MOVING, *OF_A_NETWORK}
DRAWN = "draw the decoders of toy"
OF_LIKELIHOOD = {  # likelihood decoding knows how networks are fitted
    f"{what} {session}"
    for what in ("fit decoder of_psth to", "score the decoders of")
    for session in ("toy", "toy.pre_stimulus")
}


def scores(directory: Path) -> list[dict[str, str]]:
    with (directory / "results/scores.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_others_build_on(finished):
    results = finished / "results"
    for name in (
        "scores.csv",
        "report.html",
        "config.json",
        "toy/trials.npz",
        "toy/splits.csv",
        "toy/quality.json",
        "toy/co_smoothing/scores.csv",
        "toy/figures/forecasts.png",
    ):
        assert (results / name).stat().st_size > 0, name
    for model in ("constant", "psth", "glm", "lstm"):
        held = {path.name for path in (results / "toy/models" / model).iterdir()}
        task = {"glm": "forecasts", "lstm": "dynamics"}.get(model)
        more = set() if task is None else {f"{task}.csv", f"{task}.npz"}
        assert held == {"predictions.npy", "samples.npz", "parameters.safetensors", "fit.json"} | more
    assert not list(finished.rglob("*.part"))


def test_scores_name_the_session_and_its_control_apart(finished):
    rows = [row for row in scores(finished) if row["task"] == "encode"]
    assert {(row["session"], row["control"]) for row in rows} == {("toy", ""), ("toy", "shuffled_trials")}
    assert {row["model"] for row in rows if row["control"] == ""} >= {"oracle", "constant", "psth", "glm", "lstm"}
    assert {row["model"] for row in rows if row["control"]} >= {"psth"}


def test_units_are_predicted_from_each_other_as_a_task_of_its_own(finished):
    rows = [row for row in scores(finished) if row["task"] == "co_smooth"]
    assert {(row["session"], row["control"], row["model"]) for row in rows} == {("toy", "", "psth")}
    assert {"co_bps", "causal"} <= {row["metric"] for row in rows}


def test_forecasts_are_scored_by_the_number_of_steps(finished):
    rows = [row for row in scores(finished) if row["task"] == "forecast"]
    assert {(row["session"], row["control"], row["model"]) for row in rows} == {("toy", "", "glm")}
    assert {row["target"] for row in rows} == {"1", "4"}
    assert {"bits_per_spike", "gain_over_psth", "loss_running_free"} <= {row["metric"] for row in rows}


def test_networks_are_looked_into_or_said_to_be_the_glm(finished):
    rows = [row for row in scores(finished) if row["task"] == "dynamics"]
    assert {(row["session"], row["control"], row["model"]) for row in rows} == {("toy", "", "lstm")}
    assert "networks_kept" in {row["metric"] for row in rows}
    assert 'id="dynamics"' in (finished / "results/report.html").read_text(encoding="utf-8")


def test_every_job_has_a_log_and_a_benchmark(finished):
    logs = {
        p.relative_to(finished / "results/logs").with_suffix("") for p in finished.rglob("results/logs/**/*.log")
    }
    benchmarks = {
        p.relative_to(finished / "results/benchmarks").with_suffix("")
        for p in finished.rglob("results/benchmarks/**/*.tsv")
    }
    assert logs == benchmarks
    assert len(logs) > 10


def test_the_configuration_is_kept_with_every_default(finished):
    kept = json.loads((finished / "results/config.json").read_text())
    assert kept["evaluation"] == {
        **{"folds": 2, "split": "stratified", "gap_s": 0.0},
        **{"bootstrap": 20, "sufficiency": True},
    }
    assert kept["models"]["lstm"]["hidden"] == 4
    assert "learning_rate" in kept["models"]["lstm"]


def test_after_a_run_there_is_nothing_to_do(checkout, finished):
    done = checkout.snakemake(finished, "--dry-run")
    assert "Nothing to be done" in done.stdout


def test_editing_one_models_config_fits_that_model_again_and_no_other(checkout, finished):
    planned = checkout.planned(finished, "--config", "models={lstm: {hidden: 5}}")
    assert planned == {"check the configuration", "fit lstm to toy", *REFITTED}


def test_adding_a_model_fits_only_that(checkout, finished):
    planned = checkout.planned(finished, "--config", "models={other: {family: constant}}")
    # Figures of decoders and of networks have the colours of models, which keep apart from each other.
    assert planned == {"check the configuration", "fit other to toy", DRAWN, MOVING, *AFTER_A_FIT}


def test_editing_one_familys_file_fits_that_family_again_and_no_other(checkout, finished, edited):
    edited("neurodecode/models/constant.py")
    assert checkout.planned(finished) == {"fit constant to toy", *AFTER_A_FIT}


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("neurodecode/nn/cells/lstm.py", {"fit lstm to toy", *REFITTED}),
        ("neurodecode/nn/training.py", {"fit lstm to toy", *REFITTED, *OF_LIKELIHOOD, DRAWN}),
        ("neurodecode/nn/cells/gru.py", set()),
        ("neurodecode/report/page.py", {"write the report"}),
    ],
)
def test_editing_a_file_runs_again_what_imports_it(checkout, finished, edited, file, again):
    edited(file)
    assert checkout.planned(finished) == again


def test_a_new_session_leaves_the_others_alone(checkout, finished):
    new = "sessions={new: {simulate: poisson, n_trials: 20, models: [psth]}}"
    planned = checkout.planned(finished, "--config", new, "controls={shuffled_trials: {sessions: [toy]}}")
    assert planned == {
        *("check the configuration", "simulate new", "read new", "fit psth to new", "score new", "draw new"),
        *("judge the sufficiency of the models of new", *TOGETHER),
    }


def test_sessions_that_are_too_many_for_a_page_have_their_own(checkout, finished):
    new = "sessions={new: {simulate: poisson, n_trials: 20, models: [psth]}}"
    asked = ("controls={shuffled_trials: {sessions: [toy]}}", "report={sessions_on_page: 1}")
    planned = checkout.planned(finished, "--config", new, *asked)
    assert planned == {
        *("check the configuration", "simulate new", "read new", "fit psth to new", "score new", "draw new"),
        *(
            "judge the sufficiency of the models of new",
            "write the page of toy",
            "write the page of new",
            *TOGETHER,
        ),
    }


def test_nested_values_of_the_command_line_are_numbers(checkout, finished):
    planned = checkout.planned(finished, "--config", "evaluation={bootstrap: 30}")
    scored = {"score toy.shuffled_trials", "score units of toy predicted from the others", "forecast toy by glm"}
    scored |= {"score the decoders of toy", "score the decoders of toy.pre_stimulus"}
    assert planned == {"check the configuration", *scored, DRAWN, *OF_A_NETWORK}


def simulated(planned: set[str]) -> set[str]:
    return {job for job in planned if job.startswith("simulate")}


def test_a_given_configuration_stands_alone_and_the_default_is_for_who_gives_none(checkout, tmp_path):
    default = {"simulate refractory_adapting", "simulate poisson"}
    assert simulated(checkout.planned(tmp_path)) == {"simulate toy"}
    assert simulated(checkout.planned(tmp_path, configfile=None)) == default
    assert simulated(checkout.planned(tmp_path, "--config", "seed=3", configfile=None)) == default


def test_values_of_the_command_line_are_merged_into_the_file(checkout, finished):
    planned = checkout.planned(finished, "--config", "sessions={toy: {n_trials: 30}}")
    assert simulated(planned) == {"simulate toy"}
    assert "fit psth to toy.shuffled_trials" in planned


def test_snakemakes_own_report_works(checkout, finished, tmp_path):
    directory = tmp_path / "run"
    shutil.copytree(finished, directory)
    done = checkout.snakemake(directory, "--report", "report.zip")
    assert done.returncode == 0, done.stdout
    assert (directory / "report.zip").stat().st_size > 10_000


def test_a_row_added_to_a_table_of_sessions_leaves_the_others_alone(checkout, finished, tmp_path):
    (tmp_path / "sheet.tsv").write_text(
        "name\tsimulate\tn_trials\tlead_s\ttarget.class\ttarget.pre_stimulus_s\tmodels\n"
        "toy\trefractory_adapting\t28\t0.1\tdirection\t-0.4; -0.2\t\n"
        "new\tpoisson\t20\t\t\t\tpsth\n"
    )
    table = yaml.safe_load(TINY.read_text()) | {"sessions": "sheet.tsv", "controls": {}}
    # Names keep their order, which is that of models in every table and figure.
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(table, sort_keys=False))
    planned = checkout.planned(finished, configfile=tmp_path / "mine.yaml")
    assert planned == {
        *("check the configuration", "simulate new", "read new", "fit psth to new", "score new", "draw new"),
        *("judge the sufficiency of the models of new", *TOGETHER),
    }
