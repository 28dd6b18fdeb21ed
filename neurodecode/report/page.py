"""The report: one HTML file that opens with no network."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from neurodecode.data.documents import read_json
from neurodecode.data.store import written_whole
from neurodecode.errors import DataError
from neurodecode.evaluation._score_rows import CO_SMOOTH
from neurodecode.evaluation.scores import read_scores
from neurodecode.evaluation.summary import read_summary
from neurodecode.report.across_sessions import HEADINGS as ACROSS_HEADINGS
from neurodecode.report.across_sessions import across_sessions
from neurodecode.report.co_smoothing import COLUMNS as CO_SMOOTHING_COLUMNS
from neurodecode.report.co_smoothing import CoSmoothed, co_smoothed
from neurodecode.report.controls import TOLERANCE, ControlRow, control_rows
from neurodecode.report.decoding.section import DecodingSection, by_kind, decoding_section
from neurodecode.report.dynamics.section import DynamicsSection, dynamics_section
from neurodecode.report.dynamics.tables import COLUMNS as DYNAMICS_COLUMNS
from neurodecode.report.forest import draw_forest, png
from neurodecode.report.glossary import TERMS
from neurodecode.report.headline import Answer, answer
from neurodecode.report.pictures import Picture, data_uri, picture, pictures_of
from neurodecode.report.quality_table import QualityTable, quality_table
from neurodecode.report.scoretable import ScoreTable, score_tables
from neurodecode.report.style import drawing
from neurodecode.report.tables import (
    PREDICTION_COLUMNS,
    Column,
    Row,
    generation_rows,
    mean_response,
    model_rows,
)
from neurodecode.report.versions import software_versions
from neurodecode.report.wording import listed, number, plural

log = logging.getLogger(__name__)

RUNAWAY = 1.25  # times as many spikes as were recorded
TEMPLATE = "report.html.j2"


@dataclass(frozen=True, eq=False)
class Section:
    """What the page says of one session; ``anchor`` is safe in a link whatever the session's name."""

    anchor: str
    name: str
    facts: str
    answer: Answer
    rows: list[Row]
    generation_columns: list[Column]
    generation: list[Row]
    running_away: str
    ceiling: str
    controls: list[ControlRow]
    co_smoothed: CoSmoothed | None
    decoding: DecodingSection | None
    decoding_pictures: list[Picture]
    dynamics: DynamicsSection | None
    dynamics_pictures: list[Picture]
    pictures: list[Picture]
    quality: QualityTable
    seconds: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class _Run:
    """What the files of the whole run say; tables by session and control, sections by session."""

    frame: pd.DataFrame
    tables: Mapping[tuple[str, str], ScoreTable]
    from_others: Mapping[tuple[str, str], ScoreTable]
    decoded: Mapping[str, DecodingSection]
    moving: Mapping[str, DynamicsSection]
    config: Mapping[str, Any]

    def controls_of(self, name: str, scores: ScoreTable) -> list[ControlRow]:
        """Rows of a recording's null controls."""
        return [
            row
            for (session, control), table in self.tables.items()
            if session == name and control
            for row in control_rows(control, table, scores, self.config.get("models", {}))
        ]


