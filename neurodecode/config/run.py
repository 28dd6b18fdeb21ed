"""The whole configuration of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from neurodecode.config.checking import check_names, validated
from neurodecode.config.decoders import (
    RESERVED_DECODERS,
    DecoderConfig,
    check_decoders,
    decoder_config,
    decoders_of,
)
from neurodecode.config.listing import listed
from neurodecode.config.plain import check_plain, read_plain, shown
from neurodecode.config.search import SearchConfig, search_config
from neurodecode.config.sections import (
    ControlConfig,
    CoSmoothingConfig,
    DecompositionConfig,
    DynamicsConfig,
    EvaluationConfig,
    ForecastConfig,
    PlainConfig,
    ReportConfig,
)
from neurodecode.config.session import SessionConfig, session_config
from neurodecode.config.sheet import SPELLING
from neurodecode.errors import ConfigError, NeurodecodeError
from neurodecode.models import PointProcessModel, cell_names, family_names, family_type
from neurodecode.models.co_smoothing import co_smoothers, co_smoothing_families

T = TypeVar("T")
NESTED_MODELS = ("nested_drive", "nested_gain", "nested_fast", "nested_own", "nested_units")
"""Models between the PSTH and a network, each containing the one before; the workflow adds them by itself."""
RESERVED_MODELS = ("oracle", "recording", *NESTED_MODELS)  # names that no entry of ``models`` may have
RESERVED_SESSIONS = ("logs", "benchmarks", "all")  # folders beside those of the sessions; all of them together
CONTROLS = ("poisson_surrogate", "shuffled_trials", "shuffled_labels")
PRE_STIMULUS = "pre_stimulus"
"""A control that ``target:`` asks for: the same trials in a window before the stimulus."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything a run does. Session paths resolve against ``recordings_dir``; every file it writes stands in
    ``results_dir``; ``seed`` is where all randomness comes from. ``searches``, by model, stand in the models'
    entries, under ``search``."""

    sessions: Mapping[str, SessionConfig]
    models: Mapping[str, PointProcessModel]
    decoders: Mapping[str, DecoderConfig] = field(default_factory=dict)
    seed: int = 0
    results_dir: str = "results"
    recordings_dir: str = "."
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    controls: Mapping[str, ControlConfig] = field(default_factory=dict)
    co_smoothing: CoSmoothingConfig | None = None
    decomposition: DecompositionConfig | None = None
    dynamics: DynamicsConfig | None = None
    forecast: ForecastConfig | None = None
    report: ReportConfig = field(default_factory=ReportConfig)
    searches: Mapping[str, SearchConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for section in ("sessions", "models", "decoders"):
            if section != "decoders" and not getattr(self, section):
                raise ConfigError(f"{section}: at least one is needed")
            _check_spelling(getattr(self, section), section)
        check_names(self.controls, CONTROLS, "controls", "control")
        taken = {"sessions": RESERVED_SESSIONS, "models": RESERVED_MODELS, "decoders": RESERVED_DECODERS}
        for section, reserved in taken.items():
            for name in getattr(self, section):
                if name in reserved:
                    raise ConfigError(f"{section}: the name {name!r} is reserved; choose another")
        for name, session in self.sessions.items():
            check_names(session.models or (), self.models, f"sessions.{name}.models", "model")
            if name.rpartition(".")[2] in (*CONTROLS, PRE_STIMULUS):
                raise ConfigError(
                    f"sessions: {name!r} ends like the null control of a session; choose another name"
                )
        for name, control in self.controls.items():
            check_names(control.sessions or (), self.sessions, f"controls.{name}.sessions", "session")
            check_names(control.models or (), self.models, f"controls.{name}.models", "model")
        for name, decoder in self.decoders.items():
            if (model := decoder.encoding_model) is not None:
                check_names([model], self.models, f"decoders.{name}.model", "model")
        if self.co_smoothing is not None:
            self._check_co_smoothing(self.co_smoothing)
        if self.decomposition is not None:
            self._check_decomposition(self.decomposition)
        if self.dynamics is not None:
            self._check_dynamics(self.dynamics)
        if self.forecast is not None:
            check_names(self.forecast.sessions or (), self.sessions, "forecast.sessions", "session")
            check_names(self.forecast.models or (), self.models, "forecast.models", "model")

    def _check_co_smoothing(self, asked: CoSmoothingConfig) -> None:
        check_names(asked.sessions or (), self.sessions, "co_smoothing.sessions", "session")
        check_names(asked.models or (), self.models, "co_smoothing.models", "model")
        smoothers: list[str] = []
        for name in asked.models or [n for n, m in self.models.items() if m.family in co_smoothing_families()]:
            try:
                smoothers += co_smoothers(name, self.models[name])
            except ConfigError as error:
                raise ConfigError(f"co_smoothing.models: {error}") from error
        if len(set(smoothers)) < len(smoothers):
            raise ConfigError(
                f"co_smoothing.models: two would be called alike among {', '.join(smoothers)}; rename one"
            )

    def _check_decomposition(self, asked: DecompositionConfig) -> None:
        check_names(asked.sessions or (), self.sessions, "decomposition.sessions", "session")
        check_names(asked.models or (), self.models, "decomposition.models", "model")
        for name in asked.sessions or self.sessions:
            if "psth" not in (self.sessions[name].models or self.models):
                raise ConfigError(
                    f"decomposition: gains are counted from the model called 'psth', which sessions.{name} lacks; "
                    f"add it, or name other sessions in decomposition.sessions"
                )

    def _check_dynamics(self, asked: DynamicsConfig) -> None:
        check_names(asked.sessions or (), self.sessions, "dynamics.sessions", "session")
        check_names(asked.models or (), self.models, "dynamics.models", "model")
        for name in asked.models or ():
            if self.models[name].family not in cell_names():
                raise ConfigError(
                    f"dynamics.models: {name!r} is of family {self.models[name].family}, which has no state that "
                    f"recurs; expected models of the families {', '.join(cell_names())}"
                )

    def as_mapping(self) -> dict[str, Any]:
        """The complete configuration with every default, as YAML or JSON could hold it."""
        return {
            **{key: getattr(self, key) for key in KEYS},
            "sessions": {name: session.as_mapping() for name, session in self.sessions.items()},
            "models": {name: self._model_mapping(name) for name in self.models},
            "decoders": {name: decoder.as_mapping() for name, decoder in self.decoders.items()},
            "evaluation": asdict(self.evaluation),
            "controls": {name: asdict(control) for name, control in self.controls.items()},
            "co_smoothing": None if self.co_smoothing is None else asdict(self.co_smoothing),
            "decomposition": None if self.decomposition is None else asdict(self.decomposition),
            "dynamics": None if self.dynamics is None else asdict(self.dynamics),
            "forecast": None if self.forecast is None else asdict(self.forecast),
            "report": asdict(self.report),
        }

    def decoders_of(self, session: str) -> list[str]:
        """Names of the decoders that read out a session, in the order of the configuration."""
        return decoders_of(self.sessions[session], self.models, self.decoders)

    def _model_mapping(self, name: str) -> dict[str, Any]:
        model = self.models[name]
        search = {"search": self.searches[name].as_mapping()} if name in self.searches else {}
        return {"family": model.family, **asdict(model), **search}


KEYS = tuple(f.name for f in fields(RunConfig) if f.name != "searches")
"""The keys of a configuration, but for ``session_defaults``, which is laid under its sessions."""
SESSION_KEYS = tuple(f.name for f in fields(SessionConfig))


def read_config(path: str | Path) -> RunConfig:
    """The configuration in a YAML file; a sheet of sessions that it names stands beside it, or in this folder.

    Raises ConfigError, naming the file, for one that is missing, is not YAML, or asks for what cannot be.
    """
    given = read_plain(path)
    try:
        return run_config(given, folders=(Path(path).parent, Path()))
    except ConfigError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def run_config(given: object, *, folders: Iterable[str | Path] = (Path(),)) -> RunConfig:
    """The checked configuration from the mapping that YAML holds.

    ``folders``: where a sheet of sessions is looked for. Raises ConfigError that names the key path or the row and
    column, what was given and what was expected, a line for each thing that is wrong with a session.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"the configuration must be a mapping, given {type(given).__name__}")
    check_plain(given)
    given, places = listed(given, folders, SESSION_KEYS)
    if places.problems and not given["sessions"]:
        raise ConfigError("\n".join(places.problems))
    try:
        run = _checked(given)
    except ConfigError as error:
        raise ConfigError("\n".join([*places.problems, *places.placed(str(error).splitlines())])) from error
    if places.problems:
        raise ConfigError("\n".join(places.problems))
    return run


