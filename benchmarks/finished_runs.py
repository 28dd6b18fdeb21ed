"""The tables of finished runs: bits per spike and gain over the PSTH of every model, from their scores.csv.

    python -m benchmarks.finished_runs results_*        (after the runs of examples/*.yaml)

Prints Markdown: for each session and control, pooled bits per spike against the training null, below it the gain
over the PSTH with its 95 percent interval; then seconds per fold, as each fit wrote them.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

COLUMNS = ("constant", "psth", "psth_pooled", "psth_gain", "poisson", "markov", "glm", "lstm", "gru", "oracle")


def main(folders: list[str]) -> None:
    """Read the folders of results and print the tables."""
    found = [Path(folder) for folder in folders if Path(folder, "scores.csv").is_file()]
    if not found:
        sys.exit(
            f"no scores.csv in {folders or 'no folder'}: run the examples first, then name their results folders"
        )
    read = {"keep_default_na": False, "na_values": [""], "dtype": {"control": "str"}}
    scores = pd.concat([pd.read_csv(f / "scores.csv", **read) for f in found])
    scores["session"] += scores["control"].fillna("").map(lambda c: f".{c}" if c else "")
    pooled = scores[(scores["fold"].astype(str) == "all") & (scores["unit"].astype(str) == "all")]
    print_table("bits/spike", pooled[pooled["metric"] == "bits_per_spike"], with_interval=False)
    print_table("gain over PSTH (bits/spike)", pooled[pooled["metric"] == "gain_over_psth"], with_interval=True)
    print_seconds(found)


def print_table(title: str, rows: pd.DataFrame, *, with_interval: bool) -> None:
    """One line a session, one column a model."""
    names = ordered(rows["model"])
    print(f"\n| {title} | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for session, of_session in rows.groupby("session", sort=True):
        by_model = of_session.set_index("model")
        cells = [cell(by_model.loc[name], with_interval) if name in by_model.index else "" for name in names]
        print(f"| {session} | {' | '.join(cells)} |")


def ordered(models: Iterable[str]) -> list[str]:
    """Each model once: those of the examples in their order, then what else there is."""
    found = dict.fromkeys(models)
    return [*(name for name in COLUMNS if name in found), *(name for name in found if name not in COLUMNS)]


def cell(row: pd.Series, with_interval: bool) -> str:  # noqa: FBT001
    """A value, and its interval where it has one."""
    if not with_interval or pd.isna(row["low"]):
        return f"{row['value']:.3f}"
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def print_seconds(found: list[Path]) -> None:
    """Seconds to fit, predict and sample one fold."""
    rows = {}
    for folder in found:
        for path in sorted(folder.glob("*/models/*/fit.json")):
            fit = json.loads(path.read_text(encoding="utf-8"))
            rows.setdefault(path.parts[-4], {})[path.parts[-2]] = fit["seconds"] / len(fit["folds"])
    table = pd.DataFrame(rows).T
    table = table[ordered(table.columns)]
    print(f"\n| seconds per fold | {' | '.join(table.columns)} |\n|{' --- |' * (len(table.columns) + 1)}")
    for session, values in table.sort_index().iterrows():
        print(f"| {session} | {' | '.join('' if pd.isna(v) else f'{v:.1f}' for v in values)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
