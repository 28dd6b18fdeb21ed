"""The same profile where slurmdbd keeps account of jobs."""

import subprocess

import pytest

from benchmarks._lab import write_lab
from benchmarks._slurm import end, held, submitted


@pytest.fixture(scope="module")
def accounted(cluster):
    """The cluster with slurmdbd; skipped with the reason where there can be none."""
    reason = cluster.accounting("on")
    try:
        if reason:
            pytest.skip(reason)
        yield cluster
        cluster.clear()
    finally:
        cluster.accounting("off")


def states(jobs: list[str]) -> list[str]:
    """How jobs ended, by the account."""
    asked = ["sacct", "-n", "-X", "-P", "-o", "State", "-j", ",".join(jobs)]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_run_ends_and_a_cancelled_job_is_submitted_again(accounted, tmp_path):
    directory, config = tmp_path / "run", write_lab(tmp_path / "lab", 1)
    said = directory / "said"
    run = accounted.started(directory, config, "--", "results/scores.csv")
    try:
        held(directory, "ingest")
        subprocess.run(["scancel", *accounted.queued(directory)], check=True)
        assert run.wait(timeout=600) == 0, said.read_text()
    finally:
        end(run)
    first, *others = submitted(said.read_text())
    assert (directory / "results/scores.csv").is_file()
    assert states([first])[0].startswith("CANCELLED")
    assert set(states(others)) == {"COMPLETED"}
    assert accounted.queued(directory) == []
