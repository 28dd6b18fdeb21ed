"""One unit's predicted intensity corrected by spike history: fitted to some trials, scored on others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from neurodecode.data.trials import Trials
from neurodecode.features.history import HistoryBasis, observed_counts
from neurodecode.models._newton import Design, fit_poisson_regression

N_LAGS = 4
LONGEST_S = 0.5
FEW_UNITS = 8  # up to here each other unit has weights of its own; above, half the trials cannot afford them
FEWEST_SPIKES = 10  # in the trials that a correction is fitted to; with fewer none is fitted
PENALTIES = (10.0, 1.0, 0.1, 0.01)  # of standardised columns, in units of the spikes fitted to
PATH_TOLERANCE, FINAL_TOLERANCE = 1e-2, 1e-6  # nats
SCORED = -1  # part of the trials that a correction is not fitted to
_MOST = 20.0  # largest log-correction that is exponentiated


@dataclass(frozen=True, eq=False)
class HistoryColumns:
    """Which history features a unit has: its own, then those of other units, over the window.

    ``fill`` (units,): expected counts where nothing was recorded, from the trials that corrections are fitted to.
    """

    trials: Trials
    fill: Float[np.ndarray, " units"]
    own: HistoryBasis
    others: HistoryBasis

    @classmethod
    def of(cls, trials: Trials, fill: Float[np.ndarray, " units"]) -> HistoryColumns:
        """Recent bins and log-spaced traces of a unit's own spikes; every second of the traces for other units."""
        own = HistoryBasis.log_spaced(trials.bin_size_s, n_lags=N_LAGS, longest_s=LONGEST_S)
        return cls(trials, fill, own, HistoryBasis(0, own.decays[::2]))

    def unit(self, unit: int) -> Float[np.ndarray, "trials bins columns"]:
        """1, own history, others' history: of each other unit where there are few, else of their mean count."""
        lead, counts = self.trials.lead, observed_counts(self.trials, self.fill)
        rest = np.delete(np.arange(self.trials.n_units), unit)
        own = self.own.transform(counts[..., [unit]], self.fill[[unit]])[:, lead:]
        parts = [np.ones((*own.shape[:2], 1), np.float32), own.reshape(*own.shape[:2], -1)]
        if rest.size:
            seen, mean = counts[..., rest], self.fill[rest]
            if self.trials.n_units > FEW_UNITS:
                seen, mean = seen.mean(axis=-1, keepdims=True), mean.mean(keepdims=True)
            others = self.others.transform(seen, mean)[:, lead:]
            parts.append(others.reshape(*own.shape[:2], -1))
        return np.concatenate(parts, axis=2)

    @property
    def n_own(self) -> int:
        """Columns of the unit itself, the leading 1 included."""
        return 1 + self.own.n_features


