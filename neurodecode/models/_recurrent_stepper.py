"""A GLM and what recurrent networks add to it, run forward one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.models._network_inputs import NetworkInputs
from neurodecode.models._population_gain import PopulationGainState
from neurodecode.models._sampling import Stepper
from neurodecode.models.glm import GLMStepper
from neurodecode.nn.device import Device, choose_device


class RecurrentStepper(Stepper):
    """The GLM and the networks run forward together, over all trials at once."""

    def __init__(
        self, inputs: NetworkInputs, networks: Sequence[Any], share: float, device: Device, trials: Trials
    ) -> None:
        """``share`` of what ``networks`` (``nn.network.RateNetwork``), if any, add to the GLM of ``inputs``."""
        super().__init__(trials, fill=inputs.glm.design.fill, binary=inputs.glm.grid.binary)
        self.device = choose_device(device)
        self.networks = [network.to(self.device).eval() for network in networks]
        self.inputs, self.share, self.lead = inputs, share, trials.lead
        self.glm = GLMStepper(inputs.glm, trials)
        drive = inputs.drive(trials, leave_out=False)
        self.driven = drive.columns
        self.history = inputs.basis.state(trials.n_trials, inputs.glm.design.fill)
        self.gain = PopulationGainState(inputs.gain, drive.due)
        self.states: list[Any] = [None] * len(self.networks)

    def expected(self, step: int) -> Float[np.ndarray, "rows units"]:
        """Expected counts of ``step``; steps before the burn-in are only listened to."""
        import torch

        first = self.lead - self.inputs.burn_in
        shape = (self.rows.size, self.inputs.n_units)
        if step < first:
            return np.zeros(shape)
        log_mean = self.glm.log_mean(step) if step >= self.lead else np.zeros(shape)
        history = self.history.features.reshape(shape[0], -1)
        parts = [history, self.gain.features, self.driven[self.rows, step - first]]
        raw = np.concatenate(parts, axis=1, dtype=np.float32)
        now = torch.from_numpy((raw - self.inputs.mean) / self.inputs.sd)[:, None].to(self.device)
        nothing = torch.zeros(shape, device=self.device)[:, None]
        with torch.inference_mode():
            for number, network in enumerate(self.networks):
                added, self.states[number] = network(now, nothing, self.states[number])
                log_mean = log_mean + self.share * added[:, 0].cpu().numpy() / len(self.networks)
        mean: np.ndarray = np.minimum(np.exp(log_mean), self.inputs.glm.cap)
        return mean

    def observe(self, step: int, counts: Float[np.ndarray, "rows units"]) -> None:
        """Take in the counts of ``step``."""
        self.glm.observe(step, counts)
        self.history.push(counts)
        self.gain.push(step, counts.sum(axis=1), self.rows)

    def repeat_state(self, times: int) -> None:
        """The GLM's, the inputs' and the cells'."""
        self.glm, self.history = self.glm.forked(times), self.history.repeated(times)
        self.gain = self.gain.repeated(times)
        self.states = [_repeated(state, times) for state in self.states]


def _repeated(state: Any, times: int) -> Any:
    """The state of a cell: a tensor (layers, batch, hidden), a tuple of such, or None before the first step."""
    if state is None:
        return None
    if isinstance(state, tuple):
        return tuple(_repeated(part, times) for part in state)
    return state.repeat_interleave(times, dim=1)
