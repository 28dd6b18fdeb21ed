"""Files to recordings: the one room that knows file formats. Each reader is imported when it is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neurodecode.data.counts import CountRecording
from neurodecode.data.session import Session
from neurodecode.errors import ConfigError
from neurodecode.io._refusal import check_readable

__all__ = ["FORMATS", "format_of", "read_recording", "write_nwb"]

FORMATS = ("nwb", "neo", "table", "arrays")
_BY_SUFFIX = {
    ".nwb": "nwb",
    ".csv": "table",
    ".tsv": "table",
    ".parquet": "table",
    ".npz": "arrays",
    ".npy": "arrays",
    ".mat": "arrays",
}


def read_recording(
    path: str | Path, *, format: str | None = None, trials_path: str | Path | None = None
) -> Session | CountRecording:
    """Read one recording: spike times as a Session, binned counts as a CountRecording.

    ``format``: one of nwb, neo, table, arrays; by the file's suffix where not given (.nwb; .csv, .tsv, .parquet;
    .npz, .mat; anything else with neo). ``neo:PlexonIO`` names neo's reader. ``trials_path``: a CSV or Parquet
    table of trials (start_time, stop_time, s) that takes the place of the file's own.
    Raises DataError for a file that is absent, a pickle, not whole, or without units; ConfigError for a format
    that does not exist.
    """
    path = Path(path)
    beside = None if trials_path is None else Path(trials_path)
    kind, _, reader = (format or format_of(path)).partition(":")
    if kind not in FORMATS or (reader and kind != "neo"):
        raise ConfigError(f"{path}: unknown format {format!r}; known: {', '.join(FORMATS)}, neo:<reader of neo>")
    for file in (path, beside):
        if file is not None:
            check_readable(file)
    if kind == "table":
        from neurodecode.io.tables import read_tables

        return read_tables(path, beside)
    if kind == "arrays":
        from neurodecode.io.arrays import read_arrays

        return read_arrays(path, beside)
    return _with_trials(_read_session(path, kind, reader), beside)


def format_of(path: Path) -> str:
    """The format that a file's suffix stands for."""
    return _BY_SUFFIX.get(path.suffix.lower(), "neo")


def write_nwb(path: str | Path, session: Session) -> None:
    """Write a session as NWB, a file that ``read_recording`` gives the same session back from."""
    from neurodecode.io._nwb_writer import write_session

    write_session(Path(path), session)


def _read_session(path: Path, kind: str, reader: str) -> Session:
    if kind == "nwb":
        from neurodecode.io.nwb import read_nwb

        return read_nwb(path)
    from neurodecode.io.neo import read_neo

    return read_neo(path, reader or None)


def _with_trials(session: Session, trials_path: Path | None) -> Session:
    if trials_path is None:
        return session
    from neurodecode.io._trial_table import tidy_trials
    from neurodecode.io.tables import read_table

    table = tidy_trials(read_table(trials_path), last_stop_s=session.span_s[1], where=str(trials_path))
    return replace(session, trials=table)
