"""The PSTH times a causal estimate of each trial's gain.

The rate of a unit in a trial is g psth(t), and the gain g has a Gamma prior of mean 1 (Goris et al. 2014, Nat
Neurosci 17:858). Given the spikes before t its posterior mean is (a + n) / (a + m): n spikes of the trial so far
where the PSTH expected m. Both forget exponentially, since a gain drifts (West & Harrison 1997, Bayesian
Forecasting and Dynamic Models, sect. 10.8). The spikes are the unit's own or, where that predicts it better, those
of all units. Time constants start at 0.25 s: this is slow drift, which would otherwise pass for spike history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._gain import FASTEST_S, MARGIN, BlockSums, decayed_past
from neurodecode.models._grid import Grid
from neurodecode.models._sampling import Stepper
from neurodecode.models.psth import PSTH, FittedPSTH, fit_psth

_CHUNK_VALUES = 2**20  # rates of single trials held at a time


@dataclass(frozen=True)
class GainPSTH(PointProcessModel):
    """``time_constants_s`` of forgetting and ``prior_spikes`` (a): what each unit's are chosen from.

    That the gain stays 1 is always among the choices.
    """

    time_constants_s: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 32.0)
    prior_spikes: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)

    def __post_init__(self) -> None:
        if not self.time_constants_s or not min(self.time_constants_s) >= FASTEST_S:
            raise ConfigError(
                f"psth_gain: time_constants_s must be {FASTEST_S} s or longer and not empty, got "
                f"{self.time_constants_s}; what follows spikes faster than that is history: use glm"
            )
        if not self.prior_spikes or not min(self.prior_spikes) > 0:
            raise ConfigError(f"psth_gain: prior_spikes must be positive and not empty, got {self.prior_spikes}")

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedGainPSTH:
        """The PSTH of training and validation trials; the gain from each of them under the PSTH of the others."""
        del rng
        both = trials.concatenate(validation)
        return self.fit_to(both, fit_psth(both, PSTH()))

    def fit_to(self, trials: Trials, psth: FittedPSTH) -> FittedGainPSTH:
        """The gain of ``trials``, each under the PSTH of the others; ``psth`` is the one fitted to all of them."""
        scores = np.zeros((2, len(self.time_constants_s), len(self.prior_spikes), trials.n_units))
        for some in _chunks(trials):
            scores += self._scores(some, psth.leave_one_out(some))
        return self._chosen(psth, scores)

    def _scores(self, trials: Trials, rate_hz: np.ndarray) -> np.ndarray:
        """Log-likelihood (nats) won over a gain of 1: (own or shared spikes, time constants, priors, units)."""
        sums = BlockSums.of(trials, rate_hz)
        own_and_shared = (sums.counts, sums.mu), (_shared(sums.counts), _shared(sums.mu))
        return np.stack([sums.won(n, m, self.time_constants_s, self.prior_spikes) for n, m in own_and_shared])

    def _chosen(self, psth: FittedPSTH, scores: np.ndarray) -> FittedGainPSTH:
        flat = scores.reshape(-1, scores.shape[-1])
        best = flat.argmax(axis=0)
        shared, tau, a = np.unravel_index(best, scores.shape[:-1])
        wins = flat.max(axis=0) > MARGIN
        return FittedGainPSTH(
            model=self,
            psth=psth,
            shared=shared == 1,
            time_constant_s=np.array(self.time_constants_s, float)[tau],
            prior_spikes=np.where(wins, np.array(self.prior_spikes, float)[a], np.inf),
        )

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedGainPSTH:
        """From the PSTH's parameters and the choices."""
        own = {name: parameters[name] for name in ("shared", "time_constant_s", "prior_spikes")}
        aggregate = {k.removeprefix("psth."): v for k, v in parameters.items() if k.startswith("psth.")}
        return FittedGainPSTH(model=self, psth=PSTH().rebuild(aggregate, description["psth"]), **own)