def write_report(
    *,
    scores: str | Path,
    summary: str | Path | None = None,
    sections: Sequence[str | Path],
    decoding: Sequence[str | Path] = (),
    dynamics: Sequence[str | Path] = (),
    config: Mapping[str, Any],
    output: str | Path,
    failures: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write the page.

    scores, summary: scores.csv and summary.csv of the whole run. sections: each recording's ``figures.json`` as
    ``draw_session`` wrote it, its figures beside it, in the order of the page; null controls have none. decoding:
    what ``draw_decoding`` wrote of recordings that something was decoded from. dynamics: what ``draw_dynamics``
    wrote of those whose networks were looked at. config: the run's configuration. failures: sessions of it that
    failed and are missing from all the rest -> rule, error and log.
    Raises DataError for a file that is missing or not ours.
    """
    frame = read_scores(scores)
    run = _Run(
        frame=frame,
        tables=score_tables(frame),
        from_others=score_tables(frame, CO_SMOOTH),
        decoded={one.session: one for one in (decoding_section(path, frame) for path in decoding)},
        moving={one.session: one for one in map(dynamics_section, dynamics)},
        config=config,
    )
    made = [_section(i, path, run) for i, path in enumerate(sections, start=1)]
    across = None if summary is None else across_sessions(read_summary(summary), _families(made, config))
    page = _environment().get_template(TEMPLATE)
    html = page.render(**_page(made, run), across=across, failures=failures or {})
    with written_whole(output) as part:
        part.write_text(html, encoding="utf-8")
    log.info("%s: %s, %.1f MB", output, plural(len(made), "session"), len(html) / 1e6)


def _page(made: Sequence[Section], run: _Run) -> dict[str, Any]:
    """What the template says beside failures and the summary across sessions."""
    shown = yaml.safe_dump(
        _plain(run.config), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    return {
        "title": str(run.config.get("report", {}).get("title") or "Single trials against their average"),
        "written": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "sections": made,
        "anchors": {section.name: section.anchor for section in made},
        "columns": PREDICTION_COLUMNS,
        "summary": _summary(made, run.tables),
        "across_columns": ACROSS_HEADINGS,
        "controlled": [section for section in made if section.controls],
        "co_smoothed": [section for section in made if section.co_smoothed],
        "co_smoothing_columns": CO_SMOOTHING_COLUMNS,
        "decoded": by_kind([section.decoding for section in made if section.decoding]),
        "moving": [section for section in made if section.dynamics],
        "dynamics_columns": DYNAMICS_COLUMNS,
        "tolerance": TOLERANCE,
        "terms": TERMS,
        "config": shown,
        "versions": software_versions(),
    }


def _families(made: Sequence[Section], config: Mapping[str, Any]) -> dict[str, str]:
    """Each model's family: of those that were scored, and of those of the configuration."""
    named = {name: str(entry.get("family", name)) for name, entry in config.get("models", {}).items()}
    return {row.model: row.family for section in made for row in section.rows} | named


def _summary(made: Sequence[Section], tables: Mapping[tuple[str, str], ScoreTable]) -> dict[str, str] | None:
    """All sessions' gains in one picture, where there is more than one session."""
    if len(made) < 2:
        return None
    clear = sum(section.answer.verdict == "gain" for section in made)
    title = f"Single trials hold more than their average in {clear} of {plural(len(made), 'session')}"
    scores = {section.name: tables.get((section.name, ""), ScoreTable({})) for section in made}
    families = {section.name: {row.model: row.family for row in section.rows} for section in made}
    with drawing():
        figure = draw_forest(scores, families, title)
        if figure is None:
            return None
        source = data_uri(png(figure))
    return {
        "source": source,
        "alt": f"{title}. Gain over the PSTH of each model and session; the numbers stand in the table below.",
        "caption": "Gain over the PSTH of each model but the constant rate; diamonds: the true intensity "
        "of simulated sessions.",
    }


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("neurodecode.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _section(index: int, path: str | Path, run: _Run) -> Section:
    held, anchor = read_json(path), f"session-{index}"
    try:
        name, families, colours = held["session"], held["families"], held["colours"]
        scores = run.tables.get((name, ""), ScoreTable({}))
        others = run.from_others.get((name, ""), ScoreTable({}))
        columns, generation = generation_rows(scores, families, colours, held["sampled_rates"])
        return Section(
            anchor=anchor,
            name=name,
            facts=_facts(held["trials"]),
            answer=answer(run.frame, scores, name, families),
            rows=model_rows(scores, families, colours),
            generation_columns=columns,
            generation=generation,
            running_away=_running_away(held["sampled_rates"]),
            ceiling=mean_response(scores),
            controls=run.controls_of(name, scores),
            co_smoothed=co_smoothed(name, others, run.config, held["trials"]["units"]),
            decoding=run.decoded.get(name),
            decoding_pictures=pictures_of(anchor, run.decoded.get(name)),
            dynamics=run.moving.get(name),
            dynamics_pictures=pictures_of(anchor, run.moving.get(name)),
            pictures=[picture(anchor, Path(path).parent, one) for one in held["figures"]],
            quality=quality_table(held["quality"]),
            seconds=[(m, f"{s:,.1f} s") for m, s in held["seconds"].items() if s is not None],
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: not a section of the report ({error!r}); draw the session again") from error


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


def _plain(value: Any) -> Any:
    """The configuration as YAML can hold it: mappings and lists of its own kinds; what is not set is left out."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
