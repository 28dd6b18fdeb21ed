"""What the rows of `benchmarks.recordings` say: bits per spike of each model, and differences paired by trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from neurodecode.evaluation.comparison import paired_difference
from neurodecode.evaluation.likelihoods import UNTESTED, TrialLikelihoods
from neurodecode.metrics.bits import NATS_PER_BIT

GLM, NETWORKS = "glm", ("lstm", "gru")
DIFFERENCES = (
    *(("lstm", "reference"), ("gru", "reference")),
    *(("lstm", GLM), ("gru", GLM), (GLM, "psth")),
)
Row = dict[str, str]
Key = tuple[str, str, int]  # recording, model, fold


def trials_file(folder: str | Path, recording: str, model: str, fold: int) -> Path:
    """Where the log-likelihoods of the trials that one fold tests are kept."""
    return Path(folder, recording, f"{model}.fold{fold}.npz")


def latest(rows: Sequence[Row]) -> dict[Key, Row]:
    """The last row of each recording, model and fold."""
    return {(row["recording"], row["model"], int(row["fold"])): row for row in rows}


def bits_lines(rows: Mapping[Key, Row], models: Sequence[str]) -> Iterator[str]:
    """Bits per spike over the constant model, summed gain over summed spikes of the folds that are there."""
    present = [model for model in models if any(key[1] == model for key in rows)]
    yield f"| bits/spike over the constant model | {' | '.join(present)} |"
    yield "|" + " --- |" * (len(present) + 1)
    for recording in sorted({key[0] for key in rows}):
        cells = [_cell([row for key, row in rows.items() if key[:2] == (recording, model)]) for model in present]
        yield f"| {recording} | {' | '.join(cells)} |"
    versions = sorted({f"{row['model']} {row['code']}" for row in rows.values()})
    for model in present:
        if sum(version.split()[0] == model for version in versions) > 1:
            yield f"\nRows of {model} were made by different code: {', '.join(versions)}."


def _cell(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    gain = sum(float(row["log_likelihood"]) - float(row["constant_log_likelihood"]) for row in rows)
    text = f"{gain / (max(1, sum(int(row['spikes']) for row in rows)) * NATS_PER_BIT):.4f}"
    seconds = sum(float(row["seconds"]) for row in rows) / len(rows)
    fallen = sum(int(row["fallback"]) for row in rows)
    notes = [f"{len(rows)} folds", f"{seconds:.0f} s"] + ([f"{fallen} fell back"] if fallen else [])
    return f"{text} ({', '.join(notes)})"


def difference_lines(rows: Mapping[Key, Row], trials_dir: str | Path, n_bootstrap: int) -> Iterator[str]:
    """Pooled differences with 95 percent intervals over trials, on folds that both models have.

    A fold in which a network fell back to the GLM does not count as beating the GLM: what it gained there is 0.
    """
    heads = [f"{model} - {against}" for model, against in DIFFERENCES]
    yield f"\n| difference (bits/spike) | {' | '.join(heads)} |"
    yield "|" + " --- |" * (len(heads) + 1)
    tally: dict[str, list[tuple[float, float]]] = {head: [] for head in heads}
    for recording in sorted({key[0] for key in rows}):
        cells = []
        for head, (model, against) in zip(heads, DIFFERENCES, strict=True):
            found = difference(rows, trials_dir, recording, (model, against), n_bootstrap)
            if found is None:
                cells.append("")
                continue
            value, low, high, n_folds = found
            tally[head].append((low, high))
            cells.append(f"{value:+.4f} [{low:+.4f}, {high:+.4f}] ({n_folds} folds)")
        yield f"| {recording} | {' | '.join(cells)} |"
    yield ""
    for head, intervals in tally.items():
        if intervals:
            above, below = (sum(low > 0 for low, _ in intervals), sum(high < 0 for _, high in intervals))
            yield f"{head}: interval above zero on {above} of {len(intervals)} recordings, below zero on {below}."


def difference(
    rows: Mapping[Key, Row], trials_dir: str | Path, recording: str, pair: tuple[str, str], n_bootstrap: int
) -> tuple[float, float, float, int] | None:
    """Value, low, high and number of folds; None where no fold has both models' trials, as the rows name them."""
    model, against = pair
    per_fold = {}
    for fold in sorted({key[2] for key in rows if key[0] == recording}):
        files = [_trials_of(rows.get((recording, name, fold)), trials_dir) for name in pair]
        if files[0] is not None and files[1] is not None:
            ours, theirs = files
            values = ours["log_likelihood"]
            fell_back = int(rows[recording, model, fold]["fallback"]) and against == GLM
            if fell_back and values.sum() > theirs["log_likelihood"].sum():
                values = theirs["log_likelihood"]
            per_fold[fold] = (ours, values, theirs["log_likelihood"])
    if not per_fold:
        return None
    found = paired_difference(_likelihoods(per_fold, pair), model, against, n_bootstrap=n_bootstrap, seed=0)
    return (*found.pooled, len(per_fold))


def _trials_of(row: Row | None, trials_dir: str | Path) -> dict[str, np.ndarray] | None:
    """What the fold's trials scored, if the file is the one that the row was made with."""
    if row is None:
        return None
    path = trials_file(trials_dir, row["recording"], row["model"], int(row["fold"]))
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        held = {name: stored[name] for name in stored.files}
    return held if held["made_by"].tolist() == [row["code"], row["settings"]] else None


def _likelihoods(
    per_fold: Mapping[int, tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]], pair: tuple[str, str]
) -> TrialLikelihoods:
    """The folds' trials in one frame; trials that no fold tests have no score."""
    tested = [held["trials"] for held, _, _ in per_fold.values()]
    n_trials = 1 + max(int(trials.max()) for trials in tested)
    held, _, _ = next(iter(per_fold.values()))
    n_units = held["n_spikes"].shape[1]
    fold, condition = np.full(n_trials, UNTESTED), np.zeros(n_trials, int)
    n_spikes = np.zeros((n_trials, n_units), np.int64)
    ours, theirs, constant = np.full((3, n_trials, n_units), np.nan)
    for number, (held, mine, other) in per_fold.items():
        at = held["trials"]
        fold[at], condition[at], n_spikes[at] = number, held["condition"], held["n_spikes"]
        ours[at], theirs[at], constant[at] = mine, other, held["constant"]
    return TrialLikelihoods(
        models=dict(zip(pair, (ours, theirs), strict=True)),
        null=constant,
        nlb_null=constant,
        saturated=constant,
        n_spikes=n_spikes,
        fold=fold,
        condition=condition,
        unit_names=tuple(held["unit_names"].tolist()),
    )
