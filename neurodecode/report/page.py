"""The report: one HTML file that opens with no network."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import yaml

from neurodecode.data.store import written_whole
from neurodecode.evaluation.scores import read_all_scores
from neurodecode.evaluation.summary import read_summary
from neurodecode.report.across_sessions import HEADINGS as ACROSS_HEADINGS
from neurodecode.report.across_sessions import across_sessions
from neurodecode.report.co_smoothing import COLUMNS as CO_SMOOTHING_COLUMNS
from neurodecode.report.controls import TOLERANCE
from neurodecode.report.decoding.section import by_kind, decoding_section
from neurodecode.report.dynamics.section import dynamics_section
from neurodecode.report.dynamics.tables import COLUMNS as DYNAMICS_COLUMNS
from neurodecode.report.forest import draw_forest, png
from neurodecode.report.glossary import TERMS
from neurodecode.report.pictures import data_uri
from neurodecode.report.section import Run, Section, section_of
from neurodecode.report.style import drawing
from neurodecode.report.tables import PREDICTION_COLUMNS
from neurodecode.report.versions import software_versions
from neurodecode.report.wording import plural

log = logging.getLogger(__name__)

TEMPLATE = "report.html.j2"


def write_report(
    *,
    scores: Sequence[str | Path],
    summary: str | Path | None = None,
    sections: Sequence[str | Path],
    pages: Sequence[str | Path] = (),
    decoding: Sequence[str | Path] = (),
    dynamics: Sequence[str | Path] = (),
    config: Mapping[str, Any],
    output: str | Path,
    failures: Mapping[str, Mapping[str, str]] | None = None,
    home: str | Path | None = None,
) -> None:
    """Write the page of a run, or of one of its sessions.

    scores: tables of scores of all that it is about. summary: summary.csv of the whole run. sections: each
    recording's ``figures.json`` as ``draw_session`` wrote it, its figures beside it, in the order of the page;
    none of null controls. pages: where these have pages of their own, one each: figures stand there, and this one
    links to them. decoding: what ``draw_decoding`` wrote of recordings that something was decoded from. dynamics:
    what ``draw_dynamics`` wrote of those whose networks were looked at. config: the run's configuration. failures:
    sessions of it that failed and are missing from all the rest -> rule, error and log. home: the page of the
    whole run, for that of a session to link to.
    Raises DataError for a file that is missing or not ours.
    """
    by_session = {str(name): rows for name, rows in read_all_scores(scores).groupby("session", sort=False)}
    run = Run(
        scores=by_session,
        decoded={one.session: one for one in (decoding_section(path, by_session) for path in decoding)},
        moving={one.session: one for one in map(dynamics_section, dynamics)},
        config=config,
    )
    elsewhere = [_link(page, output) for page in pages]
    made = (
        [section_of(1, path, run, page) for path, page in zip(sections, elsewhere, strict=True)]
        if elsewhere
        else [section_of(i, path, run) for i, path in enumerate(sections, start=1)]
    )
    across = None if summary is None else across_sessions(read_summary(summary), _families(made, config))
    page = _environment().get_template(TEMPLATE)
    html = page.render(
        **_page(made, run),
        across=across,
        failures=failures or {},
        apart=bool(elsewhere),
        home=None if home is None else _link(home, output),
    )
    with written_whole(output) as part:
        part.write_text(html, encoding="utf-8")
    log.info("%s: %s, %.1f MB", output, plural(len(made), "session"), len(html) / 1e6)


def _link(page: str | Path, output: str | Path) -> str:
    """From one file to another, as a page says it."""
    return quote(Path(os.path.relpath(page, Path(output).parent)).as_posix())


def _page(made: Sequence[Section], run: Run) -> dict[str, Any]:
    """What the template says beside failures and the summary across sessions."""
    shown = yaml.safe_dump(
        _plain(run.config), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None
    )
    return {
        "title": str(run.config.get("report", {}).get("title") or "Single trials against their average"),
        "written": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "sections": made,
        "links": {section.name: section.link for section in made},
        "columns": PREDICTION_COLUMNS,
        "summary": _summary(made),
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


def _summary(made: Sequence[Section]) -> dict[str, str] | None:
    """All sessions' gains in one picture, where there is more than one, and each has its part of the page."""
    if len(made) < 2 or made[0].page:
        return None
    clear = sum(section.answer.verdict == "gain" for section in made)
    title = f"Single trials hold more than their average in {clear} of {plural(len(made), 'session')}"
    gains = {section.name: section.gains for section in made}
    families = {section.name: {row.model: row.family for row in section.rows} for section in made}
    with drawing():
        figure = draw_forest(gains, families, title)
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


def _plain(value: Any) -> Any:
    """The configuration as YAML can hold it: mappings and lists of its own kinds; what is not set is left out."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
