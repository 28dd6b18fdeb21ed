"""Units predicted by their PSTH times a gain that all units are taken to share, estimated from the others alone.

The gain is that of the family ``psth_gain``, (a + n) / (a + m): here n spikes of all held-in units so far in the
trial, where their PSTHs expected m. The prior's worth a and how long spikes are remembered are chosen for each
held-out unit on the trials of the fit, each under the PSTHs of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.batches import trial_batches
from neurodecode.data.trials import Trials
from neurodecode.models._gain import MARGIN, BlockSums, decayed_past
from neurodecode.models.co_smoothing._base import (
    CoSmoother,
    DividedTrials,
    FittedCoSmoother,
    largest_count,
    unheard,
)
from neurodecode.models.psth import PSTH, FittedPSTH, fit_psth
from neurodecode.models.psth_gain import GainPSTH

_RATES = 8  # arrays of rates of single trials held at a time


@dataclass(frozen=True)
class SharedGainPSTH(CoSmoother):
    """Chooses from the time constants and priors of ``model``; that the gain stays 1 is among the choices."""

    model: GainPSTH
    causal: bool = True

    def fit(
        self, training: DividedTrials, validation: DividedTrials, rng: np.random.Generator
    ) -> FittedSharedGain:
        """The PSTHs of training and validation trials, then the gain; ``rng`` is not used."""
        del rng
        both = training.concatenate(validation)
        psth_in, psth_out = fit_psth(both.held_in, PSTH()), fit_psth(both.held_out, PSTH())
        taus, priors = self.model.time_constants_s, self.model.prior_spikes
        won = np.zeros((len(taus), len(priors), both.held_out.n_units))
        per_trial = both.held_in.n_steps * (both.held_in.n_units + both.held_out.n_units)
        for batch in trial_batches(both.held_in.n_trials, _RATES * per_trial):
            some = both.select(batch)
            heard = BlockSums.of(some.held_in, psth_in.leave_one_out(some.held_in))
            told = BlockSums.of(some.held_out, psth_out.leave_one_out(some.held_out))
            won += told.won(_summed(heard.counts), _summed(heard.mu), taus, priors)
        flat = won.reshape(-1, won.shape[-1])
        tau, prior = np.unravel_index(flat.argmax(axis=0), won.shape[:-1])
        wins = flat.max(axis=0) > MARGIN
        return FittedSharedGain(
            psth_in,
            psth_out,
            both.held_out.unit_names,
            np.array(taus, float)[tau],
            np.where(wins, np.array(priors, float)[prior], np.inf),
            largest_count(both.held_out),
        )


@dataclass(frozen=True, eq=False)
class FittedSharedGain(FittedCoSmoother):
    """PSTHs of both sides; of each held-out unit how long spikes are remembered and what the prior is worth in
    spikes (infinite: the gain stays 1); ``cap``: largest expected count per bin."""

    psth_in: FittedPSTH
    psth_out: FittedPSTH
    held_out: tuple[str, ...]
    time_constant_s: Float[np.ndarray, " units"]
    prior_spikes: Float[np.ndarray, " units"]
    cap: float

    def intensity(self, held_in: Trials) -> Float[np.ndarray, "trials bins units"]:
        """PSTH times gain (Hz)."""
        rate_hz = self.psth_out.intensity(unheard(held_in, self.held_out))
        expected = self.psth_in.intensity_with_lead(held_in) * held_in.bin_size_s
        seen = _summed(np.where(held_in.mask, held_in.counts, 0).astype(np.float64))
        due = _summed(np.where(held_in.mask, expected, 0.0))
        for unit in np.flatnonzero(np.isfinite(self.prior_spikes)):
            decay = float(np.exp(-held_in.bin_size_s / self.time_constant_s[unit]))
            n, m = (decayed_past(values, decay)[:, held_in.lead :, 0] for values in (seen, due))
            rate_hz[..., unit] *= (self.prior_spikes[unit] + n) / (self.prior_spikes[unit] + m)
        capped: np.ndarray = np.minimum(rate_hz, self.cap / held_in.bin_size_s)
        return capped

    def parameters(self) -> dict[str, np.ndarray]:
        """Both PSTHs' and the choices."""
        psths = {"psth_in": self.psth_in, "psth_out": self.psth_out}
        arrays = {f"{side}.{name}": v for side, psth in psths.items() for name, v in psth.parameters().items()}
        return {**arrays, "time_constant_s": self.time_constant_s, "prior_spikes": self.prior_spikes}

    def diagnostics(self) -> dict[str, Any]:
        """What was chosen for each held-out unit; null: its gain stays 1."""
        follows = np.isfinite(self.prior_spikes).tolist()
        chosen = {"time_constant_s": self.time_constant_s, "prior_spikes": self.prior_spikes}
        return {
            name: [v if f else None for v, f in zip(values.tolist(), follows, strict=True)]
            for name, values in chosen.items()
        }


def _summed(values: np.ndarray) -> Float[np.ndarray, "trials steps 1"]:
    total: np.ndarray = values.sum(axis=-1, keepdims=True)
    return total


def co_smoothers(model: GainPSTH) -> list[SharedGainPSTH]:
    """One, which hears the sum of the held-in units."""
    return [SharedGainPSTH(model)]
