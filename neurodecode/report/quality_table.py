"""What quality.json holds, as sentences and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurodecode.report.wording import NONE, listed, number, plural, signed

DRIFT_P = 0.01


@dataclass(frozen=True)
class QualityTable:
    """Sentences on the whole recording, and a row of cells for each unit."""

    notes: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def quality_table(quality: Mapping[str, Any]) -> QualityTable:
    """The table of one session; empty where nothing is known."""
    units = quality.get("units", [])
    headings = (
        "spikes",
        "rate (spikes/s)",
        "rate in window",
        "ISIs < 1 ms",
        "ISIs < 2 ms",
        "duplicates dropped",
        "silent trials",
        "drift (SD)",
        "drift (rho)",
    )
    rows = tuple((str(unit.get("unit", "")), _cells(unit)) for unit in units)
    return QualityTable(tuple(_notes(quality, units)), headings if rows else (), rows)


def _cells(unit: Mapping[str, Any]) -> tuple[str, ...]:
    rho, p = unit.get("drift_rho"), unit.get("drift_p")
    drift = NONE if rho is None or p is None else f"{signed(rho, 2)}{'*' if p < DRIFT_P else ''}"
    return (
        _count(unit.get("n_spikes")),
        _number(unit.get("rate_hz"), 2),
        _number(unit.get("rate_in_window_hz"), 2),
        _share(unit, "isi_below_1ms"),
        _share(unit, "isi_below_2ms"),
        _count(unit.get("duplicates")),
        _count(unit.get("silent_trials")),
        NONE if unit.get("drift_sd") is None else signed(unit["drift_sd"], 2),
        drift,
    )


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else number(value, digits)


def _share(unit: Mapping[str, Any], name: str) -> str:
    n, fraction = unit.get(name), unit.get(f"{name}_fraction")
    return NONE if n is None or fraction is None else f"{n:,} ({number(100 * fraction, 2)}%)"


def _notes(quality: Mapping[str, Any], units: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if quality.get("note"):
        yield f"{quality['note']}."
    if "span_s" in quality and "observed_s" in quality:
        start, stop = quality["span_s"]
        yield (
            f"The recording spans {stop - start:,.1f} s, of which {quality['observed_s']:,.1f} s were observed; "
            f"{plural(quality['n_spikes'], 'spike')}, {quality['n_spikes_in_window']:,} of them in the windows."
        )
    left_out = quality.get("trials_left_out") or {}
    if left_out:
        yield f"Trials left out: {listed([f'{n:,} ({reason})' for reason, n in left_out.items()])}."
    if quality.get("unobserved_bins"):
        share = number(100 * quality["unobserved_bins"], 2)
        yield f"{share}% of the windows' bins were not observed and are masked."
    if quality.get("bins_above_one_spike"):
        yield f"{number(100 * quality['bins_above_one_spike'], 2)}% of the bins with spikes hold more than one."
    if quality.get("isi_reason"):
        yield f"Intervals are not counted: {quality['isi_reason']}."
    unsorted = sum(unit.get("unsorted") or 0 for unit in units)
    if unsorted:
        yield f"{unsorted:,} spike times were out of order and were sorted."
    silent = [str(unit["unit"]) for unit in units if unit.get("silent_in_training")]
    if silent:
        yield f"Silent in the training trials of a fold, and scored all the same: {listed(silent)}."
    drifting = drifting_units(units)
    if drifting:
        shown = [*drifting[:10], *([f"{len(drifting) - 10} more"] if len(drifting) > 10 else [])]
        yield f"Firing drifts over the session (Spearman p < {DRIFT_P:g}) in {len(drifting)}: {listed(shown)}."


def drifting_units(units: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the units whose rate goes with the trial's number at p < 0.01, not corrected for their number."""
    known = [unit for unit in units if unit.get("drift_p") is not None]
    return [str(unit["unit"]) for unit in known if unit["drift_p"] < DRIFT_P]
