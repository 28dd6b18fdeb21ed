"""What the page says of all sessions together: an answer, a table and a picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from neurodecode.evaluation._score_rows import ALL
from neurodecode.evaluation.comparison import ORACLE
from neurodecode.evaluation.summary import Gain
from neurodecode.report.colours import model_colours, model_order
from neurodecode.report.drawn import Drawn
from neurodecode.report.figures.across_sessions import draw
from neurodecode.report.forest import png
from neurodecode.report.headline import Answer
from neurodecode.report.results import PSTH, aggregates
from neurodecode.report.scoretable import Estimate
from neurodecode.report.style import drawing
from neurodecode.report.tables import Cell, Row
from neurodecode.report.wording import NONE, interval, number, plural, signed

FEW_SESSIONS = 6
"""Below it an interval over sessions is likely too narrow: so few show little of how sessions differ."""


@dataclass(frozen=True)
class Heading:
    """A column's name and what stands in it."""

    heading: str
    meaning: str


HEADINGS = (
    Heading("gain over PSTH", "bits/spike, mean over sessions, each counting the same, with 95% interval"),
    Heading("sessions gained", "whose own interval, over units and trials, lies above 0"),
    Heading("units gained", "whose own interval, over trials, lies above 0"),
    Heading("beyond the next", "bits/spike above the model of the next smaller gain, on the same trials"),
)


@dataclass(frozen=True, eq=False)
class AcrossSessions:
    """``drawn`` holds the words of the picture, ``source`` the picture as a data URI."""

    answer: Answer
    rows: list[Row]
    drawn: Drawn
    source: str
    how: str


def across_sessions(gains: list[Gain], families: Mapping[str, str]) -> AcrossSessions | None:
    """From the rows of summary.csv and the family of each model; None where nothing gained over a PSTH."""
    over_all = {g.model: g for g in gains if g.session == ALL and g.against == PSTH}
    models = [m for m in model_order({m: families.get(m, "") for m in over_all}) if over_all[m].n_sessions]
    if not models:
        return None
    colours = model_colours({m: families.get(m, "") for m in models})
    answer = _answer(gains, {m: over_all[m] for m in models}, aggregates(families))
    drawn = draw(gains, models, colours, answer.sentence.removesuffix("."))
    with drawing():
        picture = base64.b64encode(png(drawn.figure)).decode("ascii") if drawn.figure else ""
    rows = [_row(gains, over_all[m], colours[m], families.get(m, "")) for m in models]
    return AcrossSessions(
        answer, rows, drawn, f"data:image/png;base64,{picture}" if picture else "", _how(over_all[models[0]])
    )


def _estimate(gain: Gain) -> Estimate:
    return Estimate(gain.value, gain.low, gain.high)


def _how(gain: Gain) -> str:
    if gain.n_sessions == 1:
        return (
            "This run has one session: intervals are over its units and trials, and say nothing of other sessions."
        )
    few = (
        " Of so few sessions the intervals are likely too narrow: they show little of how sessions differ."
        if gain.n_sessions < FEW_SESSIONS
        else ""
    )
    return f"95% intervals: {gain.resampled} drawn anew (hierarchical bootstrap).{few}"


def _answer(gains: list[Gain], over_all: Mapping[str, Gain], flat: list[str]) -> Answer:
    candidates = [g for m, g in over_all.items() if m not in (*flat, ORACLE)]
    if not candidates:
        return Answer("No model that sees single trials was scored, so the question stays open.", "open")
    most = max(gain.n_sessions for gain in candidates)
    best = max((g for g in candidates if g.n_sessions == most), key=lambda gain: gain.value)
    gain, where = _estimate(best), f"{plural(best.n_sessions, 'session')} and {plural(best.n_units, 'unit')}"
    if not gain.has_interval:
        text = (
            f"Over {where}, {best.model} stands at {signed(gain.value)} bits/spike against the PSTH; no interval"
        )
        return Answer(f"{text} was reckoned.", "open")
    bounds = f"95% interval {interval(gain)}"
    if gain.above_zero:
        text = (
            f"Over {where}, {best.model} predicts {number(gain.value)} bits/spike more than the PSTH ({bounds})."
        )
        return Answer(text, "gain", _rivals(gains, best, candidates))
    if gain.below_zero:
        text = f"Over {where}, even the best model ({best.model}) predicts worse than the PSTH"
        return Answer(f"{text}: {signed(gain.value)} bits/spike ({bounds}).", "loss")
    text = f"Over {where}, no gain over the PSTH is shown: the best model ({best.model}) differs from it by"
    return Answer(f"{text} {signed(gain.value)} bits/spike, and the {bounds} includes 0.", "none")


def _rivals(gains: list[Gain], best: Gain, candidates: list[Gain]) -> tuple[str, ...]:
    """The model next to the best, and whether the two differ."""
    others = sorted((g for g in candidates if g.model != best.model), key=lambda gain: -gain.value)
    paired = {g.against: g for g in gains if g.session == ALL and g.model == best.model}
    for other in others:
        if other.model not in paired:
            continue
        apart = _estimate(paired[other.model])
        if apart.above_zero:
            return (f"It is {number(apart.value)} bits/spike ahead of {other.model} ({interval(apart)}).",)
        shown = f"{signed(apart.value)} bits/spike ({interval(apart)})"
        return (f"Between it and {other.model} no difference is shown: {shown}.",)
    return ()


def _row(gains: list[Gain], gain: Gain, colour: str, family: str) -> Row:
    own = [g for g in gains if g.model == gain.model and g.against == PSTH and g.session != ALL]
    sessions, units = ([g for g in own if (g.unit == ALL) == whole] for whole in (True, False))
    cells = (
        Cell(signed(gain.value), interval(_estimate(gain))),
        *(Cell(_above(held)) for held in (sessions, units)),
        _beyond_the_next(gains, gain),
    )
    return Row(gain.model, family, colour, "oracle" if gain.model == ORACLE else "model", cells)


def _above(gains: list[Gain]) -> str:
    known = [_estimate(gain) for gain in gains if _estimate(gain).has_interval]
    return f"{sum(e.above_zero for e in known)} of {len(known)}" if known else NONE


def _beyond_the_next(gains: list[Gain], gain: Gain) -> Cell:
    value = {g.model: g.value for g in gains if g.session == ALL and g.against == PSTH}
    behind = [
        g
        for g in gains
        if g.session == ALL
        and g.model == gain.model
        and g.against != PSTH
        and g.value >= 0
        and value[g.against] <= gain.value
    ]
    nearest = max(behind, key=lambda g: value[g.against], default=None)
    if nearest is None:
        return Cell(NONE)
    return Cell(f"{signed(nearest.value)} ({nearest.against})", interval(_estimate(nearest)))
