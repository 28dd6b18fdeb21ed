"""Numbers as they stand in sentences and tables."""

from __future__ import annotations

import math

from neurodecode.report.scoretable import Estimate

NONE = "–"


def number(value: float, digits: int = 3) -> str:
    """``value`` with a true minus sign, a dash where it is not finite; never "-0.000"."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: float, digits: int = 3) -> str:
    """The same with a plus sign where it is above 0."""
    text = number(value, digits)
    return f"+{text}" if math.isfinite(value) and float(f"{value:.{digits}f}") > 0 else text


def short(value: float) -> str:
    """The number as a title gives it: two decimals below 10, none above."""
    return number(value, 2 if abs(value) < 10 else 0)


def interval(estimate: Estimate, digits: int = 3) -> str:
    """``low to high``, empty where there is no interval."""
    if not estimate.has_interval:
        return ""
    return f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"


def with_interval(estimate: Estimate, digits: int = 3) -> str:
    """``0.243 [0.221 to 0.266]``."""
    bounds = interval(estimate, digits)
    return f"{number(estimate.value, digits)} [{bounds}]" if bounds else number(estimate.value, digits)


def plural(count: int, noun: str) -> str:
    """``1 unit``, ``3 units``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: list[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
