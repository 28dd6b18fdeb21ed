"""Anything that neo reads: spike trains, epochs, events and signals, as plain arrays in seconds.

neo objects are taken apart here and nowhere else: arithmetic on thousands of SpikeTrains costs seconds.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from neurodecode.data.session import Session, SpikeCleaning, clean_spike_times
from neurodecode.errors import DataError
from neurodecode.io._clean import tidy_intervals
from neurodecode.io._neo_clock import pieces_on_one_clock
from neurodecode.io._neo_signals import signals_of
from neurodecode.io._neo_trials import trials_of
from neurodecode.io._neo_units import Train, trains_by_unit, unit_table
from neurodecode.io._warnings import logged_warnings

log = logging.getLogger(__name__)


def read_neo(path: Path, io_name: str | None = None) -> Session:
    """Read the first block of a file or folder that neo knows; ``io_name`` names neo's reader, such as PlexonIO.

    Segments whose times follow one another keep their common clock; segments that each start anew are laid one
    after the other, a second apart. What lies between segments is unobserved. A clock that starts before 0 s is
    shifted to start at 0 s.
    Trials are the rows of the epochs named ``trials``, else of all epochs (a column ``epoch`` has their names);
    without epochs, the segments where there are several, else the events, each until the next. Events within a
    trial give columns ``<name>_time`` and ``<name>_label``, and ``<label>_time`` where labels differ.
    Raises DataError for what no reader of neo can read, and for a file without spike trains.
    """
    with logged_warnings(log, str(path)):
        block = _block(path, io_name)
        pieces = pieces_on_one_clock(block.segments, str(path))
        units = trains_by_unit(pieces, str(path))
        cleaned = [_spike_times(name, trains, path) for name, trains in units.items()]
        return Session(
            name=path.name,
            spike_times_s=tuple(times for times, _ in cleaned),
            units=unit_table(units),
            trials=trials_of(pieces, str(path)),
            signals=signals_of(pieces, str(path)),
            observed_s=tuple(_observed(name, trains, path) for name, trains in units.items()),
            dropped=tuple(mended for _, mended in cleaned),
        )


def _block(path: Path, io_name: str | None) -> Any:
    import neo

    tried = []
    for reader in _readers(path, io_name):
        try:
            read_only = {"mode": "ro"} if reader is getattr(neo, "NixIO", None) else {}  # else it opens to write
            io = reader(str(path), **read_only)
            try:
                blocks = io.read(lazy=True) if io.support_lazy else io.read()
            finally:
                if hasattr(io, "close") and not io.support_lazy:
                    io.close()
        except Exception as error:  # each of neo's readers fails in its own way on files that are not its own
            tried.append(f"{reader.__name__} ({str(error).strip() or type(error).__name__})")
            continue
        held = [block for block in blocks if any(segment.spiketrains for segment in block.segments)]
        if not held:
            tried.append(f"{reader.__name__} (no spike trains in it: no units)")
            continue
        if len(blocks) > 1:
            log.warning("%s: only the first of %d blocks with spike trains is read", path, len(held))
        return held[0]
    raise DataError(
        f"{path}: neo cannot read it as a recording with units; tried: {'; '.join(tried)}; name its `format` or "
        "convert it to NWB"
    )


def _readers(path: Path, io_name: str | None) -> list[Any]:
    """neo's readers that the name suggests; never the one that unpickles."""
    import neo

    known: dict[str, Any] = {}
    for reader in neo.io.iolist:
        if reader.__name__ != "PickleIO":
            known.setdefault(reader.__name__, reader)  # a second NixIO follows, which knows less of the format
    if io_name is not None:
        if io_name not in known:
            raise DataError(f"{path}: neo has no reader {io_name!r}; it has: {', '.join(sorted(known))}")
        return [known[io_name]]
    try:
        names = dict.fromkeys(reader.__name__ for reader in neo.list_candidate_ios(str(path)))
    except ValueError:
        names = {}
    found = [known[name] for name in names if name in known]
    if not found:
        raise DataError(
            f"{path}: no reader knows a file named so; known: .nwb, .csv, .parquet, .npz, .mat and what neo reads "
            "(.nix, .plx, .nev, ...); rename it, give `format`, or convert it to NWB"
        )
    return found


def _spike_times(name: str, trains: list[Train], path: Path) -> tuple[np.ndarray, SpikeCleaning]:
    """All spikes of a unit; trains that are out of order in themselves are counted, not the joints."""
    where = f"{path}: spike train {name!r}"
    parts = [clean_spike_times(train.times_s, where=where) for train in trains]
    times = np.unique(np.concatenate([times for times, _ in parts]))
    mended = [mended for _, mended in parts]
    n_joint = sum(times.size for times, _ in parts) - times.size
    return times, SpikeCleaning(
        unsorted=sum(m.unsorted for m in mended), duplicates=sum(m.duplicates for m in mended) + n_joint
    )


def _observed(name: str, trains: list[Train], path: Path) -> np.ndarray:
    spans = np.array([[train.start_s, train.stop_s] for train in trains])
    return tidy_intervals(spans, where=f"{path}: spike train {name!r}")