@dataclass(frozen=True, eq=False)
class FittedGainPSTH(FittedModel):
    """``psth``, and per unit: whether all units' spikes tell its gain (``shared``), how long they are remembered,
    and the expected spikes that the prior is worth (infinite: the gain stays 1)."""

    model: GainPSTH
    psth: FittedPSTH
    shared: Bool[np.ndarray, " units"]
    time_constant_s: Float[np.ndarray, " units"]
    prior_spikes: Float[np.ndarray, " units"]

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """PSTH times gain (Hz); DataError for another grid or other conditions."""
        self.grid.check_window(trials, family=self.model.family)
        rates = np.empty(trials.window_counts.shape)
        start = 0
        for some in _chunks(trials):
            rates[start : start + some.n_trials] = self._intensity(some)
            start += some.n_trials
        return rates

    def _intensity(self, trials: Trials) -> np.ndarray:
        rate_hz = self.psth.intensity_with_lead(trials)
        rate_hz = rate_hz * self._gain(trials, rate_hz)
        capped: np.ndarray = np.minimum(rate_hz, self._most_hz)[:, trials.lead :]
        return capped

    def log_gain(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials steps units"]:
        """Log of the gain at each step; ``leave_out`` for the trials that the PSTH was fitted to."""
        log_gain = np.empty(trials.counts.shape)
        start = 0
        for some in _chunks(trials):
            rate_hz = self.psth.leave_one_out(some) if leave_out else self.psth.intensity_with_lead(some)
            log_gain[start : start + some.n_trials] = np.log(self._gain(some, rate_hz))
            start += some.n_trials
        return log_gain

    def _gain(self, trials: Trials, rate_hz: np.ndarray) -> Float[np.ndarray, "trials steps units"]:
        """(a + n) / (a + m) where ``rate_hz`` (trials, steps, units) was expected; 1 where none is followed."""
        gain = np.ones(rate_hz.shape)
        mu = np.where(trials.mask, rate_hz * trials.bin_size_s, 0.0)
        counts = np.where(trials.mask, trials.counts, 0).astype(np.float64)
        both = (counts, mu), (_shared(counts), _shared(mu))
        for unit in np.flatnonzero(np.isfinite(self.prior_spikes)):
            decay, prior = self._decay[unit], self.prior_spikes[unit]
            n, m = (
                decayed_past(v[..., [min(unit, v.shape[2] - 1)]], decay)[..., 0]
                for v in both[int(self.shared[unit])]
            )
            gain[..., unit] = (prior + n) / (prior + m)
        return gain

    def stepper(self, trials: Trials) -> GainStepper:
        """The gain that follows what is observed."""
        self.grid.check_window(trials, family=self.model.family)
        return GainStepper(self, trials)

    def parameters(self) -> dict[str, np.ndarray]:
        """The PSTH's parameters and the choices."""
        aggregate = {f"psth.{name}": values for name, values in self.psth.parameters().items()}
        choices = {name: getattr(self, name) for name in ("shared", "time_constant_s", "prior_spikes")}
        return {**aggregate, **choices}

    def description(self) -> dict[str, Any]:
        """The PSTH's."""
        return {"psth": self.psth.description()}

    def diagnostics(self) -> dict[str, Any]:
        """What was chosen for each unit; null: its gain stays 1."""
        follows = np.isfinite(self.prior_spikes)
        choices = ("shared", "time_constant_s", "prior_spikes")
        chosen = {
            n: [v if f else None for v, f in zip(getattr(self, n).tolist(), follows, strict=True)] for n in choices
        }
        return {**chosen, "psth": self.psth.diagnostics()}

    @property
    def grid(self) -> Grid:
        """The PSTH's."""
        return self.psth.grid

    @property
    def _decay(self) -> Float[np.ndarray, " units"]:
        decay: Float[np.ndarray, " units"] = np.exp(-self.grid.bin_size_s / self.time_constant_s)
        return decay

    @property
    def _most_hz(self) -> float:
        return 1.0 / self.grid.bin_size_s if self.grid.binary else np.inf


class GainStepper(Stepper):
    """The gain run forward: n spikes seen, m expected."""

    def __init__(self, fitted: FittedGainPSTH, trials: Trials) -> None:
        unread = np.zeros(trials.n_units)  # unobserved steps are left out of the gain, whatever stands for them
        super().__init__(trials, fill=unread, binary=fitted.grid.binary)
        self._fitted, self._mask = fitted, trials.mask
        self._mu = fitted.psth.intensity_with_lead(trials) * trials.bin_size_s
        self._n, self._m = np.zeros((2, trials.n_trials, trials.n_units))

    def expected(self, step: int) -> Float[np.ndarray, "rows units"]:
        """PSTH times gain."""
        most = self._fitted.grid.bin_size_s * self._fitted._most_hz
        mu: Float[np.ndarray, "rows units"] = np.minimum(self._mu[self.rows, step] * self.gain(), most)
        return mu

    def gain(self) -> Float[np.ndarray, "rows units"]:
        """The gain at the coming step."""
        follows = np.isfinite(self._fitted.prior_spikes)
        prior = np.where(follows, self._fitted.prior_spikes, 1.0)
        gain: np.ndarray = np.where(follows, (prior + self._n) / (prior + self._m), 1.0)
        return gain

    def observe(self, step: int, counts: Float[np.ndarray, "rows units"]) -> None:
        """Remember the counts of ``step`` where it was observed."""
        observed, mu = self._mask[self.rows, step], self._mu[self.rows, step]
        seen, due = (np.where(observed, values, 0.0) for values in (counts, mu))
        shared, decay = self._fitted.shared, self._fitted._decay
        self._n = decay * self._n + np.where(shared, _shared(seen), seen)
        self._m = decay * self._m + np.where(shared, _shared(due), due)

    def repeat_state(self, times: int) -> None:
        """Both sums."""
        self._n, self._m = (np.repeat(values, times, axis=0) for values in (self._n, self._m))


def _chunks(trials: Trials) -> Iterator[Trials]:
    at_once = max(1, _CHUNK_VALUES // (trials.n_steps * trials.n_units))
    for start in range(0, trials.n_trials, at_once):
        yield trials.select(np.arange(start, min(start + at_once, trials.n_trials)))


def _shared(values: np.ndarray) -> np.ndarray:
    """Summed over units, which are last."""
    total: np.ndarray = values.sum(axis=-1, keepdims=True)
    return total


MODEL = GainPSTH
EXAMPLE = GainPSTH(time_constants_s=(0.25, 1.0), prior_spikes=(4.0, 16.0))
