"""What the page says of one session, from the files of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neurodecode.data.documents import read_json
from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import CO_SMOOTH, COLUMNS
from neurodecode.evaluation.comparison import GAIN
from neurodecode.report.co_smoothing import CoSmoothed, co_smoothed
from neurodecode.report.controls import ControlRow, control_rows
from neurodecode.report.decoding.section import DecodingSection
from neurodecode.report.dynamics.section import DynamicsSection
from neurodecode.report.headline import Answer, answer
from neurodecode.report.pictures import Picture, picture, pictures_of
from neurodecode.report.quality_table import QualityTable, quality_table
from neurodecode.report.scoretable import ScoreTable, score_tables
from neurodecode.report.tables import Column, Row, generation_rows, mean_response, model_rows
from neurodecode.report.wording import listed, number, plural

NO_SCORES = pd.DataFrame(columns=list(COLUMNS))
RUNAWAY = 1.25  # times as many spikes as were recorded


@dataclass(frozen=True, eq=False)
class Section:
    """What the page says of one session; ``anchor`` is safe in a link whatever the session's name.

    page: where its figures are, if on a page of its own: relative to this one. Then this one holds none. gains: of
    each model over all units and folds.
    """

    anchor: str
    page: str
    name: str
    facts: str
    answer: Answer
    rows: list[Row]
    generation_columns: list[Column]
    generation: list[Row]
    running_away: str
    ceiling: str
    gains: ScoreTable
    controls: list[ControlRow]
    co_smoothed: CoSmoothed | None
    decoding: DecodingSection | None
    decoding_pictures: list[Picture]
    dynamics: DynamicsSection | None
    dynamics_pictures: list[Picture]
    pictures: list[Picture]
    quality: QualityTable
    seconds: list[tuple[str, str]]

    @property
    def link(self) -> str:
        """Where its part begins; what stands in it is behind a hyphen and its name."""
        return f"{self.page}#{self.anchor}"


@dataclass(frozen=True, eq=False)
class Run:
    """What the files of the whole run say: rows of scores and sections by session."""

    scores: Mapping[str, pd.DataFrame]
    decoded: Mapping[str, DecodingSection]
    moving: Mapping[str, DynamicsSection]
    config: Mapping[str, Any]


def section_of(index: int, path: str | Path, run: Run, page: str = "") -> Section:
    """One session's part from its ``figures.json`` and, without ``page``, the figures beside it.

    ``index``: its place on the page that shows it, from 1. Raises DataError for a file that is none, or a figure
    that is missing.
    """
    held, anchor = read_json(path), f"session-{index}"
    try:
        name, families, colours = held["session"], held["families"], held["colours"]
        frame = run.scores.get(name, NO_SCORES)
        tables = score_tables(frame)
        scores = tables.get((name, ""), ScoreTable({}))
        others = score_tables(frame, CO_SMOOTH).get((name, ""), ScoreTable({}))
        columns, generation = generation_rows(scores, families, colours, held["sampled_rates"])
        decoding, dynamics = run.decoded.get(name), run.moving.get(name)
        return Section(
            anchor=anchor,
            page=page,
            name=name,
            facts=_facts(held["trials"]),
            answer=answer(frame, scores, name, families),
            rows=model_rows(scores, families, colours),
            generation_columns=columns,
            generation=generation,
            running_away=_running_away(held["sampled_rates"]),
            ceiling=mean_response(scores),
            gains=scores.pooled(GAIN),
            controls=_controls(name, tables, run.config.get("models", {})),
            co_smoothed=co_smoothed(name, others, run.config, held["trials"]["units"]),
            decoding=decoding,
            decoding_pictures=[] if page else pictures_of(anchor, decoding),
            dynamics=dynamics,
            dynamics_pictures=[] if page else pictures_of(anchor, dynamics),
            pictures=[] if page else [picture(anchor, Path(path).parent, one) for one in held["figures"]],
            quality=quality_table(held["quality"]),
            seconds=[(m, f"{s:,.1f} s") for m, s in held["seconds"].items() if s is not None],
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: not a section of the report ({error!r}); draw the session again") from error


def _controls(
    name: str, tables: Mapping[tuple[str, str], ScoreTable], models: Mapping[str, Any]
) -> list[ControlRow]:
    """Rows of a recording's null controls."""
    scores = tables.get((name, ""), ScoreTable({}))
    of_controls = {control: table for (session, control), table in tables.items() if session == name and control}
    return [row for control, table in of_controls.items() for row in control_rows(control, table, scores, models)]


def _facts(trials: Mapping[str, Any]) -> str:
    start, stop = trials["window_s"]
    parts = [
        f"{plural(trials['trials'], 'trial')} of {stop - start:.4g} s ({_seconds(start)} to {_seconds(stop)} s)",
        plural(trials["units"], "unit"),
        plural(trials["conditions"], "condition"),
        f"bins of {1000 * trials['bin_size_s']:.3g} ms",
        plural(trials["spikes"], "spike"),
        plural(trials["folds"], "fold"),
    ]
    if not trials["has_spike_times"]:
        parts.append("counts without spike times")
    return ", ".join(parts)


def _running_away(sampled_rates: Mapping[str, float]) -> str:
    """Good forecasts do not make good samples: a model fed with its own spikes may excite itself without end."""
    away = [m for m, ratio in sampled_rates.items() if ratio > RUNAWAY]
    told = [f"{m} ({number(sampled_rates[m], 1)} times)" for m in away]
    if not away:
        return ""
    return (
        f"Sampled trains run away: they hold more spikes than the recording for {listed(told)}. Such a model "
        "foretells the next bin of a real trial, and still cannot generate trials: fed with its own spikes it "
        "excites itself."
    )


def _seconds(time_s: float) -> str:
    return f"{time_s:.4g}".replace("-", "\N{MINUS SIGN}")
