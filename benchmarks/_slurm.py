"""A SLURM of one node on this machine, and runs of the workflow on it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SLURM = ROOT / "tests/cluster/slurm.sh"
ACCOUNTING = ROOT / "tests/cluster/accounting.sh"
QUICK = (  # of the profile, what a test need not wait for
    *("--latency-wait", "20", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2", "--nocolor"),
)


def until(what: Callable[[], object], seconds: float, *, of: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds:g} s: {of}"
        time.sleep(0.2)


@contextlib.contextmanager
def cluster_up(state: str | None, folder: Path, cpus: int) -> Iterator["Cluster"]:
    """The cluster that ``slurm.sh start`` brought up with this state; without one, a cluster for a while.

    Raises SystemExit with the reason where there can be none.
    """
    if state is not None:
        yield Cluster(Path(state))
        return
    cluster = Cluster(folder)
    if reason := cluster.start(cpus=cpus, memory_mb=16_000):
        raise SystemExit(f"no SLURM: {reason}")
    try:
        yield cluster
    finally:
        cluster.clear()
        cluster.stop()


class Cluster:
    """The daemons, the queue, and Snakemake submitting to it."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def start(self, cpus: int, memory_mb: int) -> str:
        """Bring it up; returns the reason why it cannot be, or nothing."""
        reason = refused([SLURM, "start", self.state, str(cpus), str(memory_mb)])
        if reason:
            self.stop()
        return reason

    def stop(self) -> None:
        """End its daemons."""
        subprocess.run([str(SLURM), "stop", str(self.state)], check=False)

    def accounting(self, state: str) -> str:
        """slurmdbd ``on`` or ``off``; returns the reason why it cannot be, or nothing."""
        return refused([ACCOUNTING, state, self.state])

    def daemon(self, name: str) -> int:
        """Its process."""
        return int((self.state / f"{name}.pid").read_text())

    def node_again(self) -> None:
        """slurmd once more, after it was killed."""
        subprocess.run([SLURM, "node", self.state], check=True)

    def queued(self, directory: Path | None = None) -> list[str]:
        """Jobs that wait or run, of all runs or of the one in ``directory``."""
        shown = subprocess.run(["squeue", "-h", "-o", "%i %Z"], capture_output=True, text=True, check=True).stdout
        jobs = [line.split(" ", 1) for line in shown.splitlines()]
        return [job for job, of in jobs if directory is None or Path(of) == directory]

    def asked(self, job: str, what: str) -> str:
        """What a job asked for: ``MinMemoryNode``, ``TimeLimit``, ``Partition``, ``JobState``."""
        shown = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
        return str(re.findall(rf"\b{what}=(\S+)", shown)[0])

    def command(self, config: Path, *arguments: str) -> list[str]:
        """Snakemake with the profile."""
        profile = ["--profile", str(ROOT / "profiles/slurm")]
        base = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        return [*base, *profile, "--configfile", str(config), *QUICK, *arguments]

    def started(self, directory: Path, config: Path, *arguments: str) -> subprocess.Popen[str]:
        """Snakemake in ``directory``, in a session of its own; what it says goes to ``said`` there."""
        directory.mkdir(exist_ok=True)
        with (directory / "said").open("a") as said:
            return subprocess.Popen(
                self.command(config, *arguments), cwd=directory, env=environment(),
                stdout=said, stderr=said, start_new_session=True, text=True,
            )  # fmt: skip

    def run(self, directory: Path, config: Path, *arguments: str, timeout_s: float = 900) -> tuple[int, str]:
        """The same to its end: exit status and all that was said in ``directory`` so far."""
        process = self.started(directory, config, *arguments)
        try:
            status = process.wait(timeout=timeout_s)
        finally:
            end(process)
        return status, (directory / "said").read_text()

    def clear(self, directory: Path | None = None) -> None:
        """Cancel what is left in the queue, of all runs or of the one in ``directory``."""
        for job in self.queued(directory):
            subprocess.run(["scancel", job], check=False)
        until(lambda: not self.queued(directory), 60, of="an empty queue")


def refused(command: list[str | Path]) -> str:
    """What a command gives as the reason why it failed; nothing where it did not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() or f"exit status {done.returncode}" if done.returncode else ""


def environment() -> dict[str, str]:
    """In which jobs import the package that is tested."""
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def end(process: subprocess.Popen[str]) -> None:
    """SIGKILL of a session of processes, if it is still there."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def submitted(said: str) -> list[str]:
    """The numbers of SLURM's jobs that Snakemake says it submitted."""
    return re.findall(r"submitted with SLURM jobid (\d+)", said)


def running(pattern: str) -> list[int]:
    """Processes whose command line holds ``pattern``, and that are not this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if pattern in line and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def script(directory: Path, rule: str) -> list[int]:
    """Processes of a run's jobs that are in the script of a rule."""
    return [pid for pid in running(f"{directory}/.snakemake/scripts/") if pid in running(f".{rule}.py")]


def held(directory: Path, rule: str) -> int:
    """The process of a rule's script, stopped as soon as it runs."""
    until(lambda: script(directory, rule), 240, of=f"a running {rule}")
    pid = script(directory, rule)[0]
    os.kill(pid, signal.SIGSTOP)
    return pid
