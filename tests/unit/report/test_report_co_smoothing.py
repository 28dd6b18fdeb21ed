"""The table of units predicted from other units says who sees the future, and why it is empty where it is."""

import pytest

from neurodecode.report.co_smoothing import CoSmoothed, co_smoothed
from neurodecode.report.scoretable import Estimate, ScoreTable

CONFIG = {"models": {"psth": {"family": "psth"}, "m": {"family": "glm"}}, "co_smoothing": {"unit_folds": 5}}
HELD = {
    ("psth", "co_bps", "all", "all"): Estimate(0.1, 0.05, 0.15),
    ("m", "co_bps", "all", "all"): Estimate(0.3, 0.2, 0.4),
    ("m_acausal", "co_bps", "all", "all"): Estimate(0.5, 0.4, 0.6),
    ("m", "gain_over_psth", "all", "all"): Estimate(0.2, 0.1, 0.3),
    ("m", "gain_over_psth", "a", "all"): Estimate(0.2, 0.1, 0.3),
    ("m", "gain_over_psth", "b", "all"): Estimate(0.2, -0.1, 0.3),
    ("m", "gain_over_psth", "silent", "all"): Estimate(),
    **{(m, "causal", "all", "all"): Estimate(float(m != "m_acausal")) for m in ("psth", "m", "m_acausal")},
}


@pytest.fixture
def table() -> CoSmoothed:
    found = co_smoothed("s", ScoreTable(HELD), CONFIG, 3)
    assert found is not None
    return found


def cells(table: CoSmoothed) -> dict[str, list[str]]:
    return {row.model: [cell.text for cell in row.cells] for row in table.rows}


def test_rows_say_whether_a_model_sees_the_future(table):
    assert {model: texts[0] for model, texts in cells(table).items()} == {
        "psth": "true",
        "m": "true",
        "m_acausal": "false",
    }
    assert {row.model: row.family for row in table.rows} == {"psth": "psth", "m": "glm", "m_acausal": "glm"}


def test_a_model_that_sees_the_future_is_never_the_best(table):
    assert [row.model for row in table.rows if any(cell.best for cell in row.cells)] == ["m"]


def test_units_count_where_their_whole_interval_gains(table):
    assert cells(table)["m"][2:4] == ["+0.200", "1 of 2"]


def test_a_session_without_rows_says_why_and_one_that_was_not_asked_for_is_silent():
    empty = ScoreTable({})
    assert "one unit" in co_smoothed("s", empty, CONFIG, 1).absent
    assert co_smoothed("s", empty, {**CONFIG, "co_smoothing": {"sessions": ["t"]}}, 3) is None
    assert co_smoothed("s", empty, {"models": {}}, 3) is None
