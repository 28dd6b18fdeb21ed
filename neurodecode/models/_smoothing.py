"""Smoothing of sums of counts along time, by FFT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.fft import irfft, next_fast_len, rfft


def gaussian_kernel(offsets: Float[np.ndarray, " offsets"], bandwidth: float) -> Float[np.ndarray, " offsets"]:
    """Weights of steps ``offsets`` away under a Gaussian of this standard deviation (steps); they sum to 1."""
    weights: Float[np.ndarray, " offsets"] = np.exp(-0.5 * np.square(offsets / bandwidth))
    weights /= weights.sum()
    return weights


Kernel = Callable[[np.ndarray, float], np.ndarray]
KERNELS: Mapping[str, Kernel] = {"gaussian": gaussian_kernel}


@dataclass(frozen=True)
class Smoother:
    """Moving averages of (..., steps) by one kernel at any bandwidth (steps).

    An infinite bandwidth is the mean over the window, without the ``lead`` steps before it. Nothing lies beyond
    the edges: the rate at t is smooth(counts) / smooth(observed), which needs no correction there (Nadaraya 1964,
    Theory Probab Appl 9:141). With ``jump`` no average reaches across that step, so that the rate may jump there.
    """

    kernel: str
    n_steps: int
    lead: int
    jump: int | None = None

    def at_each(
        self, series: Float[np.ndarray, "*batch steps"], bandwidths: Sequence[float]
    ) -> Iterator[Float[np.ndarray, "*batch steps"]]:
        """The series smoothed at one bandwidth after the other."""
        if self.jump is None:
            yield from self._pieces(series, bandwidths, self.lead)
            return
        sides = [slice(0, self.jump), slice(self.jump, self.n_steps)]
        parts = []
        for side in sides:
            alone = np.zeros(series.shape)
            alone[..., side] = series[..., side]
            first = max(side.start, self.lead)
            parts.append(self._pieces(alone, bandwidths, first, side.stop))
        for before, after in zip(*parts, strict=True):
            yield np.concatenate([before[..., sides[0]], after[..., sides[1]]], axis=-1)

    def _pieces(
        self, series: np.ndarray, bandwidths: Sequence[float], first: int, stop: int | None = None
    ) -> Iterator[np.ndarray]:
        spectrum = rfft(series, self._n_fft, axis=-1)
        for bandwidth in bandwidths:
            if np.isinf(bandwidth):
                mean = series[..., first:stop].mean(axis=-1, keepdims=True)
                yield np.repeat(mean, self.n_steps, axis=-1)
                continue
            smooth: np.ndarray = irfft(spectrum * self._response(float(bandwidth)), self._n_fft, axis=-1)
            smooth = smooth[..., : self.n_steps]
            smooth[smooth < 0.0] = 0.0  # a transform leaves -1e-17 where there is nothing
            yield smooth

    def _response(self, bandwidth: float) -> np.ndarray:
        if bandwidth not in self._responses:
            offsets = np.arange(1 - self.n_steps, self.n_steps)
            weights = np.zeros(self._n_fft)
            weights[offsets] = KERNELS[self.kernel](offsets.astype(np.float64), bandwidth)
            self._responses[bandwidth] = rfft(weights).real  # the kernel is even
        return self._responses[bandwidth]

    @cached_property
    def _n_fft(self) -> int:
        return int(next_fast_len(2 * self.n_steps - 1, real=True))  # long enough that the ends never meet

    @cached_property
    def _responses(self) -> dict[float, np.ndarray]:
        return {}


def bandwidth_grid(n: int, n_window_steps: int) -> tuple[float, ...]:
    """``n`` bandwidths in steps, flat first, then log-spaced from the whole window down to one step."""
    return (np.inf, *(float(b) for b in np.geomspace(max(n_window_steps, 1), 1.0, n)))
