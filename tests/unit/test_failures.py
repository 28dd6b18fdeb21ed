"""Which recordings failed, by what, and what is left of the configuration without them."""

import json
import os
from types import SimpleNamespace

import pytest
import yaml

from neurodecode.config.run import run_config
from workflow.failures import (
    MOST_CHARACTERS,
    SILENT,
    VARIABLE,
    config_without,
    error_in,
    failures_of,
    told_failures,
)


def job(tmp_path, session, rule, said="", *, done=False):
    """A job as Snakemake has it, with a log of what it said."""
    log, output = tmp_path / f"{session}.{rule}.log", tmp_path / f"{session}.{rule}.out"
    log.write_text(said)
    if done:
        output.touch()
    wildcards = {} if session is None else {"session": session}
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule),
        log=[str(log)],
        output=[str(output)],
        wildcards=wildcards,
        is_group=lambda: False,
    )


def group(*jobs):
    return SimpleNamespace(jobs=jobs, is_group=lambda: True)


def failed(*jobs, since=0.0):
    return failures_of(jobs, lambda session: session.split(".")[0], ["rat1", "rat2", "rat3"], since)


def test_each_recording_has_the_error_of_the_job_that_told_one(tmp_path):
    told = job(
        tmp_path, "rat2", "fit_model", "10:00:00 INFO fold 0\n10:00:01 ERROR no spikes in unit a\n  at all\n"
    )
    found = failed(
        group(job(tmp_path, "rat2", "ingest", done=True), told, job(tmp_path, "rat2", "score_session")),
        job(tmp_path, "rat1.shuffled_trials", "derive_control", "10:00:00 INFO as it should be\n"),
        job(tmp_path, None, "collect_scores", "10:00:00 ERROR of no recording\n"),
    )
    assert list(found) == ["rat1", "rat2"]
    assert found["rat2"] == {"rule": "fit_model", "error": "no spikes in unit a\n  at all", "log": told.log[0]}
    assert found["rat1"]["error"] == SILENT
    assert found["rat1"]["rule"] == "derive_control"


def test_an_error_of_an_earlier_run_is_not_this_ones(tmp_path):
    old = job(tmp_path, "rat1", "ingest", "10:00:00 ERROR of yesterday\n")
    os.utime(old.log[0], (1000.0, 1000.0))
    assert failed(old, since=2000.0)["rat1"]["error"] == SILENT
    assert failed(old, since=500.0)["rat1"]["error"] == "of yesterday"


def test_the_last_error_is_told_and_long_ones_are_cut(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"10:00:00 ERROR first\n10:00:02 ERROR \xff" + b"x" * 10_000)
    error = error_in(log, 0.0)
    assert error.startswith("\N{REPLACEMENT CHARACTER}xxx")
    assert len(error) <= MOST_CHARACTERS + 4
    assert error_in(tmp_path / "absent", 0.0) == ""


def test_the_rest_of_a_configuration_names_none_of_them():
    config = yaml.safe_load("""
sessions: {a: {simulate: poisson, n_trials: 20}, b: {simulate: poisson, n_trials: 20}}
models: {psth: {family: psth}}
controls: {shuffled_trials: {sessions: [a, b]}, shuffled_labels: {}}
decomposition: {sessions: [a]}
""")
    rest = config_without(config, {"b": {}})
    assert list(rest["sessions"]) == ["a"]
    assert rest["controls"] == {"shuffled_trials": {"sessions": ["a"]}, "shuffled_labels": {}}
    assert list(config["sessions"]) == ["a", "b"], "what is given is not written into"
    run_config(rest)


@pytest.mark.parametrize("told", [{}, {"rat1": {"rule": "ingest", "error": "cut short", "log": "x.log"}}])
def test_the_second_run_is_told_of_the_first(tmp_path, told):
    (tmp_path / "failures.json").write_text(json.dumps(told))
    assert told_failures({VARIABLE: str(tmp_path / "failures.json")}) == told
    assert told_failures({}) == {}
