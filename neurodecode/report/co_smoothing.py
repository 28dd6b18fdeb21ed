"""The page's table of units predicted from the other units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurodecode.evaluation.co_smoothing import CAUSAL, CO_BPS, ONE_UNIT
from neurodecode.evaluation.comparison import GAIN
from neurodecode.models.co_smoothing import ACAUSAL
from neurodecode.report.colours import model_colours, model_order
from neurodecode.report.results import PSTH
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.tables import Cell, Column, Row
from neurodecode.report.wording import NONE, interval, number, signed


@dataclass(frozen=True)
class CoSmoothed:
    """One session's rows, or the reason why there are none."""

    session: str
    rows: list[Row]
    absent: str = ""


def _is_causal(scores: ScoreTable, model: str) -> bool:
    return scores.get(model, CAUSAL).value == 1.0


def _causal(scores: ScoreTable, model: str) -> Cell:
    return Cell("true" if _is_causal(scores, model) else "false")


def _bits(metric: str) -> Any:
    def cell(scores: ScoreTable, model: str) -> Cell:
        estimate = scores.get(model, metric)
        return Cell(number(estimate.value), interval(estimate))

    return cell


def _gain(scores: ScoreTable, model: str) -> Cell:
    estimate = scores.get(model, GAIN)
    return Cell(NONE) if model == PSTH else Cell(signed(estimate.value), interval(estimate))


def _units_above(scores: ScoreTable, model: str) -> Cell:
    """Units that are predicted better than by their PSTH, by the whole of their interval."""
    known = [e for e in scores.units(model, GAIN).values() if e.has_interval]
    if model == PSTH or not known:
        return Cell(NONE)
    return Cell(f"{sum(e.above_zero for e in known)} of {len(known)}")


COLUMNS = (
    Column("causal", "sees only bins before the predicted one", _causal),
    Column("co-bps", "bits/spike above each unit's mean rate in training, with 95% interval", _bits(CO_BPS)),
    Column("gain over PSTH", "bits/spike above the unit's own PSTH on the same trials", _gain),
    Column("units gained", "units whose interval of the gain lies above 0", _units_above),
    Column("co-bps, NLB null", "above each unit's mean rate in the scored trials", _bits(f"{CO_BPS}_nlb")),
)


def co_smoothed(session: str, scores: ScoreTable, config: Mapping[str, Any], n_units: int) -> CoSmoothed | None:
    """The table of one session; None where the configuration asks for no co-smoothing of it."""
    asked = config.get("co_smoothing")
    if asked is None or session not in (asked.get("sessions") or [session]):
        return None
    models = scores.models(CO_BPS)
    if not models:
        return CoSmoothed(
            session, [], ONE_UNIT if n_units == 1 else "no model of this run predicts units from others"
        )
    families = {name: _family(name, config) for name in models}
    colours = model_colours(families)
    best = _best(scores, models)
    rows = [
        Row(model, families[model], colours[model], "model", _cells(scores, model, best=model == best))
        for model in model_order(families)
    ]
    return CoSmoothed(session, rows)


def _family(co_smoother: str, config: Mapping[str, Any]) -> str:
    models = config.get("models", {})
    entry = models.get(co_smoother) or models.get(co_smoother.removesuffix(ACAUSAL)) or {}
    return str(entry.get("family", co_smoother))


def _best(scores: ScoreTable, models: list[str]) -> str:
    """Among those that see only the past: who sees the future is not to be compared with them."""

    def told(model: str) -> Estimate:
        return scores.get(model, CO_BPS)

    return max(
        (m for m in models if told(m).known and _is_causal(scores, m)), key=lambda m: told(m).value, default=""
    )


def _cells(scores: ScoreTable, model: str, *, best: bool) -> tuple[Cell, ...]:
    cells = [column.cell(scores, model) for column in COLUMNS]
    return tuple(Cell(c.text, c.interval, best and bool(c.interval)) for c in cells)
