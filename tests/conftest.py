"""Shapes in annotations are checked while testing; a toy session that every model can be fitted to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook

_ROOMS = ("data", "dynamics", "features", "likelihood", "metrics", "models", "nn")
install_import_hook([f"neurodecode.{room}" for room in _ROOMS], "beartype.beartype")

# The hook must stand before the first import.
from neurodecode.data.splits import Split  # noqa: E402
from neurodecode.data.trials import Trials  # noqa: E402
from neurodecode.models._network_share import Share  # noqa: E402

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def toy_trials() -> Trials:
    """24 trials of 2 units in 2 conditions, 20 lead steps and 60 bins of 5 ms, with a covariate and a hole."""
    rng = np.random.default_rng(7)
    steps = np.arange(80)
    rate_hz = np.stack([20 + 15 * np.sin(steps / 9.0), 30 + 20 * np.cos(steps / 7.0)], axis=-1)
    condition = np.arange(24) % 2
    drive = rng.normal(size=(24, 80))
    mu = 0.005 * rate_hz * np.exp(0.3 * drive)[..., None] * np.where(condition, 1.5, 0.8)[:, None, None]
    mask = np.ones((24, 80, 1), bool)
    mask[3, :10] = mask[5, 50:60] = False
    return Trials.from_counts(
        rng.random(mu.shape) < mu,
        0.005,
        lead=20,
        mask=mask,
        condition=condition,
        condition_names=["left", "right"],
        covariates={"drive": drive},
    )


@pytest.fixture(scope="session")
def kept() -> Callable[[Any, Trials, Split], Any]:
    """``kept(model, trials, split)``: a fitted network, kept whatever validation says, that says something."""

    def fit(model: Any, trials: Trials, split: Split) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("neurodecode.models._recurrent.chosen_share", lambda *_: Share(1.0, 0.1, 0.05))
            one = model.fit(trials.select(split.train), trials.select(split.validation), np.random.default_rng(1))
        torch.manual_seed(0)
        network = one.networks[0]  # readouts that have learnt nothing are 0
        torch.nn.init.normal_(network.population.readout.weight, std=0.3)
        if network.own is not None:
            torch.nn.init.normal_(network.own.readout, std=0.3)
        return one

    return fit


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; tests that need it are skipped where it is absent."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"the real recordings are not here: {RECORDINGS}")
    return RECORDINGS
