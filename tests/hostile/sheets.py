"""Tables of sessions that climb out of their folder, or say what a sheet must not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from neurodecode.config.run import RunConfig, read_config
from tests.hostile.shelf import Act, Case

HEAD = "name,path,window_s,bin_size_s"
ROW = "one,x.nwb,0; 1,0.01"


def sheet(text: str | bytes, named: str = "sheet.csv") -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        (folder / "sheet.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        (folder / "mine.yaml").write_text(f"sessions: {named}\nmodels: {{psth: {{family: psth}}}}\n")
        return partial(read_config, folder / "mine.yaml")

    return make


def row(text: str) -> Callable[[Path], Act]:
    return sheet(f"{HEAD}\n{text}\n")


def thousand(run: RunConfig) -> None:
    assert len(run.sessions) == 1000


def case(name: str, make: Callable[[Path], Act], *refused: str, becomes: Any = None) -> Case:
    return Case("sheet", name, make, *refused, becomes=becomes)


OUT = "expected a path within recordings_dir, neither absolute nor with .. in it"
CASES = [
    case("a path out of the folder", row("one,../../etc/passwd,0; 1,0.01"), f"row 2.*column path: .*{OUT}"),
    case("a path out of the folder by way of another", row("one,a/../../x.nwb,0; 1,0.01"), OUT),
    case("an absolute path", row("one,/etc/passwd,0; 1,0.01"), OUT),
    case("an absolute path of another system", row("one,C:\\x.nwb,0; 1,0.01"), OUT),
    case("a path out of the folder of another system", row("one,..\\x.nwb,0; 1,0.01"), OUT),
    case("a name out of the folder", row("..,x.nwb,0; 1,0.01"), "row 2.*column name: given '..'"),
    case("a name with a slash", row("a/b,x.nwb,0; 1,0.01"), "row 2.*column name: given 'a/b'"),
    case("a name that is a formula", row("=cmd|' /C calc'!A0,x.nwb,0; 1,0.01"), "row 2.*column name"),
    case(
        "a cell that is a tag", row("one,x.nwb,!!python/object/apply:os.abort [],0.01"), "row 2.*column window_s"
    ),
    case("a cell with an alias", row('one,x.nwb,"[&a 1, *a]",0.01'), "row 2.*column window_s"),
    case("a cell nested deep", row(f"one,x.nwb,{'[' * 3000}{']' * 3000},0.01"), "row 2.*column window_s"),
    case("a cell of NaN", row("one,x.nwb,0; 1,.nan"), "bin_size_s: given nan, expected a finite number"),
    case("a cell of infinity", row("one,x.nwb,0; .inf,0.01"), "window_s.*given inf, expected a finite number"),
    case("not UTF-8", sheet(f"{HEAD}\n".encode() + b"\xff\xfe,x.nwb,0; 1,0.01\n"), "not UTF-8 at byte"),
    case("a quote that never ends", row('one,"x.nwb,0; 1,0.01'), r"sheet\.csv: not a table"),
    case("nothing", sheet(""), "no column 'name'"),
    case("no rows", sheet(HEAD), "no session; each row below the header is one"),
    case("a name twice", row(f"{ROW}\n{ROW}"), "row 3, column name: 'one' stands in row 2, too"),
    case("a column twice", sheet(f"{HEAD},path\n{ROW},y.nwb\n"), "column 'path' stands twice"),
    case("a column of nothing known", sheet(f"{HEAD},__class__\n{ROW},x\n"), "unknown column '__class__'"),
    case("a sheet that is absent", sheet(HEAD, "other.csv"), r"other\.csv: cannot be read"),
    case("a sheet of another kind", sheet(HEAD, "sheet.xlsm"), r"given a \.xlsm file, expected \.csv or \.tsv"),
    case("a thousand rows", row("\n".join(ROW.replace("one", f"s{n}") for n in range(1000))), becomes=thousand),
]
