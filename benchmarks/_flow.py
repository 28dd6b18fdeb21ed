"""How far back the loss of a decoding network reaches, on given sequences: what figures and tables are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from neurodecode.dynamics.cells import driven_steps, exact, hidden_activity, resting
from neurodecode.dynamics.gradient_flow import gradient_norms, product_singular_values
from neurodecode.dynamics.steps import trajectory
from neurodecode.errors import DataError
from neurodecode.nn.decoding_network import DecodingNetwork


def gradient_flow(
    network: DecodingNetwork, inputs: np.ndarray, target: Float[np.ndarray, "rows outputs"], n_lags: int
) -> Float[np.ndarray, " lags"]:
    """Root mean square over rows of d loss / d h(t - k) for k = 1 to ``n_lags``, over that of k = 1.

    inputs (rows, steps, n_inputs); loss: squared error of the outputs at the last of these steps, t, against
    ``target``. State of an LSTM: h and c. Raises DataError for a readout of 0, which no state reaches.
    """
    if not bool(network.readout.weight.any()):
        raise DataError("the readout is 0, as before training: no state reaches the loss; train the network first")
    whole = exact(network)
    steps, start = _last_steps(whole.cell, inputs, n_lags)
    wanted = torch.from_numpy(np.asarray(target, np.float64))
    skipped = whole.skip(torch.from_numpy(np.asarray(inputs[:, -1], np.float64)))

    def loss(rows: torch.Tensor) -> torch.Tensor:
        said = whole.readout(hidden_activity(whole.cell, rows)) + skipped
        return (said - wanted).square().sum(1)

    norms = np.sqrt((gradient_norms(steps, start, loss)[1:] ** 2).mean(axis=1))
    return np.asarray(norms / norms[0])


def singular_values(cell: Any, inputs: np.ndarray, lags: Sequence[int]) -> Float[np.ndarray, "lags n"]:
    """Of d h(t) / d h(t - k), largest first, geometric means over the rows of ``inputs``; t: their last step."""
    steps, start = _last_steps(exact(cell), inputs, max(lags))
    found = product_singular_values(steps, start, lags)
    return np.asarray(np.exp(np.log(np.maximum(found, np.finfo(np.float64).tiny)).mean(axis=1)))


def _last_steps(cell: Any, inputs: np.ndarray, n_lags: int) -> tuple[list[Any], torch.Tensor]:
    """The last ``n_lags`` steps, and the states before them."""
    driven = torch.from_numpy(np.asarray(inputs, np.float64))
    steps = driven_steps(cell, driven)
    before = trajectory(steps[: len(steps) - n_lags], resting(cell, len(inputs)))[-1]
    return steps[len(steps) - n_lags :], before
