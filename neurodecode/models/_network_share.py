"""How much of what networks add to a GLM is kept: as much as validation says, and nothing without evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, UInt

Device = Literal["auto", "cpu", "cuda"]
SHARES = (0.25, 0.5, 0.75, 1.0)
BEYOND_CHANCE = 2.0  # standard errors: the gain's 95 percent interval excludes 0
_FEWEST_PIECES = 20  # validation is cut into at least so many, to see how far its gain is chance


@dataclass(frozen=True)
class Share:
    """``value`` in [0, 1] of what the networks add to the GLM's log-intensity; 0: the model is the GLM.

    ``gain``, ``standard_error``: of the best share over the GLM on validation trials, bits/spike.
    """

    value: float
    gain: float
    standard_error: float

    @property
    def fallback(self) -> bool:
        """Whether the networks were left out."""
        return self.value == 0.0


def what_networks_add(
    networks: Sequence[Any], sequences: Any, device: Device
) -> Float[np.ndarray, "trials bins units"]:
    """Mean over networks (``nn.network.RateNetwork``) of what each adds to the offset of ``nn`` sequences."""
    from neurodecode.nn.device import choose_device
    from neurodecode.nn.training import log_means

    total = np.zeros(sequences.offset.shape)
    for network in networks:
        total += log_means(network, sequences, choose_device(device)) - sequences.offset
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
    3.4.3), the simpler model is kept unless the gain, summed over pieces of trials, exceeds a few of its standard
    errors; ``BEYOND_CHANCE`` is two, since epoch, share and shape of the network were all chosen on these trials.
    """
    n_spikes = max(1, int(counts.sum(where=np.broadcast_to(mask, counts.shape), dtype=np.int64)))
    gains = [_gain_of_pieces(counts, mask, log_mean, share * added) for share in SHARES]
    best = int(np.argmax([pieces.sum() for pieces in gains]))
    pieces = gains[best]
    gain = float(pieces.sum()) / n_spikes / np.log(2)
    error = float(pieces.std(ddof=1) * np.sqrt(pieces.size)) / n_spikes / np.log(2) if pieces.size > 1 else np.inf
    return Share(SHARES[best] if gain > BEYOND_CHANCE * error else 0.0, float(gain), float(error))


def _gain_of_pieces(
    counts: UInt[np.ndarray, "trials bins units"],
    mask: Bool[np.ndarray, "trials bins #units"],
    log_mean: Float[np.ndarray, "trials bins units"],
    added: Float[np.ndarray, "trials bins units"],
) -> Float[np.ndarray, " pieces"]:
    """Gain in log-likelihood (nats) of each piece of each trial, all units together."""
    mean = np.exp(log_mean)
    gain = np.where(mask, counts * added - mean * np.expm1(np.minimum(added, 20.0)), 0.0).sum(axis=2)
    n_pieces = min(gain.shape[1], -(-_FEWEST_PIECES // gain.shape[0]))
    bounds = [round(k * gain.shape[1] / n_pieces) for k in range(n_pieces)]
    summed: np.ndarray = np.add.reduceat(gain, bounds, axis=1)
    return summed.ravel()
