"""What each choice in the PSTH is worth: bits per spike over the mean rate, on the test trials of all folds.

    python -m benchmarks.psth_choices results_*/*/          (folders that hold trials.npz and splits.csv)

Every line takes one more of the choices of docs/decisions/0002-psth.md. Prints Markdown.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models.constant import Constant
from neurodecode.models.psth import fit_psth

CHOICE = "neurodecode.models._psth_choice"
Changes = Mapping[str, object]


def only_best(evidence: np.ndarray) -> np.ndarray:
    """All weight on the likeliest bandwidth; none on what estimates are shrunk toward."""
    best = evidence[1:].argmax(axis=0) + 1
    return (np.arange(len(evidence)).reshape(-1, *[1] * best.ndim) == best).astype(float)


def fixed(trials: Trials, bandwidth_s: float = 0.025) -> Changes:
    """The textbook's: one bandwidth for all, each condition by itself."""
    steps = bandwidth_s / trials.bin_size_s
    return by_bandwidth(trials) | {"neurodecode.models.psth.bandwidth_grid": lambda *_: (steps,)}


def by_bandwidth(trials: Trials) -> Changes:
    """One bandwidth for each unit."""
    nothing = {f"{CHOICE}.SHRINKAGE_TRIALS": (0.0,), f"{CHOICE}.MARGIN": -1e9}
    return shrunk(trials) | nothing


def shrunk(trials: Trials) -> Changes:
    """And shrinkage of conditions toward the grand mean, or no conditions."""
    return averaged(trials) | {f"{CHOICE}.weights_of": only_best}


def averaged(trials: Trials) -> Changes:
    """And an average of bandwidths in the place of the best."""
    return over_time(trials) | {f"{CHOICE}.WIDTHS": (np.inf,)}


def over_time(trials: Trials) -> Changes:
    """And weights that follow time."""
    return {"neurodecode.models.psth.event_step": lambda _: None}


def all_choices(trials: Trials) -> Changes:
    """And a jump at the event: the family as it is."""
    return {}


STEPS: Mapping[str, Callable[[Trials], Changes]] = {
    "25 ms Gaussian, each condition by itself": fixed,
    "bandwidth of each unit by cross-validation": by_bandwidth,
    "+ shrinkage toward the grand mean": shrunk,
    "+ bandwidths averaged": averaged,
    "+ weights that follow time": over_time,
    "+ jump at the event": all_choices,
}


def bits_per_spike(trials: Trials, splits: tuple[Split, ...], changes: Changes) -> float:
    """Summed gain over the mean rate by summed spikes."""
    gain, n_spikes = 0.0, 0
    with ExitStack() as stack:
        for name, value in changes.items():
            stack.enter_context(patch(name, value))
        for split in splits:
            train, validation, test = (trials.select(getattr(split, r)) for r in ("train", "validation", "test"))
            constant = Constant().fit(train, validation, np.random.default_rng(0))
            rates = [fit_psth(train.concatenate(validation)).intensity(test), constant.intensity(test)]
            seen = (test.bin_size_s, test.window_mask)
            better, worse = (trial_log_likelihood(test.window_counts, rate, *seen).sum() for rate in rates)
            gain += float(better - worse)
            n_spikes += int(test.window_counts.sum(where=test.window_mask))
    return gain / n_spikes / np.log(2.0)


def columns(folders: list[str]) -> Iterator[tuple[str, list[float]]]:
    """The numbers of each session."""
    for folder in folders:
        trials, splits = load_trials(Path(folder, "trials.npz")), load_splits(Path(folder, "splits.csv"))
        yield Path(folder).name, [bits_per_spike(trials, splits, step(trials)) for step in STEPS.values()]


def main(folders: list[str]) -> None:
    """Print one line a choice, one column a session."""
    if not folders:
        sys.exit("name the folders of sessions, such as results_stn_joystick/stn")
    found = dict(columns(folders))
    print(f"| bits/spike over the mean rate | {' | '.join(found)} |\n|{' --- |' * (len(found) + 1)}")
    for line, name in enumerate(STEPS):
        print(f"| {name} | {' | '.join(f'{values[line]:.4f}' for values in found.values())} |")


if __name__ == "__main__":
    main(sys.argv[1:])
