"""Poisson GLM with spike history.

Truccolo et al. 2005, J Neurophysiol 93:1074, eq. 8; coupling: Pillow et al. 2008, Nature 454:995.

log mu_t = b + a log psth_t + f_condition(t) + covariates . c + own history . h + other units' history . k, one set
of weights per unit. f, in penalised splines, is the drive, in place of the aggregate (a = 0) or beside it (a = 1):
adaptation makes an aggregate of the drive that is flatter than the drive. How smooth f is, training trials say
(_glm_smoothness.py). The aggregate enters as its log, with each training trial left out of its own aggregate;
without f its weight a is free. Concave: a fit is the optimum. Ridge penalties on own history and coupling, and
what stands for the drive, are chosen per unit by the likelihood of validation trials; coupling may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from neurodecode.data.batches import batches, trial_batches
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.features.history import HistoryBasis, HistoryState, mean_count
from neurodecode.models._base import FittedModel, PointProcessModel
from neurodecode.models._covariates import covariate_columns
from neurodecode.models._glm_design import HistoryDesign
from neurodecode.models._glm_fit import PenaltyGrid, fit_path, refit
from neurodecode.models._glm_weights import Penalties, UnitWeights
from neurodecode.models._grid import Grid
from neurodecode.models._sampling import Stepper
from neurodecode.models.psth import PSTH, fit_psth
from neurodecode.models.psth_gain import GainPSTH, GainStepper

Coupling = Literal["auto", "own", "units", "mean"]
TimeCourse = Literal["auto", "beside", "none"]
_TRIALS_AT_ONCE = 32  # whose log means are made together where they are many
MANY_UNITS = 32  # above it `auto` couples to the population's mean: pairwise weights grow with units squared


@dataclass(frozen=True)
class SpikeHistoryGLM(PointProcessModel):
    """``n_lags`` single bins and log-spaced traces up to ``longest_s`` make the history.

    ``coupling``: ``own`` history only, all ``units``, the population's ``mean``, or ``auto`` (units up to 32 of
    them, else mean). ``history_penalties``, ``coupling_penalties``: what validation chooses from. ``time_course``:
    f in place of the aggregate, ``beside`` it or ``none``; ``auto`` lets validation choose.

    ``lags_s``: single bins over this many seconds, in place of ``n_lags`` of them. ``longest_s`` 0: no traces, and
    with ``n_lags`` 0 no own history. ``slow_gain``: the aggregate is scaled by the causal gain of ``psth_gain``
    before history is fitted, so that slow drift is not credited to it.
    """

    coupling: Coupling = "auto"
    n_lags: int = 4
    longest_s: float = 0.5
    history_penalties: tuple[float, ...] = (1.0, 30.0, 1000.0, 1e5)
    time_course: TimeCourse = "auto"
    coupling_penalties: tuple[float, ...] = (30.0, 300.0, 3000.0)
    lags_s: float | None = None
    slow_gain: bool = False

    def __post_init__(self) -> None:
        if self.n_lags < 0:
            raise ConfigError(f"glm: n_lags must not be negative, got {self.n_lags}")
        if not 0 <= self.longest_s < np.inf:
            raise ConfigError(f"glm: longest_s must be 0 or a finite time, got {self.longest_s}")
        if not isinstance(self.slow_gain, bool):
            raise ConfigError(f"glm: slow_gain must be true or false, got {self.slow_gain!r}")
        if self.time_course not in get_args(TimeCourse):
            raise ConfigError(f"glm: time_course must be one of {get_args(TimeCourse)}, got {self.time_course!r}")
        if self.lags_s is not None and not 0 < self.lags_s < np.inf:
            raise ConfigError(
                f"glm: lags_s must be a positive, finite time, got {self.lags_s}; for none: n_lags: 0"
            )
        if self.coupling not in get_args(Coupling):
            raise ConfigError(f"glm: coupling must be one of {get_args(Coupling)}, got {self.coupling!r}")
        if self.longest_s == 0 and self.coupling in ("units", "mean"):
            raise ConfigError(
                f"glm: coupling {self.coupling!r} is by traces, and longest_s 0 leaves none: give a time"
            )
        for name in ("history_penalties", "coupling_penalties"):
            if not all(penalty > 0 for penalty in getattr(self, name)):
                raise ConfigError(f"glm: {name} must be positive, got {getattr(self, name)}")
        if not self.history_penalties:
            raise ConfigError(
                "glm: history_penalties must not be empty; without own history: n_lags 0, longest_s 0"
            )

    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedGLM:
        """Choose the penalties on ``validation``, then refit on both."""
        return self.refit(self.fit_training(trials, validation), trials.concatenate(validation))

    def refit(self, chosen: FittedGLM, trials: Trials) -> FittedGLM:
        """The fit to other trials, with the penalties of ``chosen``."""
        design = self._design(trials)
        weights = refit(design, trials, chosen.weights)
        return FittedGLM(self, design, weights, Grid.of(trials), _cap(trials))

    def fit_training(self, trials: Trials, validation: Trials) -> FittedGLM:
        """The fit to the training trials alone, with the penalties that ``validation`` chose."""
        design = self._design(trials)
        weights = fit_path(design, trials, validation, self._grid())
        return FittedGLM(self, design, weights, Grid.of(trials), _cap(trials))

    def _grid(self) -> PenaltyGrid:
        # A gain scales the aggregate: no time-course can take its place.
        beside = {"auto": (1.0,) if self.slow_gain else (0.0, 1.0), "beside": (1.0,), "none": ()}
        return PenaltyGrid(self.history_penalties, beside[self.time_course], self.coupling_penalties)

    def _design(self, trials: Trials) -> HistoryDesign:
        psth = fit_psth(trials, PSTH())
        n_lags = self.n_lags if self.lags_s is None else bins_within(self.lags_s, trials.bin_size_s)
        own = HistoryBasis.log_spaced(trials.bin_size_s, n_lags=n_lags, longest_s=self.longest_s)
        coupling = self.coupling
        if coupling == "auto":
            coupling = "units" if trials.n_units <= MANY_UNITS else "mean"
        # Coupling is weak and smooth: every second time constant, no single bins.
        alone = coupling == "own" or trials.n_units == 1
        sources = HistoryBasis(0, () if alone else own.decays[::2])
        gain = GainPSTH().fit_to(trials, psth) if self.slow_gain else None
        return HistoryDesign(psth, own, sources, coupling == "units", mean_count(trials), gain)

    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedGLM:
        """The fitted GLM that ``parameters()`` and ``description()`` were taken from."""
        psth = PSTH().rebuild(
            {k.removeprefix("psth."): v for k, v in parameters.items() if k.startswith("psth.")},
            description["psth"],
        )
        design = HistoryDesign(
            psth,
            HistoryBasis(description["n_lags"], tuple(parameters["own_decays"].tolist())),
            HistoryBasis(0, tuple(parameters["source_decays"].tolist())),
            description["per_unit"],
            parameters["fill"],
            replace(GainPSTH().rebuild(parameters, description), psth=psth) if self.slow_gain else None,
        )
        weights = UnitWeights.from_arrays(parameters)
        return FittedGLM(self, design, weights, Grid.from_description(description["grid"]), description["cap"])


def bins_within(duration_s: float, bin_size_s: float) -> int:
    """How many bins it takes to reach over ``duration_s``; rounding in the last digits does not add one."""
    return max(1, int(np.ceil(duration_s / bin_size_s - 1e-6)))


def _cap(trials: Trials) -> float:
    """Largest expected count that is ever predicted: the largest count seen, 1 for 0/1 counts."""
    return max(1.0, float(trials.counts.max(initial=0, where=trials.mask)))


@dataclass(frozen=True, eq=False)
class FittedGLM(FittedModel):
    """``weights`` per unit on ``design``; ``cap``: largest expected count per bin."""

    model: SpikeHistoryGLM
    design: HistoryDesign
    weights: UnitWeights
    grid: Grid
    cap: float

    def log_mean(self, trials: Trials, *, leave_out: bool = False) -> Float[np.ndarray, "trials bins units"]:
        """Log of the expected count, uncapped; ``leave_out`` for trials that the aggregate was made of."""
        self.grid.check_window(trials, family=self.model.family)
        self.grid.check_covariates(trials, family=self.model.family)
        log_mean: np.ndarray = self.history_log_mean(trials)
        for batch in trial_batches(trials.n_trials, trials.n_steps * trials.n_units):
            log_mean[batch] += self._driven(trials.select(batch), leave_out=leave_out)
        return log_mean

    def narrow_log_mean(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials bins units"]:
        """``log_mean`` in float32, made of some trials at a time."""
        out = np.empty((trials.n_trials, trials.n_bins, trials.n_units), np.float32)
        whole = max(map(len, trial_batches(trials.n_trials, self.design.own_values(trials))), default=1)
        together = whole * max(1, _TRIALS_AT_ONCE // whole)  # batches that histories are made in stay as they are
        for some in batches(trials.n_trials, together):
            out[some] = self.log_mean(trials.select(some), leave_out=leave_out)
        return out

    def history_log_mean(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """The part of ``log_mean`` that the past adds: own and other units' history."""
        out = np.empty((trials.n_trials, trials.n_bins, trials.n_units))
        design, units = self.design, list(range(trials.n_units))
        for batch in trial_batches(trials.n_trials, design.own_values(trials)):
            some = trials.select(batch)
            history = np.einsum("tbuf,uf->tbu", design.own_history(some, units), self.weights.own)
            if design.n_sources():
                history = history + np.einsum(
                    "tbsf,usf->tbu", design.source_history(some), self.weights.sources, optimize=True
                )
            out[batch] = history
        return out

    def _driven(self, trials: Trials, *, leave_out: bool) -> Float[np.ndarray, "trials bins units"]:
        """What does not depend on spikes: bias, aggregate, covariates."""
        w = self.weights
        driven: np.ndarray = (
            w.bias + w.aggregate * self.design.log_aggregate(trials, leave_out=leave_out)[:, trials.lead :]
        )
        driven = driven + np.moveaxis(w.time_course, 0, 2)[trials.condition]
        if w.covariates.size:
            driven = driven + covariate_columns(trials)[:, trials.lead :] @ w.covariates.T
        return driven

    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) given only spikes before each bin."""
        mean: np.ndarray = np.minimum(np.exp(self.log_mean(trials)), self.cap)
        return mean / trials.bin_size_s

    def stepper(self, trials: Trials) -> GLMStepper:
        """Each spike enters the history of all units."""
        self.grid.check_window(trials, family=self.model.family)
        return GLMStepper(self, trials)

    def parameters(self) -> dict[str, np.ndarray]:
        """Weights, filters' decays and the aggregate."""
        psth = {f"psth.{name}": values for name, values in self.design.psth.parameters().items()}
        gain = {} if self.design.gain is None else self.design.gain.parameters()
        return {
            **psth,
            **gain,
            **self.weights.arrays(),
            "own_decays": np.array(self.design.own.decays),
            "source_decays": np.array(self.design.sources.decays),
            "fill": self.design.fill,
        }

    def description(self) -> dict[str, Any]:
        """What else rebuilds the model."""
        return {
            "psth": self.design.psth.description(),
            "n_lags": self.design.own.n_lags,
            "per_unit": self.design.per_unit,
            "grid": self.grid.describe(),
            "cap": self.cap,
        }

    def diagnostics(self) -> dict[str, Any]:
        """Penalties per unit, ``null`` where these columns were left out, and the weight of the aggregate."""
        chosen = [[None if np.isinf(p) else float(p) for p in column] for column in self.weights.penalties.T]
        found = {f"{name}_penalty": column for name, column in zip(Penalties._fields, chosen, strict=True)}
        del found["beside_penalty"]
        return {**found, "aggregate_weight": self.weights.aggregate.tolist()}


