"""Trials on a coarser grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurodecode.data.trials import Trials, smallest_counts
from neurodecode.data.windows import EDGE_TOLERANCE
from neurodecode.errors import ConfigError


def rebinned(trials: Trials, bin_size_s: float) -> Trials:
    """The same trials with counts summed and covariates averaged in bins of ``bin_size_s``.

    A bin is observed where all of its own bins were. Bins of the lead that fill no coarse bin, the earliest ones,
    are dropped. Raises ConfigError for a size that is no multiple of the trials' bins or does not divide the
    window.
    """
    ratio = bin_size_s / trials.bin_size_s
    n_each = round(ratio)
    if n_each < 1 or abs(ratio - n_each) > EDGE_TOLERANCE:
        raise ConfigError(f"bin_size_s {bin_size_s:g} is no multiple of the trials' bins, {trials.bin_size_s:g} s")
    if n_each == 1:
        return trials
    if trials.n_bins % n_each:
        whole = trials.n_bins * trials.bin_size_s
        raise ConfigError(f"bin_size_s {bin_size_s:g} does not divide the window of {whole:g} s into whole bins")
    first = trials.lead % n_each
    shape = (trials.n_trials, (trials.n_steps - first) // n_each, n_each)
    mask: np.ndarray = np.all(trials.mask[:, first:].reshape(*shape, -1), axis=2, keepdims=False)
    counts = trials.counts[:, first:].reshape(*shape, -1).sum(axis=2, dtype=np.int64)
    return replace(
        trials,
        counts=smallest_counts(np.where(mask, counts, 0)),
        mask=mask,
        bin_size_s=trials.bin_size_s * n_each,
        lead=trials.lead // n_each,
        covariates={
            name: values[:, first:].reshape(*shape, *values.shape[2:]).mean(axis=2)
            for name, values in trials.covariates.items()
        },
    )
