"""Trials as training sequences: segments of a bounded length, in order, the first with its burn-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt

from neurodecode.nn.loss import poisson_loss

_CACHED_VALUES = 2e8  # input values that may stay in memory: 800 MB in float32


Remake = Callable[[np.ndarray, np.ndarray, np.ndarray, float, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""(segments, inputs, log expected counts, share of draws, generator) -> inputs and offset, float32, of a batch."""


@dataclass(frozen=True)
class Batch:
    """inputs (batch, steps, n_inputs); the rest (batch, bins, units or 1) for the last bins of the steps.

    segments (batch, 2): the trial and first bin that each row came from. ``carried``: the steps go on from those
    of the batch before, whose state they are to start from; such a batch has no burn-in.
    """

    inputs: torch.Tensor
    offset: torch.Tensor
    counts: torch.Tensor
    mask: torch.Tensor
    segments: np.ndarray
    carried: bool = False

    @property
    def separable(self) -> int:
        """Outputs that may be trained a few at a time: all of them, each unit being a sum of its own."""
        return int(self.counts.shape[2])

    @property
    def size(self) -> int:
        """What the loss is divided by for a step of training."""
        return self.counts.numel()

    @property
    def seen(self) -> torch.Tensor:
        """What the loss is divided by when it is reported: spikes."""
        return self.counts.sum(dtype=torch.float64)

    def loss(self, log_mean: torch.Tensor) -> torch.Tensor:
        """Summed Poisson loss of log expected counts (batch, bins, units)."""
        return poisson_loss(log_mean, self.counts, self.mask)

    def of_units(self, units: torch.Tensor) -> Batch:
        """What is to be predicted of some units alone."""
        mask = self.mask if self.mask.shape[2] == 1 else self.mask[..., units]
        return replace(self, offset=self.offset[..., units], counts=self.counts[..., units], mask=mask)


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
    loss_unit: ClassVar[str] = "nats/spike"

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
        held = np.ascontiguousarray(self.make_inputs(np.arange(self.n_trials)).swapaxes(0, 1))
        # Held step by step, so that a batch is copied once, into the order that it is gone through in.
        return replace(self, make_inputs=lambda trials: held[:, trials].swapaxes(0, 1))

    def batch(
        self, trials: np.ndarray, first: int, length: int, device: torch.device, *, carried: bool = False
    ) -> Batch:
        """``length`` bins of each of these trials from bin ``first`` on, as tensors on ``device``.

        Counts travel as integers and are cast there.
        """
        return self._piece(
            self._step_by_step(trials), trials, slice(first, first + length), device, carried=carried
        )

    def _step_by_step(self, trials: np.ndarray) -> Float[np.ndarray, "steps trials inputs"]:
        """Whole trials' inputs in the order in which cells go through them."""
        return self.make_inputs(trials).swapaxes(0, 1)

    def _piece(
        self,
        inputs: Float[np.ndarray, "steps trials inputs"],
        trials: np.ndarray,
        bins: slice,
        device: torch.device,
        *,
        carried: bool,
    ) -> Batch:
        steps = slice(bins.start + self.burn_in * carried, bins.stop + self.burn_in)
        return Batch(
            torch.from_numpy(np.ascontiguousarray(inputs[steps])).to(device).transpose(0, 1),
            torch.from_numpy(self.offset[trials, bins].astype(np.float32, copy=False)).to(device),
            torch.from_numpy(self._small_counts[trials, bins]).to(device).to(torch.float32),
            torch.from_numpy(self.mask[trials, bins]).to(device),
            np.stack([trials, np.full_like(trials, bins.start)], axis=1),
            carried,
        )

    @cached_property
    def _small_counts(self) -> np.ndarray:
        """Counts in a type that torch has: bytes where they fit."""
        few = self.counts.max(initial=0) <= np.iinfo(np.uint8).max
        return self.counts.astype(np.uint8 if few else np.int32, copy=False)

    def n_batches(self, length: int, wanted: int) -> int:
        """How many batches ``shuffled`` gives where about ``wanted`` are asked for."""
        n_segments = len(self._bounds(length)) - 1
        return n_segments * self._n_groups(n_segments, wanted)

    def shuffled(
        self, length: int, wanted: int, rng: np.random.Generator, device: torch.device
    ) -> Iterator[Batch]:
        """Every bin of every trial once, in segments of at most ``length`` bins and about ``wanted`` batches.

        Trials come in random order, the segments of a trial in theirs: the first has its burn-in, those that
        follow are ``carried``.
        """
        bounds = self._bounds(length)
        n_groups = self._n_groups(len(bounds) - 1, wanted)
        for trials in np.array_split(rng.permutation(self.n_trials), n_groups):
            inputs = self._step_by_step(trials)  # once for all segments
            for first, end in pairwise(bounds):
                yield self._piece(inputs, trials, slice(first, end), device, carried=first > 0)
            del inputs  # before those of the next trials are made

    def _bounds(self, length: int) -> list[int]:
        """Where segments of about equal length begin and end."""
        n_segments = -(-self.n_bins // length)
        return [round(k * self.n_bins / n_segments) for k in range(n_segments + 1)]

    def _n_groups(self, n_segments: int, wanted: int) -> int:
        return max(1, min(self.n_trials, round(wanted / n_segments)))

    def whole(self, n_per_batch: int, device: torch.device) -> Iterator[Batch]:
        """Whole trials in order."""
        for start in range(0, self.n_trials, n_per_batch):
            trials = np.arange(start, min(start + n_per_batch, self.n_trials))
            yield self.batch(trials, 0, self.n_bins, device)
