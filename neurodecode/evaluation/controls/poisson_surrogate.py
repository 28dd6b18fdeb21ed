"""Spikes drawn anew from the average, on which no history may gain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from neurodecode.data.trials import Trials, smallest_counts
from neurodecode.models.psth import fit_psth


def poisson_surrogate(trials: Trials, rng: np.random.Generator) -> Trials:
    """The same trials drawn anew, lead and all, from an inhomogeneous Poisson process at the rate of their PSTH.

    No history may gain on it: a bin's count is independent of every other, and its expectation is the PSTH's in
    each bin. Where the recording's counts are 0/1, a bin with expected count mu is drawn at the rate
    -log(1 - mu) / bin and holds 1 if the process fires in it at all, which happens with probability mu: two
    spikes in one bin count as one and the expectation stays. Otherwise the counts are the Poisson counts.
    Mask, covariates and conditions stay as they are; covariates lose what they said beyond the condition.
    """
    rate_hz = fit_psth(trials).condition_rates_hz  # (conditions, steps, units)
    counts = np.zeros(trials.counts.shape, np.uint16)
    for unit in range(trials.n_units):  # rates of all units and trials at once are too large
        expected = rate_hz[trials.condition, :, unit] * trials.bin_size_s
        if trials.binary:
            # 1e-9: a unit that fires in every bin would need an infinite rate to do so for certain.
            drawn = np.minimum(_poisson_counts(-np.log1p(-np.minimum(expected, 1.0 - 1e-9)), rng), 1)
        else:
            drawn = _poisson_counts(expected, rng)
        counts[:, :, unit] = np.where(trials.mask[:, :, unit % trials.mask.shape[2]], drawn, 0)
    return replace(trials, counts=smallest_counts(counts))


def _poisson_counts(
    expected: Float[np.ndarray, "trials steps"], rng: np.random.Generator
) -> Int[np.ndarray, "trials steps"]:
    """Counts of elephant's inhomogeneous Poisson process with these expected counts, trials laid end to end.

    A Poisson process has no memory, so that one long train is the same as one for each trial, and much faster.
    """
    import neo
    import quantities as pq
    from elephant.spike_train_generation import NonStationaryPoissonProcess

    # One step lasts one second of the process: the expected count is the rate, and floor() is the step.
    rate = neo.AnalogSignal(expected.reshape(-1, 1), units=pq.Hz, sampling_rate=1.0 * pq.Hz, t_start=0.0 * pq.s)
    process = NonStationaryPoissonProcess(rate)
    # elephant draws from numpy's global generator unless its interval law is given another.
    process.process_operational_time.isi_generator.random_state = rng
    step = np.floor(process.generate_spiketrain(as_array=True)).astype(np.int64)
    counts = np.bincount(np.minimum(step, expected.size - 1), minlength=expected.size)
    return counts.reshape(expected.shape)


CONTROL = poisson_surrogate
