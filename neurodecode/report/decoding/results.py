"""What the decoders of one session said and scored, read once for all of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.config.run import PRE_STIMULUS
from neurodecode.config.target import target_config
from neurodecode.data.documents import read_json
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.errors import DataError
from neurodecode.evaluation._decoding_rows import TASK_OF_KIND
from neurodecode.evaluation.decoded import Decoded, load_decoded
from neurodecode.evaluation.decoding_scores import baselines_of
from neurodecode.evaluation.likelihoods import fold_of_trials
from neurodecode.evaluation.scores import read_scores
from neurodecode.evaluation.targets import Target
from neurodecode.report.decoding.appearance import decoder_colours, decoder_order
from neurodecode.report.decoding.comparison import Comparison
from neurodecode.report.scoretable import ScoreTable, score_tables


@dataclass(frozen=True, eq=False, kw_only=True)
class DecodingResults:
    """One session's target, what its decoders said of every trial out of fold, and their scores.

    families: decoder -> its family, that of a likelihood decoder followed by ``:`` and its model's family.
    fits: decoder -> fit.json. models: encoding model -> its family, of those that the session was fitted with.
    tables: target, or one dim of it as ``velocity[0]`` -> scores. before: those of the target in the window before
    the stimulus, where there is one. unit: what errors are told in. seed: of permutations.
    """

    session: str
    target: Target
    splits: Sequence[Split]
    families: Mapping[str, str]
    fits: Mapping[str, Mapping[str, Any]]
    models: Mapping[str, str]
    decoded: Mapping[str, Decoded]
    tables: Mapping[str, ScoreTable]
    before: ScoreTable = field(default_factory=lambda: ScoreTable({}))
    unit: str = ""
    seed: int = 0

    @property
    def n_dims(self) -> int:
        """Of a signal; an angle counts as one."""
        return 1 if self.kind != "signal" or self.target.circular else int(self.target.values.shape[2])

    @property
    def kind(self) -> str:
        """What is decoded: class, signal or value."""
        return self.target.kind

    @property
    def scores(self) -> ScoreTable:
        """Of the whole target."""
        return self.tables.get(self.target.name, ScoreTable({}))

    @property
    def decoders(self) -> list[str]:
        """From the plainest to the richest; those that are not causal stand last within their family."""
        return decoder_order(self.families, self.causal)

    @cached_property
    def causal(self) -> dict[str, bool]:
        """Decoder -> whether it decodes a bin from this and earlier bins alone."""
        return {name: bool(fit["causal"]) for name, fit in self.fits.items()}

    @property
    def read(self) -> dict[str, str]:
        """Likelihood decoder -> the encoding model that it reads by name."""
        asked = {name: fit.get("hyperparameters", {}).get("model") for name, fit in self.fits.items()}
        return {name: model for name, model in asked.items() if isinstance(model, str) and model in self.models}

    @cached_property
    def colours(self) -> dict[str, str]:
        """Colour of each decoder."""
        return decoder_colours(self.families, self.read, self.models)

    @property
    def comparison(self) -> Comparison:
        """Which decoder beats which baseline."""
        return Comparison(
            kind=self.kind,
            families=self.families,
            causal=self.causal,
            baselines=baselines_of(self.families, self.kind),
            scores=self.scores,
        )

    @cached_property
    def classes(self) -> np.ndarray:
        """Names of the classes, sorted."""
        return np.unique(self.target.values)

    @cached_property
    def codes(self) -> np.ndarray:
        """(trials,) place of each trial's class among ``classes``."""
        return np.searchsorted(self.classes, self.target.values)

    @cached_property
    def fold(self) -> np.ndarray:
        """(trials,) the fold that tests each trial, negative where none does."""
        return fold_of_trials(self.splits, self.target.trials.n_trials)

    @property
    def tested(self) -> np.ndarray:
        """(trials,) True for trials that a fold tests."""
        return np.asarray(self.fold >= 0)


def read_decoding(
    *,
    session: str,
    trials: str | Path,
    splits: str | Path,
    target: Mapping[str, Any],
    scores: str | Path,
    before: str | Path | None,
    predictions: Mapping[str, str | Path],
    fits: Mapping[str, str | Path],
    families: Mapping[str, str],
    models: Mapping[str, str],
    seed: int,
) -> DecodingResults:
    """Read one session's files; ``predictions``, ``fits``: a decoder's name -> its file.

    target: the session's entry. before: scores of the window before the stimulus, None where there is none.
    Raises DataError for a file that is missing, not ours, or of other trials.
    """
    wanted = target_config(target, f"sessions.{session}.target")
    held = Target.of(load_trials(trials), wanted)
    task = TASK_OF_KIND[held.kind]
    earlier = {} if before is None else target_tables(read_scores(before), task).get((session, PRE_STIMULUS), {})
    about = {name: read_json(path) for name, path in fits.items()}
    if lacking := [str(fits[name]) for name, fit in about.items() if "causal" not in fit]:
        raise DataError(f"{lacking[0]}: not what the fit of a decoder says; fit it again")
    return DecodingResults(
        session=session,
        target=held,
        splits=load_splits(splits),
        families=families,
        fits=about,
        models=models,
        decoded={name: load_decoded(path) for name, path in predictions.items()},
        tables=target_tables(read_scores(scores), task).get((session, ""), {}),
        before=earlier.get(held.name, ScoreTable({})),
        unit="rad" if wanted.circular else wanted.unit or f"unit of {wanted.name}",
        seed=seed,
    )


def target_tables(frame: pd.DataFrame, task: str) -> dict[tuple[str, str], dict[str, ScoreTable]]:
    """(session, control) -> target -> its scores, of one task."""
    found: dict[tuple[str, str], dict[str, ScoreTable]] = {}
    rows = frame[frame["task"] == task]
    for target, of_target in rows.groupby("target", sort=False):
        for key, table in score_tables(of_target, task).items():
            found.setdefault(key, {})[str(target)] = table
    return found
