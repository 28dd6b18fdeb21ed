"""A sheet of sessions says what the same sessions say in YAML, or each thing that is wrong with it, by row."""

from pathlib import Path

import pytest
import yaml

from neurodecode.config.listing import listed
from neurodecode.config.run import SESSION_KEYS, read_config, run_config
from neurodecode.config.sheet import LISTS, TEXT, TEXT_WITHIN, read_sheet
from neurodecode.errors import ConfigError
from neurodecode.evaluation.configuration import write_checked_config
from workflow.validation import ConfigurationError, checked_listing

ROOT = Path(__file__).resolve().parents[2]
HEADER = "name,path,align,window_s,bin_size_s,condition,where.outcome,target.class,models,#notes\n"
FIRST = 'rat1,day 1/rat1.nwb,go,"[-0.5, 1]",1e-3,odour,1,odour,psth; flat,the good one\n'
SECOND = "rat2,rat2.nwb,go,-0.5; 1,0.001,007,,,,\n"
AS_YAML = yaml.safe_load("""
rat1:
  path: day 1/rat1.nwb
  align: go
  window_s: [-0.5, 1]
  bin_size_s: 0.001
  condition: odour
  where: {outcome: 1}
  target: {class: odour}
  models: [psth, flat]
rat2: {path: rat2.nwb, align: go, window_s: [-0.5, 1], bin_size_s: 0.001, condition: "007"}
""")
MODELS = {"psth": {"family": "psth"}, "flat": {"family": "constant"}}


def configured(folder: Path, sheet: str, name: str = "sheet.csv", **further: object) -> dict[str, object]:
    (folder / name).write_text(sheet, encoding="utf-8")
    return {"sessions": name, "models": MODELS, **further}


def errors_of_both(folder: Path, config: dict[str, object]) -> tuple[list[str], list[str]]:
    """What the workflow says is wrong, and what the package says."""
    with pytest.raises(ConfigurationError) as of_workflow:
        checked_listing(config, ROOT, folders=[folder])
    with pytest.raises(ConfigError) as of_package:
        run_config(config, folders=[folder])
    both = (str(error.value).replace(f"{folder}/", "") for error in (of_workflow, of_package))
    return tuple(said.splitlines() for said in both)


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("sheet.csv", HEADER + FIRST + SECOND),
        ("sheet.csv", "\ufeff" + (HEADER + FIRST + "#rat3,gone\n,,,\n\n" + SECOND).replace("\n", "\r\n")),
        ("sheet.tsv", (HEADER + SECOND.replace("rat2", "rat1") + SECOND).replace(",", "\t")),
    ],
    ids=["csv", "csv of a spreadsheet, with notes", "tsv"],
)
def test_a_sheet_says_what_yaml_says(tmp_path, name, sheet):
    config = configured(tmp_path, sheet, name)
    checked, places = checked_listing(config, ROOT, folders=[tmp_path])
    expected = AS_YAML if name == "sheet.csv" else {n: AS_YAML["rat2"] | {"path": f"{n}.nwb"} for n in AS_YAML}
    assert checked["sessions"] == expected
    assert "session_defaults" not in checked
    assert places.title == str(tmp_path / name)
    assert run_config(config, folders=[tmp_path]) == run_config({"sessions": expected, "models": MODELS})


def test_a_sheet_stands_beside_the_configuration_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path)
    config = configured(tmp_path / "lab", HEADER + FIRST)
    (tmp_path / "lab/mine.yaml").write_text(yaml.safe_dump(config))
    assert list(read_config("lab/mine.yaml").sessions) == ["rat1"]
    (tmp_path / "lab/sheet.csv").rename("sheet.csv")
    assert list(read_config("lab/mine.yaml").sessions) == ["rat1"], "or in the working directory"


def test_defaults_are_laid_under_every_session_key_by_key(tmp_path):
    given = {"align": "go", "where": {"outcome": 1, "side": "left"}, "models": ["psth"]}
    config, _ = listed(
        {
            "sessions": {"a": {"where": {"side": "right"}}, "b": {"align": "cue", "models": ["flat"]}},
            "session_defaults": given,
        },
        [tmp_path],
        SESSION_KEYS,
    )
    assert config["sessions"] == {
        "a": {"align": "go", "where": {"outcome": 1, "side": "right"}, "models": ["psth"]},
        "b": {"align": "cue", "where": {"outcome": 1, "side": "left"}, "models": ["flat"]},
    }
    assert given["where"] == {"outcome": 1, "side": "left"}, "the given defaults are not written into"
    config["sessions"]["a"]["where"]["outcome"] = 2
    assert config["sessions"]["b"]["where"]["outcome"] == 1


