"""Binned counts in .npz or .mat files, with signals and trial columns beside them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from neurodecode.data.archives import read_npz
from neurodecode.data.counts import CountRecording
from neurodecode.data.trials import smallest_counts
from neurodecode.errors import DataError
from neurodecode.io._matlab import read_mat
from neurodecode.io._trial_table import tidy_trials
from neurodecode.io.tables import read_table

log = logging.getLogger(__name__)
RESERVED = ("counts", "bin_size_s", "mask", "unit_names", "start_s")


def read_arrays(path: Path, trials_path: Path | None) -> CountRecording:
    """Read binned counts and what lies on the same bins or trials.

    ``counts``: (bins, units), one continuous recording, or (trials, bins, units). ``bin_size_s``: a number.
    Optional: ``mask`` (False where nothing was recorded, the shape of counts or without units), ``unit_names``,
    ``start_s`` (time of the first bin of a continuous recording). NaN counts are unobserved bins.
    Any other array that is as long as the recording has bins is a signal, (bins,) or (bins, dims), and with
    trials (trials, bins) or (trials, bins, dims); arrays of one entry a trial are columns of the trial table.
    Times in those count from each trial's first bin, unless ``start_time`` gives that bin's time.
    ``trials_path``: a table of trials on the clock of a continuous recording.
    Raises DataError, naming the file and the field, for what is missing or does not fit.
    """
    arrays = _held(path)
    counts, mask = _counts(arrays, path)
    continuous = arrays["counts"].ndim == 2
    bin_size_s = _number(arrays, "bin_size_s", path)
    signals, columns = _beside(arrays, arrays["counts"].shape[:-1], path)
    start_s = _number(arrays, "start_s", path) if "start_s" in arrays else 0.0
    duration_s = counts.shape[1] * bin_size_s
    return CountRecording(
        name=path.name,
        counts=counts,
        bin_size_s=bin_size_s,
        mask=mask,
        unit_names=_unit_names(arrays, counts.shape[2], path),
        trials=(
            _trials_beside(trials_path, start_s + duration_s)
            if continuous
            else _trials_of(columns, counts.shape[0], duration_s, trials_path, path)
        ),
        continuous=continuous,
        start_s=start_s,
        signals={name: values[None] for name, values in signals.items()} if continuous else signals,
    )


def _held(path: Path) -> dict[str, np.ndarray]:
    if path.suffix.lower() == ".mat":
        return read_mat(path)
    if path.suffix.lower() == ".npy":
        raise DataError(f"{path}: an .npy file holds one array; save counts and bin_size_s with numpy.savez")
    return read_npz(path, way_out="save counts and bin_size_s by name with numpy.savez")


def _counts(arrays: dict[str, np.ndarray], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Counts (pieces, bins, units) as small integers and their mask; NaN becomes unobserved."""
    if "counts" not in arrays:
        hint = "; a neo block is read with `format: neo`" if path.suffix.lower() == ".mat" else ""
        raise DataError(
            f"{path}: no array named counts (bins, units) or (trials, bins, units); it has: "
            f"{', '.join(sorted(arrays)) or 'none'}{hint}"
        )
    counts = arrays["counts"]
    if counts.ndim not in (2, 3) or counts.dtype.kind not in "iufb" or counts.size == 0:
        raise DataError(
            f"{path}: counts must be numbers (bins, units) or (trials, bins, units) with at least one of each, "
            f"got {counts.dtype} {counts.shape}"
        )
    given = arrays.get("mask", np.ones(counts.shape[:-1], bool)).astype(bool)
    if given.shape == counts.shape[:-1]:
        given = given[..., None]
    if given.shape not in (counts.shape, (*counts.shape[:-1], 1)):
        raise DataError(f"{path}: mask {given.shape} does not fit counts {counts.shape}")
    if counts.dtype.kind == "f" and np.isnan(counts).any():
        missing = np.isnan(counts)
        alike = (missing == missing[..., :1]).all()
        given = given & ~(missing[..., :1] if alike else missing)
    if counts.ndim == 2:
        counts, given = counts[None], given[None]
    try:
        return smallest_counts(np.where(given, counts, 0)), given
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _number(arrays: dict[str, np.ndarray], name: str, path: Path) -> float:
    if name not in arrays or arrays[name].size != 1 or arrays[name].dtype.kind not in "iuf":
        given = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "nothing"
        raise DataError(f"{path}: {name} must be one number of seconds, got {given}; save it beside counts")
    value = float(arrays[name].ravel()[0])
    if not np.isfinite(value):
        raise DataError(f"{path}: {name} must be finite, got {value}")
    return value


def _beside(
    arrays: dict[str, np.ndarray], shape: tuple[int, ...], path: Path
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Signals (bins, dims) or (trials, bins, dims), and trial columns (trials,), by what their shapes fit."""
    signals, columns = {}, {}
    for name, values in arrays.items():
        flat = values.ravel() if max(values.shape, default=0) == values.size else values  # MATLAB's (n, 1), (1, n)
        numeric = values.dtype.kind in "iufb"
        if name in RESERVED:
            continue
        if len(shape) == 2 and flat.shape == shape[:1]:
            columns[name] = flat
        elif numeric and flat.shape == shape:
            signals[name] = flat.astype(np.float64)[..., None]
        elif numeric and values.ndim == len(shape) + 1 and values.shape[: len(shape)] == shape:
            signals[name] = values.astype(np.float64)
        else:
            log.warning(
                "%s: %s %s fits neither bins nor trials %s and is not read", path, name, values.shape, shape
            )
    return signals, columns


def _unit_names(arrays: dict[str, np.ndarray], n_units: int, path: Path) -> tuple[str, ...]:
    names = arrays.get("unit_names")
    if names is None:
        return tuple(str(unit) for unit in range(n_units))
    if names.size != n_units:
        raise DataError(f"{path}: {names.size} unit_names for {n_units} units of counts")
    return tuple(str(name) for name in names.ravel())


def _trials_beside(trials_path: Path | None, stop_s: float) -> pd.DataFrame:
    if trials_path is None:
        return pd.DataFrame({"start_time": np.empty(0), "stop_time": np.empty(0)})
    return tidy_trials(read_table(trials_path), last_stop_s=stop_s, where=str(trials_path))


def _trials_of(
    columns: dict[str, np.ndarray], n_trials: int, duration_s: float, trials_path: Path | None, path: Path
) -> pd.DataFrame:
    """One row for each trial of counts, starting at 0 s where no start is known."""
    table = pd.DataFrame(columns, index=range(n_trials))
    if trials_path is not None:
        beside = read_table(trials_path)
        if len(beside) != n_trials:
            raise DataError(f"{trials_path}: {len(beside)} rows for the {n_trials} trials of {path}")
        table = table.drop(columns=[c for c in beside.columns if c in table.columns]).join(beside)
    start = table["start_time"].to_numpy(float) if "start_time" in table.columns else np.zeros(n_trials)
    table = table.drop(columns=[c for c in ("start_time", "stop_time") if c in table.columns])
    table.insert(0, "start_time", start)
    table.insert(1, "stop_time", start + duration_s)
    return table
