"""A range of numbers in the configuration."""

from __future__ import annotations

from typing_extensions import TypedDict


class Range(TypedDict, total=False):
    """Numbers in [min, max]; either end may be left out."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]  # noqa: RUF012  (pydantic's, no key)
    min: float
    max: float
