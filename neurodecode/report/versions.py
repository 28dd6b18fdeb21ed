"""With what a run was made."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "matplotlib",
    "neo",
    "elephant",
    "pynwb",
    "snakemake",
)


def software_versions() -> dict[str, str]:
    """Name -> version of Python, the package and what it stands on; the commit where the source is a checkout."""
    found = {"Python": platform.python_version(), "neurodecode": _installed("neurodecode")}
    commit = source_commit()
    if commit:
        found["source commit"] = commit
    found |= {name: _installed(name) for name in PACKAGES}
    found["platform"] = f"{platform.system()} {platform.machine()}"
    return {name: text for name, text in found.items() if text}


def source_commit() -> str:
    """The commit that the source stands at, marked where files differ from it; empty outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{commit} with uncommitted changes" if commit and changed else commit


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""  # the page is as good without: git may not be installed, or may not trust the folder
    return done.stdout.strip()


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
