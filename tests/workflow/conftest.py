"""A copy of the workflow that tests may edit, and one finished run of it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = Path(__file__).with_name("tiny.yaml")
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles", "neurodecode")


class Checkout:
    """A copy of what Snakemake reads; ``snakemake`` runs it in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / part)

    @property
    def environment(self) -> dict[str, str]:
        """In which the copied package is the one that is imported, and numerics keep to one thread."""
        return os.environ | {"PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"}

    def command(self, directory: Path, *arguments: str, configfile: Path | None = TINY) -> list[str]:
        """Snakemake on this copy."""
        base = [
            sys.executable,
            "-m",
            "snakemake",
            "-s",
            str(self.root / "Snakefile"),
            "--directory",
            str(directory),
        ]
        configured = ["--configfile", str(configfile)] if configfile is not None else []
        return [*base, "--cores", "2", "--nocolor", *configured, *arguments]

    def snakemake(
        self, directory: Path, *arguments: str, configfile: Path | None = TINY
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end; what it says, on either stream, in ``stdout``."""
        return subprocess.run(
            self.command(directory, *arguments, configfile=configfile),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )

    def planned(self, directory: Path, *arguments: str, configfile: Path | None = TINY) -> set[str]:
        """What a dry run says it would do: the messages of its jobs."""
        done = self.snakemake(directory, "--dry-run", *arguments, configfile=configfile)
        assert done.returncode == 0, done.stdout
        return set(re.findall(r"^Job \d+: (.+)$", done.stdout, flags=re.MULTILINE))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the workflow; tests that edit it put back what they found."""
    return Checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def finished(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one finished run; tests only read it."""
    directory = tmp_path_factory.mktemp("finished")
    done = checkout.snakemake(directory)
    assert done.returncode == 0, done.stdout
    return directory


@pytest.fixture
def edited(checkout: Checkout) -> Iterator[Callable[[str], None]]:
    """Appends a line to one file of the copy, and takes it away again afterwards."""
    kept: dict[Path, str] = {}

    def edit(name: str) -> None:
        path = checkout.root / name
        kept.setdefault(path, path.read_text())
        path.write_text(kept[path] + "\nEDITED = True\n")

    yield edit
    for path, text in kept.items():
        path.write_text(text)
