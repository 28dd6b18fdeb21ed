"""All figures of one session, and what the page says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from neurodecode.data.store import written_whole
from neurodecode.report.drawn import draw_all
from neurodecode.report.figures import (
    adaptation,
    decomposition,
    forecasts,
    gains,
    hazard,
    intervals,
    overview,
    quality,
    rasters,
    rescaling,
    single_trials,
    sufficiency,
    training,
    variability,
)
from neurodecode.report.results import SessionResults, read_results

SCHEMA_VERSION = 1
FIGURES: Mapping[str, ModuleType] = {
    "overview": overview,
    "gains": gains,
    "decomposition": decomposition,
    "sufficiency": sufficiency,
    "rasters": rasters,
    "single_trials": single_trials,
    "rescaling": rescaling,
    "hazard": hazard,
    "intervals": intervals,
    "adaptation": adaptation,
    "variability": variability,
    "forecasts": forecasts,
    "training": training,
    "quality": quality,
}
"""Name of the file, less ``.png`` -> what draws it; in the order of the page."""


def draw_session(
    *,
    session: str,
    trials: str | Path,
    splits: str | Path,
    scores: str | Path | Sequence[str | Path],
    quality: str | Path,
    predictions: Mapping[str, str | Path],
    samples: Mapping[str, str | Path],
    fits: Mapping[str, str | Path],
    forecasts: Mapping[str, str | Path] | None = None,
    seed: int,
    output: str | Path,
) -> None:
    """Draw every figure of ``FIGURES`` as PNG beside ``output``, and write there the session's section as JSON.

    predictions, samples, fits, forecasts: model -> its file; the oracle has no fit, and only models that were run
    free of the recording have forecasts. scores: the tables of the session's tasks. A figure that cannot be drawn
    becomes a picture of the reason, so that the files are always the same. Raises DataError for files that cannot
    be read.
    """
    results = read_results(
        session=session,
        trials=trials,
        splits=splits,
        scores=scores,
        quality=quality,
        predictions=predictions,
        samples=samples,
        fits=fits,
        forecasts=forecasts,
        seed=seed,
    )
    shown = list(draw_all(FIGURES, results, Path(output).parent, session))
    with written_whole(output) as part:
        part.write_text(json.dumps(_section(results, shown), indent=1) + "\n", encoding="utf-8")


def _sampled_rates(results: SessionResults) -> dict[str, float]:
    """Spikes in each model's sampled trains over those recorded in the same bins; empty for a silent recording."""
    mask = np.broadcast_to(results.trials.window_mask, results.trials.window_counts.shape)
    recorded = int(results.trials.window_counts.sum(where=mask, dtype=np.int64))
    if recorded == 0:
        return {}
    return {m: int(results.samples[m].sum(where=mask, dtype=np.int64)) / recorded for m in results.samples}


def _section(results: SessionResults, shown: list[dict[str, str]]) -> dict[str, Any]:
    trials = results.trials
    return {
        "schema_version": SCHEMA_VERSION,
        "session": results.session,
        "best_model": results.best,
        "families": {model: results.families[model] for model in results.models},
        "colours": results.colours,
        "seconds": {model: fit.get("seconds") for model, fit in results.fits.items()},
        "sampled_rates": _sampled_rates(results),
        "trials": {
            "trials": trials.n_trials,
            "units": trials.n_units,
            "conditions": len(set(trials.condition.tolist())),
            "bins": trials.n_bins,
            "bin_size_s": trials.bin_size_s,
            "window_s": [trials.window_start_s, trials.window_start_s + trials.n_bins * trials.bin_size_s],
            "lead_s": trials.lead * trials.bin_size_s,
            "spikes": int(trials.window_counts.sum()),
            "folds": len(results.splits),
            "has_spike_times": trials.has_spike_times,
        },
        "quality": dict(results.quality),
        "figures": shown,
    }
