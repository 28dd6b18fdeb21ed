"""Binned single trials: what every model is fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import EllipsisType

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from neurodecode.errors import DataError


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """Spike counts of trials on one grid of bins.

    Time runs over *steps*: ``lead`` steps before the window, which hold observed history and are never
    scored, then the ``n_bins`` bins of the window.

    counts: (trials, steps, units), uint8 or uint16. 0 where unobserved.
    mask: (trials, steps, units) or (trials, steps, 1); False where the recording did not run.
    t0_s: (trials,) recording time (s) of the window's start. window_start_s: the same against the event.
    condition: (trials,) index into ``condition_names``.
    covariates: name -> (trials, steps) or (trials, steps, dims).
    columns: name -> (trials,) numbers or fixed-width strings from the trial table.
    has_spike_times: False for files of counts; interspike intervals are then unknown.
    """

    counts: UInt[np.ndarray, "trials steps units"]
    bin_size_s: float
    lead: int
    mask: Bool[np.ndarray, "trials steps #units"]
    t0_s: Float[np.ndarray, " trials"]
    condition: Int[np.ndarray, " trials"]
    condition_names: tuple[str, ...]
    unit_names: tuple[str, ...]
    window_start_s: float = 0.0
    covariates: Mapping[str, Float[np.ndarray, "trials steps *dims"]] = field(default_factory=dict)
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    has_spike_times: bool = True

    def __post_init__(self) -> None:
        n_trials, n_steps, n_units = self.counts.shape
        if self.counts.dtype not in (np.uint8, np.uint16):
            raise DataError(f"counts must be uint8 or uint16, got {self.counts.dtype}: use Trials.from_counts")
        if not 0 < self.bin_size_s < np.inf:
            raise DataError(f"bin_size_s must be positive, got {self.bin_size_s}")
        if not 0 <= self.lead < n_steps:
            raise DataError(f"lead must leave at least one bin of {n_steps} steps, got lead={self.lead}")
        if self.mask.shape not in ((n_trials, n_steps, n_units), (n_trials, n_steps, 1)):
            raise DataError(f"mask {self.mask.shape} does not fit counts {self.counts.shape}")
        for name in ("t0_s", "condition"):
            if getattr(self, name).shape != (n_trials,):
                raise DataError(f"{name} must have shape ({n_trials},), got {getattr(self, name).shape}")
        if not np.isfinite(self.t0_s).all():
            raise DataError(f"t0_s must be finite, got {self.t0_s[~np.isfinite(self.t0_s)][0]}")
        if n_trials and not 0 <= self.condition.min() <= self.condition.max() < len(self.condition_names):
            raise DataError(f"condition must index its {len(self.condition_names)} names")
        if len(self.unit_names) != n_units:
            raise DataError(f"{len(self.unit_names)} unit names for {n_units} units")
        for name, values in self.covariates.items():
            if values.shape[:2] != (n_trials, n_steps) or values.ndim > 3:
                raise DataError(f"covariate {name!r} {values.shape} does not fit counts {self.counts.shape}")
            if not np.isfinite(values).all():
                raise DataError(f"covariate {name!r} has values that are NaN or infinite")
        for name, values in self.columns.items():
            if values.shape != (n_trials,) or values.dtype == object:
                raise DataError(f"column {name!r} must be ({n_trials},) numbers or fixed-width strings")
        arrays = [self.counts, self.mask, self.t0_s, self.condition]
        for array in [*arrays, *self.covariates.values(), *self.columns.values()]:
            array.flags.writeable = False

    @classmethod
    def from_counts(
        cls,
        counts: np.ndarray,
        bin_size_s: float,
        *,
        lead: int = 0,
        mask: np.ndarray | None = None,
        t0_s: np.ndarray | None = None,
        condition: np.ndarray | None = None,
        condition_names: Sequence[str] | None = None,
        unit_names: Sequence[str] | None = None,
        window_start_s: float = 0.0,
        covariates: Mapping[str, np.ndarray] | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
        has_spike_times: bool = True,
    ) -> Trials:
        """Trials from counts (trials, lead + bins, units) of any integer type, the rest filled in plainly.

        Counts where ``mask`` is False are set to 0. Raises DataError for negative, fractional or > 65535.
        """
        counts = np.asarray(counts)
        if counts.ndim != 3:
            raise DataError(f"counts must be (trials, steps, units), got shape {counts.shape}")
        n_trials, n_steps, n_units = counts.shape
        mask = np.ones((n_trials, n_steps, 1), bool) if mask is None else np.array(mask, bool)
        counts = np.where(mask, counts, 0)
        labels = np.zeros(n_trials, int) if condition is None else np.array(condition, int)
        n_conditions = int(labels.max(initial=0)) + 1
        names = condition_names if condition_names is not None else [str(c) for c in range(n_conditions)]
        units = unit_names if unit_names is not None else [str(u) for u in range(n_units)]
        return cls(
            counts=smallest_counts(counts),
            bin_size_s=bin_size_s,
            lead=lead,
            mask=mask,
            t0_s=np.zeros(n_trials) if t0_s is None else np.array(t0_s, float),
            condition=labels,
            condition_names=tuple(names),
            unit_names=tuple(units),
            window_start_s=window_start_s,
            covariates={k: np.array(v, dtype=np.float32) for k, v in (covariates or {}).items()},
            columns={k: np.array(v) for k, v in (columns or {}).items()},
            has_spike_times=has_spike_times,
        )

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return int(self.counts.shape[0])

    @property
    def n_steps(self) -> int:
        """Lead and window bins together."""
        return int(self.counts.shape[1])

    @property
    def n_bins(self) -> int:
        """Bins of the scored window."""
        return self.n_steps - self.lead

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.counts.shape[2])

    @property
    def n_conditions(self) -> int:
        """Number of conditions, also those without a trial here."""
        return len(self.condition_names)

    @property
    def binary(self) -> bool:
        """Whether every count is 0 or 1."""
        return bool(self.counts.max(initial=0) <= 1)

    @property
    def window_counts(self) -> UInt[np.ndarray, "trials bins units"]:
        """Counts of the scored window."""
        return self.counts[:, self.lead :]

    @property
    def window_mask(self) -> Bool[np.ndarray, "trials bins #units"]:
        """Which bins of the window were observed."""
        return self.mask[:, self.lead :]

    @property
    def bin_times_s(self) -> Float[np.ndarray, " bins"]:
        """Centres (s) of the window's bins against the event."""
        return self.window_start_s + (np.arange(self.n_bins) + 0.5) * self.bin_size_s

    @property
    def shape(self) -> tuple[int, ...]:
        """(trials, steps, units); with ``[]``, what scikit-learn's cross-validation asks of what it splits."""
        return self.counts.shape

    def __getitem__(self, trials: np.ndarray | tuple[np.ndarray, EllipsisType]) -> Trials:
        """Only these trials, by index: ``trials[index]`` or ``trials[index, ...]``."""
        return self.select(trials[0] if isinstance(trials, tuple) else trials)

    def select(self, trials: np.ndarray) -> Trials:
        """Only these trials, by index, in this order. Raises DataError for one that is not there."""
        index = np.asarray(trials)
        beyond = index[(index < 0) | (index >= self.n_trials)] if index.dtype.kind in "iu" else index[:0]
        if beyond.size:
            raise DataError(
                f"trial {beyond[0]} is asked for, of {self.n_trials} (0 to {self.n_trials - 1}); splits of other "
                "trials? run the ingest again"
            )
        return replace(
            self,
            counts=self.counts[trials],
            mask=self.mask[trials],
            t0_s=self.t0_s[trials],
            condition=self.condition[trials],
            covariates={name: values[trials] for name, values in self.covariates.items()},
            columns={name: values[trials] for name, values in self.columns.items()},
        )

    def select_units(self, units: np.ndarray) -> Trials:
        """Only these units, by index, in this order."""
        return replace(
            self,
            counts=self.counts[:, :, units],
            mask=self.mask if self.mask.shape[2] == 1 else self.mask[:, :, units],
            unit_names=tuple(self.unit_names[unit] for unit in units),
        )

    def concatenate(self, other: Trials) -> Trials:
        """These trials followed by ``other``'s; both must come from one recording and grid.

        Raises DataError where grid, conditions, units, covariates or columns differ.
        """
        for name in ("bin_size_s", "lead", "n_bins", "window_start_s", "condition_names", "unit_names"):
            if getattr(other, name) != getattr(self, name):
                raise DataError(
                    f"trials with {name}={getattr(self, name)!r} and {getattr(other, name)!r} do not go together: "
                    "cut both from one recording with one window"
                )
        for name in ("covariates", "columns"):
            mine, theirs = sorted(getattr(self, name)), sorted(getattr(other, name))
            if mine != theirs:
                raise DataError(f"trials with {name} {mine} and {theirs} do not go together: give both the same")
        n_masks = max(self.mask.shape[2], other.mask.shape[2])
        masks = [np.broadcast_to(t.mask, (*t.mask.shape[:2], n_masks)) for t in (self, other)]
        pairs = {name: (values, other.covariates[name]) for name, values in self.covariates.items()}
        columns = {name: (values, other.columns[name]) for name, values in self.columns.items()}
        return replace(
            self,
            counts=np.concatenate([self.counts, other.counts]),
            mask=np.concatenate(masks),
            t0_s=np.concatenate([self.t0_s, other.t0_s]),
            condition=np.concatenate([self.condition, other.condition]),
            covariates={name: np.concatenate(pair) for name, pair in pairs.items()},
            columns={name: np.concatenate(pair) for name, pair in columns.items()},
        )

    def with_window_counts(self, counts: np.ndarray) -> Trials:
        """The same trials with other counts (trials, bins, units) in the window; the lead stays."""
        steps = np.concatenate([self.counts[:, : self.lead], np.where(self.window_mask, counts, 0)], axis=1)
        return replace(self, counts=smallest_counts(steps))


def smallest_counts(counts: np.ndarray) -> UInt[np.ndarray, "trials steps units"]:
    """The counts as uint8 where they fit, else uint16.

    Raises DataError for counts that are negative, not whole or above 65535.
    """
    if counts.size == 0:
        return counts.astype(np.uint8)
    if not np.all(np.isfinite(counts)) or counts.min() < 0 or counts.max() > np.iinfo(np.uint16).max:
        raise DataError(f"counts must lie in 0..65535, got {counts.min()} to {counts.max()}")
    small = counts.astype(np.uint8 if counts.max() <= np.iinfo(np.uint8).max else np.uint16)
    if counts.dtype.kind == "f" and np.any(small != counts):
        raise DataError("counts must be whole numbers; were rates given where counts are expected?")
    return small
