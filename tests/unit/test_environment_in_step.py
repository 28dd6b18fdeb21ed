"""environment.yml, pyproject.toml and constraints.txt give every user the same versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
DEVELOPMENT = PROJECT["dependency-groups"]["dev"]
DIRECT = [
    *PROJECT["project"]["dependencies"],
    *(line for lines in EXTRAS.values() for line in lines),
    *DEVELOPMENT,
]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
CONDA_OWN = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
CONDA_PIP = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))


def constraints() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    required = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(r.name): r for r in required}


@pytest.mark.parametrize("line", DIRECT)
def test_a_direct_dependency_has_one_version_and_the_constraints_agree(line):
    required = Requirement(line)
    assert [s.operator for s in required.specifier] == ["=="]
    assert constraints()[canonicalize_name(required.name)].specifier == required.specifier


def test_constraints_name_one_public_version_each():
    for required in constraints().values():
        (specifier,) = required.specifier
        assert specifier.operator == "=="
        assert "+" not in specifier.version, f"{required}: a local version bars the other builds of it"


def test_conda_installs_this_project_with_the_same_versions():
    assert "-c constraints.txt" in CONDA_PIP
    (project,) = [entry for entry in CONDA_PIP if entry.startswith("-e .")]
    extras = re.search(r"\[(.*)\]", project)
    assert extras is not None
    assert set(extras[1].split(",")) == set(EXTRAS)
    assert {entry for entry in CONDA_PIP if not entry.startswith("-")} == set(DEVELOPMENT)


def test_condas_python_is_allowed_and_nothing_comes_from_two_places():
    python = next(entry for entry in CONDA_OWN if entry.startswith("python="))
    assert python.split("=")[-1] in SpecifierSet(PROJECT["project"]["requires-python"])
    names = {canonicalize_name(re.split(r"[<>=! ]", entry)[0]) for entry in CONDA_OWN}
    assert not names & (set(constraints()) | {"pytorch"})
    assert "nodefaults" in CONDA["channels"]
