"""A signal of one or two dims, or an angle, as points of a grid: smoothing on it, and moving over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from neurodecode.errors import DataError

MOST_DIMS = 2


@dataclass(frozen=True, eq=False)
class SignalGrid:
    """Evenly spaced points of each dim, all dims with as many; of an angle, one dim (rad) around the circle.

    Points of two dims run over the first dim slowest.
    """

    points: Float[np.ndarray, "dims points"]
    circular: bool

    @classmethod
    def over(cls, values: Float[np.ndarray, "bins dims"], n_points: int, *, circular: bool) -> SignalGrid:
        """From the least to the largest value of each dim.

        Raises DataError for more dims than a grid can hold, and for a circular signal that is no sine and cosine.
        """
        n_dims = values.shape[1]
        if circular and n_dims != 2:
            raise DataError(f"a circular signal is given as sine and cosine, two dims; this one has {n_dims}")
        if circular:
            return cls((np.arange(n_points)[None] + 0.5) * 2 * np.pi / n_points - np.pi, circular)
        if n_dims > MOST_DIMS:
            raise DataError(f"a grid of {n_dims} dims is too large; decode {MOST_DIMS} at most, or take `kalman`")
        low, high = values.min(axis=0), values.max(axis=0)
        return cls(low[:, None] + np.linspace(0, 1, n_points) * (high - low)[:, None], circular)

    @property
    def spacing(self) -> Float[np.ndarray, " dims"]:
        """Distance of neighbouring points."""
        apart: Float[np.ndarray, " dims"] = self.points[:, 1] - self.points[:, 0]
        return apart

    @property
    def extent(self) -> Float[np.ndarray, " dims"]:
        """Length of each dim; of a circle, all of it."""
        whole: Float[np.ndarray, " dims"] = self.spacing * (self.points.shape[1] - (0 if self.circular else 1))
        return whole

    @property
    def n_all(self) -> int:
        """Number of points."""
        return int(self.points.shape[1] ** len(self.points))

    @property
    def signals(self) -> Float[np.ndarray, "all signal"]:
        """The signal at every point: sine and cosine of an angle."""
        if self.circular:
            return np.stack([np.sin(self.points[0]), np.cos(self.points[0])], axis=1)
        return np.stack([axis.ravel() for axis in np.meshgrid(*self.points, indexing="ij")], axis=1)

    def own_dims(self, values: Float[np.ndarray, "*bins signal"]) -> Float[np.ndarray, "*bins dims"]:
        """A signal in the dims of the grid: the angle of sine and cosine."""
        return np.arctan2(values[..., :1], values[..., 1:]) if self.circular else values

    def places(self, values: Float[np.ndarray, "bins signal"]) -> Int[np.ndarray, " bins"]:
        """The point nearest to each value; values outside go to the border."""
        n = self.points.shape[1]
        nearest = np.rint((self.own_dims(values) - self.points[:, 0]) / self.spacing).astype(int)
        nearest = nearest % n if self.circular else np.clip(nearest, 0, n - 1)
        found: Int[np.ndarray, " bins"] = nearest @ (n ** np.arange(len(self.points))[::-1])
        return found

    def kernels(self, widths: Float[np.ndarray, " dims"]) -> Float[np.ndarray, "dims points points"]:
        """Gaussian weights of these standard deviations between the points of each dim, not normalised."""
        apart = self.points[:, :, None] - self.points[:, None, :]
        if self.circular:
            apart = np.angle(np.exp(1j * apart))
        weights: Float[np.ndarray, "dims points points"] = np.exp(-0.5 * np.square(apart / widths[:, None, None]))
        return weights

    def spread(
        self, values: Float[np.ndarray, "some all"], kernels: Float[np.ndarray, "dims points points"]
    ) -> Float[np.ndarray, "some all"]:
        """Each point's value dealt over the points by the (symmetric) weights, one dim after the other."""
        dealt: Float[np.ndarray, "some all"]
        if len(kernels) == 1:
            dealt = values @ kernels[0]
        else:
            square = values.reshape(len(values), *[self.points.shape[1]] * 2)
            dealt = (kernels[0] @ square @ kernels[1]).reshape(values.shape)
        return dealt

    def heading(self, values: Float[np.ndarray, "trials bins signal"]) -> Int[np.ndarray, "trials bins"]:
        """1 where a signal of one dim grows, else 0: by its change into a bin, or, where that is not known, out of
        it."""
        change = self.changes(values)[..., 0]
        unknown = np.full((len(values), 1), np.nan)
        into, out_of = np.concatenate([unknown, change], axis=1), np.concatenate([change, unknown], axis=1)
        grows: Int[np.ndarray, "trials bins"] = (np.where(np.isfinite(into), into, out_of) > 0).astype(int)
        return grows

    def changes(self, values: Float[np.ndarray, "trials bins signal"]) -> Float[np.ndarray, "trials changes dims"]:
        """From bin to bin in the dims of the grid, the shorter way around a circle; NaN where unknown."""
        change: Float[np.ndarray, "trials changes dims"] = np.diff(self.own_dims(values), axis=1)
        return np.angle(np.exp(1j * change)) if self.circular else change


@dataclass(frozen=True, eq=False)
class Continuity:
    """How the signal moves from bin to bin: Gaussian steps over those points that it visits.

    States are the points of the grid or, where headings are told apart, the points of each heading one after the
    other; ``turns`` is the probability of each heading given the last.

    Source: Brown et al. 1998, J Neurosci 18:7411 (random walk); Zhang et al. 1998, J Neurophysiol 79:1017
    (continuity of the decoded position).
    """

    grid: SignalGrid
    kernels: Float[np.ndarray, "dims points points"]
    visited: Bool[np.ndarray, "headings all"]
    total: Float[np.ndarray, "headings all"]
    turns: Float[np.ndarray, "headings headings"]

    @classmethod
    def of(
        cls,
        grid: SignalGrid,
        widths: Float[np.ndarray, " dims"],
        visited: Bool[np.ndarray, " states"],
        turns: Float[np.ndarray, "headings headings"],
    ) -> Continuity:
        """Of steps with these standard deviations, half the grid's spacing at least: no signal stands still."""
        kernels = grid.kernels(np.maximum(widths, grid.spacing / 2))
        visited = visited.reshape(len(turns), -1)
        onto = grid.spread(visited.astype(float), kernels)
        return cls(grid, kernels, visited, np.maximum(turns @ onto, np.finfo(float).tiny), turns)

    def move(self, probability: Float[np.ndarray, "trials states"]) -> Float[np.ndarray, "trials states"]:
        """Probability of each state one bin later."""
        shape = (len(probability), *self.visited.shape)
        turned = np.einsum("tha,hk->tka", probability.reshape(shape) / self.total, self.turns)
        moved = self.grid.spread(turned.reshape(-1, shape[2]), self.kernels).reshape(shape)
        there: Float[np.ndarray, "trials states"] = (moved * self.visited).reshape(probability.shape)
        return there
