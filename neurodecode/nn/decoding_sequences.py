"""Trials as sequences to decode: inputs in every step, a target and its weight in every bin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float

from neurodecode.nn.sequences import Remake

Loss = Literal["squares", "cross-entropy"]
UNITS_OF_LOSS = {"squares": "of the variance", "cross-entropy": "nats"}


@dataclass(frozen=True)
class LabelledBatch:
    """inputs (batch, steps, n_inputs); the rest for the last bins of these steps.

    offset, target (batch, bins, outputs); weight (batch, bins), 0 where a bin counts nothing. target: values, or
    the probability of each class.
    """

    inputs: torch.Tensor
    offset: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    kind: Loss
    carried: ClassVar[bool] = False
    separable: ClassVar[int] = 0

    @property
    def seen(self) -> torch.Tensor:
        """Summed weight of the bins."""
        return self.weight.sum()

    @property
    def size(self) -> torch.Tensor:
        """What the loss is divided by for a step of training."""
        return self.seen.clamp(min=1e-6)

    def loss(self, outputs: torch.Tensor) -> torch.Tensor:
        """Weighted sum over bins: squared errors, the mean of the dims; or cross-entropy in nats."""
        if self.kind == "squares":
            each = (outputs - self.target).square().mean(2)
        else:
            each = -(self.target * torch.log_softmax(outputs, dim=2)).sum(2)
        return (self.weight * each).sum()


@dataclass(frozen=True, eq=False)
class DecodingSequences:
    """Series to train on or to run through.

    make_inputs(series, steps): the inputs (n, steps, n_inputs), float32, of some series, (n, steps) of each.
    targets, weights: the window, the last bins of the ``lead + bins`` steps. offset: what an untrained network
    says. A segment is drawn with the ``margin`` steps before it (after it too where ``both_sides``), which bring
    the state up and are not scored.
    """

    make_inputs: Callable[[np.ndarray, np.ndarray], Float[np.ndarray, "series steps inputs"]]
    targets: Float[np.ndarray, "series bins outputs"]
    weights: Float[np.ndarray, "series bins"]
    offset: Float[np.ndarray, "series bins outputs"]
    kind: Loss
    lead: int = 0
    margin: int = 0
    both_sides: bool = False
    remake: Remake | None = field(default=None, init=False)

    @property
    def loss_unit(self) -> str:
        """Of the mean loss over bins."""
        return UNITS_OF_LOSS[self.kind]

    @property
    def n_steps(self) -> int:
        """Steps of a series, those of the lead included."""
        return self.lead + int(self.targets.shape[1])

    def n_batches(self, length: int, wanted: int) -> int:
        """How many batches ``shuffled`` gives, at most."""
        return max(1, min(wanted, len(self.targets) * self._n_segments(length)))

    def shuffled(
        self, length: int, wanted: int, rng: np.random.Generator, device: torch.device
    ) -> Iterator[LabelledBatch]:
        """Segments of about ``length`` bins that cover every series, at places that differ from epoch to epoch."""
        span, n_segments = self._span(length), self._n_segments(length)
        room = self.n_steps - span
        even = np.linspace(0.0, room, n_segments)
        moved = even + rng.uniform(-0.5, 0.5, (len(self.targets), n_segments)) * room / max(1, n_segments - 1)
        first = np.clip(np.rint(moved), 0, room).astype(int)
        segments = np.stack([np.repeat(np.arange(len(first)), n_segments), first.ravel()], axis=1)
        for some in np.array_split(rng.permutation(segments), self.n_batches(length, wanted)):
            batch = self.batch(some, span, device)
            if bool(batch.weight.any()):
                yield batch

    def whole(self, n_per_batch: int, device: torch.device) -> Iterator[LabelledBatch]:
        """Whole series in order."""
        for start in range(0, len(self.targets), n_per_batch):
            series = np.arange(start, min(start + n_per_batch, len(self.targets)))
            yield self.batch(np.stack([series, np.zeros_like(series)], axis=1), self.n_steps, device)

    def batch(self, segments: np.ndarray, span: int, device: torch.device) -> LabelledBatch:
        """``span`` steps of each segment (n, 2): its series and first step."""
        series, first = segments[:, 0], segments[:, 1]
        # Segments that begin within the lead, and whole series, are scored from the window's start.
        skipped = self.lead if span == self.n_steps else 0
        steps = first[:, None] + np.arange(span)
        bins = steps[:, skipped:] - self.lead
        weight = np.where(bins >= 0, self.weights[series[:, None], np.maximum(bins, 0)], 0.0)
        weight[self._margins(first, span, skipped)] = 0.0
        target = self.targets[series[:, None], np.maximum(bins, 0)]
        target = np.where(weight[..., None] > 0, target, 0.0)  # NaN times 0 is NaN
        return LabelledBatch(
            _float32(self.make_inputs(series, steps), device),
            _float32(self.offset[series[:, None], np.maximum(bins, 0)], device),
            _float32(target, device),
            _float32(weight, device),
            self.kind,
        )

    def _margins(self, first: np.ndarray, span: int, skipped: int) -> np.ndarray:
        """Which bins of each segment only bring the state up; at either end of a series there are none."""
        place = np.arange(skipped, span)
        before = (place < self.margin) & (first > 0)[:, None]
        after = (place >= span - self.margin) & (first < self.n_steps - span)[:, None]
        return before | after if self.both_sides else before

    def _span(self, length: int) -> int:
        return min(self.n_steps, length + self.margin * (1 + self.both_sides))

    def _n_segments(self, length: int) -> int:
        return 1 + -(-(self.n_steps - self._span(length)) // length)


def _float32(values: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.require(values, np.float32, ["C", "W"])).to(device)
