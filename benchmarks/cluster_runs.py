"""A run of many small recordings on SLURM against the same run without it.

    python -m benchmarks.cluster_runs                (20 recordings; a SLURM of one node is brought up: needs root)
    python -m benchmarks.cluster_runs --sessions 6 --cpus 2 --target scores.csv

Both run the same configuration with the same number of jobs at once. What is told: wall time, SLURM's jobs and
those of the rules, whether both scores.csv are the same, and what was left behind.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._lab import write_lab
from benchmarks._slurm import ROOT, cluster_up, environment, running, submitted


def alone(folder: Path, config: Path, cpus: int, target: str) -> float:
    """Seconds of the run on this machine, as many jobs at once."""
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--configfile",
        str(config),
    ]
    begun = time.monotonic()
    with (folder / "said").open("w") as said:
        subprocess.run(
            [*command, "--cores", str(cpus), "--nocolor", "--", target],
            cwd=folder, env=environment(), stdout=said, stderr=said, check=True,
        )  # fmt: skip
    return time.monotonic() - begun


def jobs_of_rules(said: str) -> int:
    """Jobs that a run counted at its beginning, but for the one that stands for all."""
    return int(next(line.split()[1] for line in said.splitlines() if line.startswith("total"))) - 1


def main() -> None:
    """Both runs, and a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--target", default="all", help="a file below results/, or all")
    parser.add_argument("--slurm", help="the state folder of a SLURM that tests/cluster/slurm.sh has started")
    asked = parser.parse_args()
    target = asked.target if asked.target == "all" else f"results/{asked.target}"
    with tempfile.TemporaryDirectory() as folder:
        lab = Path(folder)
        config = write_lab(lab, asked.sessions)
        with cluster_up(asked.slurm, lab / "slurm", asked.cpus) as cluster:
            begun = time.monotonic()
            status, said = cluster.run(lab / "cluster", config, "--", target, timeout_s=4 * 3600)
            on_slurm = time.monotonic() - begun
            here = lab / "cluster"
            left = [*cluster.queued(here), *map(str, here.rglob("*.part")), *running(str(here))]
        if status:
            raise SystemExit(said[-3000:])
        by_itself = alone(lab / "alone", config, asked.cpus, target)
        scores = [(lab / name / "results/scores.csv").read_bytes() for name in ("cluster", "alone")]
        print(f"| sessions | {asked.sessions} |\n| --- | --- |")
        print(f"| jobs of rules | {jobs_of_rules(said)} |\n| jobs of SLURM | {len(submitted(said))} |")
        print(f"| wall time on SLURM | {on_slurm:.0f} s |\n| without it | {by_itself:.0f} s |")
        print(f"| scores.csv | {'the same' if scores[0] == scores[1] else 'different'} |")
        print(f"| left behind | {', '.join(map(str, left)) or 'nothing'} |")


if __name__ == "__main__":
    main()
