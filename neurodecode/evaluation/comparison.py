"""Models against each other: paired differences, the best one, the headline, tables over sessions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from neurodecode.evaluation._likelihood_scores import Resampling
from neurodecode.evaluation._score_rows import ALL, ENCODE, PSTH, RECORDING
from neurodecode.evaluation.likelihoods import TrialLikelihoods
from neurodecode.metrics.bits import bits_per_spike, with_pooled

ORACLE = "oracle"
AGGREGATES = ("constant", PSTH, "poisson")
"""Models that see no spike of the trial they predict: no candidates for what single trials hold beyond them."""
GAIN, BITS = "gain_over_psth", "bits_per_spike"


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """Bits per spike that one model knows beyond another, for each unit and, last, ``all`` of them."""

    model: str
    against: str
    units: tuple[str, ...]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def frame(self) -> pd.DataFrame:
        """One row a unit."""
        columns = {"unit": self.units, "value": self.value, "low": self.low, "high": self.high}
        return pd.DataFrame(columns).assign(model=self.model, against=self.against)

    @property
    def pooled(self) -> tuple[float, float, float]:
        """Value, low and high of all units together."""
        return float(self.value[-1]), float(self.low[-1]), float(self.high[-1])


@dataclass(frozen=True)
class Headline:
    """What the single trials of one session hold beyond the PSTH (bits/spike), by the best model's measure.

    oracle: the truth's gain where it is known, else None. recovered: the model's gain over the oracle's.
    """

    session: str
    control: str
    model: str
    gain: float
    low: float
    high: float
    psth_bits: float
    oracle: float | None = None

    @property
    def recovered(self) -> float | None:
        """Share of the oracle's gain that the model recovers; None where no oracle gains anything."""
        return self.gain / self.oracle if self.oracle is not None and self.oracle > 0 else None

    @property
    def clear(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0


def paired_difference(
    likelihoods: TrialLikelihoods, model: str, against: str, *, n_bootstrap: int, seed: int
) -> PairedDifference:
    """How many bits per spike ``model`` knows beyond ``against`` on the same trials, with 95 percent intervals.

    Trials are resampled within condition, both models alike. Raises DataError for a model that was not scored.
    """
    ours, theirs = likelihoods.of(model), likelihoods.of(against)
    resampling = Resampling(likelihoods, n_bootstrap=n_bootstrap, seed=seed, names=("paired_difference",))
    low, high = resampling.interval(ours, theirs)
    tested = np.isin(likelihoods.fold, likelihoods.folds)
    value = bits_per_spike(
        with_pooled(ours[tested].sum(axis=0)),
        with_pooled(theirs[tested].sum(axis=0)),
        with_pooled(likelihoods.n_spikes[tested].sum(axis=0).astype(np.float64)),
    )
    return PairedDifference(model, against, (*likelihoods.unit_names, ALL), value, low, high)


def best_model(
    scores: pd.DataFrame, session: str, *, control: str = "", exclude: Collection[str] = AGGREGATES
) -> str | None:
    """The model of the largest pooled gain over the PSTH (bits per spike where there is no PSTH).

    Not the oracle, nor the aggregates unless nothing else was scored; None for a session without models. The
    interval of the best of several is not corrected for the choice.
    """
    pooled = _pooled(scores, session, control)
    metric = GAIN if any(name == GAIN for name, _ in pooled) else BITS
    found = {
        model: estimate[0]
        for (name, model), estimate in pooled.items()
        if name == metric and model not in (ORACLE, RECORDING) and not np.isnan(estimate[0])
    }
    candidates = {model: value for model, value in found.items() if model not in exclude} or found
    return max(candidates, key=lambda model: candidates[model], default=None)


def headline(
    scores: pd.DataFrame, session: str, *, control: str = "", exclude: Collection[str] = AGGREGATES
) -> Headline | None:
    """The numbers of the session's headline; None where no gain over a PSTH was scored."""
    pooled = _pooled(scores, session, control)
    model = best_model(scores, session, control=control, exclude=exclude)
    if model is None or (GAIN, model) not in pooled:
        return None
    gain, low, high = pooled[GAIN, model]
    return Headline(
        session=session,
        control=control,
        model=model,
        gain=gain,
        low=low,
        high=high,
        psth_bits=pooled[BITS, PSTH][0],
        oracle=pooled[GAIN, ORACLE][0] if (GAIN, ORACLE) in pooled else None,
    )


def _pooled(scores: pd.DataFrame, session: str, control: str) -> dict[tuple[str, str], tuple[float, float, float]]:
    """(metric, model) -> value, low, high of one session, pooled over units and folds."""
    found = _pooled_rows(scores)
    found = found[(found["session"] == session) & (found["control"] == control)]
    columns = (found[name].tolist() for name in ("metric", "model", "value", "low", "high"))
    return {(metric, model): (value, low, high) for metric, model, value, low, high in zip(*columns, strict=True)}


def _pooled_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows over all units and folds, of spikes predicted from the past of all units and from nothing else."""
    return scores[(scores["fold"] == ALL) & (scores["unit"] == ALL) & (scores["task"] == ENCODE)]
