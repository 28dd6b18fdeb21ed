"""How the states of a Markov chain explode with its order, and what each order tells of held-out spikes.

    python benchmarks/markov_orders.py results_*/*/          (folders that hold trials.npz and splits.csv)

The chain of each order alone, and the GLM beside it, are fitted to the first fold and score its test trials.
Prints Markdown, a table for each session: words are those before bins of the trials of the fit, medians over
units.
"""

import sys
from pathlib import Path

import numpy as np

from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.models import FittedModel, build_model

ORDERS = (1, 2, 4, 6, 8, 10, 12, 14, 16)
COLUMNS = ("bins", "memory (ms)", "possible words", "words seen", "spikes per word", "gain over PSTH (bits/spike)")


def gain(fitted: FittedModel, psth: FittedModel, test: Trials) -> float:
    """Bits/spike over the PSTH, all units."""
    n_spikes = test.window_counts.sum(where=test.window_mask)
    return float((fitted.log_likelihood(test) - psth.log_likelihood(test)).sum() / n_spikes / np.log(2.0))


def rows(trials: Trials, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> list[tuple[str, ...]]:
    """One row an order, and one for the GLM."""
    fit_to = (trials.select(train), trials.select(validation), np.random.default_rng(0))
    scored = trials.select(test)
    found = []
    for order in ORDERS:
        fitted = build_model("markov", orders=(order,)).fit(*fit_to)
        state = fitted.diagnostics()["states"][0]
        found.append(
            (
                str(order),
                f"{1e3 * order * trials.bin_size_s:g}",
                str(state["possible_words"]),
                f"{np.median(state['words_seen']):g}",
                f"{np.median(state['spikes_per_word']):.3g}",
                f"{gain(fitted, fitted.psth, scored):.4f}",
            )
        )
    glm = build_model("glm", coupling="own").fit(*fit_to)
    psth = build_model("psth").fit(*fit_to)
    longest = f"{1e3 * glm.model.longest_s:g} (traces)"
    return [*found, ("GLM, own history", longest, "", "", "", f"{gain(glm, psth, scored):.4f}")]


def main(folders: list[str]) -> None:
    """Print one table a session."""
    if not folders:
        sys.exit("name the folders of sessions, such as results_stn_joystick/stn")
    for folder in folders:
        trials, split = load_trials(Path(folder, "trials.npz")), load_splits(Path(folder, "splits.csv"))[0]
        print(f"\n{Path(folder).name}, bins of {1e3 * trials.bin_size_s:g} ms:\n\n| {' | '.join(COLUMNS)} |")
        print(f"|{' --- |' * len(COLUMNS)}")
        for row in rows(trials, split.train, split.validation, split.test):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