def _checked(given: Mapping[str, object]) -> RunConfig:
    check_plain(given)  # again: a sheet's cells were not there before
    check_names(given, KEYS, "configuration", "key")
    sections = {name: _section(given, name) for name in ("sessions", "models", "decoders", "controls")}
    models = {name: model_config(entry, name) for name, entry in sections["models"].items()}
    run = RunConfig(
        **_plain_fields(given),
        sessions=_each(session_config, sections["sessions"]),
        models=models,
        decoders={name: decoder_config(entry, name) for name, entry in sections["decoders"].items()},
        searches=_searches(sections["models"], models),
        controls={
            name: validated(ControlConfig, entry or {}, f"controls.{name}")
            for name, entry in sections["controls"].items()
        },
        evaluation=validated(EvaluationConfig, given.get("evaluation") or {}, "evaluation"),
        co_smoothing=_optional(given, "co_smoothing", CoSmoothingConfig),
        decomposition=_optional(given, "decomposition", DecompositionConfig),
        dynamics=_optional(given, "dynamics", DynamicsConfig),
        forecast=_optional(given, "forecast", ForecastConfig),
        report=validated(ReportConfig, given.get("report") or {}, "report"),
    )
    _each(partial(_check_windows, run), run.sessions)
    return run


def _check_windows(run: RunConfig, session: SessionConfig, name: str) -> None:
    try:
        session.window()
        session.pre_stimulus_window()
    except NeurodecodeError as error:
        raise ConfigError(f"sessions.{name}: {error}") from error
    check_decoders(name, session, run.models, run.decoders)


