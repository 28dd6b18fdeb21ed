"""Numbers in sentences and tables."""

import math

from neurodecode.report.scoretable import Estimate
from neurodecode.report.style import balanced, shortened
from neurodecode.report.wording import interval, listed, number, plural, signed, with_interval


def test_minus_is_a_minus_sign_and_zero_has_none():
    assert number(-0.1234) == "\N{MINUS SIGN}0.123"
    assert number(-0.0001) == "0.000"
    assert number(math.nan) == number(math.inf) == "–"


def test_signs():
    assert (signed(0.02), signed(-0.02), signed(0.0001)) == ("+0.020", "\N{MINUS SIGN}0.020", "0.000")


def test_intervals_only_where_there_are_both_bounds():
    assert with_interval(Estimate(0.2, 0.1, 0.3)) == "0.200 [0.100 to 0.300]"
    assert with_interval(Estimate(0.2)) == "0.200"
    assert interval(Estimate(0.2, 0.1, math.nan)) == ""


def test_words():
    assert (plural(1, "unit"), plural(1200, "unit")) == ("1 unit", "1,200 units")
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert shortened("a" * 50, 11) == "aaaaa…aaaaa"
    assert shortened("glm") == "glm"


def test_titles_wrap_into_lines_of_about_one_length():
    lines = balanced("word " * 20).splitlines()
    assert len(lines) == 2
    assert abs(len(lines[0]) - len(lines[1])) <= 5
    assert balanced("short") == "short"
    assert balanced("x" * 200) == "x" * 200
