"""A run killed in the middle of a fit, whole process group at once, and taken up again."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

LSTM = Path("results/toy/models/lstm")
OF_A_SESSION = ("toy/scores.csv", "toy/likelihoods.npz", "toy/figures/figures.json")
WHAT_COMES_OF_IT = (*OF_A_SESSION, "scores.csv", "report.html")


def started(process: subprocess.Popen[str], log: Path, deadline_s: float) -> None:
    """Wait until the fit has written its first line, which is long before its last."""
    until = time.monotonic() + deadline_s
    while not (log.is_file() and log.stat().st_size):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < until, "the fit never began"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def killed(checkout, finished, tmp_path_factory) -> Path:
    """A copy of the finished run, killed while it fitted the network that it had been robbed of."""
    directory = tmp_path_factory.mktemp("killed") / "run"
    shutil.copytree(finished, directory)
    log = directory / "results/logs/toy/fit_model.lstm.log"
    log.unlink()
    shutil.rmtree(directory / LSTM)
    for name in WHAT_COMES_OF_IT:
        (directory / "results" / name).unlink()
    command = checkout.command(directory)
    with (directory / "said").open("w") as said:
        process = subprocess.Popen(
            command, env=checkout.environment, stdout=said, stderr=said, start_new_session=True, text=True
        )
        try:
            started(process, log, deadline_s=60)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return directory


def test_a_killed_fit_leaves_nothing_under_a_final_name(killed):
    assert not (killed / LSTM / "predictions.npy").exists()
    assert not (killed / LSTM / "fit.json").exists()


def test_the_same_command_after_unlocking_gives_the_same_scores(checkout, finished, killed):
    stale = killed / LSTM / ".predictions.npy.99999999.part"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.write_bytes(b"cut sh")
    (killed / LSTM / "predictions.npy").write_bytes(b"\x93NUMPY half a file")
    locked = checkout.snakemake(killed)
    assert locked.returncode != 0
    assert "unlock" in locked.stdout
    assert checkout.snakemake(killed, "--unlock").returncode == 0
    again = checkout.snakemake(killed)
    assert again.returncode == 0, again.stdout
    assert (killed / "results/scores.csv").read_bytes() == (finished / "results/scores.csv").read_bytes()
    assert not list(killed.rglob("*.part"))
