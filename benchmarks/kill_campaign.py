"""SIGKILL at random moments of a run on SLURM, taken up again each time: are the scores those of a quiet run?

    python -m benchmarks.kill_campaign               (20 kills; a SLURM of one node is brought up: needs root)
    python -m benchmarks.kill_campaign --kills 5 --seed 3 --sessions 1

What is killed is drawn each time: Snakemake with all its threads, a process of a job, or slurmd, which comes up
again. After a kill the same command is given again, after ``--unlock`` where Snakemake had held the folder. Jobs
of the run before are not cancelled: they go on beside those of the next.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks._lab import write_lab
from benchmarks._slurm import Cluster, cluster_up, end, running, until

VICTIMS = ("snakemake", "job", "slurmd")


def kill(victim: str, run: subprocess.Popen[str], cluster: Cluster, folder: Path, chance: random.Random) -> str:
    """Kill it; returns what was killed, which is Snakemake where no job runs."""
    jobs = running(f"{folder}/.snakemake/scripts/")
    if victim == "job" and jobs:
        try:
            os.kill(chance.choice(jobs), signal.SIGKILL)
        except ProcessLookupError:  # it has just ended
            return "nothing"
        return "job"
    if victim == "slurmd":
        os.kill(cluster.daemon("slurmd"), signal.SIGKILL)
        time.sleep(chance.uniform(1, 6))
        cluster.node_again()
        return "slurmd"
    end(run)
    return "snakemake"


def campaign(cluster: Cluster, folder: Path, config: Path, target: str, asked: argparse.Namespace) -> Counter[str]:
    """Kill and take up again until there were as many kills, then let the run end; returns what was killed."""
    chance, killed = random.Random(asked.seed), Counter[str]()
    while True:
        run = cluster.started(folder, config, "--", target)
        try:
            while run.poll() is None and killed.total() < asked.kills:
                time.sleep(chance.uniform(*asked.pause_s))
                if run.poll() is None:
                    what = kill(chance.choice(VICTIMS), run, cluster, folder, chance)
                    killed.update([what] if what != "nothing" else [])
                    print(f"kill {killed.total()}: {what}", flush=True)
            if run.wait(timeout=3600) == 0 and killed.total() >= asked.kills:
                return killed
        finally:
            end(run)
        if (run.returncode or 0) == 0:  # ended before all kills: the scores are made again from the beginning
            subprocess.run(["rm", "-rf", str(folder / "results")], check=True)
        cluster.run(folder, config, "--unlock")


def main() -> None:
    """The undisturbed run, the campaign, and whether they agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pause-s", type=float, nargs=2, default=(2.0, 25.0), help="between two kills")
    parser.add_argument("--target", default="scores.csv", help="a file below results/")
    parser.add_argument("--slurm", help="the state folder of a SLURM that tests/cluster/slurm.sh has started")
    asked = parser.parse_args()
    target = f"results/{asked.target}"
    with tempfile.TemporaryDirectory() as name:
        lab = Path(name)
        config = write_lab(lab, asked.sessions)
        with cluster_up(asked.slurm, lab / "slurm", cpus=4) as cluster:
            begun = time.monotonic()
            status, said = cluster.run(lab / "quiet", config, "--", target, timeout_s=3600)
            if status:
                raise SystemExit(said[-3000:])
            quiet = time.monotonic() - begun
            killed = campaign(cluster, lab / "killed", config, target, asked)
            until(lambda: not cluster.queued(lab / "killed"), 600, of="the end of the last jobs")
            scores = [(lab / one / target).read_bytes() for one in ("quiet", "killed")]
            left = [*map(str, (lab / "killed").rglob("*.part")), *running(str(lab / "killed"))]
    print(f"| quiet run | {quiet:.0f} s |\n| --- | --- |")
    print(f"| with its kills | {time.monotonic() - begun - quiet:.0f} s |")
    print("\n".join(f"| SIGKILL of {what} | {n} |" for what, n in sorted(killed.items())))
    print(f"| {asked.target} | {'the same to the byte' if scores[0] == scores[1] else 'different'} |")
    print(f"| left behind | {', '.join(map(str, left)) or 'nothing'} |")


if __name__ == "__main__":
    main()
