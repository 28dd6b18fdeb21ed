"""Decoding on the page: its answers, tables and figures, and nothing of it where nothing is decoded."""

import re

import pandas as pd
import pytest

from neurodecode.errors import DataError
from neurodecode.evaluation.scores import read_scores, write_scores
from neurodecode.report.decoding.section import by_kind, decoding_section
from neurodecode.report.decoding.session_figures import OF_KIND, draw_decoding
from neurodecode.report.page import write_report
from neurodecode.report.session_figures import draw_session

TARGETS = {
    "fruits": {"target": {"class": "fruit", "pre_stimulus_s": [-1.0, -0.5]}, "before": 2.0},
    "reach": {"target": {"signal": "hand", "unit": "cm/s"}},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory, fabricated, fabricated_decoding):
    """A page over two sessions of which something is decoded, and one of which nothing is."""
    folder = tmp_path_factory.mktemp("page")
    sections, decoding, frames = [], [], []
    for name in (*TARGETS, "silent"):
        one = fabricated(folder / "encode", session=name, models=("psth", "glm"), controls=False)
        sections.append(one.folder / "figures" / "figures.json")
        draw_session(**one.paths(), session=name, seed=1, output=sections[-1])
        frames.append(read_scores(one.folder / "scores.csv"))
    for name, given in TARGETS.items():
        made = fabricated_decoding(folder / "decode", session=name, **given)
        decoding.append(made.folder / "decoders" / "figures" / "figures.json")
        draw_decoding(**made.paths(), output=decoding[-1])
        frames.append(made.frame())
    write_scores(pd.concat(frames), folder / "scores.csv")
    write_report(
        scores=[folder / "scores.csv"],
        sections=sections,
        decoding=decoding,
        config={"models": {name: {"family": name} for name in ("psth", "glm")}},
        output=folder / "report.html",
    )
    return folder / "report.html", decoding


@pytest.fixture(scope="module")
def text(written):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", written[0].read_text(encoding="utf-8")))


def test_answers_stand_beside_those_of_the_encoding(text):
    answers = text[: text.index("Held-out trials of all folds together")]
    assert "fruits: fruit decoded" in answers
    assert "Single trials tell more of fruit than the average response does" in answers
    assert "reach: hand decoded" in answers
    assert "decoders are above chance there" in answers
    assert "silent:" not in answers


def test_there_is_one_table_for_each_kind_of_target(written, text):
    html = written[0].read_text(encoding="utf-8")
    table = html[html.index('id="decoding"') : html.index('id="session-1"')]
    assert table.count("<table") == 2
    for words in ("Classes", "Signals", "class prior", "R2 by dim", "before the stimulus", "errors in cm/s"):
        assert words in table
    assert "Values of trials" not in table
    assert "not causal" in text


def test_figures_of_the_kind_stand_in_the_session_and_links_lead_to_them(written):
    html = written[0].read_text(encoding="utf-8")
    for index, kind in enumerate(("class", "signal"), start=1):
        for name in OF_KIND[kind]:
            assert html.count(f'id="session-{index}-{name}"') == 1
            assert f'href="#session-{index}-{name}"' in html
    assert 'id="session-2-confusion"' not in html
    anchors = re.findall(r' id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(anchors)


def test_the_dims_of_a_signal_do_not_take_the_place_of_the_whole(written):
    frame = read_scores(written[0].parent / "scores.csv")
    (section,) = by_kind([decoding_section(written[1][1], dict(iter(frame.groupby("session"))))])[0].sections
    pooled = frame[(frame["target"] == "hand") & (frame["model"] == "lstm") & (frame["metric"] == "r2")]
    value = pooled[pooled["fold"] == "all"]["value"].item()
    (row,) = (row for row in section.rows if row.model == "lstm")
    assert row.cells[1].text == f"{value:.3f}"


def test_a_file_that_is_none_is_refused(tmp_path, written):
    (tmp_path / "figures.json").write_text('{"session": "x"}')
    with pytest.raises(DataError, match="draw it again"):
        decoding_section(tmp_path / "figures.json", {})
