"""What a run of decoders of classes came to, one row a decoder: in its window, and in the one before the stimulus.

    snakemake --cores all --configfile examples/decoding_classes.yaml --config recordings_dir=../shared/data
    python -m benchmarks.decoded_classes results_decoding_classes --sessions it_1014 roach

Likelihood decoders are held against that of the PSTH, all others against naive Bayes. ``won``: the decoder's log
loss is below that, the interval of the paired difference above zero, and below the entropy of the prior, and its
accuracy is not lower.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

HEAD = (
    *("decoder", "accuracy", "log loss", "raw", "ECE", "gain in log loss", "gain in accuracy"),
    *("before the stimulus", "won"),
)


def pooled(path: Path) -> pd.DataFrame:
    """Scores over all folds: indexed by decoder and metric."""
    scores = pd.read_csv(path, dtype={"fold": str})
    return scores[scores["fold"] == "all"].set_index(["model", "metric"])[["value", "low", "high"]]


def gain(scores: pd.DataFrame, decoder: str, metric: str) -> str:
    """A paired difference with its sign and its interval; nothing where there is none."""
    if (decoder, metric) not in scores.index:
        return ""
    value, low, high = scores.loc[(decoder, metric)]
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def before(scores: pd.DataFrame | None, decoder: str) -> str:
    """Accuracy in the window before the stimulus, and its p value under permuted labels."""
    if scores is None or (decoder, "accuracy") not in scores.index:
        return ""
    p = scores.loc[(decoder, "permutation_p"), "value"]
    return f"{scores.loc[(decoder, 'accuracy'), 'value']:.2f} (p {p:.2g})"


def won(scores: pd.DataFrame, decoder: str) -> str:
    """Whether the decoder has won over the aggregate one."""
    if (decoder, "log_loss_gain") not in scores.index:
        return ""
    below = scores.loc[(decoder, "log_loss"), "value"] < scores.loc[("prior", "log_loss"), "value"]
    gains = scores.loc[(decoder, "log_loss_gain"), "low"] > 0
    return "yes" if gains and below and scores.loc[(decoder, "accuracy_gain"), "value"] >= 0 else "no"


def rows(scores: pd.DataFrame, earlier: pd.DataFrame | None) -> list[tuple[str, ...]]:
    """One row a decoder."""
    found = []
    for decoder in scores.index.get_level_values("model").unique().drop("prior"):
        causal = scores.loc[(decoder, "causal"), "value"] == 1.0
        raw = scores["value"].get((decoder, "log_loss_raw"))
        found.append(
            (
                decoder if causal else f"{decoder} (not causal)",
                f"{scores.loc[(decoder, 'accuracy'), 'value']:.3f}",
                f"{scores.loc[(decoder, 'log_loss'), 'value']:.3f}",
                "" if raw is None else f"{raw:.3f}",
                f"{scores.loc[(decoder, 'expected_calibration_error'), 'value']:.2f}",
                gain(scores, decoder, "log_loss_gain"),
                gain(scores, decoder, "accuracy_gain"),
                before(earlier, decoder),
                won(scores, decoder),
            )
        )
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results_dir of the run")
    parser.add_argument("--sessions", nargs="+", required=True)
    asked = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |\n" + "| --- " * len(HEAD) + "|")
    for session in asked.sessions:
        scores = pooled(asked.results / session / "decoders/scores.csv")
        path = asked.results / f"{session}.pre_stimulus/decoders/scores.csv"
        prior = scores["value"].loc["prior"]
        low, high = scores.loc[("naive_bayes", "accuracy_null"), ["low", "high"]]
        print(
            f"| **{session}** (prior) | {prior['accuracy']:.2f} | {prior['log_loss']:.3f} | | | | "
            f"| chance {low:.2f} to {high:.2f} | |"
        )
        for row in rows(scores, pooled(path) if path.is_file() else None):
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