class GLMStepper(Stepper):
    """The GLM run forward over all trials at once."""

    def __init__(self, fitted: FittedGLM, trials: Trials) -> None:
        design = fitted.design
        super().__init__(trials, fill=design.fill, binary=fitted.grid.binary)
        self.fitted, self.lead = fitted, trials.lead
        # The gain follows what is drawn: it enters step by step, beside what does not depend on spikes.
        ungained = replace(fitted, design=replace(design, gain=None))
        self.driven = ungained._driven(trials, leave_out=False)
        self.gain = GainStepper(design.gain, trials) if design.gain else None
        self.own = design.own.state(trials.n_trials, design.fill)
        self.sources: HistoryState | None = None
        if design.n_sources():
            self.sources = design.sources.state(trials.n_trials, design.source_fill())

    def log_mean(self, step: int) -> Float[np.ndarray, "rows units"]:
        """Log of the expected counts of a step of the window."""
        weights = self.fitted.weights
        driven = self.driven[self.rows, step - self.lead]
        log_mean: np.ndarray = driven + (self.own.features * weights.own).sum(-1)
        if self.sources is not None:
            log_mean = log_mean + np.tensordot(self.sources.features, weights.sources, axes=((1, 2), (1, 2)))
        if self.gain is not None:
            log_mean = log_mean + weights.aggregate * np.log(self.gain.gain())
        return log_mean

    def expected(self, step: int) -> Float[np.ndarray, "rows units"]:
        """Expected counts of ``step``; the lead is only listened to."""
        if step < self.lead:
            return np.zeros((self.rows.size, self.fill.size))
        mean: np.ndarray = np.minimum(np.exp(self.log_mean(step)), self.fitted.cap)
        return mean

    def observe(self, step: int, counts: Float[np.ndarray, "rows units"]) -> None:
        """Take in the counts of ``step``."""
        self.own.push(counts)
        if self.sources is not None:
            self.sources.push(self.fitted.design.source_counts(counts))
        if self.gain is not None:
            self.gain.observe(step, counts)

    def repeat_state(self, times: int) -> None:
        """Histories and gain."""
        self.own = self.own.repeated(times)
        if self.sources is not None:
            self.sources = self.sources.repeated(times)
        if self.gain is not None:
            self.gain = self.gain.forked(times)


MODEL = SpikeHistoryGLM
EXAMPLE = SpikeHistoryGLM(longest_s=0.1, history_penalties=(1.0, 100.0), coupling_penalties=(100.0,))
