"""Latent trajectories of a session's spikes by Gaussian-process factor analysis (Yu et al. 2009, J Neurophysiol
102:614; elephant's implementation), beside which those of a network can be seen."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from neurodecode.data.splits import Split
from neurodecode.data.store import load_splits, load_trials, written_whole
from neurodecode.data.trials import Trials
from neurodecode.dynamics.chosen import evenly_spread, trials_looked_at
from neurodecode.errors import DataError

log = logging.getLogger(__name__)

BIN_S = 0.02  # of GPFA, as its authors chose
N_LATENTS = 3
MOST_TRIALS, MOST_ITERATIONS = 60, 60
FEWEST_UNITS = 3


@dataclass(frozen=True, eq=False)
class Latents:
    """trial (trials,): which of the session; values (trials, bins, latents), orthonormal, by falling variance;
    reason: why there are none, else empty."""

    trial: Int[np.ndarray, " trials"]
    values: Float[np.ndarray, "trials bins latents"]
    bin_size_s: float
    reason: str = ""

    def save(self, path: str | Path) -> None:
        """Write the arrays as ``.npz``."""
        arrays = {"trial": self.trial, "values": self.values, "bin_size_s": np.array(self.bin_size_s)}
        with written_whole(path) as part, part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, reason=np.array(self.reason, dtype=np.str_), **arrays)


def load_latents(path: str | Path) -> Latents:
    """Read what ``Latents.save`` wrote; DataError for another file."""
    try:
        with np.load(path, allow_pickle=False) as held:
            return Latents(held["trial"], held["values"], float(held["bin_size_s"]), str(held["reason"]))
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{path}: not a file of latent trajectories ({error!r}); make it again") from error


def gpfa_latents(trials: Trials, splits: Sequence[Split]) -> Latents:
    """Fit GPFA to the window of some trials, of every fold as many of those that networks are run on.

    Trials with a bin that was not observed are left out, and units that never fire. The fit sees all of these
    trials: the trajectories describe them and predict nothing.
    """
    bin_s = max(BIN_S, trials.bin_size_s)
    whole: np.ndarray = np.all(trials.window_mask, axis=(1, 2))
    of_folds = [seen[whole[seen]] for seen in map(trials_looked_at, splits)]
    each = -(-MOST_TRIALS // len(splits))
    chosen = np.concatenate([seen[evenly_spread(seen.size, each)] for seen in of_folds])
    counts = trials.window_counts[chosen]
    units = np.flatnonzero(counts.any(axis=(0, 1)))
    if units.size < FEWEST_UNITS or chosen.size < 2:
        held = f"{units.size} units that fire and {chosen.size} whole trials"
        reason = f"GPFA takes {FEWEST_UNITS} units that fire and 2 whole trials; there are {held}"
        return Latents(chosen[:0], np.zeros((0, 0, N_LATENTS)), bin_s, reason)
    n_latents = min(N_LATENTS, units.size - 1)
    values = _fitted(counts[:, :, units], trials.bin_size_s, bin_s, n_latents)
    return Latents(chosen, values, bin_s)


def _fitted(counts: np.ndarray, bin_size_s: float, gpfa_bin_s: float, n_latents: int) -> np.ndarray:
    import neo
    import quantities as pq

    # What elephant prints, and what scikit-learn and numpy think of its calls, says nothing of the fit.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from elephant.gpfa import GPFA

        warnings.simplefilter("ignore")  # elephant sets filters of its own when it is imported
        stop = counts.shape[1] * bin_size_s
        trains = [
            [neo.SpikeTrain(_times(unit, bin_size_s), units=pq.s, t_stop=stop) for unit in trial.T]
            for trial in counts
        ]
        model = GPFA(bin_size=gpfa_bin_s * pq.s, x_dim=n_latents, em_max_iters=MOST_ITERATIONS, verbose=False)
        found = model.fit_transform(trains, returned_data=["latent_variable_orth"])
    log.info("GPFA: %d trials, %d units, %d latents", *counts.shape[::2], n_latents)
    values: np.ndarray = np.stack([np.asarray(trial, dtype=np.float64).T for trial in found])
    return values


def _times(counts: np.ndarray, bin_size_s: float) -> np.ndarray:
    """Spike times of one train: the centres of its bins, as often as each counts."""
    return np.repeat((np.arange(counts.size) + 0.5) * bin_size_s, counts)


def write_latents(
    *, trials: str | Path, splits: str | Path, session: str, threads: int, output: str | Path
) -> None:
    """Make the latent trajectories of a session's trials and write them to ``output``."""
    with threadpool_limits(limits=threads):
        found = gpfa_latents(load_trials(trials), load_splits(splits))
    if found.reason:
        log.info("%s: %s", session, found.reason)
    found.save(output)
