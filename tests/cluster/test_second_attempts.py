"""What SLURM ends is submitted again with more, and what it loses is found again."""

import os
import signal
import subprocess

import pytest

from benchmarks._lab import write_lab
from benchmarks._slurm import end, held, script, submitted, until


@pytest.fixture
def lab(tmp_path):
    """The configuration of one recording."""
    return write_lab(tmp_path, 1)


def test_over_memory_and_over_time_are_submitted_again_with_more(queue, lab, tmp_path):
    directory = tmp_path / "run"
    # What a Python needs is more than the first attempt has; the first fit is held until its minute is over.
    more = ["--set-resources", "ingest:mem_mb=60*attempt**5", "fit_model:runtime=attempt"]
    run = queue.started(directory, lab, *more, "--", "results/rat0/models/psth/fit.json")
    try:
        held(directory, "fit_model")
        assert run.wait(timeout=600) == 0, (directory / "said").read_text()
    finally:
        end(run)
    jobs = submitted((directory / "said").read_text())
    assert len(jobs) == 4
    assert [queue.asked(job, "MinMemoryNode") for job in jobs[:2]] == ["60M", "1920M"]
    assert [queue.asked(job, "TimeLimit") for job in jobs[2:]] == ["00:01:00", "00:02:00"]
    assert queue.asked(jobs[2], "JobState") == "TIMEOUT"
    assert queue.asked(jobs[0], "JobState") != "COMPLETED"


def test_a_cancelled_job_and_a_killed_one_are_submitted_again(queue, lab, tmp_path):
    directory = tmp_path / "run"
    run = queue.started(directory, lab, "--", "results/rat0/trials.npz")
    try:
        held(directory, "ingest")
        subprocess.run(["scancel", *queue.queued(directory)], check=True)
        until(lambda: len(submitted((directory / "said").read_text())) == 2, 240, of="a second job")
        until(lambda: script(directory, "ingest"), 240, of="a second ingest")
        os.kill(script(directory, "ingest")[0], signal.SIGKILL)
        assert run.wait(timeout=600) == 0, (directory / "said").read_text()
    finally:
        end(run)
    assert len(submitted((directory / "said").read_text())) == 3
    assert not list(directory.rglob("*.part"))


def test_a_job_survives_the_death_of_slurmd(queue, lab, tmp_path):
    directory = tmp_path / "run"
    run = queue.started(directory, lab, "--", "results/rat0/trials.npz")
    try:
        job = held(directory, "ingest")
        os.kill(queue.daemon("slurmd"), signal.SIGKILL)
        os.kill(job, signal.SIGCONT)
        until(lambda: (directory / "results/rat0/trials.npz").exists(), 240, of="its output")
        queue.node_again()
        assert run.wait(timeout=600) == 0, (directory / "said").read_text()
    finally:
        end(run)
    assert len(submitted((directory / "said").read_text())) == 1


def test_two_writers_meet_at_one_output_and_leave_it_whole(queue, lab, tmp_path):
    """Snakemake is killed, its job goes on; a second run submits the same job, and the first ends after it."""
    directory, trials = tmp_path / "run", tmp_path / "run/results/rat0/trials.npz"
    target = ("--", "results/rat0/trials.npz")
    run = queue.started(directory, lab, *target)
    try:
        first = held(directory, "ingest")
    finally:
        end(run)
    assert queue.queued(directory), "the job outlives Snakemake"
    assert queue.run(directory, lab, "--unlock")[0] == 0
    status, said = queue.run(directory, lab, *target)
    assert status == 0, said
    written = trials.read_bytes()
    os.kill(first, signal.SIGCONT)
    until(lambda: not queue.queued(directory), 240, of="the end of the first job")
    assert trials.read_bytes() == written
    assert not list(directory.rglob("*.part"))
    done = queue.run(directory, lab, "--dry-run", *target)[1]
    assert "Nothing to be done" in done.rpartition("Building DAG of jobs")[2]
