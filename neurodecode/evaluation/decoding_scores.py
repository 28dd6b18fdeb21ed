"""What decoders say of one session's trials, out of fold -> its rows of scores.csv."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.config.decoders import LIKELIHOOD
from neurodecode.config.target import TargetConfig, target_config
from neurodecode.data.documents import read_json
from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation._class_scores import add_class_scores
from neurodecode.evaluation._decoding_rows import DecodingRows
from neurodecode.evaluation._signal_scores import add_signal_scores
from neurodecode.evaluation.decoded import Decoded, load_decoded
from neurodecode.evaluation.scores import write_scores
from neurodecode.evaluation.targets import Target

log = logging.getLogger(__name__)

CAUSAL = "causal"
OF_PSTH = f"{LIKELIHOOD}:psth"
_AGGREGATES = {"class": ("naive_bayes", OF_PSTH), "signal": ("bayesian", "mean"), "value": ("mean",)}


def baselines_of(families: Mapping[str, str], kind: str) -> dict[str, str]:
    """Decoder -> the aggregate decoder that it is held against; decoders without one are absent.

    families: decoder -> its family, that of a likelihood decoder followed by ``:`` and the family of its encoding
    model. A likelihood decoder is held against that of the PSTH, so that the model is all they differ in; other
    class decoders against naive Bayes, or that of the PSTH where there is none; decoders of a signal against the
    Bayesian one, or the mean; of a value against the mean. Of several of a family the first counts, and it is held
    against nothing itself.
    """
    of_family = {families[name]: name for name in reversed(list(families))}
    found = {}
    for name, family in families.items():
        likely = family.startswith(f"{LIKELIHOOD}:")
        order = (OF_PSTH, "naive_bayes") if likely else _AGGREGATES[kind]
        baseline = next((of_family[one] for one in order if one in of_family), None)
        if baseline is not None and baseline != name:
            found[name] = baseline
    return found


def decoding_scores(
    *,
    trials: Trials,
    splits: Sequence[Split],
    target: TargetConfig,
    decoded: Mapping[str, Decoded],
    causal: Mapping[str, bool],
    baselines: Mapping[str, str],
    session: str,
    control: str,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Scores of decoders in the columns of scores.csv, tasks ``classify``, ``regress`` and ``trial_value``.

    decoded: decoder -> what it says of each trial, by the fold that tests it; from any tool. causal: decoder ->
    whether a bin is decoded from this and earlier bins alone. baselines: decoder -> what it is held against.
    ``n_bootstrap`` 0: no intervals.

    Raises DataError for predictions of another shape, of other classes, or not finite where needed.
    """
    wanted = Target.of(trials, target)
    strata = np.zeros(trials.n_trials, int)
    if wanted.kind == "class":
        strata = np.unique(wanted.values, return_inverse=True)[1]
    rows = DecodingRows(
        session=session,
        control=control,
        kind=wanted.kind,
        target=wanted.name,
        splits=splits,
        strata=strata,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    if wanted.kind == "class":
        add_class_scores(rows, wanted, splits, decoded, baselines)
    else:
        add_signal_scores(rows, wanted, decoded, baselines)
    for name in decoded:
        rows.add(name, CAUSAL, float(causal[name]))
    return rows.frame()


def write_decoding_scores(
    *,
    trials: str | Path,
    splits: str | Path,
    predictions: Mapping[str, str | Path],
    fits: Mapping[str, str | Path],
    families: Mapping[str, str],
    target: Mapping[str, Any],
    session: str,
    control: str,
    n_bootstrap: int,
    seed: int,
    output: str | Path,
) -> None:
    """Score one session's decoders and write their table to ``output``.

    predictions, fits: decoder -> path. families: as of ``baselines_of``.
    """
    wanted = target_config(target, f"sessions.{session}.target")
    frame = decoding_scores(
        trials=load_trials(trials),
        splits=load_splits(splits),
        target=wanted,
        decoded={name: load_decoded(path) for name, path in predictions.items()},
        causal={name: _causal(path) for name, path in fits.items()},
        baselines=baselines_of(families, wanted.kind),
        session=session,
        control=control,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    write_scores(frame, output)
    log.info("%s: %d decoders of %s scored", session, len(predictions), wanted.name)


def _causal(path: str | Path) -> bool:
    try:
        return bool(read_json(path, way_out="fit it again")["causal"])
    except KeyError as error:
        raise DataError(f"{path}: not what the fit of a decoder says ({error!r}); fit it again") from error
