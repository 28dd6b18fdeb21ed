"""How the states of a Markov chain explode with its order, and what each order tells of held-out spikes.

    python -m benchmarks.markov_orders fit [NAME ...]      (goes on after a stop: whole sessions stand)
    python -m benchmarks.markov_orders table [NAME ...]
    python -m benchmarks.markov_orders figure [NAME ...]

NAME: recordings of examples/ (all where none is named), or populations of `neurodecode.simulate`. The chain of
each order alone, the GLM of own history, and the network `rnn`, one seed, are fitted to the first fold and score
its test trials. The network starts from a GLM of its own, coupled to other units where that helps validation
trials, and keeps a path that sees all units, one of single units, or both, as these say: its numbers are those of
the paths that it kept. Words are those before bins of the trials of the fit, medians over units. `fit` appends to
`benchmarks/results/markov_orders.csv`; `figure` makes docs/figures/markov_orders.png.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from benchmarks._command import run
from benchmarks._rows import RESULTS, ROOT, Rows, commit, machine
from benchmarks._sessions import example_names, read_recording
from benchmarks.recovery import simulated
from neurodecode.data.splits import Split, make_splits
from neurodecode.data.trials import Trials
from neurodecode.models import FittedModel, build_model
from neurodecode.report.colours import FAMILY_COLOURS
from neurodecode.report.style import FAINT, drawing, log_ordinate, new_figure, save_figure
from neurodecode.simulate import population_names

log = logging.getLogger("benchmarks.markov_orders")

ORDERS = (1, 2, 4, 6, 8, 10, 12, 14, 16)
N_TRIALS = 160  # of a simulated population
COLUMNS = (
    *("commit", "machine", "session", "bin_ms", "model", "order", "possible_words", "words_seen"),
    *("spikes_per_word", "learnt_per_unit", "gain"),
)
TITLES = ("bins", "memory (ms)", "possible words", "words seen", "spikes per word", "gain over PSTH (bits/spike)")
STYLES = ("-", "--", ":", "-.")
TOLD = {"glm": "glm of own history", "rnn": "rnn"}


def gain(fitted: FittedModel, psth: FittedModel, test: Trials) -> float:
    """Bits/spike over the PSTH, all units."""
    n_spikes = test.window_counts.sum(where=test.window_mask)
    return float((fitted.log_likelihood(test) - psth.log_likelihood(test)).sum() / n_spikes / np.log(2.0))


def read_session(name: str, folder: str | Path) -> tuple[Trials, Split]:
    """A recording, or a simulated population, and its first fold."""
    if name in population_names():
        trials, _ = simulated(name, N_TRIALS, "markov orders", 0)
        return trials, make_splits(trials.condition, trials.condition_names, 5, np.random.default_rng(0))[0]
    recording = read_recording(name, folder)
    return recording.trials, recording.splits[0]


def measured(trials: Trials, split: Split) -> Iterator[dict[str, Any]]:
    """One row an order, and one for each of the GLM and the network."""
    train, validation, scored = (trials.select(each) for each in (split.train, split.validation, split.test))
    for order in ORDERS:
        fitted = build_model("markov", orders=(order,)).fit(train, validation, np.random.default_rng(0))
        state = fitted.diagnostics()["states"][0]
        yield {
            "model": "markov",
            "order": order,
            "possible_words": state["possible_words"],
            "words_seen": float(np.median(state["words_seen"])),
            "spikes_per_word": float(np.median(state["spikes_per_word"])),
            "learnt_per_unit": float(np.median(state["words_seen"])),
            "gain": gain(fitted, fitted.psth, scored),
        }
    none = dict.fromkeys(("order", "possible_words", "words_seen", "spikes_per_word", "learnt_per_unit"), "")
    psth = build_model("psth").fit(train, validation, np.random.default_rng(0))
    for family, chosen in (("glm", {"coupling": "own"}), ("rnn", {"seeds": 1})):
        fitted = build_model(family, **chosen).fit(train, validation, np.random.default_rng(0))
        learnt = none["learnt_per_unit"]
        if family == "rnn":
            weights = [w.numel() for w in fitted.networks[0].parameters() if w.requires_grad]
            learnt = sum(weights) / trials.n_units
        yield {"model": family, **none, "learnt_per_unit": learnt, "gain": gain(fitted, psth, scored)}


def fit(arguments: argparse.Namespace) -> None:
    """Fit what has no row yet."""
    rows = Rows(arguments.csv, COLUMNS)
    for name in arguments.names or example_names():
        if rows.has(session=name, model="rnn"):
            continue
        trials, split = read_session(name, arguments.recordings)
        about = {"commit": commit(), "machine": machine(), "session": name, "bin_ms": 1e3 * trials.bin_size_s}
        for row in list(measured(trials, split)):  # all of a session or nothing
            rows.append({**about, **row})
            log.info("%s, %s %s: %.4f", name, row["model"], row["order"], row["gain"])


def table(arguments: argparse.Namespace) -> None:
    """Print Markdown, a table for each session."""
    for name, rows in by_session(arguments).items():
        print(f"\n{name}, bins of {float(rows[0]['bin_ms']):g} ms:\n\n| {' | '.join(TITLES)} |")
        print(f"|{' --- |' * len(TITLES)}")
        for row in rows:
            memory = f"{int(row['order']) * float(row['bin_ms']):g}" if row["order"] else ""
            seen = ("possible_words", "words_seen", "spikes_per_word")
            words = [f"{float(row[key]):.3g}" if row[key] else "" for key in seen]
            print(
                f"| {row['order'] or row['model']} | {memory} | {' | '.join(words)} | {float(row['gain']):.4f} |"
            )


def by_session(arguments: argparse.Namespace) -> dict[str, list[dict[str, str]]]:
    """The rows of each session that is asked for, all where none is."""
    found: dict[str, dict[tuple[str, str], dict[str, str]]] = {}
    for row in Rows(arguments.csv, COLUMNS).read():
        if row["session"] in (arguments.names or [row["session"]]):
            found.setdefault(row["session"], {})[row["model"], row["order"]] = row
    if not found:
        sys.exit(f"no row of these sessions in {arguments.csv}: `fit` first")
    return {name: list(rows.values()) for name, rows in found.items()}


def figure(arguments: argparse.Namespace) -> None:
    """Draw gains, and the number of states, against the order."""
    sessions = by_session(arguments)
    with drawing():
        title = f"Up to {ORDERS[-1]} bins, a table of words tells less than a GLM or a recurrent network"
        drawn = new_figure(3.7, title)
        left, right = drawn.subplots(1, 2)
        for (name, rows), style in zip(sessions.items(), STYLES, strict=False):
            _draw_session(left, right, name, rows, style)
        right.plot(ORDERS, [2**k for k in ORDERS], color=FAINT, linewidth=0.9)
        right.annotate(
            "possible words", (8, 2**8), xytext=(-4, 6), textcoords="offset points", ha="right", color=FAINT
        )
        for axes in (left, right):
            axes.set_xlabel("order of the chain (bins)")
        left.set_ylabel("gain over the PSTH (bits/spike)")
        log_ordinate(right)
        right.set_ylabel("numbers that are learnt, per unit")
        handles, labels = left.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=3)
        save_figure(drawn, ROOT / "docs" / "figures" / "markov_orders.png")


def _draw_session(left: Axes, right: Axes, name: str, rows: Sequence[dict[str, str]], style: str) -> None:
    chain = [row for row in rows if row["model"] == "markov"]
    orders = [int(row["order"]) for row in chain]
    line = {"color": FAMILY_COLOURS["markov"], "linestyle": style, "marker": "o", "markersize": 3.5}
    left.plot(orders, [float(row["gain"]) for row in chain], label=f"markov, {name}", **line)
    right.plot(orders, [float(row["learnt_per_unit"]) for row in chain], **line)
    for row in rows:
        if row["model"] != "markov":
            flat = {"color": FAMILY_COLOURS[row["model"]], "linestyle": style}
            left.axhline(float(row["gain"]), label=f"{TOLD[row['model']]}, {name}", **flat)
            if row["learnt_per_unit"]:
                right.axhline(float(row["learnt_per_unit"]), **flat)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description="states and held-out gain of Markov chains, order by order")
    parser.add_argument("command", choices=("fit", "table", "figure"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="recordings of examples/, or populations")
    parser.add_argument("--recordings", default=ROOT.parent / "shared" / "data", help="the folder that holds them")
    parser.add_argument("--csv", type=Path, default=RESULTS / "markov_orders.csv")
    run(parser.parse_args(), {"fit": fit, "table": table, "figure": figure})


if __name__ == "__main__":
    main()
