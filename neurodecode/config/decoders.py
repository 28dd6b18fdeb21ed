"""``decoders:`` of a configuration, and which of them read out which session."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from neurodecode.config.checking import check_names, validated
from neurodecode.config.plain import shown
from neurodecode.config.session import SessionConfig
from neurodecode.decoders import Decoder, decoder_families, decoder_types
from neurodecode.errors import ConfigError
from neurodecode.models import PointProcessModel

LIKELIHOOD = "likelihood"
"""The family that reads the class out of a fitted encoding model, which its ``model`` names."""
RESERVED_DECODERS = ("prior", "scores.csv")
"""The class known from its frequency alone, which stands beside all decoders; a file beside their folders."""


@dataclass(frozen=True)
class DecoderConfig:
    """A family and hyper-parameters; the kind of decoder is that of the session it is fitted to."""

    family: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of target that the family decodes."""
        return tuple(one.kind for one in decoder_types(self.family))

    @property
    def encoding_model(self) -> str | None:
        """The name of the encoding model of ``models`` that is read, of the family ``likelihood`` alone.

        None where it has a model of its own, given by family and hyper-parameters.
        """
        model = self.hyperparameters.get("model") if self.family == LIKELIHOOD else None
        return model if isinstance(model, str) else None

    def of_kind(self, kind: str) -> type[Decoder]:
        """The class of the family that decodes this kind of target. Raises ConfigError where there is none."""
        for one in decoder_types(self.family):
            if one.kind == kind:
                return one
        raise ConfigError(f"family {self.family} decodes no {kind}, only {' and '.join(self.kinds)}")

    def build(self, kind: str, *, random_state: int = 0, circular: bool | None = None) -> Decoder:
        """The unfitted decoder of a kind of target, all that is random in it from ``random_state``.

        ``circular``: whether a signal is an angle, for decoders that want to know and were not told.

        Raises ConfigError for a kind that the family does not decode and for hyper-parameters that belong to
        other kinds.
        """
        one = self.of_kind(kind)
        check_names(self.hyperparameters, hyperparameter_names(one), one.__name__, "hyper-parameter")
        told = {"random_state": random_state, "circular": circular}
        known = inspect.signature(one).parameters
        told = {k: v for k, v in told.items() if k in known and self.hyperparameters.get(k) is None}
        return one(**{**self.hyperparameters, **told})

    def as_mapping(self) -> dict[str, Any]:
        """As YAML or JSON could hold it."""
        return {"family": self.family, **self.hyperparameters}


def decoder_config(given: object, name: str) -> DecoderConfig:
    """The decoder ``name`` from what stands under it in the configuration.

    Defaults that all decoders of the family share are filled in. Raises ConfigError for an unknown family or
    hyper-parameter and for a value of another type.
    """
    where = f"decoders.{name}"
    if not isinstance(given, Mapping) or "family" not in given:
        raise ConfigError(
            f"{where}: must give its family, one of {', '.join(decoder_families())}; given {shown(given)}"
        )
    check_names([given["family"]], decoder_families(), f"{where}.family", "decoder family")
    types = decoder_types(given["family"])
    hyperparameters = {key: value for key, value in given.items() if key != "family"}
    known = {key for one in types for key in hyperparameter_names(one)}
    check_names(hyperparameters, known, where, f"hyper-parameter of {given['family']}")
    found: list[dict[str, Any]] = []
    for one in types:
        own = {key: value for key, value in hyperparameters.items() if key in hyperparameter_names(one)}
        found.append(validated(hyperparameter_type(one), own, where).model_dump())
    taken = {key: value for one in found for key, value in one.items() if key in hyperparameters}
    shared = {k: v for k, v in found[0].items() if all(k in one and one[k] == v for one in found)}
    return DecoderConfig(given["family"], {**shared, **taken})


@cache
def hyperparameter_type(kind: type[Decoder]) -> type[BaseModel]:
    """The hyper-parameters of a decoder as a type that checks them: the arguments of its constructor."""
    hints = get_type_hints(kind.__init__, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if name == "random_state":  # comes from the seed of the run
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints.get(name, Any), default)
    found: type[BaseModel] = create_model(
        kind.__name__, __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields
    )
    return found


def hyperparameter_names(kind: type[Decoder]) -> set[str]:
    """Names that the configuration may give."""
    return set(hyperparameter_type(kind).model_fields)


def decoders_of(
    session: SessionConfig, models: Mapping[str, PointProcessModel], decoders: Mapping[str, DecoderConfig]
) -> list[str]:
    """The decoders that read out a session, in the order of the configuration.

    All where the session names none, but for those of another kind and those that need a model that is not fitted
    to the session.
    """
    if session.target is None:
        return []
    fitted = session.models or tuple(models)
    named = session.decoders or tuple(decoders)
    return [
        name
        for name, decoder in decoders.items()
        if name in named
        and session.target.kind in decoder.kinds
        and (decoder.encoding_model is None or decoder.encoding_model in fitted)
    ]


def check_decoders(
    name: str,
    session: SessionConfig,
    models: Mapping[str, PointProcessModel],
    decoders: Mapping[str, DecoderConfig],
) -> None:
    """Raise ConfigError for decoders that cannot read out the session ``name`` though it names them."""
    where = f"sessions.{name}.decoders"
    check_names(session.decoders or (), decoders, where, "decoder")
    if session.decoders and session.target is None:
        raise ConfigError(f"{where}: nothing is to be decoded; add `target:`, or leave decoders out")
    if session.target is None:
        return
    able = decoders_of(session, models, decoders)
    for given in session.decoders or ():
        if given not in able:
            decoder = decoders[given]
            if session.target.kind not in decoder.kinds:
                kinds = " and ".join(decoder.kinds)
                raise ConfigError(f"{where}: {given!r} decodes a {kinds}, the target is a {session.target.kind}")
            raise ConfigError(
                f"{where}: {given!r} reads model {decoder.encoding_model!r}, which is not fitted here; "
                "add it to models"
            )
    for given in able:
        try:
            decoders[given].build(session.target.kind)
        except ConfigError as error:
            raise ConfigError(f"decoders.{given}, which sessions.{name} uses: {error}") from error
        if decoders[given].encoding_model is not None and session.window().condition != session.target.name:
            raise ConfigError(
                f"sessions.{name}: {given!r} decodes the condition, which encoding models know the average of: "
                f"set condition: {session.target.name}, or list under decoders only others"
            )