def _each(check: Callable[[Any, str], T], entries: Mapping[str, Any]) -> dict[str, T]:
    """What ``check`` makes of each entry; one ConfigError for all that are wrong."""
    made: dict[str, T] = {}
    lines: list[str] = []
    for name, entry in entries.items():
        try:
            made[name] = check(entry, name)
        except ConfigError as error:
            lines += str(error).splitlines()
    if lines:
        raise ConfigError("\n".join(lines))
    return made


def model_config(given: object, name: str) -> PointProcessModel:
    """The unfitted model ``name`` from what stands under it in the configuration, but for ``search``.

    Raises ConfigError for an unknown family or hyper-parameter, or a value out of range.
    """
    where = f"models.{name}"
    if not isinstance(given, Mapping) or "family" not in given:
        raise ConfigError(
            f"{where}: must give its family, one of {', '.join(family_names())}; given {shown(given)}"
        )
    check_names([given["family"]], family_names(), f"{where}.family", "model family")
    hyperparameters = {key: value for key, value in given.items() if key not in ("family", "search")}
    return validated(family_type(given["family"]), hyperparameters, where)


def _searches(entries: Mapping[str, object], models: Mapping[str, PointProcessModel]) -> dict[str, SearchConfig]:
    return {
        name: search_config(entry["search"], models[name], f"models.{name}.search")
        for name, entry in entries.items()
        if isinstance(entry, Mapping) and "search" in entry
    }


def _plain_fields(given: Mapping[str, object]) -> dict[str, Any]:
    names = [f.name for f in fields(PlainConfig)]
    return asdict(validated(PlainConfig, {k: given[k] for k in names if k in given}, "configuration"))


def _optional(given: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    """None where the key is absent: nothing is done that was not asked for."""
    if given.get(name) is None:
        return None
    return validated(kind, given[name], name)


def _section(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = given.get(name) or {}
    if not isinstance(section, Mapping):
        raise ConfigError(f"{name}: given {shown(section)}, expected a mapping of names")
    return section


def _check_spelling(names: Mapping[str, object], section: str) -> None:
    for name in names:
        if not isinstance(name, str) or not SPELLING.fullmatch(name):
            raise ConfigError(
                f"{section}: {name!r} must be a name of letters, digits and _ . - (it names a folder)"
            )
