"""Recurrent weights W (hidden, hidden), to each unit (row) from each unit (column), and the leaks of units.

Each is a module: called, it gives W or the leaks; what is learnt in it are its parameters.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from neurodecode.errors import ConfigError
from neurodecode.nn.cells._base import check_euler


def random_weights(hidden: int, gain: float) -> torch.Tensor:
    """Independent normal weights of variance gain^2 / hidden: a spectral radius of ``gain`` in a large network.

    Girko's circular law; above 1 the activity of the network is chaotic (Sompolinsky, Crisanti & Sommers 1988,
    Phys Rev Lett 61:259).
    """
    weights: torch.Tensor = torch.randn(hidden, hidden) * (gain / math.sqrt(hidden))
    return weights


def spectral_radius(weights: torch.Tensor) -> float:
    """Largest modulus of the eigenvalues."""
    return float(torch.linalg.eigvals(weights.double()).abs().max())


def sparse_weights(hidden: int, density: float, radius: float) -> torch.Tensor:
    """Normal weights of which a share ``density`` is not zero, scaled to a spectral radius (Jaeger 2001).

    Small matrices that happen to have no loop, whose eigenvalues are all 0, are drawn again.
    """
    while True:
        drawn = torch.randn(hidden, hidden) * (torch.rand(hidden, hidden) < density)
        found = spectral_radius(drawn)
        if found > 1e-3:
            return drawn * (radius / found)


class Weights(torch.nn.Module):
    """Of ``hidden_size`` units."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden_size = hidden

    def resting(self) -> torch.Tensor | float:
        """What units receive while the activity of all is 0."""
        return 0.0


class FreeWeights(Weights):
    """Every weight is learnt."""

    def __init__(self, drawn: torch.Tensor) -> None:
        super().__init__(len(drawn))
        self.weight = torch.nn.Parameter(drawn)

    def forward(self) -> torch.Tensor:
        """W."""
        return self.weight


class FixedWeights(Weights):
    """No weight is learnt."""

    def __init__(self, drawn: torch.Tensor) -> None:
        super().__init__(len(drawn))
        self.weight: torch.Tensor
        self.register_buffer("weight", drawn)

    def forward(self) -> torch.Tensor:
        """W."""
        return self.weight


class LowRankWeights(Weights):
    """W = J + M N^T / hidden: J random and fixed, M and N (hidden, rank) learnt."""

    def __init__(self, hidden: int, rank: int, gain: float) -> None:
        super().__init__(hidden)
        self.random: torch.Tensor
        self.register_buffer("random", random_weights(hidden, gain))
        self.left = torch.nn.Parameter(torch.randn(hidden, rank))
        self.right = torch.nn.Parameter(torch.randn(hidden, rank))

    def forward(self) -> torch.Tensor:
        """W."""
        return self.random + self.left @ self.right.t() / self.hidden_size


class SignedWeights(Weights):
    """W = |V| s / 2, s the sign of each sending unit, V learnt: whatever V becomes, a unit excites or inhibits.

    Activity h in (-1, 1) stands for the rate (1 + h) / 2, as a rate below zero would turn the sign around. What
    units receive is |V| s (1 + h) / 2 = W h + ``resting()``.
    """

    def __init__(self, hidden: int, n_inhibitory: int, gain: float) -> None:
        """The last ``n_inhibitory`` units inhibit.

        At the start excitation and inhibition of each unit are equal, which leaves W no large eigenvalue, and its
        spectral radius is near ``gain`` (Rajan & Abbott 2006, Phys Rev Lett 97:188104).
        """
        super().__init__(hidden)
        self.sign: torch.Tensor
        sign = torch.ones(hidden)
        sign[hidden - n_inhibitory :] = -1.0
        self.register_buffer("sign", sign)
        drawn, n_exciting = torch.randn(hidden, hidden).abs(), hidden - n_inhibitory
        columns = float(n_exciting)  # summed variance of a row, in units of that of an exciting weight
        if n_inhibitory:
            exciting, inhibiting = drawn[:, sign > 0].sum(1), drawn[:, sign < 0].sum(1)
            drawn[:, sign < 0] *= (exciting / inhibiting)[:, None]
            columns += n_exciting**2 / n_inhibitory
        radius = (columns * (1 - 2 / math.pi)) ** 0.5 / 2  # of |N(0, 1)| entries, halved
        self.magnitude = torch.nn.Parameter(drawn * gain / radius)

    def forward(self) -> torch.Tensor:
        """W."""
        weights: torch.Tensor = self.magnitude.abs() * self.sign / 2
        return weights

    def resting(self) -> torch.Tensor:
        """At half of the highest rate."""
        received: torch.Tensor = self().sum(1)
        return received


