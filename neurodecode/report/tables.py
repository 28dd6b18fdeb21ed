"""The page's tables of models: what they predict, and what they generate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neurodecode.evaluation._fallbacks import FALLBACK
from neurodecode.evaluation.comparison import BITS, GAIN
from neurodecode.report.colours import ORACLE, RECORDING, model_order
from neurodecode.report.results import PSTH
from neurodecode.report.scoretable import ScoreTable
from neurodecode.report.wording import NONE, interval, number, signed, with_interval


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, its interval below it, and whether it is the column's best."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One model of one session; ``kind`` is model, oracle or recording. ``note``: what to know of its fit."""

    model: str
    family: str
    colour: str
    kind: str
    cells: tuple[Cell, ...]
    note: str = ""


@dataclass(frozen=True)
class Column:
    """``heading`` and what it means; ``cell`` reads it for one model."""

    heading: str
    meaning: str
    cell: Callable[[ScoreTable, str], Cell]


def _scored(metric: str, write: Callable[[float], str] = number) -> Callable[[ScoreTable, str], Cell]:
    def cell(scores: ScoreTable, model: str) -> Cell:
        estimate = scores.get(model, metric)
        return Cell(write(estimate.value), interval(estimate))

    return cell


def _gain(scores: ScoreTable, model: str) -> Cell:
    estimate = scores.get(model, GAIN)
    if model == PSTH:
        return Cell(NONE)
    return Cell(signed(estimate.value), interval(estimate))


def units_passed(scores: ScoreTable, model: str) -> tuple[int, int]:
    """Units that time rescaling does not reject after Holm's correction, and units tested."""
    known = [e.value for e in scores.units(model, "ks_passed").values() if e.known]
    return sum(value > 0.5 for value in known), len(known)


def _rescaling(scores: ScoreTable, model: str) -> Cell:
    passed, tested = units_passed(scores, model)
    return Cell(f"{passed} of {tested}" if tested else NONE)


def _percent(value: float) -> str:
    return f"{number(100 * value, 2)}%" if math.isfinite(value) else NONE


PREDICTION_COLUMNS = (
    Column("bits/spike", "above each unit's mean rate in training, with 95% interval", _scored(BITS)),
    Column("gain over PSTH", "bits/spike above the PSTH on the same trials, with 95% interval", _gain),
    Column(
        "bits/spike, NLB null", "above each unit's mean rate in the scored trials", _scored("bits_per_spike_nlb")
    ),
    Column("D2", "share of the Poisson deviance explained", _scored("poisson_d2")),
    Column("KS units passed", "units that time rescaling does not reject, Holm-corrected", _rescaling),
)
GENERATION_COLUMNS = (
    Column("ISIs < 2 ms", "share of intervals", _scored("isi_violations_2ms", _percent)),
    Column("ISI distance", "largest difference of the distributions of intervals", _scored("isi_ks")),
    Column("ISI CV", "coefficient of variation of intervals", _scored("isi_cv", lambda v: number(v, 2))),
    Column("hazard error", "root mean squared log ratio to the real hazard", _scored("hazard_error")),
    Column("adaptation error", "root mean squared log ratio to the real curve", _scored("adaptation_error")),
    Column("Fano, 100 ms", "variance over mean of counts", _scored("fano_100ms", lambda v: number(v, 2))),
    Column("noise correlation", "mean over pairs of units", _scored("noise_correlation")),
)


def model_rows(
    scores: ScoreTable,
    families: Mapping[str, str],
    colours: Mapping[str, str],
    columns: Sequence[Column] = PREDICTION_COLUMNS,
) -> list[Row]:
    """A row for each model, plainest first and the oracle last; the best gain of a fitted model is marked."""
    fitted = [m for m in model_order(families) if m != ORACLE]
    metric = GAIN if any(scores.get(m, GAIN).known for m in fitted) else BITS
    known = [m for m in fitted if scores.get(m, metric).known]
    best = max(known, key=lambda m: scores.get(m, metric).value, default=None)
    rows = []
    for model in model_order(families):
        kind = "oracle" if model == ORACLE else "model"
        cells = tuple(_marked(column.cell(scores, model), best=model == best) for column in columns)
        colour = colours.get(model, "#000000")
        rows.append(Row(model, families[model], colour, kind, cells, fallback_note(scores, model)))
    return rows


def fallback_note(scores: ScoreTable, model: str) -> str:
    """In how many of its folds a network is the GLM that it started from."""
    share = scores.get(model, FALLBACK)
    if not share.known or share.value == 0.0:
        return ""
    return "the GLM in all folds" if share.value == 1.0 else f"the GLM in {share.value:.0%} of folds"


def generation_rows(
    scores: ScoreTable,
    families: Mapping[str, str],
    colours: Mapping[str, str],
    sampled_rates: Mapping[str, float],
) -> tuple[list[Column], list[Row]]:
    """Real trains first, then each model's samples; columns of which nothing is known are left out.

    sampled_rates: model -> spikes in its samples over those recorded.
    """

    def rate(_: ScoreTable, model: str) -> Cell:
        return Cell(number(sampled_rates[model], 2)) if model in sampled_rates else Cell(NONE)

    named = {RECORDING: RECORDING, **{m: families[m] for m in model_order(families)}}
    known = (Column("rate", "sampled over recorded spikes", rate), *GENERATION_COLUMNS)
    columns = [c for c in known if any(c.cell(scores, model).text != NONE for model in named)]
    rows = [
        Row(
            model,
            family,
            colours.get(model, "#000000"),
            model if model in (RECORDING, ORACLE) else "model",
            tuple(column.cell(scores, model) for column in columns),
        )
        for model, family in named.items()
    ]
    return columns, [row for row in rows if any(cell.text != NONE for cell in row.cells)]


def _marked(cell: Cell, *, best: bool) -> Cell:
    return Cell(cell.text, cell.interval, best) if cell.interval or not best else Cell(cell.text, best=False)


def mean_response(scores: ScoreTable) -> str:
    """How well the trial average is known, how much of it the PSTH reaches, and how much it could tell at most."""
    known = scores.get(RECORDING, "noise_ceiling")
    if not known.known:
        return ""
    told = [f"The trial average itself is known to a correlation of {with_interval(known, 2)} (noise ceiling)"]
    reached = scores.get(PSTH, "mean_response_reached")
    if reached.known:
        told.append(
            f"on held-out trials the PSTH reaches {with_interval(reached, 2)} of what can be explained of it"
        )
    most, bits = scores.get(RECORDING, "psth_ceiling"), scores.get(PSTH, "bits_per_spike_nlb")
    if most.known and bits.known:
        told.append(
            f"it tells {number(bits.value)} bits/spike, of at most {with_interval(most)} that any function of "
            "condition and time could tell"
        )
    return "; ".join(told) + "."
