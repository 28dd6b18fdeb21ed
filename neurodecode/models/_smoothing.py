"""Smoothing of sums of counts along time, by FFT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.fft import irfft, next_fast_len, rfft


def gaussian_kernel(
    offsets: Float[np.ndarray, " offsets"], bandwidth_steps: float
) -> Float[np.ndarray, " offsets"]:
    """Weights of steps ``offsets`` away under a Gaussian of this standard deviation; they sum to 1."""
    weights: Float[np.ndarray, " offsets"] = np.exp(-0.5 * np.square(offsets / bandwidth_steps))
    weights /= weights.sum()
    return weights


Kernel = Callable[[np.ndarray, float], np.ndarray]
KERNELS: Mapping[str, Kernel] = {"gaussian": gaussian_kernel}


@dataclass(frozen=True)
class Smoother:
    """Moving averages over ``n_steps`` by one kernel at any bandwidth; time is the last axis.

    An infinite bandwidth is the mean over the window, without the ``lead`` steps before it. Nothing lies beyond
    the edges: the rate at t is smooth(counts) / smooth(observed), which needs no correction there (the ratio of
    Nadaraya 1964, Theory Probab Appl 9:141).
    """

    kernel: str
    n_steps: int
    lead: int

    @cached_property
    def _n_fft(self) -> int:
        return int(next_fast_len(2 * self.n_steps - 1, real=True))  # long enough that the ends never meet

    def at_each(
        self, series: Float[np.ndarray, "*batch steps"], bandwidths_steps: Sequence[float]
    ) -> Iterator[Float[np.ndarray, "*batch steps"]]:
        """The series smoothed at one bandwidth (in steps) after the other."""
        spectrum = rfft(series, self._n_fft, axis=-1)
        for bandwidth in bandwidths_steps:
            yield self._smooth(series, spectrum, bandwidth)

    def per_unit(
        self, series: Float[np.ndarray, "*batch #units steps"], bandwidths_steps: Float[np.ndarray, " units"]
    ) -> Float[np.ndarray, "*batch units steps"]:
        """Each unit at its own bandwidth (in steps); a series of one unit stands for all of them."""
        spectrum = rfft(series, self._n_fft, axis=-1)
        out = np.empty((*series.shape[:-2], bandwidths_steps.size, self.n_steps))
        for bandwidth in np.unique(bandwidths_steps):
            at = np.flatnonzero(bandwidths_steps == bandwidth)
            source = at if series.shape[-2] > 1 else np.zeros(1, int)
            out[..., at, :] = self._smooth(series[..., source, :], spectrum[..., source, :], bandwidth)
        return out

    def _smooth(self, series: np.ndarray, spectrum: np.ndarray, bandwidth: float) -> np.ndarray:
        if np.isinf(bandwidth):
            return np.repeat(series[..., self.lead :].mean(axis=-1, keepdims=True), self.n_steps, axis=-1)
        smooth: np.ndarray = irfft(spectrum * self._response(float(bandwidth)), self._n_fft, axis=-1)[
            ..., : self.n_steps
        ]
        smooth[smooth < 0.0] = 0.0  # a transform leaves -1e-17 where there is nothing
        return smooth

    def _response(self, bandwidth: float) -> np.ndarray:
        offsets = np.arange(1 - self.n_steps, self.n_steps, dtype=np.float64)
        weights = np.zeros(self._n_fft)
        weights[offsets.astype(int)] = KERNELS[self.kernel](offsets, bandwidth)
        response: np.ndarray = rfft(weights).real  # the kernel is even
        return response


def bandwidth_grid(n: int, n_window_steps: int) -> tuple[float, ...]:
    """``n`` bandwidths in steps, flat first, then log-spaced from the whole window down to one step."""
    return (np.inf, *(float(b) for b in np.geomspace(max(n_window_steps, 1), 1.0, n)))
