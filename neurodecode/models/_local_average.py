"""Averages of estimates of a rate whose weights follow, over time, how well each predicts left-out trials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

MAX_BLOCKS = 128
# Widths over which evidence is gathered, as fractions of the window; infinite: one weight for the whole window.
WIDTHS = (np.inf, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64)
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, eq=False)
class Blocks:
    """A window of ``n_bins`` cut into blocks, at whose centres weights are kept; between them they are linear."""

    n_bins: int

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return min(self.n_bins, MAX_BLOCKS)

    @cached_property
    def centres(self) -> Float[np.ndarray, " blocks"]:
        """Centres in bins from the window's start."""
        edges = np.append(self._starts, self.n_bins)
        middle: Float[np.ndarray, " blocks"] = (edges[:-1] + edges[1:] - 1) / 2.0
        return middle

    def evidence(
        self, log_likelihood: Float[np.ndarray, "*batch bins"], width: float
    ) -> Float[np.ndarray, "*batch blocks"]:
        """Log-likelihood gathered around each block: a Gaussian window of ``width`` x window, 1 at its centre."""
        sums = np.add.reduceat(log_likelihood, self._starts, axis=-1)
        if width not in self._around:
            distance = (self.centres[:, None] - self.centres) / (width * self.n_bins)
            self._around[width] = np.exp(-0.5 * distance**2)
        gathered: Float[np.ndarray, "*batch blocks"] = sums @ self._around[width]
        return gathered

    def spread(
        self, weights: Float[np.ndarray, "*batch blocks"], *, lead: int = 0
    ) -> Float[np.ndarray, "*batch steps"]:
        """The weights in every step; before the first block's centre and after the last's they stay level."""
        if self.n_blocks == 1:
            return np.repeat(weights, lead + self.n_bins, axis=-1)
        left, share = self._between(lead)
        spread: Float[np.ndarray, "*batch steps"] = (
            weights[..., left] * (1 - share) + weights[..., left + 1] * share
        )
        return spread

    def _between(self, lead: int) -> tuple[np.ndarray, np.ndarray]:
        """Of every step: the block whose centre lies before it, and how far it is on the way to the next."""
        if lead not in self._places:
            step = np.arange(-lead, self.n_bins)
            left = np.clip(np.searchsorted(self.centres, step, side="right") - 1, 0, self.n_blocks - 2)
            gap = self.centres[left + 1] - self.centres[left]
            self._places[lead] = left, np.clip((step - self.centres[left]) / gap, 0.0, 1.0)
        return self._places[lead]

    @cached_property
    def _places(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        return {}

    @cached_property
    def _around(self) -> dict[float, np.ndarray]:
        return {}

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.arange(self.n_blocks) * self.n_bins // self.n_blocks


def weights_of(evidence: Float[np.ndarray, "candidates *batch"]) -> Float[np.ndarray, "candidates *batch"]:
    """Weights proportional to exp(evidence), as Yao et al. 2018 (Bayesian Anal 13:917) average models.

    Negligible ones are dropped, so that their candidates need not be computed.
    """
    weights = np.exp(evidence - evidence.max(axis=0))
    weights /= weights.sum(axis=0)
    weights[weights < _NEGLIGIBLE] = 0.0
    kept: Float[np.ndarray, "candidates *batch"] = weights / weights.sum(axis=0)
    return kept
