"""What cannot be run is refused before the first job, or before the first fit, with the way out."""

import pytest
import yaml

GOOD = {
    "sessions": {"one": {"simulate": "poisson", "n_trials": 20}},
    "models": {"psth": {"family": "psth"}, "slow": {"family": "lstm"}},
    "evaluation": {"folds": 2},
}
RECORDED = {"path": "rat.nwb", "window_s": [0.0, 1.0], "bin_size_s": 0.01}


def run(checkout, tmp_path, *arguments, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes))
    done = checkout.snakemake(tmp_path, *arguments, configfile=path)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert not list(tmp_path.rglob("fit.json")), "nothing was fitted"
    return done.stdout


@pytest.mark.parametrize(
    ("changes", "arguments", "words"),
    [
        ({"evaluations": {}}, (), "configuration: unknown key 'evaluations'; did you mean 'evaluation'?"),
        ({"models": {"m": {"family": "lsmt"}}}, (), "models.m.family: given 'lsmt'; did you mean 'lstm'?"),
        ({}, ("--config", "evaluation={folds: x}"), "evaluation.folds: given 'x' (text), expected a whole number"),
        ({"sessions": {"one": RECORDED}}, (), "sessions.one.path: no file 'rat.nwb' in recordings_dir"),
    ],
    ids=["unknown key", "misspelt family", "text for a number", "missing file"],
)
def test_what_the_configuration_says_wrong_stops_before_any_job(checkout, tmp_path, changes, arguments, words):
    said = run(checkout, tmp_path, *arguments, **changes)
    assert words in said
    assert "mine.yaml" in said
    assert not (tmp_path / "results").exists()


def test_what_only_the_packages_types_know_stops_the_first_job(checkout, tmp_path):
    (tmp_path / "rat.nwb").touch()
    said = run(checkout, tmp_path, sessions={"one": RECORDED | {"bin_size_s": 0.3}})
    assert "sessions.one: bin_size_s 0.3 does not divide window_s [0.0, 1.0]" in said


def test_a_recording_that_cannot_be_read_stops_before_any_fit(checkout, tmp_path):
    (tmp_path / "rat.nwb").write_bytes(b"\x89HDF\r\n\x1a\n cut short")
    said = run(checkout, tmp_path, sessions={"one": RECORDED})
    assert "Error in rule ingest" in said
    assert "rat.nwb" in said


def test_fewer_trials_than_folds_stop_before_any_fit(checkout, tmp_path):
    said = run(checkout, tmp_path, evaluation={"folds": 15})
    assert "fewer than the 15 folds: lower evaluation.folds" in said
    assert "sessions.one" in said


DOUBLING = "w:\n  - &a0 [x, x]\n" + "".join(f"  - &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("seed: 1\nseed: 2\n", "key 'seed' stands in line"),
        (DOUBLING, "more than 100000 values, aliases written out"),
        ("report: {title: .nan}\n", "report.title: given nan, expected a finite number"),
    ],
    ids=["a key twice", "lists that double", "NaN"],
)
def test_a_hostile_configuration_stops_before_any_job(checkout, tmp_path, more, words):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(GOOD) + more)
    done = checkout.snakemake(tmp_path, configfile=path)
    assert done.returncode != 0
    assert words in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()
