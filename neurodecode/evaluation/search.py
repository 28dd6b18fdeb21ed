"""Hyper-parameters by search: what makes trials likeliest that the fit has not seen.

Each fold searches on its own training and validation trials: the trials that one fold tests train the others, so
that one search for all folds would have seen every test trial. Within a fold a setting is fitted to training
trials and scored on the validation trials, which it has not seen: families that choose penalties, or when to
stop, do so on an eighth of the training trials, held out for that. What was found is then fitted as ever, to
training and validation trials. Settings are proposed by tree-structured Parzen estimators (Bergstra et al. 2011,
NeurIPS 24), as optuna has them (Akiba et al. 2019, KDD).
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurodecode.config.search import SearchConfig, SearchRange, numeric_type
from neurodecode.data.checkpoints import kept, stage
from neurodecode.data.splits import TRAIN_PARTS, VALIDATION_PARTS, Split, drawn_evenly
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.likelihood import mean_rate_hz, trial_log_likelihood
from neurodecode.models import PointProcessModel, build_model

if TYPE_CHECKING:
    from optuna.trial import Trial

LEAST = 1e-4  # bits/spike that a setting must win over the model as configured; rounding wins less

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Found:
    """The ``model`` with what was found, and the ``record`` of the search, JSON-able."""

    model: PointProcessModel
    record: dict[str, Any]


def searched(
    model: PointProcessModel, search: SearchConfig, trials: Trials, split: Split, seed: np.random.SeedSequence
) -> Found:
    """The likeliest of ``search.n_trials`` settings, and of ``model`` as it is, on one fold.

    Raises ConfigError where optuna is not installed, DataError for a fold with fewer than two training trials.
    """
    optuna = _optuna()
    draw, fit = seed.spawn(2)
    objective = _Objective.of(model, search, trials, split, fit)
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=int(draw.generate_state(1)[0]))
    )
    with stage(f"search of fold{split.fold}"):
        objective.score({})  # as configured: what stands unless a setting is better
        study.optimize(objective, n_trials=search.n_trials, catch=(ConfigError,))
    best = _best(objective.rows)
    log.info(
        "fold %d: %d settings tried; %s bits/spike on validation trials with %s, %s as configured",
        *(split.fold, search.n_trials, _told(best), best["hyperparameters"], _told(objective.rows[0])),
    )
    record = {"fold": split.fold, "chosen": best["hyperparameters"], "settings": objective.rows}
    return Found(objective.model_with(best["hyperparameters"]), record)


def _best(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The likeliest row; the first, the model as configured, unless another wins LEAST."""
    first, *others = rows
    scored = [row for row in others if row["bits_per_spike"] is not None]
    best = max(scored, key=lambda row: row["bits_per_spike"], default=first)
    known = first["bits_per_spike"]
    return best if known is None or best["bits_per_spike"] > known + LEAST else first


def _told(row: dict[str, Any]) -> str:
    return "no" if row["bits_per_spike"] is None else f"{row['bits_per_spike']:.4f}"


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "`search` needs optuna, which is not installed: make EXTRAS=nwb,search setup, or pip install "
            "'.[search]' -c constraints.txt"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would say every setting twice
    return optuna


@dataclass(frozen=True, eq=False)
class _Objective:
    """Fits one setting after the other on the same trials and seed; ``rows``: what came out, in order."""

    model: PointProcessModel
    search: SearchConfig
    train: Trials
    held_out: Trials
    validation: Trials
    seed: np.random.SeedSequence
    rows: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        model: PointProcessModel,
        search: SearchConfig,
        trials: Trials,
        split: Split,
        seed: np.random.SeedSequence,
    ) -> _Objective:
        """The trials of a fold: training, held out within it, and validation."""
        if split.train.size < 2:
            raise DataError(
                f"fold {split.fold}: a search needs two training trials, one to fit and one to hold out"
            )
        dealt, seed = seed.spawn(2)
        share = VALIDATION_PARTS / (TRAIN_PARTS + VALIDATION_PARTS)
        n_held = max(1, round(split.train.size * share))
        held = drawn_evenly(split.train, n_held, trials.condition, np.random.default_rng(dealt))
        train = np.setdiff1d(split.train, held)
        fit_to, held_out, scored = (trials.select(part) for part in (train, np.sort(held), split.validation))
        return cls(model, search, fit_to, held_out, scored, seed)

    def __call__(self, trial: Trial) -> float:
        """Bits per spike of the setting that the sampler proposes; ConfigError where its parts do not fit."""
        space = self.search.space.items()
        return self.score({n: _proposed(trial, type(self.model), n, values) for n, values in space})

    def model_with(self, hyperparameters: dict[str, Any]) -> PointProcessModel:
        """The model with these in the place of its own."""
        return build_model(self.model.family, **(asdict(self.model) | hyperparameters))

    def score(self, hyperparameters: dict[str, Any]) -> float:
        """Bits per spike of the validation trials over the mean rate; a row says so, null where there is none."""
        row: dict[str, Any] = {"hyperparameters": hyperparameters, "bits_per_spike": None}
        self.rows.append(row)
        value, row["seconds"] = kept(
            f"setting{len(self.rows)}",
            lambda: self._fitted_and_scored(hyperparameters),
            lambda made: ({}, {"value": made[0], "seconds": made[1]}),
            lambda parts: (float(parts[1]["value"]), float(parts[1]["seconds"])),
        )
        row["bits_per_spike"] = value if np.isfinite(value) else None
        return value

    def _fitted_and_scored(self, hyperparameters: dict[str, Any]) -> tuple[float, float]:
        """Bits per spike, and how many seconds it took."""
        started = time.perf_counter()
        fitted = self.model_with(hyperparameters).fit(self.train, self.held_out, np.random.default_rng(self.seed))
        n_spikes = int(self.validation.window_counts.sum(where=self.validation.window_mask))
        won = float(fitted.log_likelihood(self.validation).sum()) - self._mean_rate_nats
        return won / max(1, n_spikes) / float(np.log(2.0)), round(time.perf_counter() - started, 3)

    @cached_property
    def _mean_rate_nats(self) -> float:
        """Log-likelihood of the validation trials under each unit's mean rate in the trials of the fit."""
        fit, scored = self.train.concatenate(self.held_out), self.validation
        rate_hz = mean_rate_hz(fit.window_counts, fit.window_mask, fit.bin_size_s)
        everywhere = np.broadcast_to(rate_hz, scored.window_counts.shape)
        return float(
            trial_log_likelihood(scored.window_counts, everywhere, scored.bin_size_s, scored.window_mask).sum()
        )


def _proposed(
    trial: Trial, kind: type[PointProcessModel], name: str, values: SearchRange | tuple[Any, ...]
) -> Any:
    """A value of one hyper-parameter; lists are drawn by place, since they may hold lists."""
    if not isinstance(values, SearchRange):
        return values[trial.suggest_categorical(name, range(len(values)))]
    if numeric_type(kind, name) is int:
        step = 1 if values.step is None else int(values.step)
        return trial.suggest_int(name, int(values.low), int(values.high), step=step, log=values.log)
    return trial.suggest_float(name, values.low, values.high, step=values.step, log=values.log)
