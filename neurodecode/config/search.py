"""``search:`` of a model's entry: which hyper-parameters are searched, and between what bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from pydantic import Field

from neurodecode.config.checking import check_names, validated
from neurodecode.config.plain import shown
from neurodecode.errors import ConfigError
from neurodecode.models import PointProcessModel

DEFAULT_TRIALS = 20


@dataclass(frozen=True, kw_only=True)
class SearchRange:
    """Numbers from ``low`` to ``high``, both included: evenly on a log scale with ``log``, else on a plain one,
    in multiples of ``step`` from ``low`` where it is given."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    low: float
    high: float
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ConfigError(f"low must lie below high, got low {self.low:g} and high {self.high:g}")
        if self.log and not self.low > 0:
            raise ConfigError(f"low must be positive on a log scale, got {self.low:g}; or leave log out")
        if self.log and self.step is not None:
            raise ConfigError("log and step do not go together: leave one out")


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """``n_trials`` settings to try, from ``space``: hyper-parameter -> a range, or the values to choose from."""

    space: Mapping[str, SearchRange | tuple[Any, ...]] = field(default_factory=dict)
    n_trials: int = DEFAULT_TRIALS

    def as_mapping(self) -> dict[str, Any]:
        """As YAML or JSON could hold it."""
        space = {
            name: {k: v for k, v in asdict(values).items() if v is not None and v is not False}
            if isinstance(values, SearchRange)
            else list(values)
            for name, values in self.space.items()
        }
        return {"n_trials": self.n_trials, "space": space}


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """What may stand under ``search``; the space is checked entry by entry."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    space: dict[str, Any]
    n_trials: Annotated[int, Field(ge=1)] = DEFAULT_TRIALS


def search_config(given: object, model: PointProcessModel, where: str) -> SearchConfig:
    """The search at the key path ``where``, for a model as it is configured without it.

    Raises ConfigError for a hyper-parameter that the family does not have, with those it has, for a range where no
    number stands, and for bounds or values that the family refuses.
    """
    keys = validated(_Keys, given, where)
    space = f"{where}.space"
    if not keys.space:
        raise ConfigError(f"{space}: at least one hyper-parameter is needed, of {_known(model)}")
    check_names(keys.space, model.hyperparameter_names(), space, f"hyper-parameter of {model.family}")
    entries = {name: _entry(entry, model, name, f"{space}.{name}") for name, entry in keys.space.items()}
    return SearchConfig(space=entries, n_trials=keys.n_trials)


def numeric_type(kind: type[PointProcessModel], name: str) -> type[int] | type[float] | None:
    """int or float for a hyper-parameter that is a number, else None."""
    hint = get_type_hints(kind)[name]
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return int if int in kinds else float if float in kinds else None


def _entry(given: object, model: PointProcessModel, name: str, where: str) -> SearchRange | tuple[Any, ...]:
    if isinstance(given, Mapping):
        numbers, number = _range(given, model, name, where)
        for bound in (numbers.low, numbers.high):
            _check_value(model, name, number(bound), where)
        return numbers
    if not isinstance(given, list | tuple) or len(given) < 2:
        raise ConfigError(f"{where}: given {shown(given)}, expected {{low: ..., high: ...}} or a list of values")
    values = tuple(tuple(value) if isinstance(value, list) else value for value in given)
    for value in values:
        _check_value(model, name, value, where)
    return values


def _range(
    given: Mapping[str, object], model: PointProcessModel, name: str, where: str
) -> tuple[SearchRange, type[int] | type[float]]:
    number = numeric_type(type(model), name)
    if number is None:
        raise ConfigError(f"{where}: {name} of {model.family} is no number; expected a list of values")
    found = validated(SearchRange, given, where)
    if number is int and any(v is not None and v != int(v) for v in (found.low, found.high, found.step)):
        raise ConfigError(f"{where}: {name} of {model.family} is a whole number, given {dict(given)!r}")
    return found, number


def _check_value(model: PointProcessModel, name: str, value: object, where: str) -> None:
    """Raise ConfigError where the family does not take this value."""
    validated(type(model), asdict(model) | {name: value}, where)


def _known(model: PointProcessModel) -> str:
    return ", ".join(sorted(model.hyperparameter_names())) or "none: this family has no hyper-parameters"