def test_everything_that_is_wrong_is_said_at_once_by_row_and_column(tmp_path):
    rows = [
        "ok,a.nwb,0; 1,0.1,,,",
        "climbs,../a.nwb,0; 1,0.1,,,",
        "absolute,/data/a.nwb,0; 1,0.1,,,",
        "windows,..\\a.nwb,0; 1,0.1,,,",
        "short,a.nwb,0,0.1,,,",
        "words,a.nwb,0; 1,fast,,,",
        "ok,b.nwb,0; 1,0.1,,,",
        ",b.nwb,0; 1,0.1,,,",
        "a/b,b.nwb,0; 1,0.1,,,",
        "cut,a.nwb,0; 1,0.1,[1,,",
        'bomb,a.nwb,0; 1,0.1,"[&a [1], *a]",,',
        'within,a.nwb,0; 1,0.1,,"{clas: x}",',
        "longer,a.nwb,0; 1,0.1,,,,,8",
        "nothing",
    ]
    sheet = "name,path,window_s,bin_size_s,where.x,target,aling\n" + "\n".join(rows)
    for lines in errors_of_both(tmp_path, configured(tmp_path, sheet)):
        places = {line.split(": ")[0] for line in lines}
        paths = ((3, "climbs"), (4, "absolute"), (5, "windows"))
        assert places == {
            "sheet.csv, row 1",
            *(f"sheet.csv, row {n} ({name}), column path" for n, name in paths),
            "sheet.csv, row 6 (short), column window_s",
            "sheet.csv, row 7 (words), column bin_size_s",
            "sheet.csv, row 8, column name",
            "sheet.csv, row 9, column name",
            "sheet.csv, row 10 (a/b), column name",
            *(f"sheet.csv, row {n} ({name}), column where.x" for n, name in ((11, "cut"), (12, "bomb"))),
            "sheet.csv, row 13 (within), column target",
            "sheet.csv, row 14 (longer)",
            "sheet.csv, row 15 (nothing)",
        }
        assert all("given" in line or "expected" in line or "known" in line or "name" in line for line in lines)


def test_what_is_wrong_with_the_defaults_is_said_once(tmp_path):
    sheet = "name,path,window_s,bin_size_s\n" + "".join(f"rat{n},{n}.nwb,0; 1,0.1\n" for n in range(5))
    config = configured(tmp_path, sheet, session_defaults={"algin": "go", "lead_s": -1, "bin_size_s": "fast"})
    for lines in errors_of_both(tmp_path, config):
        assert len(lines) == 2
        unknown = "session_defaults: unknown key 'algin'; did you mean 'align'?"
        assert any(line.startswith(unknown) for line in lines)
        assert any(line.startswith("session_defaults.lead_s: given -1") for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, "absent.csv: cannot be read (No such file or directory)"),
        ("sheet.xlsx", b"PK", "given a .xlsx file, expected .csv or .tsv"),
        ("sheet.csv", b"name,path\nr\xe9mi,a.nwb\n", "not UTF-8 at byte 11"),
        ("sheet.csv", b'name,path\n"a"b,a.nwb\n', "not a table"),
        ("sheet.csv", b"", "no column 'name', given nothing"),
        ("sheet.csv", b"name;path\na;a.nwb\n", "unknown column 'name;path'"),
        ("sheet.csv", b"name,path\n", "no session; each row below the header is one"),
        ("sheet.csv", b"name,path,path\na,a.nwb,b.nwb\n", "column 'path' stands twice"),
        ("sheet.csv", b"name,where,where.x\na,{y: 1},2\n", "columns 'where' and within it"),
        ("sheet.csv", b"name,where.x\na," + b"[" * 20_000 + b"\n", "row 2 (a), column where.x: given '[[["),
    ],
    ids=["absent", "suffix", "encoding", "quotes", "empty", "delimiter", "no rows", "twice", "within", "deep"],
)
def test_a_sheet_that_is_none_is_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    for lines in errors_of_both(tmp_path, {"sessions": name, "models": MODELS}):
        assert any(words in line for line in lines), lines


def test_what_only_types_know_names_rows_too(tmp_path):
    sheet = "name,path,window_s,bin_size_s\na,a.nwb,0; 1,0.3\nb,b.nwb,0; 1,0.1\nc,c.nwb,1; 0,0.1\n"
    config, places = checked_listing(configured(tmp_path, sheet), ROOT, folders=[tmp_path])
    with pytest.raises(ConfigError) as error:
        write_checked_config(config, tmp_path / "config.json", sheet="sheet.csv", rows=places.rows)
    first, second = str(error.value).splitlines()
    assert first.startswith("sheet.csv, row 2 (a): bin_size_s 0.3 does not divide")
    assert second.startswith("sheet.csv, row 4 (c): window_s")


def test_columns_of_text_and_of_lists_are_those_of_the_types():
    entry = yaml.safe_load((ROOT / "workflow/schemas/config.schema.json").read_text())["properties"][
        "session_defaults"
    ]
    kinds = {name: one.get("type") for name, one in entry["properties"].items()}
    assert {name for name, kind in kinds.items() if kind == "string"} == TEXT
    target = {name: one.get("type") for name, one in entry["properties"]["target"]["properties"].items()}
    of_target = {f"target.{name}" for name, kind in target.items() if kind == "array"}
    assert {name for name, kind in kinds.items() if kind == "array"} | of_target == LISTS
    assert {name for name, kind in target.items() if kind == "string"} == set(TEXT_WITHIN["target"])
    for within in ("covariates", "signals"):
        inner = entry["properties"][within]["additionalProperties"]["properties"]
        assert {name for name, one in inner.items() if one.get("type") == "string"} == set(TEXT_WITHIN[within])


def test_dates_in_cells_stay_text(tmp_path):
    (tmp_path / "sheet.csv").write_text('name,where.day,where.n\na,2024-05-01,"{min: 1E-2}"\n')
    assert read_sheet(tmp_path / "sheet.csv", SESSION_KEYS).rows[0].entry == {
        "where": {"day": "2024-05-01", "n": {"min": 0.01}}
    }
