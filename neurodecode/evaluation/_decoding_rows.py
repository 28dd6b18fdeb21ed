"""Rows of scores.csv that are about one target of one session, and the resampling that they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neurodecode.data.splits import Split
from neurodecode.evaluation._score_rows import ALL, ScoreRows
from neurodecode.evaluation.likelihoods import UNTESTED, fold_of_trials
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.metrics._ratio import ratio
from neurodecode.metrics.bootstrap import ratio_interval, resampling_weights
from neurodecode.metrics.medians import percentile_bounds, resampled_medians

CLASSIFY, REGRESS, TRIAL_VALUE = "classify", "regress", "trial_value"
TASK_OF_KIND = {"class": CLASSIFY, "signal": REGRESS, "value": TRIAL_VALUE}


class DecodingRows:
    """Scores of one session's decoders. All are resampled alike, so that differences are paired by trial.

    strata: (trials,) within which trials are resampled: their classes, else one for all.
    """

    def __init__(
        self,
        *,
        session: str,
        control: str,
        kind: str,
        target: str,
        splits: Sequence[Split],
        strata: Int[np.ndarray, " trials"],
        n_bootstrap: int,
        seed: int,
    ) -> None:
        self._rows = ScoreRows(session=session, control=control, unit_names=(), task=TASK_OF_KIND[kind])
        self._names, self._seed, self.target = (session, control), seed, target
        self.fold = fold_of_trials(splits, strata.size)
        self.folds = [split.fold for split in splits]
        self.tested: Bool[np.ndarray, " trials"] = self.fold != UNTESTED
        self._strata = strata[self.tested]
        self._weights = resampling_weights(self._strata, n_bootstrap, self.rng("bootstrap"))

    def rng(self, *names: str) -> np.random.Generator:
        """The generator of what is called so."""
        return np.random.default_rng(seed_sequence(self._seed, *self._names, self.target, *names))

    def add(
        self,
        decoder: str,
        metric: str,
        value: float,
        *,
        fold: int | str = ALL,
        target: str | None = None,
        low: float = float("nan"),
        high: float = float("nan"),
    ) -> None:
        """One number."""
        self._rows.add(
            decoder,
            metric,
            np.array([value]),
            fold=fold,
            target=self.target if target is None else target,
            low=np.array([low]),
            high=np.array([high]),
        )

    def add_mean(self, decoder: str, metric: str, values: Float[np.ndarray, " trials"]) -> None:
        """The mean over tested trials with its interval."""
        self.add_ratio(decoder, metric, values, np.ones(values.size))

    def add_ratio(
        self,
        decoder: str,
        metric: str,
        numerator: Float[np.ndarray, " trials"],
        denominator: Float[np.ndarray, " trials"],
        *,
        target: str | None = None,
    ) -> None:
        """The ratio of sums over tested trials with its interval; NaN where the denominators add up to 0."""
        top, bottom = numerator[self.tested, None], denominator[self.tested, None]
        low, high = ratio_interval(top, bottom, self._weights, self._strata)
        value = float(top.sum() / bottom.sum()) if bottom.sum() > 0 else float("nan")
        self.add(decoder, metric, value, target=target, low=float(low[0]), high=float(high[0]))

    def medians(
        self, values: Float[np.ndarray, "trials bins"], known: Bool[np.ndarray, "trials bins"]
    ) -> tuple[float, Float[np.ndarray, " resamples"]]:
        """The median over known bins of tested trials, and of every resample."""
        held, seen = values[self.tested], known[self.tested]
        flat = held[seen].astype(float)
        trial = np.nonzero(seen)[0]
        value = float(np.median(flat)) if flat.size else float("nan")
        return value, resampled_medians(flat, trial, self._weights)

    def ratios(
        self, numerator: Float[np.ndarray, " trials"], denominator: Float[np.ndarray, " trials"]
    ) -> tuple[float, Float[np.ndarray, " resamples"]]:
        """The ratio of sums over tested trials, and of every resample."""
        top, bottom = numerator[self.tested, None], denominator[self.tested, None]
        # einsum, not matmul: BLAS may sum in another order with another number of threads.
        resampled = (np.einsum("bt,tc->bc", self._weights, of)[:, 0] for of in (top, bottom))
        return float(ratio(top.sum(axis=0), bottom.sum(axis=0))[0]), ratio(*resampled)

    def add_resampled(self, decoder: str, metric: str, value: float, replicates: np.ndarray) -> None:
        """A number, or a difference of two, with the bounds that its resamples give it."""
        low, high = percentile_bounds(replicates)
        self.add(decoder, metric, value, low=low, high=high)

    def frame(self) -> pd.DataFrame:
        """All rows in the order they came in."""
        return self._rows.frame()
