"""What a configuration asks for: which sessions exist, which models are fitted to each, what each is read from."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow.names import in_one_order, sorted_keys

CONTROL_FAMILIES = ("psth", "poisson", "glm")  # fitted to a null control where it names no models
SEARCH_TRIALS = 20  # settings that a search tries where it does not say
PSTH = "psth"  # what gains are counted from
RECENT_S = 0.01  # own history is split here; with wider bins the recent part is none
CELLS = Path("neurodecode", "nn", "cells")
CO_SMOOTHERS = Path("neurodecode", "models", "co_smoothing")
ACAUSAL, ACAUSAL_FAMILIES = "_acausal", ("glm",)  # families that also predict units from the others' future


class Plan:
    """The sessions and models of one checked configuration.

    A null control is a session of its own, named ``<session>.<control>``, that goes through the same rules.
    """

    def __init__(self, config: Mapping[str, Any], root: str | Path) -> None:
        self.recorded: Mapping[str, Mapping[str, Any]] = in_one_order(config["sessions"])
        self.models: Mapping[str, Mapping[str, Any]] = in_one_order(config["models"])
        self.controls: Mapping[str, Mapping[str, Any]] = config["controls"]
        self.decomposition: Mapping[str, Any] | None = config.get("decomposition")
        self.nested = {} if self.decomposition is None else nested_models(self.decomposition)
        self.fitted = {**self.models, **self.nested}
        self.recordings_dir = Path(config["recordings_dir"])
        self.results_dir = Path(config["results_dir"])
        self.sessions_on_page: int = config["report"]["sessions_on_page"]
        self.cells = {file.stem for file in Path(root, CELLS).glob("[!_]*.py")}
        self.co_smoothing_families = {file.stem for file in Path(root, CO_SMOOTHERS).glob("[!_]*.py")} | self.cells
        self.co_smoothing: Mapping[str, Any] | None = config.get("co_smoothing")
        self.forecast: Mapping[str, Any] | None = sorted_keys(config["forecast"]) if "forecast" in config else None
        self.dynamics: Mapping[str, Any] | None = config.get("dynamics")
        self.origin = {name: (name, "") for name in self.recorded} | {
            f"{name}.{control}": (name, control)
            for control, asked in self.controls.items()
            for name in asked.get("sessions", self.recorded)
        }

    @property
    def sessions(self) -> list[str]:
        """Every session, null controls behind the recording that they are derived from."""
        place = {name: number for number, name in enumerate(self.recorded)}
        return sorted(self.origin, key=lambda name: (place[self.origin[name][0]], name))

    @property
    def apart(self) -> list[str]:
        """The recorded sessions that have pages of their own: all, where they are too many for one."""
        return list(self.recorded) if len(self.recorded) > self.sessions_on_page else []

    def simulated(self, session: str) -> bool:
        """Whether a session's spikes are simulated, so that its true intensity is known."""
        return "simulate" in self.recorded[session]

    def models_of(self, session: str) -> list[str]:
        """Names of the models that are fitted to a session, in the order of the configuration."""
        source, control = self.origin[session]
        names = self.recorded[source].get("models", list(self.models))
        if not control:
            return [name for name in self.models if name in names]
        asked = self.controls[control].get("models")
        if asked is None:
            asked = [n for n in names if self.models[n]["family"] in CONTROL_FAMILIES]
        return [name for name in self.models if name in asked]

    def predictors_of(self, session: str) -> list[str]:
        """The models of a session and, where it was simulated, ``oracle``."""
        source, control = self.origin[session]
        oracle = ["oracle"] if not control and self.simulated(source) else []
        return [*oracle, *self.models_of(session)]

    @property
    def co_smoothers(self) -> dict[str, str]:
        """What predicts units from other units, by name -> the model whose hyper-parameters it has."""
        if self.co_smoothing is None:
            return {}
        able = [n for n in self.models if self.models[n]["family"] in self.co_smoothing_families]
        found: dict[str, str] = {}
        for name in self.co_smoothing.get("models", able):
            found[name] = name
            if self.models[name]["family"] in ACAUSAL_FAMILIES:
                found[name + ACAUSAL] = name
        return found

    @property
    def co_smoothed(self) -> list[str]:
        """The recorded sessions whose units are predicted from each other."""
        if self.co_smoothing is None:
            return []
        return [name for name in self.recorded if name in self.co_smoothing.get("sessions", self.recorded)]

    def nested_of(self, session: str) -> list[str]:
        """The models between the PSTH and a network that are fitted to decompose a session's gains."""
        source, control = self.origin[session]
        if (
            self.decomposition is None
            or control
            or source not in self.decomposition.get("sessions", self.recorded)
        ):
            return []
        # Simulated populations have bins of 1 ms.
        too_wide = self.recorded[source].get("bin_size_s", 0) > RECENT_S
        return [name for name in self.nested if not (name == "nested_fast" and too_wide)]

    def networks_of(self, session: str) -> list[str]:
        """The models of a session whose gain is decomposed."""
        asked = (self.decomposition or {}).get("models")
        held = self.models_of(session)
        return [name for name in held if (self.is_network(name) if asked is None else name in asked)]

    def decomposed(self) -> list[str]:
        """Sessions whose gains are decomposed."""
        return [name for name in self.recorded if self.nested_of(name)]

    def decomposition_of(self, session: str) -> list[str]:
        """The models whose predictions that takes."""
        return list(dict.fromkeys([PSTH, *self.nested_of(session), *self.networks_of(session)]))

    def forecasters_of(self, session: str) -> list[str]:
        """The models of a session that are run free of the recording; null controls have none."""
        source, control = self.origin[session]
        if self.forecast is None or control or source not in self.forecast.get("sessions", self.recorded):
            return []
        asked = self.forecast.get("models", self.models)
        return [name for name in self.models_of(session) if name in asked]

    def dynamics_of(self, session: str) -> list[str]:
        """The networks of a session whose dynamics are looked at; null controls have none."""
        source, control = self.origin[session]
        if self.dynamics is None or control or source not in self.dynamics.get("sessions", self.recorded):
            return []
        asked = self.dynamics.get("models", self.models)
        return [name for name in self.models_of(session) if name in asked and self.is_network(name)]

    def moving(self) -> list[str]:
        """Sessions with networks whose dynamics are looked at."""
        return [name for name in self.recorded if self.dynamics_of(name)]

    def recording(self, session: str) -> Path:
        """The file of a recorded session."""
        return Path(self.recordings_dir, self.recorded[session]["path"])

    def trials_table(self, session: str) -> list[str]:
        """The file of its trials, for a session that has one apart; else empty."""
        path = self.recorded[session].get("trials_path")
        return [] if path is None else [str(Path(self.recordings_dir, path))]

    def absent_files(self) -> Iterator[str]:
        """One line for each file that is not there and from which nothing has been read so far."""
        for name, entry in self.recorded.items():
            if self.simulated(name) or Path(self.results_dir, name, "trials.npz").is_file():
                continue
            for key in ("path", "trials_path"):
                if key in entry and not Path(self.recordings_dir, entry[key]).exists():
                    yield (
                        f"sessions.{name}.{key}: no file {entry[key]!r} in recordings_dir {self.recordings_dir} "
                        f"({self.recordings_dir.resolve()}); correct either, or add "
                        "--config recordings_dir=FOLDER to the command"
                    )

    def ingested_entry(self, session: str) -> dict[str, Any]:
        """What the configuration says of a session's trials; what is fitted to it changes no trial."""
        entry = {k: v for k, v in self.recorded[session].items() if k not in ("models", "decoders", "target")}
        given = self.recorded[session].get("target", {})
        target = {k: v for k, v in given.items() if k not in ("pre_stimulus_s", "unit")}
        return entry | ({"target": target} if target else {})

    def is_network(self, model: str) -> bool:
        """Whether a model is a recurrent network, trained by torch."""
        return self.fitted[model]["family"] in self.cells

    def co_smoothing_modules_of(self, co_smoother: str) -> list[str]:
        """The modules that predict units from others in the way of a model."""
        model = self.co_smoothers[co_smoother]
        own = "_recurrent" if self.is_network(model) else self.models[model]["family"]
        return [f"neurodecode.models.co_smoothing.{own}", *self.modules_of(model)]

    def fits_per_fold(self, model: str) -> int:
        """How often a model is fitted to one fold: once, and before that to every setting of its search."""
        search = self.fitted[model].get("search")
        return 1 if search is None else 2 + int(search.get("n_trials", SEARCH_TRIALS))

    def modules_of(self, model: str) -> list[str]:
        """The modules that hold a model's family."""
        family = self.fitted[model]["family"]
        if self.is_network(model):
            return ["neurodecode.models._recurrent", f"neurodecode.nn.cells.{family}"]
        return [f"neurodecode.models.{family}"]


def nested_models(decomposition: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Entries of the models between the PSTH and a network, each containing the one before."""
    # One kind of drive for all, so that no difference between two of them is one of the drive's form.
    alone = {"family": "glm", "coupling": "own", "n_lags": 0, "longest_s": 0.0, "time_course": "beside"}
    gained = {**alone, "slow_gain": True}
    fast = {**gained, "lags_s": RECENT_S}
    own = {**fast, "longest_s": decomposition["longest_s"]}
    return {
        "nested_drive": alone,
        "nested_gain": gained,
        "nested_fast": fast,
        "nested_own": own,
        "nested_units": {**own, "coupling": "auto"},
    }
