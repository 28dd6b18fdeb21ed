"""What a network in training and its GLM make of a past that the network drew in part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials
from neurodecode.models._sampling import draw_counts
from neurodecode.models.glm import FittedGLM


@dataclass(frozen=True, eq=False)
class OwnPast:
    """The training ``trials`` with their past remade from mixed counts.

    history(trials, due): the network's inputs of burn-in and window that come from spikes, the first of its
    inputs, where spikes ``due`` (trials, steps) were expected of all units. driven: the part of the GLM's log-mean
    that does not come from spikes. What depends on no spike of the past stays as it was: the aggregate of a
    training trial leaves the recorded trial out, not the mixed one.
    """

    trials: Trials
    glm: FittedGLM
    history: Callable[[Trials, np.ndarray], Float[np.ndarray, "trials steps inputs"]]
    due: Float[np.ndarray, "trials steps"]
    driven: Float[np.ndarray, "trials bins units"]

    @classmethod
    def of(
        cls,
        trials: Trials,
        glm: FittedGLM,
        history: Callable[[Trials, np.ndarray], np.ndarray],
        due: Float[np.ndarray, "trials steps"],
        offset: Float[np.ndarray, "trials bins units"],
    ) -> OwnPast:
        """From ``offset``, the GLM's log-mean of ``trials`` given their recorded past."""
        return cls(trials, glm, history, due, (offset - glm.history_log_mean(trials)).astype(np.float32))

    def __call__(
        self,
        segments: Int[np.ndarray, "batch 2"],
        inputs: Float[np.ndarray, "batch steps inputs"],
        log_mean: Float[np.ndarray, "batch bins units"],
        share: float,
        rng: np.random.Generator,
    ) -> tuple[Float[np.ndarray, "batch steps inputs"], Float[np.ndarray, "batch bins units"]]:
        """Inputs and offset of segments (trial, first bin), a ``share`` of whose bins are drawn anew.

        inputs, log_mean: what the recorded past gave. One coin for each bin, all units together; bins before a
        segment keep what was recorded.
        """
        bins, mixed = self.mixed(segments, log_mean, share, rng)
        past = self.trials.select(segments[:, 0]).with_window_counts(mixed)
        history = self.history(past, self.due[segments[:, 0]])
        burn_in = history.shape[1] - self.trials.n_bins
        steps = bins[:, -1:] + burn_in + np.arange(1 - inputs.shape[1], 1)  # up to the segment's last bin
        history = np.take_along_axis(history, steps[..., None], axis=1)
        remade = np.concatenate([history, inputs[..., history.shape[2] :]], axis=2, dtype=np.float32)
        offset = self.driven[segments[:, 0]] + self.glm.history_log_mean(past)
        return remade, np.take_along_axis(offset, bins[..., None], axis=1).astype(np.float32)

    def mixed(
        self,
        segments: Int[np.ndarray, "batch 2"],
        log_mean: Float[np.ndarray, "batch bins units"],
        share: float,
        rng: np.random.Generator,
    ) -> tuple[Int[np.ndarray, "batch bins"], np.ndarray]:
        """The bins of each segment, and the counts (batch, window bins, units) with the draws among them."""
        mu = np.minimum(np.exp(log_mean.astype(np.float64)), self.glm.cap)
        drawn = draw_counts(mu, rng, binary=self.glm.grid.binary)
        bins = segments[:, 1:] + np.arange(log_mean.shape[1])
        counts = self.trials.window_counts[segments[:, 0]].astype(np.uint16)
        recorded = np.take_along_axis(counts, bins[..., None], axis=1)
        own = rng.random(bins.shape)[..., None] < share
        np.put_along_axis(counts, bins[..., None], np.where(own, drawn, recorded), axis=1)
        return bins, counts
