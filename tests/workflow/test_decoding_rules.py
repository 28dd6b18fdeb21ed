"""Decoders in a run: their files and rows, and what an edit makes run again."""

import csv

AGAIN = {"collect the scores", "draw the decoders of toy", "write the report"}
SCORED = {"score the decoders of toy", "score the decoders of toy.pre_stimulus"}


def rows(finished):
    with (finished / "results/scores.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["task"] == "classify"]


def test_a_decoder_leaves_its_files_in_the_session_and_before_the_stimulus(finished):
    for session in ("toy", "toy.pre_stimulus"):
        folder = finished / "results" / session / "decoders"
        assert {path.name for path in folder.iterdir()} == {"templates", "of_psth", "scores.csv"}
        for decoder in ("templates", "of_psth"):
            held = {path.name for path in (folder / decoder).iterdir()}
            assert held == {"predictions.npz", "parameters.safetensors", "fit.json"}
    assert (finished / "results/toy/figures/decoding/unfolding.png").is_file()
    assert not (finished / "results/toy.pre_stimulus/figures").exists(), "its scores stand in its recording's"
    models = finished / "results/toy.pre_stimulus/models"
    assert [path.name for path in models.iterdir()] == ["psth"], "the one that a decoder reads, and no other"


def test_rows_before_the_stimulus_are_those_of_a_control(finished):
    found = rows(finished)
    assert {(row["session"], row["control"], row["target"]) for row in found} == {
        ("toy", "", "direction"),
        ("toy", "pre_stimulus", "direction"),
    }
    assert {row["model"] for row in found} == {"templates", "of_psth", "prior"}


def test_the_direction_is_decoded_from_the_response_and_not_from_before_it(finished):
    value = {
        row["control"]: float(row["value"])
        for row in rows(finished)
        if (row["model"], row["metric"], row["fold"]) == ("templates", "accuracy", "all")
    }
    assert value[""] > 0.6
    assert value["pre_stimulus"] < 0.5


def test_editing_a_decoder_fits_it_again_and_no_other(checkout, finished, edited):
    edited("neurodecode/decoders/naive_bayes.py")
    fits = {"fit decoder templates to toy", "fit decoder templates to toy.pre_stimulus"}
    assert checkout.planned(finished) == {*fits, *SCORED, *AGAIN}


def test_editing_a_decoders_entry_fits_it_again_and_no_other(checkout, finished):
    planned = checkout.planned(finished, "--config", "decoders={templates: {bin_size_s: 0.02}}")
    fits = {"fit decoder templates to toy", "fit decoder templates to toy.pre_stimulus"}
    assert planned == {"check the configuration", *fits, *SCORED, *AGAIN}


def test_another_window_before_the_stimulus_leaves_the_session_alone(checkout, finished):
    planned = checkout.planned(finished, "--config", "sessions={toy: {target: {pre_stimulus_s: [-0.3, -0.2]}}}")
    assert "read toy before the stimulus" in planned
    assert not {"read toy", "fit psth to toy", "fit glm to toy"} & planned
