"""Which folds of a model fell back to a simpler one, from what the fit wrote of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from neurodecode.data.splits import Split
from neurodecode.evaluation._score_rows import ScoreRows

FALLBACK = "fallback"


def add_fallbacks(rows: ScoreRows, splits: Sequence[Split], fits: Mapping[str, str | Path]) -> None:
    """Metric ``fallback`` of every model that may fall back: 1 in a fold that did, pooled the share of folds.

    fits: model -> its fit.json. A fold that fell back predicts as the simpler model does (a network: as the GLM)
    and is no evidence that it is better or worse.
    """
    for model, path in fits.items():
        folds = json.loads(Path(path).read_text(encoding="utf-8"))["folds"]
        told = [fold["diagnostics"].get("fallback") for fold in folds]
        if None in told:
            continue
        fell_back = np.array(told, dtype=np.float64)
        for split, value in zip(splits, fell_back, strict=True):
            rows.add(model, FALLBACK, np.full(len(rows.units), value), fold=split.fold)
        rows.add(model, FALLBACK, np.full(len(rows.units), fell_back.mean()))
