"""The one door by which predictions and sampled trains enter the scoring, whoever made them.

Predictions are ``.npy`` files of rates (Hz), floats of shape (trials, bins, units), in the order of
``trials.npz``; NaN only where a bin was not observed or a trial is tested by no fold. They may exceed the memory.
Samples are ``.npz`` files with ``counts``, unsigned integers of the same shape: each trial drawn once.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Bool

from neurodecode.data.archives import read_npz
from neurodecode.errors import DataError


class _Stored(Mapping[str, np.ndarray]):
    """Arrays of models by name, read from their files when asked for: together they may not fit into memory."""

    def __init__(self, paths: Mapping[str, str | Path]) -> None:
        self._paths = dict(paths)

    def __getitem__(self, model: str) -> np.ndarray:
        path = self._paths[model]
        try:
            return self._read(path, model)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise DataError(f"{path}: not readable as what {model} {self._expected} ({error!r})") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    _expected: ClassVar[str]

    @classmethod
    @abc.abstractmethod
    def _read(cls, path: str | Path, model: str) -> np.ndarray: ...


class StoredPredictions(_Stored):
    """Predictions of each model, mapped into memory."""

    _expected = "predicts; fit the model again, or save rates (Hz) with numpy.save"

    @classmethod
    def _read(cls, path: str | Path, model: str) -> np.ndarray:
        values: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return values


class StoredSamples(_Stored):
    """Sampled counts of each model."""

    _way_out = "fit the model again, or save counts with numpy.savez(path, counts=counts)"
    _expected = f"sampled; {_way_out}"

    @classmethod
    def _read(cls, path: str | Path, model: str) -> np.ndarray:
        what = f"readable as what {model} sampled"
        return read_npz(path, names=("counts",), way_out=cls._way_out, what=what)["counts"]


def check_predictions(
    model: str, intensity_hz: np.ndarray, shape: tuple[int, ...], scored: Bool[np.ndarray, "trials bins #units"]
) -> None:
    """Refuse predictions that cannot be scored: DataError with the model, the file and the way out.

    ``shape``: (trials, bins, units) of the window; ``scored``: where a rate is needed.
    """
    name = _named(model, "predictions", intensity_hz)
    if intensity_hz.shape != shape:
        raise DataError(
            f"{name}: shape {intensity_hz.shape}, expected (trials, bins, units) = {shape}; "
            "predict the window of these very trials, without the lead"
        )
    if intensity_hz.dtype.kind != "f":
        raise DataError(f"{name}: {intensity_hz.dtype}, expected floats; save rates in Hz as float32")
    n_unknown, n_negative, first = 0, 0, -1
    for trial in range(shape[0]):
        rates = intensity_hz[trial]
        unknown = int((~np.isfinite(rates) & scored[trial]).sum())
        negative = int(((rates < 0) & scored[trial]).sum())
        first = trial if first < 0 < unknown + negative else first
        n_unknown, n_negative = n_unknown + unknown, n_negative + negative
    if n_unknown + n_negative:
        raise DataError(
            f"{name}: {n_unknown} rates that are NaN or infinite and {n_negative} below 0 in observed bins of "
            f"tested trials, first in trial {first}; every observed bin needs a finite rate in Hz, "
            "NaN is for unobserved bins only"
        )


def check_samples(model: str, counts: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse sampled counts of another shape or kind: DataError with the model and the way out."""
    name = _named(model, "samples", counts)
    if counts.shape != shape:
        raise DataError(
            f"{name}: shape {counts.shape}, expected (trials, bins, units) = {shape}; "
            "sample the window of these very trials, without the lead"
        )
    if counts.dtype.kind != "u":
        raise DataError(f"{name}: {counts.dtype}, expected unsigned integers; save counts as uint8 or uint16")


def _named(model: str, what: str, values: np.ndarray) -> str:
    path = getattr(values, "filename", None)
    return f"{what} of {model} ({path})" if path else f"{what} of {model}"
