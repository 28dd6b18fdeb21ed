"""The sections of a configuration beside its sessions, models and decoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from neurodecode.errors import ConfigError


@dataclass(frozen=True)
class EvaluationConfig:
    """``folds`` of cross-validation, dealt ``stratified`` by condition or as contiguous ``blocks`` of trials, of
    which ``gap_s`` leaves out what lies nearer in time to the test or the validation block; ``bootstrap``:
    resamplings of trials behind each interval; ``sufficiency``: whether the history still predicts beyond each
    model is tested."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    folds: Annotated[int, Field(ge=2)] = 5
    split: Literal["stratified", "blocks"] = "stratified"
    gap_s: Annotated[float, Field(ge=0)] = 0.0
    bootstrap: Annotated[int, Field(ge=0)] = 1000
    sufficiency: bool = True

    def __post_init__(self) -> None:
        if self.gap_s > 0 and self.split != "blocks":
            raise ConfigError(
                f"gap_s {self.gap_s:g} goes with split: blocks; of trials dealt at random, neighbours stand in "
                "every fold"
            )


@dataclass(frozen=True)
class ControlConfig:
    """A null control: the ``sessions`` it is derived from (all where not given) and the ``models`` fitted to it
    (those of family psth, poisson and glm where not given)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sessions: tuple[str, ...] | None = None
    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None


@dataclass(frozen=True)
class CoSmoothingConfig:
    """Units predicted from the other units: ``sessions`` (all where not given), ``models`` of the run in whose way
    they are predicted (all whose family can, where not given), and ``unit_folds``: the groups that units are dealt
    into, each predicted from the others; a unit at a time where there are no more units."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sessions: tuple[str, ...] | None = None
    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    unit_folds: Annotated[int, Field(ge=2)] = 5


@dataclass(frozen=True)
class DecompositionConfig:
    """Whose gain over the PSTH is split into terms: of ``models`` (recurrent networks where not given) on
    ``sessions`` (all where not given), own history reaching back ``longest_s``."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sessions: tuple[str, ...] | None = None
    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    longest_s: Annotated[float, Field(gt=0.01)] = 0.5


@dataclass(frozen=True)
class DynamicsConfig:
    """Whose dynamics are looked at: of ``models`` (recurrent networks alone; all of them where not given) on
    ``sessions`` (all where not given)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sessions: tuple[str, ...] | None = None
    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None


@dataclass(frozen=True)
class ForecastConfig:
    """Forecasts: ``steps`` (bins) that models run free of the recording (powers of 2 up to half a second where not
    given), ``samples`` (futures) that are averaged, ``sessions`` and ``models`` (all where not given)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    steps: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] | None = None
    samples: Annotated[int, Field(ge=1)] = 32
    sessions: tuple[str, ...] | None = None
    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None


@dataclass(frozen=True)
class ReportConfig:
    """``title`` of the page, and how many sessions it holds whole: of more, each has a page of its own."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    title: str = "Single trials against their average"
    sessions_on_page: Annotated[int, Field(ge=1)] = 20


@dataclass(frozen=True)
class PlainConfig:
    """The keys of a configuration that hold one value."""

    seed: Annotated[int, Field(ge=0)] = 0
    results_dir: str = "results"
    recordings_dir: str = "."
