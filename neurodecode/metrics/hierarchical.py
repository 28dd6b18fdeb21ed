"""Intervals over sessions: sessions, units and trials are each drawn anew.

Trials of a session share its animal and its units, so that to pool all of them and draw trials alone would claim
far more than was seen. Here sessions are drawn with replacement, then units within each, then trials (hierarchical
bootstrap: Saravanan, Berman & Sober 2020, Neurons, Behavior, Data analysis, and Theory 3(5)). Units of a session
are recorded on the same trials; trials are therefore drawn for all its units at once, not for each unit apart
(crossed factors: Owen 2007, Ann Appl Stat 1:386), or what units share in a trial would average out.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.bootstrap import resampling_weights

_VALUES = 2e7  # weights that are held at a time


def session_draws(
    n_sessions: int, n_bootstrap: int, rng: np.random.Generator
) -> Int[np.ndarray, "resamples sessions"]:
    """How often each session stands in each resample; one session stands in each once."""
    return rng.multinomial(n_sessions, np.full(n_sessions, 1 / n_sessions), n_bootstrap)


def resampled_ratios(
    numerators: Float[np.ndarray, "models trials units"],
    denominator: Float[np.ndarray, "trials units"],
    strata: Int[np.ndarray, " trials"],
    n_resamples: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "models resamples"]:
    """Summed numerator over summed denominator of one session, its units and trials drawn anew.

    All models are resampled alike, so that differences between them are paired. Trials are drawn within their
    stratum (condition). NaN in resamples whose denominator is 0.
    """
    n_models, n_trials, n_units = numerators.shape
    found = np.full((n_models, n_resamples), np.nan)
    step = max(1, int(_VALUES / max(1, n_trials + n_units)))
    for start in range(0, n_resamples, step):
        some = slice(start, min(start + step, n_resamples))
        n_some = some.stop - some.start
        trials = resampling_weights(strata, n_some, rng)
        units = rng.multinomial(n_units, np.full(n_units, 1 / n_units), n_some).astype(float)
        bottom = _drawn(trials, units, denominator)
        for model in range(n_models):
            found[model, some] = ratio(_drawn(trials, units, numerators[model]), bottom)
    return found


def _drawn(trials: np.ndarray, units: np.ndarray, values: np.ndarray) -> Float[np.ndarray, " resamples"]:
    # einsum, not matmul: BLAS may sum in another order with another number of threads.
    summed: np.ndarray = (np.einsum("bt,tu->bu", trials, values) * units).sum(axis=1)
    return summed


class SessionMeans:
    """The mean over the sessions of each resample, session by session: none of them need be held.

    ``draws`` (resamples, sessions). A session that stands in a resample several times is drawn anew each time.
    """

    def __init__(self, draws: Int[np.ndarray, "resamples sessions"], n_models: int) -> None:
        self.draws = draws
        self._total = np.zeros((n_models, len(draws)))
        self._n = np.zeros((n_models, len(draws)), int)

    def n_resamples(self, session: int) -> int:
        """How many resamples of a session ``add`` takes."""
        return int(self.draws[:, session].sum())

    def add(self, session: int, models: list[int], ratios: Float[np.ndarray, "some resamples"]) -> None:
        """Take in the ratios of ``resampled_ratios`` of those of the models that the session has."""
        where = np.repeat(np.arange(len(self.draws)), self.draws[:, session])
        for model, values in zip(models, ratios, strict=True):
            known = np.isfinite(values)
            np.add.at(self._total[model], where[known], values[known])
            np.add.at(self._n[model], where[known], 1)

    def means(self) -> Float[np.ndarray, "models resamples"]:
        """Mean ratio of each resample; NaN where no session of it has the model."""
        return ratio(self._total, self._n)


def percentiles(replicates: Float[np.ndarray, " resamples"], *, level: float = 0.95) -> tuple[float, float]:
    """The middle ``level`` of the replicates that are known; NaN, NaN without any."""
    known = replicates[np.isfinite(replicates)]
    if known.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
