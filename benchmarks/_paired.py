"""What single trials scored under each model, beside the rows: bits per spike, differences paired by trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurodecode.data.store import written_whole
from neurodecode.data.trials import Trials
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
Difference = tuple[float, float, float, int]  # value, low, high, number of folds


@dataclass(frozen=True, eq=False)
class Scored:
    """Log-likelihoods (nats) of test trials (trials, units) under a model and under one rate per unit.

    ``number``: of each trial, distinct over folds. ``made_by``: the digests of code and settings of its row.
    """

    number: np.ndarray
    condition: np.ndarray
    n_spikes: np.ndarray
    log_likelihood: np.ndarray
    constant: np.ndarray
    unit_names: np.ndarray
    made_by: tuple[str, str]

    @classmethod
    def of(
        cls, test: Trials, number: np.ndarray, each: np.ndarray, constant: np.ndarray, made_by: tuple[str, str]
    ) -> Scored:
        """Of the window's observed bins of ``test``."""
        n_spikes = test.window_counts.sum(axis=1, dtype=np.int64, where=test.window_mask)
        names = np.array(test.unit_names, dtype=np.str_)
        return cls(number, np.array(test.condition), n_spikes, each, constant, names, made_by)

    def figures(self) -> dict[str, object]:
        """What a row says of all trials together."""
        spikes = int(self.n_spikes.sum())
        gain = float((self.log_likelihood - self.constant).sum())
        return {
            "bits_per_spike": gain / (max(spikes, 1) * NATS_PER_BIT),
            "spikes": spikes,
            "log_likelihood": float(self.log_likelihood.sum()),
            "constant_log_likelihood": float(self.constant.sum()),
        }

    def save(self, path: Path) -> None:
        """Write as ``.npz``."""
        with written_whole(path) as part, part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **vars(self) | {"made_by": np.array(self.made_by)})


def load_scored(row: Row | None, folder: str | Path) -> Scored | None:
    """What the trials of a row scored; None without the file that it was made with."""
    if row is None:
        return None
    path = trials_file(folder, row["recording"], row["model"], int(row["fold"]))
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        held = {name: stored[name] for name in stored.files}
    first, second = held.pop("made_by").tolist()
    return Scored(**held, made_by=(first, second)) if (first, second) == (row["code"], row["settings"]) else None


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
    for recording in dict.fromkeys(key[0] for key in rows):
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
    notes = [_folds(len(rows)), f"{seconds:.0f} s"] + ([f"{fallen} fell back"] if fallen else [])
    return f"{text} ({', '.join(notes)})"


def difference_lines(rows: Mapping[Key, Row], trials_dir: str | Path, n_bootstrap: int) -> Iterator[str]:
    """Pooled differences with 95 percent intervals over trials, on folds that both models have.

    A fold in which a network fell back to the GLM does not count as beating the GLM: what it gained there is 0.
    """
    found = {
        (recording, pair): difference(rows, trials_dir, recording, pair, n_bootstrap)
        for recording in dict.fromkeys(key[0] for key in rows)
        for pair in DIFFERENCES
    }
    pairs = [pair for pair in DIFFERENCES if any(found[key] for key in found if key[1] == pair)]
    heads = [f"{model} - {against}" for model, against in pairs]
    yield f"\n| difference (bits/spike) | {' | '.join(heads)} |"
    yield "|" + " --- |" * (len(heads) + 1)
    for recording in dict.fromkeys(key[0] for key in rows):
        cells = [_interval(found[recording, pair]) for pair in pairs]
        yield f"| {recording} | {' | '.join(cells)} |"
    yield ""
    for head, pair in zip(heads, pairs, strict=True):
        intervals = [each[1:3] for key, each in found.items() if key[1] == pair and each is not None]
        above, below = (sum(low > 0 for low, _ in intervals), sum(high < 0 for _, high in intervals))
        yield f"{head}: interval above zero on {above} of {len(intervals)}, below zero on {below}."


def _interval(found: Difference | None) -> str:
    if found is None:
        return ""
    value, low, high, n_folds = found
    return f"{value:+.4f} [{low:+.4f}, {high:+.4f}] ({_folds(n_folds)})"


def _folds(n: int) -> str:
    return f"{n} fold{'' if n == 1 else 's'}"


def difference(
    rows: Mapping[Key, Row], trials_dir: str | Path, recording: str, pair: tuple[str, str], n_bootstrap: int
) -> Difference | None:
    """Value, low, high and number of folds; None where no fold has both models' trials, as the rows name them."""
    model, against = pair
    per_fold: dict[int, tuple[Scored, np.ndarray, np.ndarray]] = {}
    for fold in sorted({key[2] for key in rows if key[0] == recording}):
        ours, theirs = (load_scored(rows.get((recording, name, fold)), trials_dir) for name in pair)
        if ours is None or theirs is None:
            continue
        values, others = ours.log_likelihood, theirs.log_likelihood
        fell_back = against == GLM and int(rows[recording, model, fold]["fallback"])
        per_fold[fold] = (ours, others if fell_back and values.sum() > others.sum() else values, others)
    if not per_fold:
        return None
    found = paired_difference(likelihoods_of(per_fold, pair), model, against, n_bootstrap=n_bootstrap, seed=0)
    return (*found.pooled, len(per_fold))


def likelihoods_of(
    per_fold: Mapping[int, tuple[Scored, np.ndarray, np.ndarray]], pair: tuple[str, str]
) -> TrialLikelihoods:
    """The folds' trials in one frame; trials that no fold tests have no score."""
    n_trials = 1 + max(int(held.number.max()) for held, _, _ in per_fold.values())
    first, _, _ = next(iter(per_fold.values()))
    n_units = first.n_spikes.shape[1]
    fold, condition = np.full(n_trials, UNTESTED), np.zeros(n_trials, int)
    n_spikes = np.zeros((n_trials, n_units), np.int64)
    ours, theirs, constant = np.full((3, n_trials, n_units), np.nan)
    for number, (held, mine, other) in per_fold.items():
        at = held.number
        fold[at], condition[at], n_spikes[at] = number, held.condition, held.n_spikes
        ours[at], theirs[at], constant[at] = mine, other, held.constant
    return TrialLikelihoods(
        models=dict(zip(pair, (ours, theirs), strict=True)),
        null=constant,
        nlb_null=constant,
        saturated=constant,
        n_spikes=n_spikes,
        fold=fold,
        condition=condition,
        unit_names=tuple(first.unit_names.tolist()),
    )
