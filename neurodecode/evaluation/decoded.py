"""What a decoder found out about every trial, out of fold, on disk: ``predictions.npz``, whoever made it.

A class: ``classes`` (text) and ``probabilities`` (trials, classes); where the decoder says in every bin what the
trial so far tells, ``bin_probabilities`` (trials, bins, classes); where probabilities were tempered,
``raw_probabilities`` as they were before. A signal: ``signal`` (trials, bins, dims). A value of each trial:
``values`` (trials,). ``bin_size_s``: width (s) of those bins, which need not be those of the trials. NaN in trials
that no fold tests.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from neurodecode.data.archives import read_npz
from neurodecode.data.store import written_whole
from neurodecode.errors import DataError

_OF_KIND = {"class": "probabilities", "signal": "signal", "value": "values"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Decoded:
    """The arrays of one ``predictions.npz``; those of other kinds of target are None."""

    bin_size_s: float
    classes: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    bin_probabilities: np.ndarray | None = None
    raw_probabilities: np.ndarray | None = None
    signal: np.ndarray | None = None
    values: np.ndarray | None = None

    def save(self, path: str | Path) -> None:
        """Write the file."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        with written_whole(path) as part, part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    def of_kind(self, kind: str, decoder: str) -> np.ndarray:
        """What a decoder of this kind of target gives. Raises DataError where it is another's."""
        found: np.ndarray | None = getattr(self, _OF_KIND[kind])
        if found is None:
            raise DataError(
                f"predictions of {decoder} hold no {_OF_KIND[kind]}, which a {kind} needs; fit it again"
            )
        return found

    def probabilities_of(self, classes: np.ndarray, decoder: str) -> np.ndarray:
        """(trials, classes) in the order of ``classes``; a class that a decoder never saw has probability 0."""
        return self._in_order(self.of_kind("class", decoder), classes, decoder)

    def raw_probabilities_of(self, classes: np.ndarray, decoder: str) -> np.ndarray | None:
        """The same before tempering, None where nothing was tempered."""
        return None if self.raw_probabilities is None else self._in_order(self.raw_probabilities, classes, decoder)

    def bin_probabilities_of(self, classes: np.ndarray, decoder: str) -> np.ndarray:
        """(trials, bins, classes) after each bin. Raises DataError where there are none."""
        if self.bin_probabilities is None:
            raise DataError(f"predictions of {decoder} hold no bin_probabilities: it decides once, from all bins")
        return self._in_order(self.bin_probabilities, classes, decoder)

    def _in_order(self, probabilities: np.ndarray, classes: np.ndarray, decoder: str) -> np.ndarray:
        own = np.empty(0, np.str_) if self.classes is None else self.classes
        if not set(own.tolist()) <= set(classes.tolist()) or probabilities.shape[-1] != own.size:
            raise DataError(
                f"predictions of {decoder}: {probabilities.shape[-1]} columns for the classes "
                f"{', '.join(own)}; the trials have {', '.join(classes)}"
            )
        return in_columns(probabilities.astype(np.float64), own, classes)


def in_columns(values: np.ndarray, own: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The columns of the sorted ``own`` classes among those of all ``classes``; 0 for those that own lacks."""
    wide = np.zeros((*values.shape[:-1], classes.size), values.dtype)
    wide[..., np.searchsorted(classes, own)] = values
    return wide


def load_decoded(path: str | Path) -> Decoded:
    """Read ``predictions.npz`` of a decoder; DataError for a file that is none."""
    known = {f.name for f in fields(Decoded)}
    held = read_npz(path, names=known, way_out="fit it again", what="the predictions of a decoder")
    try:
        return Decoded(bin_size_s=float(held.pop("bin_size_s")), **held)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not the predictions of a decoder ({error!r}); fit it again") from error
