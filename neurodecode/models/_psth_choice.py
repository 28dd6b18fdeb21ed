"""How much to smooth a unit's PSTH and how far to shrink it, by cross-validated likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials
from neurodecode.likelihood import rate_of_totals
from neurodecode.models._smoothing import Smoother

# Pseudo-trials of the grand mean that join a condition's trials; infinite: the grand mean alone.
SHRINKAGE_TRIALS = (np.inf, 64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.0)
# Trials' worth of the level above that every rate holds: what keeps it above 0 where no spike was ever seen.
FLOOR_TRIALS = 0.05


@dataclass(frozen=True)
class Choice:
    """Of one unit: bandwidths (steps; infinite is flat), shrinkage (trials), gain over its mean (bits/spike)."""

    grand_bandwidth: float
    bandwidth: float
    shrinkage_trials: float
    gain_bits_per_spike: float


def shrunk_rate(
    counts: np.ndarray,
    observed: np.ndarray,
    toward_hz: np.ndarray,
    pseudo_trials: np.ndarray | float,
    bin_size_s: float,
) -> np.ndarray:
    """Rate (Hz) of smoothed counts over smoothed numbers of observed trials, shrunk toward another rate.

    The posterior mean under a Gamma prior worth ``pseudo_trials`` (and FLOOR_TRIALS more) of ``toward_hz``.
    """
    weight = np.asarray(pseudo_trials) + FLOOR_TRIALS
    finite = np.where(np.isinf(weight), 0.0, weight)
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing was observed, which the infinite weight replaces
        rate = (counts / bin_size_s + finite * toward_hz) / (observed + finite)
    return np.where(np.isinf(weight), toward_hz, rate)


def deal_groups(condition: Int[np.ndarray, " trials"], n_groups: int) -> Int[np.ndarray, " trials"]:
    """The group of each trial: conditions are dealt out in turn, so that each is spread over the groups.

    A condition with no more trials than groups is thereby left out one trial at a time.
    """
    group = np.empty(condition.size, int)
    group[np.argsort(condition, kind="stable")] = np.arange(condition.size) % n_groups
    return group


def summed(
    values: np.ndarray, condition: np.ndarray, group: np.ndarray, shape: tuple[int, int]
) -> Float[np.ndarray, "groups conditions steps"]:
    """Sums of (trials, steps) over the trials of each group and condition."""
    out = np.zeros((*shape, values.shape[1]))
    for g, c in np.unique(np.stack([group, condition], axis=1), axis=0):
        out[g, c] = values[(group == g) & (condition == c)].sum(axis=0, dtype=np.int64)
    return out


def choose(trials: Trials, smoother: Smoother, bandwidths: Sequence[float], n_groups: int) -> list[Choice]:
    """The choices for each unit: those under which held-out groups of trials are likeliest.

    One unit at a time: sums over groups and conditions are all that is ever smoothed, never single trials.
    """
    group = deal_groups(trials.condition, min(n_groups, trials.n_trials))
    shape = (int(group.max(initial=0)) + 1, trials.n_conditions)
    shared = trials.mask.shape[2] == 1
    choices = []
    held = None
    for unit in range(trials.n_units):
        mask = trials.mask[:, :, 0 if shared else unit]
        if held is None or not shared:
            held = _Observed.of(summed(mask, trials.condition, group, shape), smoother, bandwidths)
        counts = summed(trials.counts[:, :, unit] * mask, trials.condition, group, shape)
        choices.append(_choose_unit(counts, held, smoother, bandwidths, trials.bin_size_s))
    return choices


@dataclass(frozen=True, eq=False)
class _Observed:
    """Observed trials per group, condition and step, and the same of all *other* groups, smoothed."""

    here: Float[np.ndarray, "groups conditions bins"]
    totals: Float[np.ndarray, " groups"]
    others: list[Float[np.ndarray, "groups conditions bins"]]

    @classmethod
    def of(cls, sums: np.ndarray, smoother: Smoother, bandwidths: Sequence[float]) -> _Observed:
        window = sums[..., smoother.lead :]
        others = sums.sum(axis=0) - sums
        return cls(
            window,
            others[..., smoother.lead :].sum(axis=(1, 2)),
            [s[..., smoother.lead :] for s in smoother.at_each(others, bandwidths)],
        )


def _choose_unit(
    sums: Float[np.ndarray, "groups conditions steps"],
    observed: _Observed,
    smoother: Smoother,
    bandwidths: Sequence[float],
    bin_size_s: float,
) -> Choice:
    lead = smoother.lead
    here = sums[..., lead:]
    spiking = np.nonzero(here)
    spikes = here[spiking]
    others = sums.sum(axis=0) - sums
    mean_hz = rate_of_totals(others[..., lead:].sum(axis=(1, 2)), observed.totals * bin_size_s)[:, None, None]

    def score(rate_hz: np.ndarray) -> float:
        """Log-likelihood (nats) of each group's trials under the rate of the others, up to a constant."""
        everywhere = np.broadcast_to(rate_hz, here.shape)
        return float(spikes @ np.log(everywhere[spiking]) - bin_size_s * np.vdot(everywhere, observed.here))

    grands = [
        shrunk_rate(smooth[..., lead:], seen.sum(axis=1, keepdims=True), mean_hz, 0.0, bin_size_s)
        for smooth, seen in zip(
            smoother.at_each(others.sum(axis=1, keepdims=True), bandwidths), observed.others, strict=True
        )
    ]
    grand_scores = [score(grand) for grand in grands]
    best = int(np.argmax(grand_scores))
    grand, top = grands[best], (grand_scores[best], np.inf, np.inf)
    for bandwidth, smooth, seen in zip(
        bandwidths, smoother.at_each(others, bandwidths), observed.others, strict=True
    ):
        for k in SHRINKAGE_TRIALS[1:]:
            value = score(shrunk_rate(smooth[..., lead:], seen, grand, k, bin_size_s))
            if value > top[0]:
                top = (value, bandwidth, k)
    gain = (top[0] - score(mean_hz)) / max(spikes.sum(), 1.0) / np.log(2.0)
    return Choice(bandwidths[best], top[1], top[2], float(gain))
