"""Trials and splits on disk: no pickle, nothing half-written under a final name."""

from __future__ import annotations

import contextlib
import csv
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.data.archives import read_npz
from neurodecode.data.splits import ROLES, Split
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError

A_DAY_S = 24 * 3600
COVARIATE, COLUMN = "covariate.", "column."
_PLAIN = ("counts", "mask", "t0_s", "condition")
_SCALARS = ("bin_size_s", "lead", "window_start_s", "has_spike_times")
_NAMES = ("condition_names", "unit_names")
_EXPECTED = {  # dims and kinds of numbers
    **{"counts": (3, "u"), "mask": (3, "b"), "t0_s": (1, "f"), "condition": (1, "iu")},
    **{"bin_size_s": (0, "f"), "lead": (0, "iu"), "window_start_s": (0, "f"), "has_spike_times": (0, "b")},
    **{"condition_names": (1, "U"), "unit_names": (1, "U")},
}
_AGAIN = "run the ingest again"


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``path``, renamed to it when the block ends well.

    The name carries the process id and the machine, so that two writers never meet; what a dead process left is
    swept, that of another machine a day after it was last written to.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{path.name}.*.part"):
        if _left_behind(stale):
            stale.unlink(missing_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}@{_machine()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _machine() -> str:
    return socket.gethostname().partition(".")[0]


def _left_behind(part: Path) -> bool:
    """Whether nobody writes this file any more; of processes elsewhere only their files can be asked."""
    pid, _, machine = part.name.split(".")[-2].partition("@")
    if machine in ("", _machine()):
        return not _alive(pid)
    try:
        return time.time() - part.stat().st_mtime > A_DAY_S
    except FileNotFoundError:
        return False


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def save_trials(path: str | Path, trials: Trials) -> None:
    """Write ``trials.npz``."""
    arrays = {name: getattr(trials, name) for name in _PLAIN}
    arrays |= {name: np.array(getattr(trials, name)) for name in _SCALARS}
    arrays |= {name: np.array(getattr(trials, name), dtype=np.str_) for name in _NAMES}
    arrays |= {COVARIATE + name: values for name, values in trials.covariates.items()}
    arrays |= {COLUMN + name: values for name, values in trials.columns.items()}
    with written_whole(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_trials(path: str | Path) -> Trials:
    """Read ``trials.npz``; DataError if it is not one of ours."""
    held: dict[str, Any] = dict(read_npz(path, way_out=_AGAIN, what="a readable trials file"))
    missing = {*_PLAIN, *_SCALARS, *_NAMES} - held.keys()
    if missing:
        raise DataError(f"{path}: not a trials file, it lacks {sorted(missing)}; {_AGAIN}")
    for name, (n_dims, kinds) in _EXPECTED.items():
        if held[name].ndim != n_dims or held[name].dtype.kind not in kinds:
            raise DataError(
                f"{path}: {name} holds {held[name].dtype} {held[name].shape}, not a trials file; {_AGAIN}"
            )
    fields: dict[str, Any] = {name: held[name] for name in _PLAIN}
    fields |= {name: held[name].item() for name in _SCALARS}
    fields |= {name: tuple(str(s) for s in held[name]) for name in _NAMES}
    try:
        return Trials(
            **fields,
            covariates={k.removeprefix(COVARIATE): v for k, v in held.items() if k.startswith(COVARIATE)},
            columns={k.removeprefix(COLUMN): v for k, v in held.items() if k.startswith(COLUMN)},
        )
    except DataError as error:
        raise DataError(f"{path}: {error}; {_AGAIN}") from error


def save_splits(path: str | Path, splits: tuple[Split, ...]) -> None:
    """Write ``splits.csv``: one row for each fold and trial, with the trial's role in it."""
    with written_whole(path) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fold", "trial", "role"])
        for split in splits:
            role_of = {int(trial): role for role in ROLES for trial in getattr(split, role)}
            writer.writerows([split.fold, trial, role_of[trial]] for trial in sorted(role_of))


def load_splits(path: str | Path) -> tuple[Split, ...]:
    """Read ``splits.csv``; DataError if rows, roles or trials are not as written."""
    folds: dict[int, dict[str, list[int]]] = {}
    try:
        with Path(path).open(newline="") as file:
            for row in csv.DictReader(file):
                roles = folds.setdefault(int(row["fold"]), {role: [] for role in ROLES})
                roles[row["role"]].append(int(row["trial"]))
        if any(trial < 0 for roles in folds.values() for trials in roles.values() for trial in trials):
            raise ValueError("trials are counted from 0")
        if not folds:
            raise ValueError("no rows")
        return tuple(
            Split(fold, *(np.array(roles[role], dtype=int) for role in ROLES)) for fold, roles in folds.items()
        )
    except (OSError, KeyError, ValueError, TypeError, OverflowError, csv.Error, DataError) as error:
        raise DataError(f"{path}: not a splits file ({error!r}); {_AGAIN}") from error
