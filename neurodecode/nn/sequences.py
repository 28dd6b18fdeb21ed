"""Trials as training sequences: segments of a bounded length, each with the steps before it as burn-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt

_CACHED_VALUES = 2e8  # input values that may stay in memory: 800 MB in float32


Remake = Callable[[np.ndarray, np.ndarray, np.ndarray, float, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""(segments, inputs, log expected counts, share of draws, generator) -> inputs and offset, float32, of a batch."""


@dataclass(frozen=True)
class Batch:
    """inputs (batch, steps, n_inputs); the rest (batch, bins, units or 1) for the last bins of the steps.

    segments (batch, 2): the trial and first bin that each row came from.
    """

    inputs: torch.Tensor
    offset: torch.Tensor
    counts: torch.Tensor
    mask: torch.Tensor
    segments: np.ndarray


@dataclass(frozen=True, eq=False)
class Sequences:
    """Trials to train on or to run through.

    make_inputs(trial indices) -> (n, burn_in + bins, n_inputs) float32, the burn-in being the steps before the
    window. counts, mask and offset (log expected counts that the network starts from): the window only.
    remake: inputs and offset given a past that is in part the network's own draw; scheduled sampling needs it.
    """

    make_inputs: Callable[[np.ndarray], Float[np.ndarray, "trials steps inputs"]]
    burn_in: int
    counts: UInt[np.ndarray, "trials bins units"]
    mask: Bool[np.ndarray, "trials bins #units"]
    offset: Float[np.ndarray, "trials bins units"]
    remake: Remake | None = None

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return int(self.counts.shape[0])

    @property
    def n_bins(self) -> int:
        """Bins of the window."""
        return int(self.counts.shape[1])

    def cached(self) -> Sequences:
        """The same with all inputs made once, if they fit in memory; else as it is."""
        first = self.make_inputs(np.arange(min(1, self.n_trials)))
        if first.size * self.n_trials > _CACHED_VALUES:
            return self
        held = self.make_inputs(np.arange(self.n_trials))
        return replace(self, make_inputs=lambda trials: held[trials])

    def segments(self, length: int) -> np.ndarray:
        """(segments, 2): trial and first bin. All segments are equally long; the last of a trial may overlap."""
        length = min(length, self.n_bins)
        n_segments = -(-self.n_bins // length)
        starts = np.linspace(0, self.n_bins - length, n_segments).round().astype(int)
        trials = np.repeat(np.arange(self.n_trials), n_segments)
        return np.stack([trials, np.tile(starts, self.n_trials)], axis=1)

    def batch(self, segments: np.ndarray, length: int, device: torch.device) -> Batch:
        """The segments (n, 2) as tensors on ``device``; counts travel as integers and are cast there."""
        length = min(length, self.n_bins)
        trials, starts = segments[:, 0], segments[:, 1]
        bins = starts[:, None] + np.arange(length)
        steps = starts[:, None] + np.arange(length + self.burn_in)
        inputs = self.make_inputs(trials)
        if inputs.shape[1] != steps.shape[1]:
            inputs = np.take_along_axis(inputs, steps[..., None], axis=1)
        rows = trials[:, None]
        counts = torch.from_numpy(self.counts[rows, bins].astype(np.int16, copy=True)).to(device)
        return Batch(
            torch.from_numpy(np.ascontiguousarray(inputs)).to(device),
            torch.from_numpy(self.offset[rows, bins].astype(np.float32, copy=True)).to(device),
            counts.to(torch.float32),
            torch.from_numpy(np.array(self.mask[rows, bins])).to(device),
            segments,
        )

    def shuffled(
        self, length: int, n_batches: int, rng: np.random.Generator, device: torch.device
    ) -> Iterator[Batch]:
        """All segments once, in random order, in about ``n_batches`` batches."""
        segments = rng.permutation(self.segments(length))
        for part in np.array_split(segments, min(n_batches, len(segments))):
            yield self.batch(part, length, device)

    def whole(self, n_per_batch: int, device: torch.device) -> Iterator[Batch]:
        """Whole trials in order."""
        segments = self.segments(self.n_bins)
        for start in range(0, self.n_trials, n_per_batch):
            yield self.batch(segments[start : start + n_per_batch], self.n_bins, device)
