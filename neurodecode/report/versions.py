"""With what a run was made."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path


def software_versions() -> dict[str, str]:
    """Name -> version of Python, the package and what it stands on; the commit where the source is a checkout."""
    found = {"Python": platform.python_version(), "neurodecode": _installed("neurodecode")}
    commit = source_commit()
    if commit:
        found["source commit"] = commit
    found |= {name: _installed(name) for name in _dependencies()}
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


def _dependencies() -> list[str]:
    """Names of what the installed package asks for, optional ones too."""
    try:
        return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires("neurodecode") or []]
    except PackageNotFoundError:  # run from a checkout that was not installed
        return []


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
