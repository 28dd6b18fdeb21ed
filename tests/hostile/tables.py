"""Tables of spikes and of trials, and what neo is asked to read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.session import Session
from neurodecode.io import read_recording
from tests.hostile.shelf import Act, Case, flipped

SPIKES = "unit,time_s\na,0.1\na,0.4\nb,0.2\n"
TRIALS = "start_time,stop_time,side\n0.0,0.5,left\n0.5,1.0,right\n"
WINDOW = Window(bin_size_s=0.05, window_s=(0.0, 0.1), lead_s=0.0)


def table(text: str | bytes, name: str = "spikes.csv", trials: str | bytes | None = None) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        if trials is None:
            return partial(read_recording, folder / name)
        (folder / "trials.csv").write_bytes(trials if isinstance(trials, bytes) else trials.encode())
        return partial(read_recording, folder / name, trials_path=folder / "trials.csv")

    return make


def parquet(change: Callable[[bytes], bytes] = lambda c: c, n_rows: int = 3) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        path = folder / "spikes.parquet"
        pd.DataFrame({"unit": ["a"] * n_rows, "time_s": np.zeros(n_rows)}).to_parquet(path)
        path.write_bytes(change(path.read_bytes()))
        return partial(read_recording, path)

    return make


def parquet_flips(folder: Path) -> Act:
    """Bits turned over all through a Parquet file, whose pages have check sums nowhere by default."""
    from neurodecode.errors import NeurodecodeError

    path, rng = folder / "spikes.parquet", np.random.default_rng(0)
    parquet()(folder)
    good = path.read_bytes()

    def act() -> int:
        n_refused = 0
        for _ in range(100):
            path.write_bytes(flipped(good, int(rng.integers(len(good))), int(rng.integers(8))))
            try:
                assert isinstance(read_recording(path), Session)
            except NeurodecodeError as error:
                n_refused += "spikes.parquet" in str(error)
        return n_refused

    return act


def many_rows(folder: Path) -> Act:
    """One value twenty million times is a few hundred bytes."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    path, n_rows = folder / "spikes.parquet", 1_000_000
    rows = pa.table({"unit": pa.array(np.zeros(n_rows, np.int64)), "time_s": pa.array(np.zeros(n_rows))})
    with ParquetWriter(path, rows.schema) as writer:
        for _ in range(20):
            writer.write_table(rows)
    assert path.stat().st_size < 1 << 20
    return partial(read_recording, path)


def some_refused(n_refused: int) -> None:
    assert 5 <= n_refused <= 100


def empty_trials(folder: Path) -> Act:
    """A million trials of zero length."""
    at = np.arange(1_000_000) / 1000
    pd.DataFrame({"start_time": at, "stop_time": at}).to_parquet(folder / "trials.parquet")
    pd.DataFrame({"unit": "a", "time_s": at[::1000] + 1e-4}).to_parquet(folder / "spikes.parquet")
    read = partial(read_recording, folder / "spikes.parquet", trials_path=folder / "trials.parquet")
    window = Window(bin_size_s=0.001, window_s=(0.0, 0.002), lead_s=0.0)
    return lambda: trials_from_session(read(), window)


def million(trials: Any) -> None:
    """The window counts, not the trial: a spike lies in the first bin of one trial and the second of another.

    A table ends with its last time, so that nothing was observed of the last trial's window.
    """
    assert trials.n_trials == 999_999
    assert int(trials.counts.sum()) == 1999


def of_units(*names: str) -> Callable[[Session], None]:
    def check(session: Session) -> None:
        assert session.unit_names == names

    return check


def case(name: str, make: Callable[[Path], Act], *refused: str, becomes: Any = None) -> Case:
    return Case("table", name, make, *refused, becomes=becomes)


def neo(name: str, content: bytes, file: str, *refused: str) -> Case:
    return Case("neo", name, table(content, file), *refused)


