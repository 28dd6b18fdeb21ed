"""All figures of what was decoded from one session, and what the page says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from neurodecode.data.store import written_whole
from neurodecode.report.decoding.figures import (
    confusion,
    decoded_traces,
    decoded_values,
    decoders,
    reliability,
    unfolding,
)
from neurodecode.report.decoding.results import DecodingResults, read_decoding
from neurodecode.report.drawn import draw_all

SCHEMA_VERSION = 1
FIGURES: Mapping[str, ModuleType] = {
    "decoders": decoders,
    "unfolding": unfolding,
    "reliability": reliability,
    "confusion": confusion,
    "decoded_traces": decoded_traces,
    "decoded_values": decoded_values,
}
"""Name of the file, less ``.png`` -> what draws it; in the order of the page."""
OF_KIND: Mapping[str, tuple[str, ...]] = {
    "class": ("decoders", "unfolding", "reliability", "confusion"),
    "signal": ("decoders", "decoded_traces"),
    "value": ("decoders", "decoded_values"),
}
"""The figures that the page shows of each kind of target."""


def draw_decoding(
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
    output: str | Path,
) -> None:
    """Draw every figure of ``FIGURES`` as PNG beside ``output``, and write there what the page needs as JSON.

    Arguments as of ``read_decoding``. A figure of another kind of target becomes a picture of the reason, so that
    the files are always the same. Raises DataError for files that cannot be read.
    """
    results = read_decoding(
        session=session,
        trials=trials,
        splits=splits,
        target=target,
        scores=scores,
        before=before,
        predictions=predictions,
        fits=fits,
        families=families,
        models=models,
        seed=seed,
    )
    drawn = list(draw_all(FIGURES, results, Path(output).parent, session))
    shown = [one for one in drawn if one["name"] in OF_KIND[results.kind]]
    with written_whole(output) as part:
        part.write_text(json.dumps(_section(results, shown), indent=1) + "\n", encoding="utf-8")


def _section(results: DecodingResults, shown: list[dict[str, str]]) -> dict[str, Any]:
    target, trials = results.target, results.target.trials
    return {
        "schema_version": SCHEMA_VERSION,
        "session": results.session,
        "kind": results.kind,
        "target": target.name,
        "unit": results.unit,
        "circular": target.circular,
        "families": dict(results.families),
        "causal": results.causal,
        "baselines": dict(results.comparison.baselines),
        "colours": results.colours,
        "seconds": {name: results.fits[name].get("seconds") for name in results.decoders},
        "trials": {
            "tested": int(results.tested.sum()),
            "units": trials.n_units,
            "folds": len(results.splits),
            "classes": [str(name) for name in results.classes] if results.kind == "class" else [],
            "window_s": [trials.window_start_s, trials.window_start_s + trials.n_bins * trials.bin_size_s],
        },
        "figures": shown,
    }
