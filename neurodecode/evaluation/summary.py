"""Across sessions: what each model gains over the PSTH per unit, per session and over all sessions.

Sessions are read one at a time, and of each only a number for each resample is kept, so that hundreds take no more
memory than one. Null controls are no sessions and stay out.
"""

from __future__ import annotations

import csv
import itertools
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float

from neurodecode.data.store import written_whole
from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import ALL, ENCODE, PSTH
from neurodecode.evaluation.comparison import GAIN
from neurodecode.evaluation.likelihoods import UNTESTED, TrialLikelihoods, load_likelihoods
from neurodecode.evaluation.scores import read_scores
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics.bits import NATS_PER_BIT
from neurodecode.metrics.hierarchical import SessionMeans, percentiles, resampled_ratios, session_draws

SCHEMA_VERSION = 1
TRIALS, UNITS, SESSIONS = "trials", "units and trials", "sessions, units and trials"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gain:
    """A gain over ``against`` (bits/spike) with its 95 percent interval.

    session, unit: ``all`` for a value over all of them. resampled: what was drawn anew for the interval.
    n_sessions, n_units: how many the value is made of.
    """

    schema_version: int
    model: str
    against: str
    session: str
    unit: str
    resampled: str
    n_sessions: int
    n_units: int
    value: float
    low: float
    high: float


def write_summary(
    *,
    likelihoods: Mapping[str, str | Path],
    scores: Mapping[str, str | Path],
    n_bootstrap: int,
    seed: int,
    output: str | Path,
) -> None:
    """Write summary.csv from each recorded session's ``likelihoods.npz`` and ``scores.csv``."""
    rows = [row for session in scores for row in unit_gains(session, scores[session])]
    rows += session_gains(likelihoods, n_bootstrap=n_bootstrap, seed=seed)
    with written_whole(output) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Gain)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    log.info("%d sessions summarised", len(likelihoods))


def read_summary(path: str | Path) -> list[Gain]:
    """Read summary.csv; DataError for another file."""
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        kinds = {"int": int, "float": float, "str": str}
        return [Gain(**{f.name: kinds[str(f.type)](row[f.name]) for f in fields(Gain)}) for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: not a summary of sessions ({error!r}); summarise them again") from error


def unit_gains(session: str, scores: str | Path) -> list[Gain]:
    """Each unit's gain on one session, as its scores have it: over trials."""
    frame = read_scores(scores)
    asked = frame[
        (frame["task"] == ENCODE) & (frame["metric"] == GAIN) & (frame["fold"] == ALL) & (frame["unit"] != ALL)
    ]
    columns = (asked[name].tolist() for name in ("model", "unit", "value", "low", "high"))
    return [
        Gain(SCHEMA_VERSION, model, PSTH, session, unit, TRIALS, 1, 1, value, low, high)
        for model, unit, value, low, high in zip(*columns, strict=True)
        if model != PSTH
    ]


def session_gains(likelihoods: Mapping[str, str | Path], *, n_bootstrap: int, seed: int) -> list[Gain]:
    """Gains of each session and over all, with intervals of the hierarchical bootstrap.

    A session's value is that of its scores: summed gain over summed spikes of all units. Over sessions it is the
    mean of these, each session counting the same. Behind the gains over the PSTH come, over all sessions, those of
    every model over every other that was scored on all of them. Sessions without a PSTH have none.
    """
    names = list(likelihoods)
    with_psth = {name: _models_of(likelihoods[name]) for name in names}
    models = list(dict.fromkeys(model for held in with_psth.values() for model in held))
    counted = [name for name in names if with_psth[name]]
    draws = session_draws(max(1, len(counted)), n_bootstrap, np.random.default_rng(seed_sequence(seed, "summary")))
    over_all = SessionMeans(draws, len(models))
    rows: list[Gain] = []
    for place, name in enumerate(counted):
        held = _Session.of(load_likelihoods(likelihoods[name]))
        own = np.random.default_rng(seed_sequence(seed, name, "summary"))
        alone = held.resampled(n_bootstrap, own)
        drawn = held.resampled(over_all.n_resamples(place), own) if len(counted) > 1 else alone
        over_all.add(place, [models.index(model) for model in held.models], drawn)
        rows += [
            Gain(SCHEMA_VERSION, m, PSTH, name, ALL, UNITS, 1, held.n_units, value, *percentiles(one))
            for m, value, one in zip(held.models, held.values, alone, strict=True)
        ]
    return rows + _over_all(rows, models, over_all.means(), len(counted))


def _over_all(rows: list[Gain], models: list[str], means: np.ndarray, n_counted: int) -> list[Gain]:
    """Means over sessions: of each model against the PSTH, then of each against the others."""
    resampled = SESSIONS if n_counted > 1 else UNITS
    held = {model: {row.session: row for row in rows if row.model == model} for model in models}

    def gain(model: str, against: str, values: list[float], replicates: np.ndarray) -> Gain:
        known = [value for value in values if not np.isnan(value)]  # a silent session has no bits per spike
        value = float(np.mean(known)) if known else float("nan")
        bounds = percentiles(replicates) if np.isfinite(value) else percentiles(replicates[:0])
        n_units = sum(row.n_units for row in held[model].values() if not np.isnan(row.value))
        return Gain(SCHEMA_VERSION, model, against, ALL, ALL, resampled, len(known), n_units, value, *bounds)

    found = [
        gain(m, PSTH, [row.value for row in held[m].values()], one) for m, one in zip(models, means, strict=True)
    ]
    everywhere = [model for model in models if len(held[model]) == n_counted]
    for model, other in itertools.permutations(everywhere, 2):
        apart = [row.value - held[other][name].value for name, row in held[model].items()]
        found.append(gain(model, other, apart, means[models.index(model)] - means[models.index(other)]))
    return found


def _models_of(path: str | Path) -> list[str]:
    """The models of a session that can gain over its PSTH; none where it has no PSTH."""
    models = load_likelihoods(path).models
    return [model for model in models if model != PSTH] if PSTH in models else []


@dataclass(frozen=True, eq=False)
class _Session:
    """Gains (bits) and spikes of the tested trials of one session."""

    models: list[str]
    gains: Float[np.ndarray, "models trials units"]
    spikes: Float[np.ndarray, "trials units"]
    condition: np.ndarray

    @classmethod
    def of(cls, likelihoods: TrialLikelihoods) -> _Session:
        tested = likelihoods.fold != UNTESTED
        models = [model for model in likelihoods.models if model != PSTH]
        with np.errstate(invalid="ignore"):  # two models that both exclude a spike: -inf less -inf
            gains = [(likelihoods.of(m) - likelihoods.of(PSTH))[tested] / NATS_PER_BIT for m in models]
        spikes = likelihoods.n_spikes[tested].astype(float)
        return cls(models, np.reshape(gains, (len(models), *spikes.shape)), spikes, likelihoods.condition[tested])

    @property
    def n_units(self) -> int:
        return int(self.spikes.shape[1])

    @property
    def values(self) -> list[float]:
        """Bits per spike of all units and trials; NaN for a silent session."""
        total = self.spikes.sum()
        return [float(one.sum() / total) if total else float("nan") for one in self.gains]

    def resampled(self, n_resamples: int, rng: np.random.Generator) -> Float[np.ndarray, "models resamples"]:
        """NaN for models that exclude a spike that was seen."""
        with np.errstate(invalid="ignore"):
            return resampled_ratios(self.gains, self.spikes, self.condition, n_resamples, rng)
