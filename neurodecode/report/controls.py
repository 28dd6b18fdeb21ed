"""What should hold on each null control, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neurodecode.evaluation.comparison import AGGREGATES, BITS, GAIN
from neurodecode.report.results import PSTH
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.tables import Cell
from neurodecode.report.wording import interval, number, signed

TOLERANCE = 0.005
"""Bits/spike that a null may gain by chance or by estimation without being called an artefact."""
OK, NOT_OK, OPEN = "ok", "not ok", "open"


@dataclass(frozen=True)
class ControlRow:
    """One claim about one model on one control; ``recorded`` is the same number on the recording itself."""

    control: str
    model: str
    claim: str
    found: Cell
    recorded: Cell
    verdict: str


def control_rows(
    control: str, scores: ScoreTable, recording: ScoreTable, models: Mapping[str, Mapping[str, Any]]
) -> list[ControlRow]:
    """The claims of one control of a session, judged.

    ``models``: name -> the configuration's entry, of which ``family`` and ``coupling`` are read.
    """
    judges = {
        "poisson_surrogate": _poisson_surrogate,
        "shuffled_trials": _shuffled_trials,
        "shuffled_labels": _shuffled_labels,
    }
    return list(judges[control](scores, recording, models)) if control in judges else []


def _poisson_surrogate(
    scores: ScoreTable, recording: ScoreTable, models: Mapping[str, Mapping[str, Any]]
) -> Iterator[ControlRow]:
    for model in _with_history(scores, models):
        gain = scores.get(model, GAIN)
        yield ControlRow(
            "poisson_surrogate",
            model,
            "history gains nothing where spikes are drawn from the PSTH",
            _cell(gain),
            _cell(recording.get(model, GAIN)),
            _at_most(gain),
        )


def _shuffled_trials(
    scores: ScoreTable, recording: ScoreTable, models: Mapping[str, Mapping[str, Any]]
) -> Iterator[ControlRow]:
    for model in _with_history(scores, models):
        gain, before = scores.get(model, GAIN), recording.get(model, GAIN)
        yield ControlRow(
            "shuffled_trials",
            model,
            "own history keeps its gain when trials are shuffled for each unit",
            _cell(gain),
            _cell(before),
            _kept(gain, before),
        )
    for model, alone in _coupled_pairs(scores, models):
        extra, recorded = (t.get(model, BITS).value - t.get(alone, BITS).value for t in (scores, recording))
        yield ControlRow(
            "shuffled_trials",
            model,
            f"other units add nothing to own history ({alone})",
            Cell(signed(extra)),
            Cell(signed(recorded)),
            _at_most(Estimate(extra)),
        )


def _shuffled_labels(
    scores: ScoreTable, recording: ScoreTable, models: Mapping[str, Mapping[str, Any]]
) -> Iterator[ControlRow]:
    for pooled in (name for name in scores.models(GAIN) if models.get(name, {}).get("pooled")):
        gain, recorded = (-table.get(pooled, GAIN) for table in (scores, recording))
        yield ControlRow(
            "shuffled_labels",
            PSTH,
            f"the average by condition gains nothing over that of all trials ({pooled})",
            _cell(gain),
            _cell(recorded),
            _at_most(gain),
        )
    for model in scores.models(BITS):
        if models.get(model, {}).get("pooled"):
            continue
        if models.get(model, {}).get("family", model) not in (PSTH, "poisson"):
            continue  # conditions enter the others by way of the PSTH
        shuffled, true = scores.get(model, BITS), recording.get(model, BITS)
        yield ControlRow(
            "shuffled_labels",
            model,
            "the average by condition tells no more when conditions are shuffled",
            Cell(number(shuffled.value), interval(shuffled)),
            Cell(number(true.value), interval(true)),
            _at_most(Estimate(shuffled.value - true.value)),
        )


def _with_history(scores: ScoreTable, models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    families = {name: str(models.get(name, {}).get("family", name)) for name in scores.models(GAIN)}
    return [name for name, family in families.items() if family not in (*AGGREGATES, "psth_gain")]


def _coupled_pairs(scores: ScoreTable, models: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Models of one family that differ in whether they see other units."""
    scored = [name for name in scores.models(BITS) if models.get(name, {}).get("family") == "glm"]
    alone = [name for name in scored if models[name].get("coupling") == "own"]
    yield from ((name, alone[0]) for name in scored if alone and name not in alone)


def _cell(gain: Estimate) -> Cell:
    return Cell(signed(gain.value), interval(gain))


def _at_most(gain: Estimate) -> str:
    if not gain.known:
        return OPEN
    return OK if gain.value <= TOLERANCE or (gain.has_interval and gain.low <= 0) else NOT_OK


def _kept(gain: Estimate, before: Estimate) -> str:
    """Whether a gain that was there is still there; open where there was none to keep."""
    if not (gain.known and before.known) or not before.above_zero:
        return OPEN
    return OK if gain.above_zero else NOT_OK
