"""How much of what networks add to a GLM is kept: as much as validation says, and nothing without evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt

from neurodecode.data.batches import trial_batches
from neurodecode.nn.device import Device, choose_device

SHARES = (0.25, 0.5, 0.75, 1.0)
FEWEST_TRIALS = 4  # two or three that happen to gain alike make an interval of any width


@dataclass(frozen=True)
class Share:
    """``value`` in [0, 1] of what the networks add to the GLM's log-intensity; 0: the model is the GLM.

    ``gain``: of the best share over the GLM on validation trials, bits/spike; ``low``: the lower end of its 95
    percent interval over trials, None where they are too few to say.
    """

    value: float
    gain: float
    low: float | None

    @property
    def fallback(self) -> bool:
        """Whether the networks were left out."""
        return self.value == 0.0


def what_networks_add(
    networks: Sequence[Any], sequences: Any, device: Device
) -> Float[np.ndarray, "trials bins units"]:
    """Mean over networks (``nn.network.RateNetwork``) of what each adds to the offset of ``nn`` sequences."""
    from neurodecode.nn.training import log_means

    total, at = np.zeros(sequences.offset.shape), choose_device(device)
    for network in networks:
        total += log_means(network, sequences, at) - sequences.offset
    mean: np.ndarray = total / len(networks)
    return mean


def chosen_share(networks: Sequence[Any], validation: Any, device: Device) -> Share:
    """The share of what the networks add that predicts ``validation`` (``nn.sequences.Sequences``) best."""
    added = what_networks_add(networks, validation, device)
    return best_share(validation.counts, validation.mask, validation.offset, added)


def best_share(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    log_mean: Float[np.ndarray, "trials bins units"],
    added: Float[np.ndarray, "trials bins units"],
) -> Share:
    """The best of ``SHARES`` of ``added`` beside a model's ``log_mean``, if its gain is beyond chance.

    Stopped and weighed on the same few validation trials, a network that adds nothing gains a little there all the
    same. As in the rule of one standard error (Breiman et al. 1984, Classification and Regression Trees, sect.
    3.4.3), the simpler model is kept unless the gain is beyond chance: here, unless its 95 percent interval over
    trials by Student's t excludes 0. Pieces of one trial would not do: they share what sets trials apart.
    """
    from scipy.stats import t as student

    n_spikes = max(1, int(counts.sum(where=np.broadcast_to(mask, counts.shape), dtype=np.int64)))
    gains = [_gain_of_trials(counts, mask, log_mean, share * added) for share in SHARES]
    best = int(np.argmax([trials.sum() for trials in gains]))
    trials, unit = gains[best], n_spikes * np.log(2)
    if trials.size < FEWEST_TRIALS:
        return Share(0.0, float(trials.sum() / unit), None)
    error = trials.std(ddof=1) * np.sqrt(trials.size)
    low = trials.sum() - student.ppf(0.975, trials.size - 1) * error
    return Share(SHARES[best] if low > 0.0 else 0.0, float(trials.sum() / unit), float(low / unit))


def _gain_of_trials(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    log_mean: Float[np.ndarray, "trials bins units"],
    added: Float[np.ndarray, "trials bins units"],
) -> Float[np.ndarray, " trials"]:
    """Gain in log-likelihood (nats) of each trial, all units together."""
    summed = np.empty(len(counts))
    for some in trial_batches(len(counts), counts[0].size):
        of_spikes = counts[some] * added[some]
        each = of_spikes - np.exp(log_mean[some]) * np.expm1(np.minimum(added[some], 20.0))
        summed[some] = np.where(mask[some], each, 0.0).sum(axis=(1, 2))
    return summed
