"""What the page says of the decoders of one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neurodecode.config.run import PRE_STIMULUS
from neurodecode.data.documents import read_json
from neurodecode.errors import DataError
from neurodecode.evaluation._decoding_rows import TASK_OF_KIND
from neurodecode.report.decoding.comparison import Comparison
from neurodecode.report.decoding.headline import Asked, decoding_answer
from neurodecode.report.decoding.results import target_tables
from neurodecode.report.decoding.tables import HEADINGS, WORDS, Heading, decoder_rows
from neurodecode.report.headline import Answer
from neurodecode.report.scoretable import ScoreTable
from neurodecode.report.tables import Row
from neurodecode.report.wording import number, plural


@dataclass(frozen=True, eq=False)
class DecodingSection:
    """``folder`` holds the figures that ``figures`` describe."""

    session: str
    kind: str
    target: str
    facts: str
    answer: Answer
    rows: list[Row]
    folder: Path
    figures: list[Mapping[str, str]]
    seconds: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class KindOfTarget:
    """All sessions of one kind of target, under one table."""

    kind: str
    heading: str
    columns: tuple[Heading, ...]
    sections: list[DecodingSection]


def decoding_section(path: str | Path, scores: Mapping[str, pd.DataFrame]) -> DecodingSection:
    """From what ``draw_decoding`` wrote and scores by session. Raises DataError for a file that is not ours."""
    held = read_json(path)
    try:
        target, session, empty = held["target"], held["session"], ScoreTable({})
        tables = target_tables(scores[session], TASK_OF_KIND[held["kind"]]) if session in scores else {}
        own = tables.get((session, ""), {})
        before = tables.get((session, PRE_STIMULUS), {}).get(target, empty)
        found = Comparison(
            kind=held["kind"],
            families=held["families"],
            causal=held["causal"],
            baselines=held["baselines"],
            scores=own.get(target, empty),
        )
        return DecodingSection(
            session=session,
            kind=held["kind"],
            target=target,
            facts=_facts(held),
            answer=decoding_answer(found, Asked(target, held["unit"]), before),
            rows=decoder_rows(found, held["colours"], own, before),
            folder=Path(path).parent,
            figures=held["figures"],
            seconds=[(name, f"{s:,.1f} s") for name, s in held["seconds"].items() if s is not None],
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: not what was drawn of a decoding ({error!r}); draw it again") from error


def by_kind(sections: list[DecodingSection]) -> list[KindOfTarget]:
    """One table for each kind that there is."""
    each = {kind: [s for s in sections if s.kind == kind] for kind in WORDS}
    return [KindOfTarget(kind, WORDS[kind], HEADINGS[kind], held) for kind, held in each.items() if held]


def _facts(held: Mapping[str, Any]) -> str:
    trials = held["trials"]
    start, stop = (number(t, 2) for t in trials["window_s"])
    windows = (
        f"{plural(trials['tested'], 'window' if held['kind'] == 'signal' else 'trial')} ({start} to {stop} s)"
    )
    parts = [windows, plural(trials["units"], "unit"), plural(trials["folds"], "fold")]
    if trials["classes"]:
        parts.insert(1, plural(len(trials["classes"]), "class").replace("classs", "classes"))
    if held["kind"] != "class":
        parts.append(f"errors in {held['unit']}")
    return ", ".join(parts)
