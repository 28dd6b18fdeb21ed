"""Every session of a run in one table: how much there is to fit."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from neurodecode.data.store import load_trials, written_whole

COLUMNS = ("session", "trials", "bins", "bin_size_s", "units", "conditions", "spikes", "observed_s")


def list_recordings(trials: Mapping[str, str | Path], output: str | Path) -> None:
    """Write a CSV with one row per session: sizes of its trials, spikes and observed time (s) in the window.

    ``trials``: session -> ``trials.npz``. Observed time is summed over trials, averaged over units.
    """
    with written_whole(output) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for session, path in trials.items():
            held = load_trials(path)
            observed_s = held.window_mask.mean(axis=2).sum() * held.bin_size_s
            sizes = (held.n_trials, held.n_bins, held.bin_size_s, held.n_units, held.n_conditions)
            writer.writerow([session, *sizes, int(held.window_counts.sum()), f"{observed_s:.6g}"])