class FixedLeak(torch.nn.Module):
    """The same share of every unit's state is renewed in each bin."""

    def __init__(self, hidden: int, share: float) -> None:
        super().__init__()
        self.share: torch.Tensor
        self.register_buffer("share", torch.full((hidden,), share), persistent=False)

    def forward(self) -> torch.Tensor:
        """Leaks (hidden,)."""
        return self.share


class TimeConstants(torch.nn.Module):
    """bin / tau: Euler's step of tau dh/dt = -h + ...; tau (hidden,) in seconds, learnt or not.

    What is learnt is how far log tau is from its start, so that weight decay pulls it back there. A tau that
    learning takes below one bin, where Euler's steps would swing, is mirrored there: bin^2 / tau. Held at the bin
    it would have no gradient, and never be learnt again.
    """

    def __init__(self, taus_s: torch.Tensor, bin_size_s: float, *, learnt: bool) -> None:
        """taus_s (hidden,): where learning starts, at one bin or above."""
        super().__init__()
        self.bin_size_s = bin_size_s
        self.start_s: torch.Tensor
        self.shortest_s: torch.Tensor
        self.register_buffer("start_s", taus_s.clamp(min=bin_size_s) if learnt else taus_s)
        self.moved = torch.nn.Parameter(torch.zeros_like(taus_s)) if learnt else None
        if learnt:  # kept with the weights: in a module for other bins tau stays what it is
            self.register_buffer("shortest_s", taus_s.new_tensor(bin_size_s))

    def taus_s(self) -> torch.Tensor:
        """Time constants (hidden,) in seconds."""
        if self.moved is None:
            return self.start_s
        taus_s = self.start_s * torch.exp(self.moved)
        return torch.where(taus_s >= self.shortest_s, taus_s, self.shortest_s**2 / taus_s)

    def forward(self) -> torch.Tensor:
        """Leaks (hidden,), those that are learnt in (0, 1]."""
        return self.bin_size_s / self.taus_s()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        """Raises ConfigError for time constants that the bins of this module cannot have."""
        built = self.taus_s().detach().clone()
        if self.moved is not None and f"{prefix}shortest_s" not in state_dict and f"{prefix}moved" in state_dict:
            # Weights that were kept while a tau below the bin was held there, and not mirrored.
            state_dict[f"{prefix}shortest_s"] = self.shortest_s
            lowest = torch.log(self.bin_size_s / state_dict.get(f"{prefix}start_s", self.start_s))
            state_dict[f"{prefix}moved"] = torch.maximum(state_dict[f"{prefix}moved"], lowest)
        super()._load_from_state_dict(state_dict, prefix, *rest)
        with torch.no_grad():
            taus_s = self.taus_s()
            if not torch.equal(taus_s, built):
                self._check(float(taus_s.min()))
            if self.moved is not None and not torch.isclose(
                self.shortest_s, self.shortest_s.new_tensor(self.bin_size_s)
            ):
                self.moved.copy_(torch.log(taus_s / self.start_s))
                self.shortest_s.fill_(self.bin_size_s)

    def _check(self, shortest_s: float) -> None:
        if self.moved is None:
            check_euler("loaded weights", shortest_s, self.bin_size_s)
        elif self.bin_size_s > shortest_s * (1 + 1e-5):
            raise ConfigError(
                f"time constants were learnt down to {shortest_s:g} s and cannot go on in bins of "
                f"{self.bin_size_s:g} s, since one that is learnt lasts a bin or more: use bins of at most "
                f"{shortest_s:g} s, or fit again in these"
            )
