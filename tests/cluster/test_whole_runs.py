"""Several recordings from end to end on SLURM, one of which cannot be read."""

import csv

import pytest

from benchmarks._lab import write_lab
from benchmarks._slurm import running, submitted


@pytest.fixture(scope="module")
def ended(cluster, tmp_path_factory):
    """A run of three recordings, each with its page: one has a network that asks for a GPU, one is cut short."""
    folder = tmp_path_factory.mktemp("lab")
    config = write_lab(folder, 3, network=True, broken=(1,), sessions_on_page=1)
    status, said = cluster.run(folder / "run", config, "--retries", "0")
    return folder / "run", status, said


def test_a_recording_that_fails_keeps_no_other_from_its_end(ended):
    directory, status, said = ended
    assert status != 0
    with (directory / "results/scores.csv").open(newline="") as file:
        assert {row["session"] for row in csv.DictReader(file)} == {"rat0", "rat2"}, said
    assert not list((directory / "results/rat1").rglob("*.np[yz]"))


def test_the_page_names_it_with_its_error(ended):
    page = (ended[0] / "results/report.html").read_text()
    assert "1 of 3 sessions failed" in page
    assert "rat1.npz: not a whole .npz file" in page


def test_the_others_have_their_pages(ended):
    results = ended[0] / "results"
    for name in ("rat0", "rat2"):
        assert f'href="{name}/report.html#session-1"' in (results / "report.html").read_text()
        assert 'href="../report.html"' in (results / name / "report.html").read_text()
    assert not (results / "rat1/report.html").exists()


def test_the_small_jobs_of_a_recording_are_one(ended):
    # Three are read; of two, the small fits are one job, scores and figures another; and there is a network.
    assert len(submitted(ended[2])) == 3 + 2 * 2 + 1


def test_a_network_asks_for_a_gpu_and_without_one_says_so_and_runs(ended, cluster):
    directory, _, said = ended
    network = next(line for line in said.splitlines() if "rule_fit_model/rat0_lstm/" in line)
    job = submitted(network)[0]
    assert cluster.asked(job, "Partition") == "gpu"
    assert "gpu:1" in cluster.asked(job, "TresPerJob")
    log = (directory / "results/logs/rat0/fit_model.lstm.log").read_text()
    assert "cuda was asked for, but torch finds no GPU; running on the CPU" in log


def test_nothing_is_left_behind(ended, cluster):
    assert cluster.queued(ended[0]) == []
    assert not list(ended[0].rglob("*.part"))
    assert running(str(ended[0])) == []
