"""A simulated recording on disk, with the truth behind it as if a model had predicted it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurodecode.data.store import written_whole
from neurodecode.evaluation.seeds import seed_sequence

log = logging.getLogger(__name__)


def simulate_recording(
    *, population: str, n_trials: int, session: str, seed: int, outputs: Mapping[str, str | Path]
) -> None:
    """Simulate a session and write its ``recording`` (NWB), and the oracle's ``predictions`` and ``samples``.

    Raises ConfigError for an unknown population or too few trials.
    """
    from neurodecode.io import write_nwb
    from neurodecode.simulate import simulate

    rng = np.random.default_rng(seed_sequence(seed, session, "simulation"))
    simulated = simulate(population, n_trials=n_trials, rng=rng)
    write_nwb(outputs["recording"], simulated.session)
    with written_whole(outputs["predictions"]) as part, part.open("wb") as file:
        np.save(file, simulated.oracle_hz.astype(np.float32), allow_pickle=False)
    with written_whole(outputs["samples"]) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, counts=simulated.samples)
    log.info("%s: %d trials of population %s", session, n_trials, population)
