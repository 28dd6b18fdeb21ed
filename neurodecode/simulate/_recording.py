"""Simulated counts laid out as a recording: spike times, a trials table, and when the recording ran."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, UInt

from neurodecode.data.session import Session
from neurodecode.simulate._population import Population

FIRST_STIMULUS_S = 2.0
TRIAL_PERIOD_S = 3.0
INSIDE = (0.2, 0.8)  # where in its bin a spike may lie: far from edges, so that no rounding moves it


def recording_of(
    population: Population,
    counts: UInt[np.ndarray, "trials steps units"],
    condition: Int[np.ndarray, " trials"],
    rng: np.random.Generator,
) -> Session:
    """One session of these trials, one every 3 s; only lead and window of each are observed."""
    import pandas as pd

    stimulus = FIRST_STIMULUS_S + TRIAL_PERIOD_S * np.arange(condition.size)
    # Rounded, since 2.0 - 0.2 - 0.5 is not 1.3 in binary and tables are read by people.
    start = np.round(stimulus + population.window_s[0] - population.lead_s, 9)
    stop = np.round(stimulus + population.window_s[1], 9)
    trials = pd.DataFrame(
        {
            "start_time": start,
            "stop_time": stop,
            population.align: stimulus,
            population.condition: np.array(population.condition_names)[condition],
        }
    )
    spike_times = []
    for unit in range(counts.shape[2]):
        trial, step = np.nonzero(counts[:, :, unit])
        spike_times.append(start[trial] + (step + rng.uniform(*INSIDE, step.size)) * population.bin_size_s)
    return Session(
        name=population.name,
        spike_times_s=tuple(spike_times),
        units=pd.DataFrame({"unit_name": list(population.unit_names)}),
        trials=trials,
        observed_s=(np.column_stack([start, stop]),) * counts.shape[2],
    )
