"""Whatever a sheet holds, it is read or refused by row, and what is written into one comes back."""

import csv
import io
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from neurodecode.config.run import SESSION_KEYS
from neurodecode.config.sheet import DELIMITERS, read_sheet

WORDS = st.text("abc λ.,;:#'\"[]{}-0123\\/&*!", min_size=1, max_size=12).map(str.strip).filter(bool)
NUMBERS = st.integers(-9, 9) | st.floats(-1e3, 1e3, allow_nan=False)
COLUMNS = {
    "align": WORDS,
    "condition": WORDS,
    "target.class": WORDS,
    "bin_size_s": NUMBERS,
    "n_trials": st.integers(1, 99),
    "window_s": st.lists(NUMBERS, min_size=2, max_size=2),
    "models": st.lists(WORDS, min_size=1, max_size=3),
    "where.outcome": st.booleans() | NUMBERS | st.fixed_dictionaries({"min": NUMBERS}),
}
TEXTS = ("align", "condition", "target.class")
ROWS = st.lists(st.fixed_dictionaries({}, optional=COLUMNS), min_size=1, max_size=4)
SUFFIXES = st.sampled_from(sorted(DELIMITERS))


def read(content: bytes, suffix: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"sheet{suffix}")
        path.write_bytes(content)
        return read_sheet(path, SESSION_KEYS)


@given(rows=ROWS, suffix=SUFFIXES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_into_a_sheet_comes_back(rows, suffix):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=DELIMITERS[suffix])
    writer.writerow(["name", *COLUMNS])
    for number, row in enumerate(rows):
        cells = [
            ""
            if column not in row
            else row[column]
            if column in TEXTS
            else json.dumps(row[column], ensure_ascii=False)
            for column in COLUMNS
        ]
        writer.writerow([f"rat{number}", *cells])
    sheet = read(text.getvalue().encode(), suffix)
    assert sheet.problems == []
    back = [
        {c: row.entry[c.split(".")[0]][c.split(".")[1]] if "." in c else row.entry[c] for c in row.columns}
        for row in sheet.rows
    ]
    assert back == rows


@given(
    content=st.binary(max_size=80) | st.text(max_size=80).map(lambda text: f"name,path,where.x\n{text}".encode()),
    suffix=SUFFIXES,
)
@settings(max_examples=150, deadline=None)
def test_nothing_in_a_sheet_is_a_traceback_or_a_way_out_of_the_folder(content, suffix):
    sheet = read(content, suffix)
    assert sheet.rows or sheet.problems
    assert len({row.name for row in sheet.rows}) == len(sheet.rows)
    for row in sheet.rows:
        path = str(row.entry.get("path", ""))
        climbs = path.startswith("/") or ".." in Path(path).parts
        assert not climbs or any(f"row {row.number} " in problem for problem in sheet.problems)
