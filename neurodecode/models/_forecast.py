"""Forecasts of several steps: the model sees the recording up to some bin, then only what it draws itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models._sampling import Stepper, draw_counts, recorded_counts

_FORK_VALUES = 2**19  # rows of futures x units that run at a time: some 100 MB of history


def forecast_in_blocks(
    trials: Trials,
    make_stepper: Callable[[Trials], Stepper],
    n_steps: int,
    rng: np.random.Generator,
    *,
    n_samples: int,
) -> Float[np.ndarray, "trials bins units"]:
    """Expected counts in blocks of ``n_steps`` bins that start from the recorded past and run free of it.

    The window is cut into blocks of ``n_steps`` bins from its first on. At a block's start the recorded past is
    known, within it only the model's own draws, ``n_samples`` futures of all units together. A bin's value is
    the mean over the futures of what is expected there, the predictive mean: an expected count given the spikes
    before the block, to be scored like any other.

    Blocks and not the last bin of each alone: every bin is predicted for every ``n_steps``, so that scores at
    different horizons are about the same bins and the same spikes, can be paired by trial, and cost the same. What
    is scored is the forecast of the next ``n_steps`` bins together, its horizons being 1 to ``n_steps``.

    Raises ConfigError for fewer than one step or sample.
    """
    if n_steps < 1 or n_samples < 1:
        raise ConfigError(
            f"a forecast needs at least one step and one sample, got {n_steps} steps of {n_samples} samples"
        )
    forecast = np.empty(trials.window_counts.shape)
    at_once = max(1, _FORK_VALUES // (n_samples * trials.n_units))
    for start in range(0, trials.n_trials, at_once):
        some = trials.select(np.arange(start, min(start + at_once, trials.n_trials)))
        _run(some, make_stepper(some), n_steps, n_samples, rng, forecast[start : start + some.n_trials])
    return forecast


def _run(
    trials: Trials, stepper: Stepper, n_steps: int, n_samples: int, rng: np.random.Generator, out: np.ndarray
) -> None:
    """One stepper follows the recording; at each block's start the futures are forked from it."""
    futures = stepper
    for step in range(trials.n_steps):
        mu = stepper.expected(step)
        if step >= trials.lead:
            ahead = (step - trials.lead) % n_steps
            if ahead == 0:
                futures = stepper.forked(n_samples)  # past what is expected here, before what is observed
                each = np.repeat(mu, n_samples, axis=0)
            else:
                each = futures.expected(step)
            out[:, step - trials.lead] = each.reshape(trials.n_trials, n_samples, -1).mean(axis=1)
            if ahead + 1 < n_steps:
                futures.observe(step, draw_counts(each, rng, binary=futures.binary).astype(float))
        stepper.observe(step, recorded_counts(trials, step, stepper.fill))
