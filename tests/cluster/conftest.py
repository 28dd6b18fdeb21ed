"""A SLURM of one node on this machine for all tests of this folder.

``SLURM_STATE=DIR``: the one that ``slurm.sh start DIR`` has brought up, left as it is.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks._slurm import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """SLURM, up; skipped with the reason where it cannot be brought up."""
    if "SLURM_STATE" in os.environ:
        yield Cluster(Path(os.environ["SLURM_STATE"]))
        return
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    if reason := cluster.start(cpus=4, memory_mb=8000):
        pytest.skip(reason)
    yield cluster
    cluster.clear()
    cluster.stop()


@pytest.fixture
def queue(cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """The same, from which the jobs of the test's run are gone after it."""
    yield cluster
    cluster.clear(tmp_path / "run")
