"""A recurrent decoder run bin by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from neurodecode.decoders._base import Stream
from neurodecode.decoders._choices import told_counts

if TYPE_CHECKING:
    from neurodecode.decoders._recurrent_base import RecurrentDecoder


class RecurrentStream(Stream):
    """The networks of a decoder with their states. Bins of the lead warm them up, before the first that counts."""

    def __init__(self, decoder: RecurrentDecoder) -> None:
        import torch

        self.decoder, self.networks, self.scaling = decoder, decoder.networks, decoder.scaling
        self.states: list[Any] = [None] * len(self.networks)
        self.lead_left = decoder.lead_
        self.before = torch.zeros(1, 0, decoder.offset_.size)
        self.offset = torch.zeros(1, 1, decoder.offset_.size)
        self.start, self.n_told = decoder.offset_, 0
        self.last = decoder.from_outputs(decoder.offset_)

    def step(self, counts: Float[np.ndarray, " units"]) -> Float[np.ndarray, " outputs"]:
        """What is decoded once these counts of the next bin are known; NaN: the unit was not observed.

        Raises DataError for another number of units, negative or infinite counts.
        """
        import torch

        told, observed = told_counts(counts, self.decoder.n_units_)
        inputs = torch.from_numpy(self.scaling(told, observed)[None, None])
        warming = self.lead_left > 0
        offset = self.before if warming else self.offset
        total = np.zeros(self.decoder.offset_.size)
        with torch.inference_mode():
            for number, network in enumerate(self.networks):
                outputs, self.states[number] = network(inputs, offset, self.states[number])
                total += outputs[0, -1].numpy() if not warming else 0.0
        if warming:
            self.lead_left -= 1
        elif observed.any() or self.decoder.kind == "signal":
            self.start = self.start + self.decoder.start_of_bin(self.n_told, told, observed)
            share = self.decoder.share_ / len(self.networks)
            self.last = self.decoder.from_outputs(self.start + share * total)
        self.n_told += not warming
        return self.last.copy()
