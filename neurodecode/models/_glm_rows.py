"""Sums over the rows of the GLM's regressions: all that Newton's method asks of the data, several units at once.

Units share covariates, sources and splines of time, so that one product serves all of them. Products within a
block are float32 unless asked otherwise; what is summed over blocks is float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from neurodecode.data.batches import batches
from neurodecode.data.trials import Trials
from neurodecode.models._glm_blocks import Block, blocks_of
from neurodecode.models._glm_design import N_LEADING, HistoryDesign, time_course_basis
from neurodecode.models._glm_weights import Columns

_TRIALS_AT_ONCE = 32
_Means = tuple[Block, list[np.ndarray], np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Parts:
    """Which of the costly columns are in use."""

    sources: bool
    time_course: bool


@dataclass(frozen=True, eq=False)
class Rows:
    """Designs and counts of ``n_units`` units over the window of some trials."""

    n_units: int
    blocks: Sequence[Block]
    basis: Float[np.ndarray, "bins splines"]
    roughness: Float[np.ndarray, " splines"]
    n_conditions: int
    columns: Columns

    @classmethod
    def of(
        cls,
        design: HistoryDesign,
        trials: Trials,
        units: np.ndarray,
        log_aggregate: Float[np.ndarray, "trials bins all_units"],
        sources: Float[np.ndarray, "trials bins sources features"] | None = None,
    ) -> Rows:
        """The rows of ``units``, by index; ``sources``: what ``shared_source_history`` gives of these trials."""
        basis, roughness = time_course_basis(trials)
        n_curves = 1 if trials.n_conditions == 1 else 1 + trials.n_conditions
        n_covariates = sum(values[0, 0].size for values in trials.covariates.values())
        columns = Columns.of(design, n_covariates, n_curves * basis.shape[1])
        blocks = list(blocks_of(design, trials, units, log_aggregate, sources))
        return cls(len(units), blocks, basis, roughness, trials.n_conditions, columns)

    def time_courses(
        self, weights: Float[np.ndarray, "units columns"]
    ) -> Float[np.ndarray, "units conditions bins"]:
        """What the splines add to the log mean."""
        curves = weights[:, self.columns.n_rows :].reshape(len(weights), -1, self.basis.shape[1])
        if self.n_conditions > 1:
            curves = curves[:, :1] + curves[:, 1:]
        added: np.ndarray = curves @ self.basis.T
        return added

    def expected(
        self, weights: Float[np.ndarray, "some columns"], units: np.ndarray, parts: Parts, dtype: type = np.float32
    ) -> Float[np.ndarray, "some columns"]:
        """Transposed design times expected counts, of some units at their weights."""
        c, out = self.columns, np.zeros(weights.shape)
        shared_at = self._shared_columns(parts)
        by_bin = np.zeros((len(units), self.n_conditions, len(self.basis)))
        for block, own, shared, mean in self._means(weights, units, parts, dtype):
            for number, columns in enumerate(own):
                out[number, c.of_unit] += columns @ mean[number]
            out[:, shared_at] += mean @ shared.T
            by_bin[:, block.condition, block.bins] += block.by_trial(mean).sum(axis=1, dtype=np.float64)
        out[:, 0] = by_bin.sum(axis=(1, 2))
        if parts.time_course:
            out[:, c.n_rows :] = self._spline_sums(by_bin)
        return out

    def log_likelihood(self, weights: Float[np.ndarray, "units columns"]) -> Float[np.ndarray, "units trials"]:
        """Of the counts of each trial (nats), up to log(n!); trials condition after condition."""
        c = self.columns
        parts = Parts(bool(weights[:, c.n_alone : c.n_rows].any()), bool(weights[:, c.n_rows :].any()))
        total = np.zeros((self.n_units, 1 + max((int(b.trials.max()) for b in self.blocks), default=-1)))
        for block, _, _, mean in self._means(weights, np.arange(self.n_units), parts, np.float32):
            terms = block.counts * np.log(mean, where=block.counts > 0, out=np.zeros_like(mean)) - mean
            total[:, block.trials] += block.by_trial(terms).sum(axis=2, dtype=np.float64)
        return total

    @cached_property
    def spikes(self) -> Float[np.ndarray, "units columns"]:
        """Transposed design times counts, in float64."""
        c, out = self.columns, np.zeros((self.n_units, self.columns.n_all))
        by_bin = np.zeros((self.n_units, self.n_conditions, len(self.basis)))
        for block in self.blocks:
            for unit, counts in enumerate(block.counts):
                at = np.flatnonzero(counts)
                n = counts[at].astype(np.float64)
                out[unit, c.of_unit] += block.own[unit][:, at] @ n
                out[unit, c.of_all] += block.shared[:, at] @ n
            by_bin[:, block.condition, block.bins] += block.by_trial(block.counts).sum(axis=1, dtype=np.float64)
        out[:, 0] = by_bin.sum(axis=(1, 2))
        out[:, c.n_rows :] = self._spline_sums(by_bin)
        return out

    def curvature(
        self, weights: Float[np.ndarray, " columns"], unit: int, parts: Parts, *, thin: int = 1
    ) -> Float[np.ndarray, "columns columns"]:
        """Transposed design times expected counts times design, of one unit; it steers, and may be float32.

        ``thin``: found from one in so many blocks.
        """
        at = np.concatenate([[0], self.columns.of_unit, self._shared_columns(parts)])
        n, n_own = len(at), len(self.columns.of_unit)
        features, by_bin = np.zeros((n, n)), np.zeros((self.n_conditions, n, len(self.basis)))
        # One buffer for all blocks: fresh memory would cost more than the product.
        buffer = np.empty(n * max((b.counts.shape[1] for b in self.blocks), default=0), np.float32)
        some = replace(self, blocks=self.blocks[::thin])
        for block, (own,), shared, (mean,) in some._means(weights[None], np.array([unit]), parts, np.float32):
            root = np.sqrt(mean, out=mean)
            scaled = buffer[: n * root.size].reshape(n, root.size)
            scaled[0] = root
            np.multiply(own, root, out=scaled[1 : 1 + n_own])
            np.multiply(shared, root, out=scaled[1 + n_own :])
            features += scaled @ scaled.T
            if parts.time_course:  # splines are the same in all trials: sums over trials are all they need
                scaled *= root
                by_bin[block.condition][:, block.bins] += block.by_trial(scaled).sum(axis=1, dtype=np.float64)
        share = sum(b.counts.shape[1] for b in some.blocks) / sum(b.counts.shape[1] for b in self.blocks)
        curvature: np.ndarray = self._placed(at, features, self._curves(by_bin, parts)) / share
        return curvature

    def _curves(self, by_bin: Float[np.ndarray, "conditions features bins"], parts: Parts) -> np.ndarray:
        """Splines times expected counts times features and splines: (conditions, splines, features + splines)."""
        basis = self.basis if parts.time_course else self.basis[:, :0]
        with_features = basis.T @ by_bin.swapaxes(1, 2)
        with_splines = basis.T @ (by_bin[:, 0, :, None] * basis)
        return np.concatenate([with_features, with_splines], axis=2)

    def _placed(self, at: np.ndarray, features: np.ndarray, curves: np.ndarray) -> np.ndarray:
        """The curvature in the order of the columns: what splines of conditions give, their shared ones sum up."""
        c, n = self.columns, len(at)
        out = np.zeros((c.n_all, c.n_all))
        out[np.ix_(at, at)] = features
        if curves.shape[1] == 0:
            return out
        splines = np.arange(c.n_rows, c.n_all).reshape(-1, self.basis.shape[1])
        of_all = [] if self.n_conditions == 1 else [splines[0]]
        for mine, sums in zip(splines[len(of_all) :], curves, strict=True):
            for rows in (mine, *of_all):
                out[np.ix_(rows, at)] += sums[:, :n]
                out[np.ix_(rows, mine)] += sums[:, n:]
            for shared in of_all:
                out[np.ix_(shared, shared)] += sums[:, n:]
                out[np.ix_(mine, shared)] += sums[:, n:]
        out[at[:, None], splines.ravel()] = out[splines.ravel()[:, None], at].T
        return out

    @cached_property
    def scales(self) -> Float[np.ndarray, "units columns"]:
        """Standard deviation of each column over the rows that a unit was observed in.

        1 for the bias, the aggregate, the splines, and columns that never vary: a ridge takes them as they are.
        """
        at = np.concatenate([self.columns.of_unit, self.columns.of_all])
        n, sums, squares, first = np.zeros((self.n_units, 1)), *np.zeros((3, self.n_units, len(at)))
        for number, block in enumerate(self.blocks):
            for unit in range(self.n_units):
                columns, seen = np.concatenate([block.own[unit], block.shared]), block.seen_by(unit)
                if number == 0:
                    first[unit] = columns[:, 0]
                # Against its first value a column that never varies is 0, and rounding lends it no variance.
                columns -= first[unit, :, None].astype(np.float32)
                n[unit] += seen.sum(dtype=np.float64)
                sums[unit] += columns @ seen
                squares[unit] += np.square(columns, out=columns) @ seen
        mean = sums / np.maximum(n, 1.0)
        sd = np.sqrt(np.maximum(squares / np.maximum(n, 1.0) - mean**2, 0.0))
        still = sd < 1e-6 * np.maximum(np.abs(mean + first), 1e-3)
        out = np.ones((self.n_units, self.columns.n_all))
        out[:, at] = np.where(still, 1.0, sd)
        out[:, :N_LEADING] = 1.0
        return out

    def _means(self, weights: np.ndarray, units: np.ndarray, parts: Parts, dtype: type) -> Iterator[_Means]:
        """Block by block: own columns of each unit, shared columns in use, expected counts (units, rows)."""
        w_own: np.ndarray = weights[:, self.columns.of_unit].astype(dtype)
        w_shared: np.ndarray = weights[:, self._shared_columns(parts)].astype(dtype)
        offsets = np.tile(weights[:, :1, None], (1, self.n_conditions, len(self.basis)))
        if parts.time_course:
            offsets += self.time_courses(weights)
        offsets = offsets[:, :, None].astype(dtype)
        for block in self.blocks:
            own = [block.own[unit].astype(dtype, copy=False) for unit in units]
            shared: np.ndarray = block.shared[: w_shared.shape[1]].astype(dtype, copy=False)
            log_mean = w_shared @ shared
            for number, columns in enumerate(own):
                log_mean[number] += w_own[number] @ columns
            by_trial = block.by_trial(log_mean)
            by_trial += offsets[:, block.condition, :, block.bins]
            yield block, own, shared, block.expected(log_mean, units)

    def _shared_columns(self, parts: Parts) -> np.ndarray:
        """Indices of the shared columns in use; covariates come first, also in a block."""
        at = self.columns.of_all
        return at if parts.sources else at[: self.columns.n_covariates]

    def _spline_sums(self, by_bin: np.ndarray) -> np.ndarray:
        """Transposed splines times sums over trials (units, conditions, bins)."""
        sums = by_bin @ self.basis
        if self.n_conditions > 1:
            sums = np.concatenate([sums.sum(axis=1, keepdims=True), sums], axis=1)
        flat: np.ndarray = sums.reshape(len(sums), -1)
        return flat


def window_log_aggregate(
    design: HistoryDesign, trials: Trials, *, leave_out: bool
) -> Float[np.ndarray, "trials bins units"]:
    """Log aggregate over the window in float32, made of some trials at a time; see ``HistoryDesign``."""
    out = np.empty((trials.n_trials, trials.n_bins, trials.n_units), np.float32)
    for some in batches(trials.n_trials, _TRIALS_AT_ONCE):
        out[some] = design.log_aggregate(trials.select(some), leave_out=leave_out)[:, trials.lead :]
    return out


def shared_source_history(
    design: HistoryDesign, trials: Trials
) -> Float[np.ndarray, "trials bins sources features"] | None:
    """Histories that all units share, made once for all batches of units; None where each unit is a source."""
    if design.per_unit and design.n_sources():
        return None
    n_sources = design.n_sources()
    out = np.empty(
        (trials.n_trials, trials.n_bins, n_sources, design.sources.n_features if n_sources else 0), np.float32
    )
    for some in batches(trials.n_trials, _TRIALS_AT_ONCE):
        out[some] = design.source_history(trials.select(some))
    return out
