"""A signal of one dim, or an angle, as the probability of each place on a grid, which a network can say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax

from neurodecode.decoders._signal_grid import SignalGrid

N_PLACES = 60
_WIDTH = 0.025  # standard deviation of a label, in parts of the range or of the circle


@dataclass(frozen=True, eq=False)
class Places:
    """Places of a signal, each as wide as its neighbours."""

    grid: SignalGrid

    @classmethod
    def of(cls, known: Float[np.ndarray, "bins dims"]) -> Places | None:
        """Places over the known values of a signal; None for several dims that are no sine and cosine."""
        circular = is_circle(known)
        if known.shape[1] > 1 and not circular:
            return None
        return cls(SignalGrid.over(known, N_PLACES, circular=circular))

    def labels(
        self, values: Float[np.ndarray, "trials bins dims"], known: Bool[np.ndarray, "trials bins"]
    ) -> Float[np.ndarray, "trials bins places"]:
        """Probability of each place, a Gaussian about the signal, float32; 0 where the signal is not known.

        A place beside the true one is nearly right: without that, a network would learn each place by itself.
        """
        at = self.grid.own_dims(np.where(known[..., None], values, 0.0)) - self.grid.points[0]
        apart = np.angle(np.exp(1j * at)) if self.grid.circular else at
        near = np.exp(-0.5 * np.square(apart / (_WIDTH * self.grid.extent[0]))) + np.finfo(np.float32).tiny
        shares = near / near.sum(axis=2, keepdims=True)
        return np.where(known[..., None], shares, 0.0).astype(np.float32)

    def decoded(self, logits: Float[np.ndarray, "*some places"]) -> Float[np.ndarray, "*some dims"]:
        """The median of the places, interpolated; of an angle, the mean sine and cosine.

        Where two places are likely, a mean lies between them, where the signal is not.
        """
        probability = softmax(logits, axis=-1)
        if self.grid.circular:
            mean: Float[np.ndarray, "*some dims"] = probability @ self.grid.signals
            return mean
        flat = probability.reshape(-1, probability.shape[-1])
        below = np.cumsum(flat, axis=1) - flat
        place = np.maximum((below <= 0.5).sum(axis=1) - 1, 0)
        row = np.arange(len(flat))
        within = (0.5 - below[row, place]) / flat[row, place] - 0.5  # of its width, from its middle
        points = self.grid.points[0]
        median = points[place] + within * self.grid.spacing[0]
        kept: Float[np.ndarray, "*some dims"] = np.clip(median, points[0], points[-1])
        return kept.reshape(*probability.shape[:-1], 1)


def is_circle(values: Float[np.ndarray, "bins dims"]) -> bool:
    """Whether two dims are sine and cosine throughout."""
    return values.shape[1] == 2 and bool(np.allclose(np.hypot(values[:, 0], values[:, 1]), 1.0, atol=1e-6))
