"""How a unit's PSTH is smoothed and shrunk: what makes left-out trials likeliest, by cross-validation.

Twice nested. Inside, groups of trials are left out in turn: that gives each bandwidth its weight over time, and
the shrinkage. Outside, a third of the groups is left out of all that, and decides whether weights may follow time
and how closely, whether conditions are told apart at all and whether the rate may jump at the event: evidence that
has chosen a bandwidth at one time cannot also say that choosing was worth while.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt

from neurodecode.data.trials import Trials
from neurodecode.models._groups import deal_groups, grouped_sums
from neurodecode.models._local_average import WIDTHS, Blocks, weights_of
from neurodecode.models._psth_rates import Groups, Rate, Sums
from neurodecode.models._smoothing import Smoother

# Pseudo-trials of the grand mean that join a condition's trials; infinite stands for the grand mean alone.
SHRINKAGE_TRIALS = (64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.0)
MARGIN = 2.0  # nats that each step away from a plainer PSTH must gain on trials left out of everything
_N_OUTER = 3
_UNITS_AT_ONCE = 32  # whose counts are copied together, each unit's own side by side


@dataclass(frozen=True, eq=False)
class Choice:
    """Of one unit: the weight over time of each estimate of the grand mean, and of the conditions' rates.

    The estimates are what these are shrunk toward (the mean rate; the grand mean), then one for each bandwidth.
    ``jumps``: whether smoothing stops at the event. ``shrinkage_trials`` toward the grand mean; infinite: the
    grand mean alone. ``gain``: of trials left out of everything over the unit's mean rate, bits/spike.
    """

    jumps: bool
    grand_weights: Float[np.ndarray, "estimates blocks"]
    weights: Float[np.ndarray, "estimates blocks"]
    shrinkage_trials: float
    gain: float


def choose(
    trials: Trials, smoother: Smoother, bandwidths: Sequence[float], n_groups: int, event_step: int | None
) -> Iterator[Choice]:
    """The choices for one unit after the other; ``event_step``: where the rate may jump.

    What is smoothed are sums over groups of trials and conditions, never single trials.
    """
    group = deal_groups(trials.condition, n_groups)
    smoothers = [smoother]
    if event_step is not None:
        smoothers.append(Smoother(smoother.kernel, smoother.n_steps, smoother.lead, event_step))

    def sums(values: np.ndarray) -> list[Sums]:
        grouped = grouped_sums(values, group, trials.condition, trials.n_conditions)
        return [Sums.of(grouped, one, bandwidths) for one in smoothers]

    blocks, everyone = Blocks(trials.n_bins), np.unique(group)
    observed: list[Sums] = []
    for unit, counts in enumerate(_by_unit(trials.counts)):
        mask = trials.mask[:, :, unit if trials.mask.shape[2] > 1 else 0]
        if not observed or trials.mask.shape[2] > 1:
            observed = sums(mask)
        spikes = sums(counts * mask)
        pairs = zip(spikes, observed, strict=True)
        yield _choose_unit([Groups(n, seen, everyone, trials.bin_size_s) for n, seen in pairs], blocks)


def _by_unit(counts: UInt[np.ndarray, "trials steps units"]) -> Iterator[UInt[np.ndarray, "trials steps"]]:
    """One unit after the other. To pick single units out of many would read all of memory for each."""
    for start in range(0, counts.shape[2], _UNITS_AT_ONCE):
        yield from np.ascontiguousarray(np.moveaxis(counts[..., start : start + _UNITS_AT_ONCE], 2, 0))


@dataclass(frozen=True, eq=False)
class _Average:
    """Averages of candidate rates; the weights follow each one's log-likelihood of left-out groups over time."""

    groups: Groups
    candidates: list[Rate]
    blocks: Blocks

    def weights(self, width: float) -> Float[np.ndarray, "candidates blocks"]:
        """By the evidence of all groups, gathered over ``width``."""
        return weights_of(self.blocks.evidence(self._per_bin.sum(axis=1), width))

    def whole(self, width: float) -> np.ndarray:
        """The average of the rates (Hz) from all groups."""
        weights = self.blocks.spread(self.weights(width))
        return _mixed(weights, [candidate.whole for candidate in self.candidates])

    def rate(self, width: float) -> Rate:
        """The average; what is estimated without a group is also weighted without its evidence."""
        evidence = self.blocks.evidence(self._per_bin, width)
        weights = self.blocks.spread(weights_of(evidence.sum(axis=1, keepdims=True) - evidence))
        without = _mixed(weights[:, :, None], [candidate.without for candidate in self.candidates])
        return Rate(without, self.whole(width))

    @cached_property
    def _per_bin(self) -> np.ndarray:
        return np.stack([self.groups.per_bin(candidate.without) for candidate in self.candidates])


