"""A fitted model among the checkpoints of a long fit: kept as its files would hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from neurodecode.data.checkpoints import Parts, kept
from neurodecode.models._base import FittedModel, PointProcessModel

F = TypeVar("F", bound=FittedModel)


def kept_fit(name: str, model: PointProcessModel, fit: Callable[[], F]) -> F:
    """What ``fit`` gives, a fitted ``model``, or gave before an interruption."""

    def apart(fitted: F) -> Parts:
        return fitted.parameters(), fitted.description()

    def together(parts: Parts) -> F:
        return model.rebuild(*parts)  # type: ignore[return-value]  # a family rebuilds what it fits

    return kept(name, fit, apart, together)
