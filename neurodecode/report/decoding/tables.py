"""The page's tables of decoders, one for each kind of target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurodecode.evaluation._class_scores import PRIOR
from neurodecode.report.colours import FAMILY_COLOURS, RECORDING
from neurodecode.report.decoding.appearance import NOT_CAUSAL, decoder_order
from neurodecode.report.decoding.comparison import Comparison
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.tables import Cell, Row
from neurodecode.report.wording import NONE, interval, number, signed


@dataclass(frozen=True)
class Heading:
    """A column's name and what it means."""

    heading: str
    meaning: str


_PAIRED = "over the aggregate that it is held against, paired by trial"
HEADINGS: Mapping[str, tuple[Heading, ...]] = {
    "class": (
        Heading("causal", "no bin is read from later ones"),
        Heading("accuracy", "whole window, with 95% interval"),
        Heading("chance", "p of permuted labels, and 95% of their accuracies"),
        Heading("before the stimulus", "accuracy there, interval, p: above chance, drift tells the class"),
        Heading("log loss", "nats per trial, likelihoods tempered"),
        Heading("raw log loss", "before tempering"),
        Heading("ECE", "expected calibration error"),
        Heading("accuracy gain", _PAIRED),
        Heading("log loss gain", f"nats {_PAIRED}"),
    ),
    "signal": (
        Heading("causal", "no bin is read from later ones"),
        Heading("R2", "all dims, weighted by their variance"),
        Heading("R2 by dim", "of several"),
        Heading("median error", "of a bin, with 95% interval"),
        Heading("mean error", "of a bin"),
        Heading("correlation", "by dim"),
        Heading("R2 gain", _PAIRED),
        Heading("median error saved", _PAIRED),
    ),
    "value": (
        Heading("causal", "no bin is read from later ones"),
        Heading("R2", "with 95% interval"),
        Heading("correlation", "of decoded and true values"),
        Heading("median error", "of a trial, with 95% interval"),
        Heading("mean error", "of a trial"),
        Heading("R2 gain", "over the mean, paired by trial"),
        Heading("mean error saved", "over the mean, paired by trial"),
    ),
}
WORDS: Mapping[str, str] = {"class": "Classes", "signal": "Signals", "value": "Values of trials"}
"""Kinds of target as the page heads them, in its order."""


def decoder_rows(
    found: Comparison, colours: Mapping[str, str], tables: Mapping[str, ScoreTable], before: ScoreTable
) -> list[Row]:
    """A row for each decoder, plainest first; of classes, what the class prior alone is worth comes before them.

    tables: target, or one dim of it -> scores. The best decoder of single trials is marked.
    """
    rows = [_prior_row(found.scores)] if found.kind == "class" else []
    for name in decoder_order(found.families, found.causal):
        cells = {
            "class": lambda d: _class_cells(found, d, before),
            "signal": lambda d: _signal_cells(found, d, tables),
            "value": lambda d: _value_cells(found, d),
        }[found.kind](name)
        marked = tuple(Cell(c.text, c.interval, name == found.best and bool(c.interval)) for c in cells)
        against = found.baselines.get(name)
        notes = [NOT_CAUSAL] if not found.causal[name] else []
        notes += ["aggregate"] if found.aggregate(name) else []
        notes += [f"against {against}"] if against else []
        family = found.families[name].replace(":", " of ")
        rows.append(Row(name, family, colours[name], "model", marked, ", ".join(notes)))
    return rows


def _prior_row(scores: ScoreTable) -> Row:
    entropy = scores.get(PRIOR, "prior_entropy")
    blank, loss = Cell(NONE), scores.get(PRIOR, "log_loss")
    cells = (
        *(blank, _cell(scores.get(PRIOR, "accuracy")), blank, blank, Cell(number(loss.value), interval(loss))),
        *(blank,) * 4,
    )
    note = f"entropy {number(entropy.value)} nats"
    return Row("class prior", "frequency of the classes alone", FAMILY_COLOURS[RECORDING], "prior", cells, note)


def _class_cells(found: Comparison, decoder: str, before: ScoreTable) -> list[Cell]:
    scores = found.scores
    return [
        _causal(found, decoder),
        _cell(scores.get(decoder, "accuracy")),
        Cell(_p(scores, decoder), interval(scores.get(decoder, "accuracy_null"))),
        _earlier(before, decoder),
        _cell(scores.get(decoder, "log_loss")),
        _cell(scores.get(decoder, "log_loss_raw")),
        _cell(scores.get(decoder, "expected_calibration_error")),
        _gain(scores.get(decoder, "accuracy_gain")),
        _gain(scores.get(decoder, "log_loss_gain")),
    ]


def _signal_cells(found: Comparison, decoder: str, tables: Mapping[str, ScoreTable]) -> list[Cell]:
    scores = found.scores
    dims = [table for name, table in tables.items() if name.endswith("]")]
    by_dim = [table.get(decoder, "r2") for table in dims]
    correlations = [t.get(decoder, "correlation") for t in (scores, *dims)]
    return [
        _causal(found, decoder),
        _cell(scores.get(decoder, "r2")),
        _listed(by_dim),
        _cell(scores.get(decoder, "median_error")),
        _cell(scores.get(decoder, "mean_error")),
        _listed([r for r in correlations if r.known]),
        _gain(scores.get(decoder, "r2_gain")),
        _gain(scores.get(decoder, "median_error_gain")),
    ]


def _value_cells(found: Comparison, decoder: str) -> list[Cell]:
    shown = [_cell(found.scores.get(decoder, m)) for m in ("r2", "correlation", "median_error", "mean_error")]
    gains = [_gain(found.scores.get(decoder, m)) for m in ("r2_gain", "mean_error_gain")]
    return [_causal(found, decoder), *shown, *gains]


def _causal(found: Comparison, decoder: str) -> Cell:
    return Cell("true" if found.causal[decoder] else "false")


def _cell(estimate: Estimate) -> Cell:
    return Cell(number(estimate.value), interval(estimate))


def _gain(estimate: Estimate) -> Cell:
    return Cell(signed(estimate.value), interval(estimate))


def _listed(estimates: list[Estimate]) -> Cell:
    return Cell(" / ".join(number(e.value, 2) for e in estimates) or NONE)


def _p(scores: ScoreTable, decoder: str) -> str:
    p = scores.get(decoder, "permutation_p")
    return f"p {number(p.value, 4)}" if p.known else NONE


def _earlier(before: ScoreTable, decoder: str) -> Cell:
    share = before.get(decoder, "accuracy")
    if not share.known:
        return Cell(NONE)
    told = ", ".join(text for text in (interval(share), _p(before, decoder)) if text != NONE and text)
    return Cell(number(share.value), told)
