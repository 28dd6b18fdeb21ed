"""What a configuration asks to be decoded: which decoders read out which session, and what each is read from."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow.names import SCHEMA, in_one_order, unknown

KINDS = ("class", "value", "signal")
LIKELIHOOD = "likelihood"  # the family that reads a fitted encoding model
PSTH = "psth"  # what it reads where it does not say
PRE_STIMULUS = "pre_stimulus"
CELLS = Path("neurodecode", "nn", "cells")


def kind_of(target: Mapping[str, Any]) -> str:
    """What is decoded: a class or a value of each trial, or a signal."""
    return next(kind for kind in KINDS if kind in target)


def decoder_kinds(root: str | Path) -> dict[str, list[str]]:
    """Family -> the kinds of target that it decodes, as the schema tells."""
    schema = json.loads(Path(root, SCHEMA).read_text(encoding="utf-8"))
    entry = schema["properties"]["decoders"]["additionalProperties"]
    return {one["if"]["properties"]["family"]["const"]: one["then"]["kinds"] for one in entry["allOf"]}


def able(
    entry: Mapping[str, Any],
    decoder: Mapping[str, Any],
    models: Mapping[str, Any],
    kinds: Mapping[str, list[str]],
) -> bool:
    """Whether a decoder can read out the session of this entry.

    A family that the schema does not know yet is taken to decode everything; its job says where it does not.
    """
    if "target" not in entry or kind_of(entry["target"]) not in kinds.get(decoder["family"], KINDS):
        return False
    read = encoding_model(decoder)
    return read is None or read in entry.get("models", models)


def encoding_model(decoder: Mapping[str, Any]) -> str | None:
    """The name of the model of ``models`` that a decoder reads; None where it has a model of its own, or none."""
    model = decoder.get("model", PSTH) if decoder["family"] == LIKELIHOOD else None
    return model if isinstance(model, str) else None


class DecodingPlan:
    """The sessions that something is decoded from; with a window before the stimulus, also
    ``<session>.pre_stimulus``, the same trials in that window."""

    def __init__(self, config: Mapping[str, Any], root: str | Path) -> None:
        self.recorded: Mapping[str, Mapping[str, Any]] = in_one_order(config["sessions"])
        self.models: Mapping[str, Mapping[str, Any]] = in_one_order(config["models"])
        self.decoders: Mapping[str, Mapping[str, Any]] = in_one_order(config["decoders"])
        self.kinds = decoder_kinds(root)
        self.cells = {file.stem for file in Path(root, CELLS).glob("[!_]*.py")}
        self.before = {
            f"{name}.{PRE_STIMULUS}": name
            for name, entry in self.recorded.items()
            if "pre_stimulus_s" in entry.get("target", {}) and self.decoders_of(name)
        }
        self.origin = {name: (name, "") for name in self.recorded if self.decoders_of(name)} | {
            name: (source, PRE_STIMULUS) for name, source in self.before.items()
        }

    def decoders_of(self, session: str) -> list[str]:
        """Names of the decoders that read out a recorded session, or the same before the stimulus."""
        entry = self.recorded[session.removesuffix(f".{PRE_STIMULUS}")]
        named = entry.get("decoders", self.decoders)
        able_ = (name for name, one in self.decoders.items() if able(entry, one, self.models, self.kinds))
        return [name for name in able_ if name in named]

    @property
    def sessions(self) -> list[str]:
        """Sessions that something is decoded from, each before its window before the stimulus."""
        place = {name: number for number, name in enumerate(self.recorded)}
        return sorted(self.origin, key=lambda name: (place[self.origin[name][0]], name))

    def target_of(self, session: str) -> Mapping[str, Any]:
        """What is decoded from a session."""
        return {key: value for key, value in self.labelled_target_of(session).items() if key != "unit"}

    def labelled_target_of(self, session: str) -> Mapping[str, Any]:
        """The same with what axes say, which changes nothing that is decoded."""
        target: Mapping[str, Any] = self.recorded[self.origin[session][0]]["target"]
        return target

    @property
    def drawn(self) -> list[str]:
        """Sessions whose decoders have figures: recordings; the window before the stimulus stands in theirs."""
        return [name for name, (_, control) in self.origin.items() if not control]

    def before_of(self, session: str) -> list[str]:
        """The window before the stimulus of a session that has one; else empty."""
        return [before for before, source in self.before.items() if source == session]

    def models_of(self, session: str) -> dict[str, str]:
        """Encoding models of a session by their family: decoders that read one have its colour."""
        named = self.recorded[session].get("models", self.models)
        return {name: model["family"] for name, model in self.models.items() if name in named}

    def encoding_of(self, decoder: str) -> str | None:
        """The encoding model that a decoder reads."""
        return encoding_model(self.decoders[decoder])

    def families_of(self, session: str) -> dict[str, str]:
        """Each decoder of a session by its family, and that of a model that it reads behind a colon."""
        found = {}
        for name in self.decoders_of(session):
            model = self.encoding_of(name)
            read = "" if model is None else f":{self.models[model]['family']}"
            found[name] = self.decoders[name]["family"] + read
        return found

    def is_network(self, decoder: str) -> bool:
        """Whether a decoder is a recurrent network, trained by torch."""
        return self.decoders[decoder]["family"] in self.cells

    def modules_of(self, decoder: str) -> list[str]:
        """The modules that hold a decoder's family."""
        family = self.decoders[decoder]["family"]
        if self.is_network(decoder):
            return ["neurodecode.decoders._recurrent", f"neurodecode.nn.cells.{family}"]
        return [f"neurodecode.decoders.{family}"]


def decoding_errors(config: Mapping[str, Any], kinds: Mapping[str, list[str]]) -> Iterator[str]:
    """A line for each decoder that is named where it cannot read anything out."""
    decoders, models = config.get("decoders", {}), config["models"]
    for name, decoder in decoders.items():
        if (read := encoding_model(decoder)) is not None:
            yield from unknown([read], models, f"decoders.{name}.model", "model")
    for name, entry in config["sessions"].items():
        place, named = f"sessions.{name}.decoders", entry.get("decoders", [])
        yield from unknown(named, decoders, place, "decoder")
        for given in (one for one in named if one in decoders and not able(entry, decoders[one], models, kinds)):
            decoded = kinds.get(decoders[given]["family"], KINDS)
            if (kind := kind_of(entry["target"])) not in decoded:
                yield f"{place}: {given!r} decodes a {' and '.join(decoded)}, the target is a {kind}"
            else:
                read = encoding_model(decoders[given])
                yield f"{place}: {given!r} reads model {read!r}, which is not fitted here; add it to models"
