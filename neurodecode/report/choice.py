"""Which model, units, trials and stretch of time a figure shows: by stated rules, never by taste."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurodecode.evaluation.comparison import BITS, GAIN
from neurodecode.report.results import SessionResults

TRIAL_QUANTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Choice:
    """Indices and the rule that chose them, as a sentence."""

    indices: tuple[int, ...]
    rule: str


def ranking_metric(results: SessionResults) -> str:
    """Gain over PSTH where it was scored, else bits/spike."""
    return GAIN if results.scores.models(GAIN) else BITS


def spikes_per_unit(results: SessionResults) -> np.ndarray:
    """Spikes of each unit in the observed window bins."""
    return np.asarray(results.trials.window_counts.sum(axis=(0, 1), dtype=np.int64))


def units_by_gain(results: SessionResults) -> tuple[list[int], str]:
    """Units that spike, from the largest gain of the best model to the smallest, and what they are sorted by.

    Units with fewer spikes than half the median come last: their gains are mostly noise.
    """
    spikes, model, metric = spikes_per_unit(results), results.best, ranking_metric(results)
    per_unit = results.scores.units(model, metric) if model else {}
    names = results.trials.unit_names
    gains = np.array([per_unit[n].value if n in per_unit else math.nan for n in names])
    alive = spikes > 0
    enough = spikes >= np.median(spikes[alive]) / 2 if alive.any() else alive
    if not np.isfinite(gains[alive]).any():
        return [int(u) for u in np.argsort(-spikes, kind="stable") if alive[u]], "spike count"
    keys = zip(~enough, -np.nan_to_num(gains, nan=-np.inf), strict=True)
    order = sorted((key, unit) for unit, key in enumerate(keys) if alive[unit])
    name = "gain over PSTH" if metric == GAIN else "bits/spike"
    return [unit for _, unit in order], f"{name} of {model}"


def shown_unit(results: SessionResults) -> Choice:
    """The unit of the single-trial pictures."""
    order, key = units_by_gain(results)
    if len(results.trials.unit_names) == 1:
        return Choice((0,), "The recording's only unit.")
    few = "" if key == "spike count" else ", of the units with at least half the median spike count"
    return Choice(tuple(order[:1]), f"Shown: the unit with the largest {key}{few}.")


def representative_units(results: SessionResults, n_units: int) -> Choice:
    """At most ``n_units`` units, spread evenly over the ranks of gain."""
    order, key = units_by_gain(results)
    if len(order) <= n_units:
        silent = len(results.trials.unit_names) - len(order)
        without = f" that spike ({silent} do not)" if silent else ""
        return Choice(tuple(order), f"All {len(order)} units{without}, sorted by {key}." if len(order) > 1 else "")
    places = np.linspace(0, len(order) - 1, n_units).round().astype(int)
    return Choice(
        tuple(order[i] for i in places),
        f"{n_units} of {len(order)} units that spike, at equal steps through their ranking by {key}.",
    )


def shown_trials(results: SessionResults, unit: int, start: int, stop: int) -> Choice:
    """Trials at quantiles of the unit's spike count within bins ``start`` to ``stop``, one of each.

    Of the condition in which the unit fires most, so that the panels share one PSTH.
    """
    trials = results.trials
    whole = results.scored([unit])[:, :, 0].all(axis=1)
    usable = whole if whole.any() else np.ones(trials.n_trials, bool)
    spikes = trials.window_counts[:, start:stop, unit].sum(axis=1, dtype=np.int64)
    means = {int(c): spikes[usable & (trials.condition == c)].mean() for c in np.unique(trials.condition[usable])}
    condition = max(means, key=lambda c: means[c])
    members = np.flatnonzero(usable & (trials.condition == condition))
    ranked = members[np.argsort(spikes[members], kind="stable")]
    places = np.array([round(q * (len(ranked) - 1)) for q in TRIAL_QUANTILES])
    chosen = list(dict.fromkeys(int(ranked[i]) for i in places))
    where = f" of condition {trials.condition_names[condition]}" if trials.n_conditions > 1 else ""
    return Choice(
        tuple(chosen),
        f"Held-out trials{where} at the 25th, 50th and 75th percentile of this unit's spike count.",
    )


def busiest_stretch(results: SessionResults, unit: int, length_s: float) -> tuple[int, int]:
    """First bin and end of the stretch of ``length_s`` in which the unit fires most, over all trials."""
    trials = results.trials
    per_bin = trials.window_counts[:, :, unit].sum(axis=0, dtype=np.int64)
    length = min(trials.n_bins, max(1, round(length_s / trials.bin_size_s)))
    total = np.concatenate([[0], np.cumsum(per_bin)])
    start = int(np.argmax(total[length:] - total[: trials.n_bins - length + 1]))
    return start, start + length