def _mixed(weights: np.ndarray, rates: list[np.ndarray]) -> np.ndarray:
    mixed = np.zeros(np.broadcast_shapes(weights[0].shape, rates[0].shape))
    for weight, rate in zip(weights, rates, strict=True):
        if weight.any():
            mixed = mixed + weight * rate
    return mixed


@dataclass(frozen=True, eq=False)
class _Folds:
    """Averages over most of the groups, each with the groups that it has not seen."""

    averages: list[_Average]
    unseen: list[Groups]

    def scores(self, *, handicap: float) -> list[float]:
        """Log-likelihood of the unseen at each width of WIDTHS, less a margin for weights that follow time."""
        margins = [0.0 if np.isinf(width) else MARGIN for width in WIDTHS]
        return [self._score(w) - margin - handicap for w, margin in zip(WIDTHS, margins, strict=True)]

    def mean_score(self) -> float:
        """The same for the mean rate."""
        pairs = zip(self.averages, self.unseen, strict=True)
        return sum(unseen.log_likelihood(average.groups.mean_hz().whole) for average, unseen in pairs)

    def _score(self, width: float) -> float:
        pairs = zip(self.averages, self.unseen, strict=True)
        return sum(unseen.log_likelihood(average.whole(width)) for average, unseen in pairs)


def _choose_unit(variants: list[Groups], blocks: Blocks) -> Choice:
    """``variants``: the same groups, smoothed across the event and, where there is one, up to it only."""
    every = [_grand_folds(variant, blocks) for variant in variants]
    scores = [folds.scores(handicap=MARGIN * jumps) for jumps, folds in enumerate(every)]
    jumps, at = np.unravel_index(int(np.argmax(scores)), (len(variants), len(WIDTHS)))
    groups, folds, width, score = (variants[jumps], every[jumps], WIDTHS[at], scores[jumps][at])
    grand = _grand(groups, blocks)
    grand_weights = grand.weights(width)
    weights, shrinkage = np.zeros_like(grand_weights), np.inf
    if groups.n_conditions > 1:
        toward = grand.rate(width)
        k = _shrinkage(groups, toward)
        inner = [_Average(a.groups, a.groups.rates_hz(a.rate(width), k), blocks) for a in folds.averages]
        by_width = _Folds(inner, folds.unseen).scores(handicap=MARGIN)
        if max(by_width) > score:
            shrinkage, score = k, max(by_width)
            conditions = _Average(groups, groups.rates_hz(toward, k), blocks)
            weights = conditions.weights(WIDTHS[int(np.argmax(by_width))])
    gain = (score - folds.mean_score()) / max(groups.n_spikes, 1.0) / np.log(2.0)
    return Choice(bool(jumps), grand_weights, weights, shrinkage, float(gain))


def _grand(groups: Groups, blocks: Blocks) -> _Average:
    return _Average(groups, groups.rates_hz(groups.mean_hz(), 0.0, pooled=True), blocks)


def _grand_folds(groups: Groups, blocks: Blocks) -> _Folds:
    fold = groups.groups % _N_OUTER
    seen = [groups.some(groups.groups[fold != f]) for f in np.unique(fold)]
    return _Folds(
        [_grand(some, blocks) for some in seen], [groups.some(groups.groups[fold == f]) for f in np.unique(fold)]
    )


def _shrinkage(groups: Groups, toward: Rate) -> float:
    """The best for any one bandwidth."""
    scores = groups.best_of_bandwidths(toward, SHRINKAGE_TRIALS)
    return SHRINKAGE_TRIALS[int(np.argmax(scores))]
