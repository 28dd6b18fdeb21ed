"""What a lab asks of a recording before it believes a model of it: quality.json."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import spearmanr

from neurodecode.data.binning import placed_trials
from neurodecode.data.counts import CountRecording
from neurodecode.data.observed import any_observed, merged, unit_intervals
from neurodecode.data.selection import distinct_names
from neurodecode.data.session import Session, SpikeCleaning
from neurodecode.data.splits import Split
from neurodecode.data.trials import Trials
from neurodecode.data.windows import Window

SCHEMA_VERSION = 1
ISI_LIMITS_S = {"isi_below_1ms": 0.001, "isi_below_2ms": 0.002}
_GRID_TOLERANCE = 1e-4  # an interval of exactly 1 ms on a 1 ms grid is not below 1 ms, whatever its rounding
_FEWEST_TRIALS = 6  # two in each third
COUNTS_REASON = "the file holds binned counts, so intervals between spikes are unknown"


def quality(
    recording: Session | CountRecording,
    trials: Trials,
    splits: Sequence[Split] = (),
    window: Window | None = None,
) -> dict[str, object]:
    """Quality of the recording that ``trials`` were cut from, JSON-able, with None where a number is undefined.

    Top level: ``recording``, ``n_units``, ``n_trials``, ``n_spikes`` (recorded) and ``n_spikes_in_window``,
    ``span_s``, ``observed_s`` (length), ``bin_size_s``, ``window_s``, ``lead_s``, ``conditions`` (trials of each),
    ``trials_left_out`` (with ``window``: by reason), ``unobserved_bins`` and ``unobserved_lead_bins`` (fractions),
    ``bins_above_one_spike`` (fraction of occupied bins), ``isi_reason`` (why interval counts are None), ``units``.
    Each of ``units``: ``unit``, ``n_spikes``, ``n_spikes_in_window``, ``rate_hz`` over observed time,
    ``rate_in_window_hz``, ``isi_below_1ms`` and ``isi_below_2ms`` (counts) with ``..._fraction`` of all intervals,
    ``duplicates`` (dropped) and ``unsorted`` spike times, ``silent_trials``, drift over trials as ``drift_sd``
    (last third less first third, in standard deviations of the single-trial rate), ``drift_rho`` and ``drift_p``
    (Spearman, rate against trial), and ``silent_in_training`` (folds).
    """
    row_of = {name: row for row, name in enumerate(distinct_names(recording.unit_names))}
    recorded = _recorded(recording, [row_of[name] for name in trials.unit_names])
    spikes = trials.window_counts.sum(axis=1, dtype=np.int64)
    units = [one | _in_trials(trials, place, spikes[:, place], splits) for place, one in enumerate(recorded)]
    span, observed = _extent(recording)
    return {
        "schema_version": SCHEMA_VERSION,
        "recording": recording.name,
        "n_spikes": sum(int(str(unit["n_spikes"])) for unit in units),
        "span_s": span,
        "observed_s": observed,
        **_of_trials(trials),
        "trials_left_out": _left_out(recording, trials, window),
        "isi_reason": COUNTS_REASON if isinstance(recording, CountRecording) else None,
        "units": [{"unit": name} | unit for name, unit in zip(trials.unit_names, units, strict=True)],
    }


def _of_trials(trials: Trials) -> dict[str, object]:
    """Size, grid, conditions and unobserved bins of the trials."""
    counts = trials.window_counts
    occupied = int(np.count_nonzero(counts))
    return {
        "n_units": trials.n_units,
        "n_trials": trials.n_trials,
        "n_spikes_in_window": int(counts.sum(dtype=np.int64)),
        "bin_size_s": trials.bin_size_s,
        "window_s": [trials.window_start_s, trials.window_start_s + trials.n_bins * trials.bin_size_s],
        "lead_s": trials.lead * trials.bin_size_s,
        "conditions": {
            name: int((trials.condition == code).sum()) for code, name in enumerate(trials.condition_names)
        },
        "unobserved_bins": float(1.0 - trials.window_mask.mean()),
        "unobserved_lead_bins": float(1.0 - trials.mask[:, : trials.lead].mean()) if trials.lead else None,
        "bins_above_one_spike": sum(np.count_nonzero(one > 1) for one in counts) / occupied if occupied else None,
    }


def _extent(recording: Session | CountRecording) -> tuple[list[float], float]:
    """First and last time (s), and how long at least one unit was observed in between (s)."""
    if isinstance(recording, CountRecording):
        span = recording.span_s
        return [float(span[:, 0].min()), float(span[:, 1].max())], float((span[:, 1] - span[:, 0]).sum())
    observed = any_observed(recording, np.arange(recording.n_units))
    return list(recording.span_s), float((observed[:, 1] - observed[:, 0]).sum())


def _left_out(recording: Session | CountRecording, trials: Trials, window: Window | None) -> dict[str, int]:
    if window is not None and window.every_s is not None:
        return {}
    if window is not None and isinstance(recording, Session):
        return {reason: n for reason, n in placed_trials(recording, window)[0].dropped.items() if n}
    n_left_out = len(recording.trials) - trials.n_trials
    return {"for any reason": n_left_out} if n_left_out > 0 else {}


def _recorded(recording: Session | CountRecording, rows: list[int]) -> list[dict[str, object]]:
    """What the whole recording says of each unit."""
    if isinstance(recording, CountRecording):
        return [_counted(recording, row) for row in rows]
    observed = unit_intervals(recording, np.array(rows))
    return [_timed(recording, row, merged(own)) for row, own in zip(rows, observed, strict=True)]


def _timed(session: Session, unit: int, observed: Float[np.ndarray, "intervals 2"]) -> dict[str, object]:
    times = session.spike_times_s[unit]
    duration_s = float((observed[:, 1] - observed[:, 0]).sum())
    mended = session.dropped[unit] if session.dropped else SpikeCleaning()
    return {
        "n_spikes": int(times.size),
        "rate_hz": times.size / duration_s if duration_s > 0 else None,
        **_short_intervals(times, observed),
        "duplicates": mended.duplicates,
        "unsorted": mended.unsorted,
    }


def _counted(recording: CountRecording, unit: int) -> dict[str, object]:
    mask = recording.mask[..., min(unit, recording.mask.shape[2] - 1)]
    n_spikes, duration_s = int(recording.counts[..., unit].sum(dtype=np.int64)), mask.sum() * recording.bin_size_s
    unknown = {f"{name}{part}": None for name in ISI_LIMITS_S for part in ("", "_fraction")}
    rate_hz = n_spikes / float(duration_s) if duration_s > 0 else None
    return {"n_spikes": n_spikes, "rate_hz": rate_hz, **unknown, "duplicates": None, "unsorted": None}


def _short_intervals(
    times: Float[np.ndarray, " spikes"], observed: Float[np.ndarray, "intervals 2"]
) -> dict[str, object]:
    """Intervals between neighbouring spikes below each limit; those across a gap in the recording do not count."""
    stretch = np.searchsorted(observed[:, 0], times, side="right")
    intervals = np.diff(times)[np.diff(stretch) == 0]
    found: dict[str, object] = {}
    for name, limit in ISI_LIMITS_S.items():
        n_short = int((intervals < limit * (1.0 - _GRID_TOLERANCE)).sum())
        found |= {name: n_short, f"{name}_fraction": n_short / intervals.size if intervals.size else None}
    return found


def _in_trials(
    trials: Trials, unit: int, n: Int[np.ndarray, " trials"], splits: Sequence[Split]
) -> dict[str, object]:
    """What the trials say of one unit, of ``n`` spikes: rates, silent trials, drift, folds without a spike."""
    mask = trials.window_mask[..., min(unit, trials.mask.shape[2] - 1)]
    seconds = mask.sum(axis=1) * trials.bin_size_s
    seen = seconds > 0
    total_s = float(seconds.sum())
    return {
        "n_spikes_in_window": int(n.sum()),
        "rate_in_window_hz": float(n.sum()) / total_s if total_s > 0 else None,
        "silent_trials": int((n[seen] == 0).sum()),
        **_drift(n[seen] / seconds[seen]),
        "silent_in_training": [split.fold for split in splits if n[split.train].sum() == 0],
    }


def _drift(rate_hz: Float[np.ndarray, " trials"]) -> dict[str, object]:
    """Change of the single-trial rate over the session; None for few trials or a constant rate."""
    sd = float(rate_hz.std(ddof=1)) if rate_hz.size >= _FEWEST_TRIALS else 0.0
    if sd == 0.0:
        return {"drift_sd": None, "drift_rho": None, "drift_p": None}
    third = rate_hz.size // 3
    change = float(rate_hz[-third:].mean() - rate_hz[:third].mean())
    found = spearmanr(np.arange(rate_hz.size), rate_hz)
    return {"drift_sd": change / sd, "drift_rho": float(found.statistic), "drift_p": float(found.pvalue)}
