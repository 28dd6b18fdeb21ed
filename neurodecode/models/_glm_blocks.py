"""Rows of the GLM's regressions in blocks of neighbouring bins, for several units at once.

A block stays in the cache from the expected counts to their sums. Within it a column lies along time, as histories
are made. Columns are float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.batches import batches
from neurodecode.data.trials import Trials
from neurodecode.models._covariates import covariate_columns
from neurodecode.models._glm_design import HistoryDesign

_ROWS = 2048
_TRIALS_AT_ONCE = 32  # whose histories are made together
_MAX_LOG_MEAN = 20.0  # a trial step of the line search may overflow exp; such a step is rejected anyway


@dataclass(frozen=True, eq=False)
class Block:
    """Neighbouring bins of one trial, or of several whole trials of one condition, one after the other.

    trials: their places in the order in which blocks come, condition after condition. own: each unit's log
    aggregate and own history. shared: covariates, then sources. counts: spikes, 0 where unobserved. seen: 1 where
    observed, 0 elsewhere; None where all is.
    """

    condition: int
    trials: Int[np.ndarray, " trials"]
    bins: slice
    own: Float[np.ndarray, "units own_columns rows"]
    shared: Float[np.ndarray, "shared_columns rows"]
    counts: Float[np.ndarray, "units rows"]
    seen: Float[np.ndarray, "#units rows"] | None

    def by_trial(self, values: np.ndarray) -> np.ndarray:
        """(..., rows) as (..., trials, bins)."""
        by_trial: np.ndarray = values.reshape(*values.shape[:-1], -1, self.bins.stop - self.bins.start)
        return by_trial

    def expected(self, log_mean: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Expected counts (units, rows), 0 where unobserved; ``log_mean`` is overwritten by them."""
        np.minimum(log_mean, _MAX_LOG_MEAN, out=log_mean)
        mean: np.ndarray = np.exp(log_mean, out=log_mean)
        if self.seen is not None:
            mean *= self.seen if len(self.seen) == 1 else self.seen[units]
        return mean

    def seen_by(self, unit: int) -> Float[np.ndarray, " rows"]:
        """1 where a unit was observed."""
        if self.seen is None:
            return np.ones(self.counts.shape[1], np.float32)
        seen: np.ndarray = self.seen[unit if len(self.seen) > 1 else 0]
        return seen


def blocks_of(
    design: HistoryDesign,
    trials: Trials,
    units: np.ndarray,
    log_aggregate: Float[np.ndarray, "trials bins all_units"],
    sources: Float[np.ndarray, "trials bins sources features"] | None = None,
) -> Iterator[Block]:
    """The window's rows of ``units``, condition after condition; ``sources``: their histories, made before."""
    own, n_before = trials.select_units(units), 0
    for code in range(trials.n_conditions):
        members = np.flatnonzero(trials.condition == code)
        for batch in batches(len(members), _TRIALS_AT_ONCE):
            some = members[batch]
            history = design.source_history(trials.select(some)) if sources is None else sources[some]
            aggregate = log_aggregate[np.ix_(some, np.arange(trials.n_bins), units)]
            yield from _split(design, own.select(some), units, aggregate, history, n_before)
            n_before += len(some)


def _split(
    design: HistoryDesign,
    trials: Trials,
    units: np.ndarray,
    log_aggregate: np.ndarray,
    sources: np.ndarray,
    n_before: int,
) -> Iterator[Block]:
    """The blocks of trials of ``units`` and of one condition, which come after ``n_before`` others."""
    own = design.history_of(trials, units.tolist())
    covariates = covariate_columns(trials)[:, trials.lead :]
    counts, mask = trials.window_counts, trials.window_mask
    trials_each = max(1, _ROWS // trials.n_bins)
    bins_each = -(-trials.n_bins // -(-trials.n_bins // _ROWS))  # a long trial falls into pieces of one length
    for first in range(0, trials.n_trials, trials_each):
        for begin in range(0, trials.n_bins, bins_each):
            bins = slice(begin, min(begin + bins_each, trials.n_bins))
            at = (slice(first, first + trials_each), bins)
            history = _along_time(sources[at])
            shared = [_along_time(covariates[at]), history.reshape(-1, history.shape[2])] if history.size else None
            yield Block(
                condition=int(trials.condition[0]),
                trials=n_before + np.arange(first, min(first + trials_each, trials.n_trials)),
                bins=bins,
                own=np.concatenate([_along_time(log_aggregate[at][..., None]), _along_time(own[at])], axis=1),
                shared=np.concatenate(shared) if shared else _along_time(covariates[at]),
                counts=_along_time(np.where(mask[at], counts[at], 0)),
                seen=None if mask[at].all() else _along_time(mask[at]),
            )


def _along_time(values: np.ndarray) -> np.ndarray:
    """(trials, bins, ...) as (..., trials x bins) in float32, contiguous."""
    moved = np.moveaxis(values, (0, 1), (-2, -1))
    n_rows = values.shape[0] * values.shape[1]
    return np.ascontiguousarray(moved, dtype=np.float32).reshape(*moved.shape[:-2], n_rows)
