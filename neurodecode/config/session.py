"""One entry of ``sessions:``: which recording, and how it is cut into trials of bins."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from neurodecode.config.checking import nearest, validated
from neurodecode.config.ranges import Range
from neurodecode.config.target import TargetConfig, no_bare_name
from neurodecode.data.derived import Derived
from neurodecode.data.windows import Lagged, Window
from neurodecode.errors import ConfigError
from neurodecode.simulate import POPULATIONS

DEFAULT_LEAD_S = 0.5
_OF_A_FILE = (
    *("format", "trials_path", "align", "every_s", "window_s", "bin_size_s"),
    *("where", "units", "signals", "covariates"),
)
_OF_POPULATION = ("window_s", "bin_size_s", "lead_s", "align", "condition")  # what a population says of itself
Positive = Annotated[float, Field(gt=0)]
Scalar = bool | int | float | str


@dataclass(frozen=True)
class CovariateConfig:
    """A signal of the recording at each bin's centre minus each of ``lags_s`` (positive: the signal's past)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    signal: str
    lags_s: Annotated[tuple[float, ...], Field(min_length=1)] = (0.0,)


@dataclass(frozen=True, kw_only=True)
class SignalConfig:
    """A signal made of the recording's signal ``of``: ``along`` a line between two points, or its speed."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    of: str
    along: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    speed_over_s: Positive | None = None

    def __post_init__(self) -> None:
        self.derived()

    def derived(self) -> Derived:
        """What is made. Raises ConfigError for what cannot be."""
        return Derived(of=self.of, along=self.along, speed_over_s=self.speed_over_s)


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """A recording (``path``) or a population to simulate (``simulate``, ``n_trials``), and its window.

    ``format``: of the file, by its suffix where not given. ``trials_path``: the trials of a ``table``.
    ``align``: time column of the trial table that ``window_s`` counts from (default ``start_time``).
    ``every_s``: start a window every so many seconds instead, whatever trials there are.
    ``lead_s``: observed history before the window, never scored.
    ``condition``: column whose values are the conditions. ``where``: column -> value, values or {min, max}.
    ``units``: names or row numbers (all where empty). ``models``: names of ``models:`` (all where not given).
    ``signals``: made of the recording's own, for ``covariates`` to name.
    ``target``: what is decoded. ``decoders``: names of ``decoders:`` (all that can, where not given).
    A simulated session has the window of its population, over which the truth is known; of all this it may only
    name ``condition``, ``lead_s``, ``models``, ``target`` and ``decoders``.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    path: str | None = None
    format: Literal["nwb", "neo", "table", "arrays"] | None = None
    trials_path: str | None = None
    simulate: str | None = None
    n_trials: Annotated[int, Field(ge=1)] | None = None
    align: str | None = None
    every_s: Positive | None = None
    window_s: tuple[float, float] | None = None
    bin_size_s: Positive | None = None
    lead_s: Annotated[float, Field(ge=0)] | None = None
    condition: str | None = None
    where: dict[str, Scalar | list[Scalar] | Range] = field(default_factory=dict)
    units: tuple[str | int, ...] = ()
    signals: dict[str, SignalConfig] = field(default_factory=dict)
    covariates: dict[str, CovariateConfig] = field(default_factory=dict)
    models: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    target: Annotated[TargetConfig | None, BeforeValidator(no_bare_name)] = None
    decoders: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.simulate is None):
            raise ConfigError("one of path and simulate must be given, and not both")
        others = ("n_trials",) if self.simulate is None else _OF_A_FILE
        for name in others:
            if getattr(self, name) not in (None, (), {}):
                raise ConfigError(f"{name} does not go with {'path' if self.simulate is None else 'simulate'}")
        required = ("window_s", "bin_size_s") if self.simulate is None else ("n_trials",)
        missing = [name for name in required if getattr(self, name) is None]
        if missing:
            raise ConfigError(f"{' and '.join(missing)} must be given")
        if self.target is not None and self.target.signal is not None:
            self._check_signal(self.target.signal)

    def _check_signal(self, signal: str) -> None:
        if signal not in self.covariates:
            raise ConfigError(
                f"target: signal {signal!r} must be one of covariates{nearest(signal, self.covariates)}; "
                "add it there"
            )
        if len(self.covariates[signal].lags_s) > 1:
            raise ConfigError(
                f"target: signal {signal!r} has several lags_s; what is decoded has one, others are covariates"
            )
        for name in self.target.where if self.target is not None else ():
            if name not in self.covariates:
                raise ConfigError(
                    f"target: where names {name!r}, which must be one of covariates"
                    f"{nearest(name, self.covariates)}; add it there"
                )

    def window(self) -> Window:
        """The window and bins of this session, with a simulated population's own where none are given.

        Raises ConfigError for a population that does not exist or values that do not fit each other.
        """
        own = {"lead_s": DEFAULT_LEAD_S} if self.simulate is None else _populations_own(self.simulate)
        taken: dict[str, Any] = {}
        for name in _OF_POPULATION:
            given = getattr(self, name)
            taken[name] = own.get(name) if given is None else given
        turning = self.target.signal if self.target is not None and self.target.circular else None
        lagged = {
            name: Lagged(c.signal, c.lags_s, circular=name == turning) for name, c in self.covariates.items()
        }
        return Window(
            **taken,
            every_s=self.every_s,
            where=self.where,
            units=self.units,
            covariates=lagged,
        )

    def pre_stimulus_window(self) -> Window | None:
        """The window before the stimulus from which the class is decoded too, None where none is asked for.

        Raises ConfigError where the bins do not divide it.
        """
        if self.target is None or self.target.pre_stimulus_s is None:
            return None
        try:
            return replace(self.window(), window_s=self.target.pre_stimulus_s)
        except ConfigError as error:
            raise ConfigError(f"target.pre_stimulus_s: {error}") from error

    def as_mapping(self) -> dict[str, Any]:
        """What the configuration gave, as YAML could hold it; defaults left out."""
        given = {k: v for k, v in asdict(self).items() if v is not None and v != () and v != {}}
        return given if self.target is None else given | {"target": self.target.as_mapping()}


def _populations_own(population: str) -> dict[str, Any]:
    if population not in POPULATIONS:
        raise ConfigError(f"simulate: unknown population {population!r}{nearest(population, POPULATIONS)}")
    return {name: getattr(POPULATIONS[population], name) for name in _OF_POPULATION}


def session_config(given: object, name: str) -> SessionConfig:
    """The session ``name`` from what stands under it in the configuration.

    Raises ConfigError for unknown keys and values that do not fit.
    """
    return validated(SessionConfig, given, f"sessions.{name}")
