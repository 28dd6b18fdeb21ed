"""What the default run must show, checked against the truth that its simulated sessions know.

    python -m benchmarks.known_truth results          (after `make run`)

Exits with 1 if a line misses its bar.
"""

import sys
from pathlib import Path

import pandas as pd

RECOVERED = 0.9  # of the oracle's gain over the PSTH, by glm and lstm
NOTHING = 0.005  # bits/spike that no model may gain over `poisson` where history holds nothing


def main(folder: str) -> int:
    """Print one line a bar; how many were missed."""
    path = Path(folder, "scores.csv")
    if not path.is_file():
        sys.exit(f"{path} does not exist: `make run` first, or name the folder of its results")
    scores = pd.read_csv(path, keep_default_na=False, na_values=[""])
    scores = scores[scores["control"].isna()]
    if absent := {"refractory_adapting", "poisson"} - set(scores["session"]):
        sys.exit(f"{path} lacks {', '.join(sorted(absent))}: these bars are about the default run, config.yaml")
    pooled = scores[(scores["fold"].astype(str) == "all") & (scores["unit"].astype(str) == "all")]
    units = scores[(scores["fold"].astype(str) == "all") & (scores["unit"].astype(str) != "all")]
    missed = 0
    for met, line in (
        *adapting(pooled[pooled["session"] == "refractory_adapting"]),
        *pure_poisson(pooled[pooled["session"] == "poisson"]),
        *rescaling(units[units["metric"] == "ks_p_holm"]),
    ):
        print("ok    " if met else "MISSED", line)
        missed += not met
    return missed


def values_of(pooled: pd.DataFrame, metric: str) -> pd.Series:
    """A metric's pooled value by model."""
    return pooled[pooled["metric"] == metric].set_index("model")["value"]


def adapting(pooled: pd.DataFrame) -> list[tuple[bool, str]]:
    """The oracle above all, and how much of its gain is recovered."""
    gain = values_of(pooled, "gain_over_psth")
    others = gain.drop("oracle")
    lines = [
        (gain["oracle"] >= 0.2, f"oracle gains {gain['oracle']:.3f} bits/spike over the PSTH (bar 0.2)"),
        (gain["oracle"] > others.max(), f"oracle above every model (best: {others.idxmax()} {others.max():.3f})"),
    ]
    for model in ("glm", "lstm"):
        part = gain[model] / gain["oracle"]
        lines.append((part >= RECOVERED, f"{model} recovers {part:.3f} of it (bar {RECOVERED})"))
    return lines


def pure_poisson(pooled: pd.DataFrame) -> list[tuple[bool, str]]:
    """No model gains where there is nothing to gain."""
    bits = values_of(pooled, "bits_per_spike")
    over = (bits - bits["poisson"]).drop(["poisson", "oracle"])
    return [
        (value <= NOTHING, f"pure Poisson: {model} gains {value:+.4f} bits/spike over poisson (bar {NOTHING})")
        for model, value in over.items()
    ]


def rescaling(rows: pd.DataFrame) -> list[tuple[bool, str]]:
    """Units whose rescaled intervals are not exponential, at 5 percent after Holm's correction."""
    lines = []
    for session, model, must_pass in (
        ("refractory_adapting", "oracle", True),
        ("poisson", "oracle", True),
        ("refractory_adapting", "poisson", False),
    ):
        p = rows[(rows["session"] == session) & (rows["model"] == model)]["value"]
        passed = int((p >= 0.05).sum())
        met = passed == len(p) if must_pass else passed == 0
        lines.append((met, f"time rescaling, {session}: {model} passes {passed} of {len(p)} units"))
    return lines


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1] if len(sys.argv) > 1 else "results") else 0)
