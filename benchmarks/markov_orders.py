"""How the states of a Markov chain explode with its order, and what each order tells of held-out spikes.

    python -m benchmarks.markov_orders [NAME ...]        (recordings of examples/; all where none is named)

The chain of each order alone, and the GLM of own history, are fitted to the first fold and score its test trials.
Prints Markdown, a table for each recording: words are those before bins of the trials of the fit, medians over
units.
"""

import argparse

import numpy as np

from benchmarks._sessions import Recording, example_names, read_recording
from neurodecode.data.trials import Trials
from neurodecode.models import FittedModel, build_model

ORDERS = (1, 2, 4, 6, 8, 10, 12, 14, 16)
COLUMNS = ("bins", "memory (ms)", "possible words", "words seen", "spikes per word", "gain over PSTH (bits/spike)")


def gain(fitted: FittedModel, psth: FittedModel, test: Trials) -> float:
    """Bits/spike over the PSTH, all units."""
    n_spikes = test.window_counts.sum(where=test.window_mask)
    return float((fitted.log_likelihood(test) - psth.log_likelihood(test)).sum() / n_spikes / np.log(2.0))


def rows(recording: Recording) -> list[tuple[str, ...]]:
    """One row an order, and one for the GLM."""
    trials, split = recording.trials, recording.splits[0]
    fit_to = (trials.select(split.train), trials.select(split.validation), np.random.default_rng(0))
    scored = trials.select(split.test)
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


def main() -> None:
    """Print one table a recording."""
    parser = argparse.ArgumentParser(description="states and held-out gain of Markov chains, order by order")
    parser.add_argument("names", nargs="*", metavar="NAME", help="recordings of examples/ (default: all)")
    parser.add_argument("--recordings", default="../shared/data", help="the folder that holds them")
    given = parser.parse_args()
    for name in given.names or example_names():
        recording = read_recording(name, given.recordings)
        print(f"\n{name}, bins of {1e3 * recording.trials.bin_size_s:g} ms:\n\n| {' | '.join(COLUMNS)} |")
        print(f"|{' --- |' * len(COLUMNS)}")
        for row in rows(recording):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
