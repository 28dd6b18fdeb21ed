"""What every spike-train model must be able to do."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float

from neurodecode.data.splits import Split
from neurodecode.data.trials import Trials
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models._forecast import forecast_in_blocks
from neurodecode.models._sampling import Stepper, sample_jointly


class FittedModel(abc.ABC):
    """A model with its parameters; immutable."""

    model: PointProcessModel

    @abc.abstractmethod
    def intensity(self, trials: Trials) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) of each bin of the window given condition, covariates and the spikes before that bin."""

    @abc.abstractmethod
    def stepper(self, trials: Trials) -> Stepper:
        """The model run forward over these trials, step by step, on whatever it is told of the steps before."""

    @abc.abstractmethod
    def parameters(self) -> dict[str, np.ndarray]:
        """Everything estimated, as named arrays."""

    def description(self) -> dict[str, Any]:
        """What else ``rebuild`` needs, JSON-able."""
        return {}

    def diagnostics(self) -> dict[str, Any]:
        """How the fit went (chosen penalties, learning curves), JSON-able; for fit.json and the report."""
        return {}

    @final
    def sample(self, trials: Trials, rng: np.random.Generator) -> Trials:
        """New counts in the window for these conditions and covariates.

        The lead's observed counts are the history that sampling starts from; units are drawn jointly, bin by bin.
        """
        return sample_jointly(trials, self.stepper(trials), rng)

    @final
    def forecast(
        self, trials: Trials, n_steps: int, rng: np.random.Generator, *, n_samples: int = 8
    ) -> Float[np.ndarray, "trials bins units"]:
        """Rate (Hz) of each bin given the spikes before its block of ``n_steps`` bins, and the model's own after.

        The mean over ``n_samples`` futures drawn within the block. One step is ``intensity``: see _forecast.py.
        """
        if n_steps == 1:
            return self.intensity(trials)
        return forecast_in_blocks(trials, self.stepper, n_steps, rng, n_samples=n_samples) / trials.bin_size_s

    @final
    def log_likelihood(self, trials: Trials) -> Float[np.ndarray, " units"]:
        """Log-likelihood per unit in nats over the window; the same formula for every model."""
        total: np.ndarray = trial_log_likelihood(
            trials.window_counts, self.intensity(trials), trials.bin_size_s, trials.window_mask
        ).sum(axis=0)
        return total

    @final
    def save(self, path: str | Path) -> None:
        """Write the parameters (safetensors) to ``path`` and what rebuilds the model to ``path`` + .json."""
        from neurodecode.models._store import save_fitted

        save_fitted(path, f"{path}.json", [self])


@dataclass(frozen=True)
class PointProcessModel(abc.ABC):
    """Hyper-parameters of a model that has seen no data; checked in ``__post_init__``.

    ``family`` is the name of the file that the class stands in.
    """

    family: ClassVar[str]
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __init_subclass__(cls) -> None:
        cls.family = cls.__dict__.get("family", cls.__module__.rpartition(".")[2])

    @abc.abstractmethod
    def fit(self, trials: Trials, validation: Trials, rng: np.random.Generator) -> FittedModel:
        """Estimate parameters from training trials; choices (penalty, stopping) may use ``validation``."""

    @abc.abstractmethod
    def rebuild(self, parameters: dict[str, np.ndarray], description: dict[str, Any]) -> FittedModel:
        """The fitted model that ``parameters()`` and ``description()`` were taken from."""

    def fit_folds(
        self, trials: Trials, splits: Sequence[Split], seeds: Sequence[np.random.SeedSequence]
    ) -> list[FittedModel]:
        """One fitted model for each split, each with its own seed; those of before an interruption are kept."""
        from neurodecode.models._kept import kept_fit

        def fit(split: Split, seed: np.random.SeedSequence) -> FittedModel:
            train, validation = (trials.select(part) for part in (split.train, split.validation))
            return self.fit(train, validation, np.random.default_rng(seed))

        return [
            kept_fit(f"fold{split.fold}", self, partial(fit, split, seed))
            for split, seed in zip(splits, seeds, strict=True)
        ]

    @classmethod
    def hyperparameter_names(cls) -> set[str]:
        """Names that the configuration may give."""
        return {f.name for f in fields(cls) if f.init}
