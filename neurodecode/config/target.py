"""``target:`` of a session: what is to be read out of its spikes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from neurodecode.config.checking import validated
from neurodecode.config.ranges import Range
from neurodecode.errors import ConfigError

KINDS = ("class", "value", "signal")
"""The class of a trial, one number of a trial, a signal in every bin."""


@dataclass(frozen=True, kw_only=True)
class TargetConfig:
    """One of ``class`` and ``value``, which name a column of the trial table, and ``signal``, which names one of
    the session's covariates.

    ``where``: of a signal, the bins in which it is decoded: name of a covariate -> the range that it lies in.
    ``circular``: the signal is an angle in radians; its sine and cosine are decoded, and errors are angular.
    ``unit``: what a signal or a value is measured in, for the axes of the report alone.
    ``pre_stimulus_s``: a window (s, against ``align``) before the stimulus, from which the class is decoded too.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    class_: Annotated[str | None, Field(alias="class")] = None
    value: str | None = None
    signal: str | None = None
    where: dict[str, Range] = field(default_factory=dict)
    circular: bool = False
    unit: str = ""
    pre_stimulus_s: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if sum(name is not None for name in (self.class_, self.value, self.signal)) != 1:
            raise ConfigError(f"target: exactly one of {', '.join(KINDS)} must be given, and what it is called")
        if self.where and self.signal is None:
            raise ConfigError(
                "target: where names bins of a signal; for trials, the session has a where of its own"
            )
        if self.circular and self.signal is None:
            raise ConfigError("target: circular goes with signal; leave it out")
        if self.unit and (self.circular or self.class_ is not None):
            raise ConfigError("target: unit goes with a value or a signal that is no angle (rad); leave it out")
        if self.pre_stimulus_s is not None and self.class_ is None:
            raise ConfigError("target: pre_stimulus_s goes with class; leave it out")
        if self.pre_stimulus_s is not None and not self.pre_stimulus_s[0] < self.pre_stimulus_s[1]:
            raise ConfigError(
                f"target: pre_stimulus_s must be [start, stop] with start < stop, got {list(self.pre_stimulus_s)}"
            )

    @property
    def kind(self) -> Literal["class", "value", "signal"]:
        """What is decoded."""
        return "class" if self.class_ is not None else "value" if self.value is not None else "signal"

    @property
    def name(self) -> str:
        """The column or covariate."""
        return str(self.class_ or self.value or self.signal)

    def as_mapping(self) -> dict[str, Any]:
        """What the configuration gave, as YAML could hold it; defaults left out."""
        given = {k.removesuffix("_"): v for k, v in asdict(self).items() if v not in (None, False, "", {})}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}


def target_config(given: object, where: str) -> TargetConfig:
    """The target from what stands at the key path ``where``. Raises ConfigError for what is none."""
    return validated(TargetConfig, given, where)


def no_bare_name(given: object) -> object:
    """Raise ConfigError for a target that is text: of what kind it is cannot be told from a name."""
    if isinstance(given, str):
        raise ConfigError(
            f"target: given {given!r} alone; say what it is: {{class: {given}}}, {{value: {given}}} or "
            f"{{signal: {given}}}"
        )
    return given
