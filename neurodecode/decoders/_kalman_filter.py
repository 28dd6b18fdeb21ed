"""The Kalman filter of a state of few dims that many units observe."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

_SETTLED = 1e-13  # relative change of the covariance below which the gain is kept


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    """s(0) ~ N(0, ``first``); s(t + 1) = ``transition`` s(t) + N(0, ``drift``);
    z(t) = ``observation`` s(t) + N(0, ``noise``), z being the units' counts about their means.

    Source: Kalman 1960, J Basic Eng 82:35; Wu et al. 2006, Neural Comput 18:80 (activity as the observation).
    """

    transition: Float[np.ndarray, "state state"]
    drift: Float[np.ndarray, "state state"]
    first: Float[np.ndarray, "state state"]
    observation: Float[np.ndarray, "units state"]
    noise: Float[np.ndarray, "units units"]

    def with_past(self, n_back: int) -> LinearGaussian:
        """Of the state s(t + n_back), ..., s(t), in this order, of which z(t) observes s(t + n_back) alone.

        Its filter gives s(t) from activity that leads by ``n_back`` bins, and so all that is known by then.
        """
        if n_back == 0:
            return self
        n = len(self.transition)
        size = n * (n_back + 1)
        transition, drift, first = np.zeros((3, size, size))
        transition[:n, :n] = self.transition
        transition[n:, :-n] = np.eye(size - n)
        drift[:n, :n] = self.drift
        first[-n:, -n:] = self.first
        for later in range(n_back, 0, -1):  # s(1) from s(0), s(2) from s(1), ... each with what came before it
            own, before = slice((later - 1) * n, later * n), slice(later * n, size)
            newest = slice(later * n, (later + 1) * n)
            first[own, before] = self.transition @ first[newest, before]
            first[before, own] = first[own, before].T
            first[own, own] = self.transition @ first[newest, newest] @ self.transition.T + self.drift
        observation = np.zeros((len(self.observation), size))
        observation[:, :n] = self.observation
        return replace(self, transition=transition, drift=drift, first=first, observation=observation)

    def information(
        self, observed: Bool[np.ndarray, "patterns units"]
    ) -> tuple[Float[np.ndarray, "patterns state units"], Float[np.ndarray, "patterns state state"]]:
        """H' R^-1 and H' R^-1 H of the units observed in each pattern, 0 for the others."""
        size = len(self.transition)
        weights, precision = (
            np.zeros((len(observed), size, len(self.noise))),
            np.zeros((len(observed), size, size)),
        )
        for place, seen in enumerate(observed):
            if seen.any():
                own = self.observation[seen]
                weights[place][:, seen] = np.linalg.solve(self.noise[np.ix_(seen, seen)], own).T
                precision[place] = weights[place][:, seen] @ own
        return weights, precision


@dataclass
class Belief:
    """Mean and covariance of the state before or after a bin; one covariance where all trials share it."""

    mean: Float[np.ndarray, "trials state"]
    covariance: Float[np.ndarray, "#trials state state"]

    def predict(self, model: LinearGaussian) -> None:
        """On to the next bin."""
        self.mean = self.mean @ model.transition.T
        self.covariance = model.transition @ self.covariance @ model.transition.T + model.drift

    def update(
        self, told: Float[np.ndarray, "trials state"], precision: Float[np.ndarray, "#trials state state"]
    ) -> None:
        """Take in a bin: ``told`` is H' R^-1 z, ``precision`` H' R^-1 H, both 0 where nothing was observed.

        The covariance is (P^-1 + precision)^-1, written so that P may be singular, as it is where the state holds
        differences of itself. No matrix is of the size of the units.
        """
        identity = np.eye(self.covariance.shape[-1])
        self.covariance = np.linalg.solve(identity + self.covariance @ precision, self.covariance)
        self.correct(told, precision)

    def correct(
        self, told: Float[np.ndarray, "trials state"], precision: Float[np.ndarray, "#trials state state"]
    ) -> None:
        """The mean alone, the covariance being that after the bin."""
        innovation = told[..., None] - precision @ self.mean[..., None]
        self.mean = self.mean + (self.covariance @ innovation)[..., 0]


def filtered(
    model: LinearGaussian,
    counts: Float[np.ndarray, "trials steps units"],
    mask: Bool[np.ndarray, "trials steps #units"],
) -> Float[np.ndarray, "trials steps state"]:
    """Mean of the state after each step, given ``counts`` (about their means, 0 where unobserved) up to it."""
    pattern, observed = _patterns(mask, counts.shape[2])
    weights, precision = model.information(observed)
    told = np.zeros((*counts.shape[:2], len(model.transition)))
    for place in range(len(observed)):
        of_it = pattern == place
        told[of_it] = counts[of_it] @ weights[place].T
    alike = bool((pattern == pattern[:1]).all())
    covariance = np.repeat(model.first[None], 1 if alike else len(counts), axis=0)
    belief = Belief(np.zeros((len(counts), len(model.transition))), covariance)
    means = np.empty_like(told)
    settled = False
    for step in range(counts.shape[1]):
        now = precision[pattern[:1, step] if alike else pattern[:, step]]
        same = step > 0 and bool((pattern[:, step] == pattern[:, step - 1]).all())
        if settled and same:
            belief.mean = belief.mean @ model.transition.T
            belief.correct(told[:, step], now)
        else:
            before = belief.covariance
            if step > 0:
                belief.predict(model)
            belief.update(told[:, step], now)
            change = np.abs(belief.covariance - before).max()
            settled = same and bool(change <= _SETTLED * np.abs(before).max())
        means[:, step] = belief.mean
    return means


def _patterns(
    mask: Bool[np.ndarray, "trials steps #units"], n_units: int
) -> tuple[Int[np.ndarray, "trials steps"], Bool[np.ndarray, "patterns units"]]:
    """Which of the few combinations of observed units each bin has, and those combinations."""
    rows, place = np.unique(mask.reshape(-1, mask.shape[2]), axis=0, return_inverse=True)
    return place.reshape(mask.shape[:2]), np.broadcast_to(rows, (len(rows), n_units))
