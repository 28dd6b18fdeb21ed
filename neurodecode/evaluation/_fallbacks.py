"""Which folds of a model fell back to a simpler one, from what the fit wrote of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neurodecode.data.documents import read_json
from neurodecode.data.splits import Split
from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import ScoreRows

FALLBACK = "fallback"


def add_fallbacks(rows: ScoreRows, splits: Sequence[Split], fits: Mapping[str, str | Path]) -> None:
    """Metric ``fallback`` of every model that may fall back: 1 in a fold that did, pooled the share of folds.

    fits: model -> its fit.json. A fold that fell back predicts as the simpler model does (a network: as the GLM)
    and is no evidence that it is better or worse.
    """
    for model, path in fits.items():
        told = folds_that_fell_back(path)
        if told is None:
            continue
        fell_back = np.array(told, dtype=np.float64)
        for split, value in zip(splits, fell_back, strict=True):
            rows.add(model, FALLBACK, np.full(len(rows.units), value), fold=split.fold)
        rows.add(model, FALLBACK, np.full(len(rows.units), fell_back.mean()))


def folds_that_fell_back(path: str | Path) -> list[bool] | None:
    """Whether each fold of a fit.json did, in the folds' order; None for a model that cannot."""
    try:
        folds = read_json(path, way_out="fit the model again")["folds"]
        told = [fold["diagnostics"].get("fallback") for fold in folds]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not what the fit of a model says ({error!r}); fit the model again") from error
    return None if None in told else told