@dataclass(frozen=True, eq=False)
class CorrectedUnit:
    """One unit's observed bins as rows.

    columns: standardised over the rows that the correction is fitted to. trial: of each row. part: the rows fitted
    to lie in parts 0, 1, ..., of which each is left out once to choose the penalty; SCORED are the others.
    """

    columns: Float[np.ndarray, "rows columns"]
    n_own: int
    counts: Float[np.ndarray, " rows"]
    trial: Int[np.ndarray, " rows"]
    part: Int[np.ndarray, " rows"]

    @classmethod
    def of(
        cls,
        history: HistoryColumns,
        unit: int,
        seen: Bool[np.ndarray, "trials bins"],
        part: Int[np.ndarray, " trials"],
    ) -> CorrectedUnit:
        """``seen``: bins that count; ``part`` of each trial."""
        columns = history.unit(unit)[seen]
        trial = np.nonzero(seen)[0]
        inside = part[trial] != SCORED
        mean, sd = columns[inside, 1:].mean(axis=0, dtype=np.float64), columns[inside, 1:].std(axis=0)
        columns[:, 1:] -= mean.astype(np.float32)
        columns[:, 1:] /= np.where(sd < 1e-6, 1.0, sd)
        counts = history.trials.window_counts[..., unit][seen].astype(np.float64)
        return cls(columns, history.n_own, counts, trial, part[trial])

    def gain(self, log_mean: Float[np.ndarray, " rows"], n_trials: int) -> Float[np.ndarray, " trials"]:
        """Log-likelihood (nats) that history adds to each trial; NaN in trials that the correction was fitted to.

        ``log_mean``: log of the expected counts, which enters with weight 1. Where it is -inf no factor changes
        the prediction; a spike there leaves the gain of its trial undefined.
        """
        finite, scored = np.isfinite(log_mean), self.part == SCORED
        gain = np.full(n_trials, np.nan)
        gain[np.unique(self.trial[scored])] = 0.0
        gain[np.unique(self.trial[~finite & (self.counts > 0)])] = np.nan
        fitted, test = self._rows(~scored & finite, log_mean), self._rows(scored & finite, log_mean)
        if fitted.counts.sum() < FEWEST_SPIKES:
            return gain
        used, penalty = self._chosen(log_mean)
        if used.size == 1:
            return gain
        start = np.concatenate([[fitted.intercept], np.zeros(used.size - 1)])
        weights = fitted.fit(used, penalty * fitted.counts.sum(), start, FINAL_TOLERANCE)
        base, plain = test.log_mean, fitted.intercept
        corrected = test.log_corrected(used, weights)
        terms = test.counts * (corrected - base - plain)
        terms -= np.exp(np.minimum(corrected, _MOST)) - np.exp(base + plain)
        return gain + np.bincount(self.trial[scored & finite], terms, n_trials)

    def _chosen(self, log_mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns, and penalties per spike, that predict left-out parts best: own history first, then the others'.

        No history is always among the choices.
        """
        inside = np.isfinite(log_mean) & (self.part != SCORED)
        left_out = [self.part == part for part in np.unique(self.part) if part != SCORED]
        folds = [(self._rows(inside & ~out, log_mean), self._rows(inside & out, log_mean)) for out in left_out]
        used, penalty = np.zeros(1, int), np.zeros(1)
        weights = [np.array([fit.intercept]) for fit, _ in folds]
        best = sum(left.score(used, w) for (_, left), w in zip(folds, weights, strict=True))
        for first, last in ((1, self.n_own), (self.n_own, self.columns.shape[1])):
            wider = np.concatenate([used, np.arange(first, last)])
            tried = [np.concatenate([w, np.zeros(last - first)]) for w in weights]
            before = penalty
            for factor in PENALTIES if last > first else ():
                penalties = np.concatenate([before, np.full(last - first, factor)])
                score = 0.0
                for at, (fit, left) in enumerate(folds):
                    ridge = penalties * max(1.0, fit.counts.sum())
                    tried[at] = fit.fit(wider, ridge, tried[at], PATH_TOLERANCE)
                    score += left.score(wider, tried[at])
                if score <= best:  # from here on a weaker penalty only fits more chance
                    break
                used, penalty, weights, best = wider, penalties, list(tried), score
        return used, penalty

    def _rows(self, some: Bool[np.ndarray, " rows"], log_mean: np.ndarray) -> _Rows:
        """Some of the rows; their columns are kept, since all models are tested on the same."""
        key = np.packbits(some).tobytes()
        if key not in self._kept:
            self._kept[key] = self.columns[some]
        return _Rows(self._kept[key], self.counts[some], log_mean[some])

    @cached_property
    def _kept(self) -> dict[bytes, np.ndarray]:
        return {}


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of a regression, and the log of the counts that a model expects there."""

    columns: Float[np.ndarray, "rows columns"]
    counts: Float[np.ndarray, " rows"]
    log_mean: Float[np.ndarray, " rows"]

    def fit(self, used: np.ndarray, penalty: np.ndarray, start: np.ndarray, tolerance: float) -> np.ndarray:
        """Weights of the ``used`` columns."""
        return fit_poisson_regression(
            self._design(used),
            self.counts,
            penalty,
            np.zeros(used.size),
            start,
            log_exposure=self.log_mean,
            tolerance=tolerance,
        )

    @cached_property
    def intercept(self) -> float:
        """Log of observed over expected spikes; a silent part counts as half a spike."""
        return float(np.log(max(self.counts.sum(), 0.5) / np.exp(self.log_mean).sum()))

    def log_corrected(self, used: np.ndarray, weights: np.ndarray) -> Float[np.ndarray, " rows"]:
        """The log of the expected counts with the correction."""
        log_corrected: np.ndarray = self.log_mean + self._design(used).product(weights)
        return log_corrected

    def score(self, used: np.ndarray, weights: np.ndarray) -> float:
        """Log-likelihood (nats, up to log n!)."""
        eta = self.log_corrected(used, weights)
        return float(self.counts @ eta - np.exp(np.minimum(eta, _MOST)).sum())

    def _design(self, used: np.ndarray) -> Design:
        leading = used[-1] == used.size - 1  # then they need not be copied
        return Design.plain(self.columns[:, : used.size] if leading else self.columns[:, used])