CASES = [
    case("nothing", table(""), r"spikes\.csv: not a whole CSV .*export it again"),
    case("no rows", table("unit,time_s\n"), "has no rows, so no units; export it again"),
    case("bytes at random", table(np.random.default_rng(0).bytes(4000)), r"spikes\.csv: not a whole CSV"),
    case("not UTF-8", table(SPIKES.encode() + b"\xff\xfe,0.5\n"), r"spikes\.csv: not a whole CSV"),
    case("no times", table("unit,speed\na,1\n"), "has no time column; accepted: time_s.*it has: unit, speed"),
    case("two columns of units", table("unit,cluster,time_s\na,b,1\n"), "has several unit columns .*keep one"),
    case("a spike of no unit", table(SPIKES + ",0.5\n"), "column 'unit' is empty in row 3; every spike needs"),
    case("a time in words", table(SPIKES + "a,soon\n"), "'time_s' must hold finite numbers.*row 3: 'soon'"),
    case("a time that overflows", table(SPIKES + "a,1e999\n"), "'time_s' must hold finite numbers in seconds"),
    case("a NaN", table(SPIKES + "a,nan\n"), "'time_s' must hold finite numbers .*1 of 4 rows do not"),
    case(
        "times that are true",
        table("unit,time_s\na,True\na,False\n"),
        "'time_s' holds true and false, expected num",
    ),
    case("a negative time", table(SPIKES + "a,-0.5\n"), "of unit a: 1 spike times are negative .*shift the"),
    case("a row too long", table(SPIKES + "a,0.5,1,2,3\n"), r"spikes\.csv: not a whole CSV"),
    case("a quote that never ends", table(SPIKES + 'a,"0.5\n'), r"spikes\.csv: "),
    case("a zero byte", table("unit,time_s\na\0b,0.1\n"), becomes=lambda session: None),
    case("units that are formulas", table("unit,time_s\n=1+1,0.1\n@x,0.2\n"), becomes=of_units("=1+1", "@x")),
    case(
        "units named like paths",
        table("unit,time_s\n../../x,0.1\n/dev/null,0.2\nNUL,0.3\n"),
        becomes=of_units("../../x", "/dev/null", "NUL"),
    ),
    case(
        "trials without starts",
        table(SPIKES, trials="stop_time\n1\n"),
        r"trials\.csv: .*needs a column start_time",
    ),
    case(
        "trials that run backwards",
        table(SPIKES, trials="start_time,stop_time\n1,0\n"),
        "row 0 runs from 1 to 0 s",
    ),
    case(
        "trials until infinity",
        table(SPIKES, trials="start_time,stop_time\n0,inf\n"),
        "'stop_time' must hold finite",
    ),
    case(
        "trials that are not UTF-8", table(SPIKES, trials=TRIALS.encode("utf-16")), r"trials\.csv: not a whole CSV"
    ),
    case("a million trials of zero length", empty_trials, becomes=million),
    case("Parquet cut off", parquet(lambda c: c[: len(c) // 2]), r"spikes\.parquet: not a whole CSV or Parquet"),
    case("Parquet of zeros", parquet(lambda c: bytes(len(c))), r"spikes\.parquet: not a whole CSV or Parquet"),
    case("Parquet with bits turned over", parquet_flips, becomes=some_refused),
    case(
        "Parquet of more rows than fit", many_rows, "20000000 rows of 2 columns: would take .*write a part of it"
    ),
    neo("bytes at random as Plexon", np.random.default_rng(1).bytes(3000), "made.plx", "neo cannot read it"),
    neo("bytes at random as Neuralynx", np.random.default_rng(2).bytes(3000), "made.nse", "neo cannot|no reader"),
    neo("bytes at random as Blackrock", np.random.default_rng(3).bytes(3000), "made.nev", "neo cannot read it"),
    neo("nothing as NIX", b"", "made.nix", "neo cannot read it|no reader"),
    neo("text as Spike2", b"unit,time_s\n" * 50, "made.smr", "neo cannot read it"),
    neo("a suffix of a path", b"x", "made.nwb.exe", "no reader knows a file named so"),
]
