"""The gain of the whole population, estimated from its spikes so far: an input of recurrent networks.

With n spikes of all units seen where m were expected, both forgotten exponentially, the posterior mean of a gain
with a Gamma prior of mean 1 is (a + n) / (a + m): see psth_gain.py. Networks see its log for several time
constants. They could make it from single units' traces and aggregates, but only out of many trials.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from neurodecode.features.history import HistoryBasis
from neurodecode.models._gain import decayed_past

FASTEST_S = 0.05  # below it, one spike more or less is all there is to see
PRIOR_SPIKES = 4.0


@dataclass(frozen=True)
class PopulationGain:
    """``decays``: factor per step of each time constant; there may be none."""

    decays: tuple[float, ...]

    @classmethod
    def up_to(cls, longest_s: float, bin_size_s: float) -> PopulationGain:
        """Time constants ``longest_s``, half of it, ... down to ``FASTEST_S``."""
        basis = HistoryBasis.log_spaced(bin_size_s, n_lags=0, longest_s=longest_s)
        return cls(tuple(d for d in basis.decays if -bin_size_s / np.log(d) >= FASTEST_S))

    def transform(
        self, seen: Float[np.ndarray, "trials steps"], due: Float[np.ndarray, "trials steps"]
    ) -> Float[np.ndarray, "trials steps gains"]:
        """Log gains at each step, from spikes of all units ``seen`` and ``due`` in the steps before."""
        out = np.empty((*seen.shape, len(self.decays)), np.float32)
        for k, decay in enumerate(self.decays):
            n, m = (decayed_past(values, decay) for values in (seen, due))
            out[..., k] = np.log((PRIOR_SPIKES + n) / (PRIOR_SPIKES + m))
        return out


class PopulationGainState:
    """The gain before the first step, to be run forward; each row is one of the trials that ``due`` is for."""

    def __init__(self, gain: PopulationGain, due: Float[np.ndarray, "trials steps"]) -> None:
        self.decays, self.due = np.array(gain.decays), due
        self.seen_past = np.zeros((len(due), len(gain.decays)))
        self.due_past = np.zeros((len(due), len(gain.decays)))

    @property
    def features(self) -> Float[np.ndarray, "rows gains"]:
        """What ``transform`` gives for this step."""
        return np.log((PRIOR_SPIKES + self.seen_past) / (PRIOR_SPIKES + self.due_past))

    def push(self, step: int, seen: Float[np.ndarray, " rows"], rows: Int[np.ndarray, " rows"]) -> None:
        """Take in the spikes of ``step``; ``rows``: the trial that each row is of."""
        self.seen_past = self.decays * self.seen_past + seen[:, None]
        self.due_past = self.decays * self.due_past + self.due[rows, step, None]

    def repeated(self, times: int) -> PopulationGainState:
        """A state of its own in which each row stands ``times`` times in a row."""
        other = copy(self)
        other.seen_past, other.due_past = (np.repeat(x, times, axis=0) for x in (self.seen_past, self.due_past))
        return other
