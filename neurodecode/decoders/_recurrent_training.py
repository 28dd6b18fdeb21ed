"""Several networks of one shape: trained, run through series, taken apart into arrays and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from neurodecode.decoders._count_scaling import CountScaling
from neurodecode.decoders._series import Series
from neurodecode.nn.device import choose_device


@dataclass(frozen=True, eq=False)
class Task:
    """Series with what is to be decoded from them.

    targets (trials, bins, outputs); weights (trials, bins), 0 where a bin counts nothing. offset (outputs,) or
    (trials, bins, outputs): what an untrained network says. loss: ``squares`` or ``cross-entropy``.
    """

    series: Series
    scaling: CountScaling
    targets: Float[np.ndarray, "trials bins outputs"]
    weights: Float[np.ndarray, "trials bins"]
    offset: Float[np.ndarray, "*trials_bins outputs"]
    loss: Literal["squares", "cross-entropy"]

    def sequences(self, *, trials: np.ndarray | None = None, margin: int = 0, both_sides: bool = False) -> Any:
        """``nn.decoding_sequences.DecodingSequences`` of all trials or of some."""
        from neurodecode.nn.decoding_sequences import DecodingSequences

        chosen = np.arange(self.series.n_trials) if trials is None else trials
        return DecodingSequences(
            lambda index, steps: scaled_steps(self.series, self.scaling, chosen[index], steps),
            self.targets if trials is None else self.targets[chosen],
            self.weights if trials is None else self.weights[chosen],
            np.broadcast_to(self.offset, self.targets.shape)[chosen],
            self.loss,
            lead=self.series.lead,
            margin=margin,
            both_sides=both_sides,
        )


def scaled_steps(series: Series, scaling: CountScaling, trials: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Inputs (n, steps, units) of steps (n, steps) of some trials."""
    at = trials[:, None]
    return scaling(series.counts[at, steps], series.mask[at, steps])


def train_networks(
    shape: Any, plan: Any, rounds: Sequence[tuple[Any, Any]], *, random_state: int, device: Any, title: str
) -> tuple[list[Any], list[dict[str, Any]]]:
    """A network for each (training, validation) of ``rounds``, on seeds of its own, and their learning curves.

    All are left at the same epoch: the one with the least loss over the validation of all rounds together. Where
    each holds out a few trials of its own, its own best epoch would be luck, and what it says of these trials too
    good to choose anything else by. Where a cell learns nothing, readouts for squared errors are found in
    closed form, which counts as one epoch.

    shape: ``nn.decoding_network.Shape``; plan: ``nn.training.TrainingPlan``.
    """
    import torch

    from neurodecode.nn.decoding_network import DecodingNetwork
    from neurodecode.nn.ridge_readout import fit_ridge, has_closed_form
    from neurodecode.nn.training import train

    networks: list[Any] = []
    curves: list[dict[str, Any]] = []
    of_epochs: list[list[dict[str, Any]]] = [[] for _ in rounds]
    at = choose_device(device)
    seeds = np.random.SeedSequence(random_state).generate_state(len(rounds))
    with torch.random.fork_rng(devices=[]):  # a fit leaves the caller's own random numbers as they were
        for number, (seed, (sequences, validation)) in enumerate(zip(seeds, rounds, strict=True)):
            torch.manual_seed(int(seed))
            network, rng = DecodingNetwork(shape), np.random.default_rng(seed)
            name = f"{title}, network {number + 1} of {len(rounds)}"
            if has_closed_form(network, sequences):
                learnt = fit_ridge(network, sequences, validation, at, of_epochs[number])
            else:
                learnt = train(network, sequences, validation, plan, rng, at, name, of_epochs=of_epochs[number])
            networks.append(network.cpu())
            curves.append(asdict(learnt))
    n_seen = [float(validation.weights.sum()) for _, validation in rounds]
    best = common_epoch([curve["validation"] for curve in curves], n_seen)
    for network, curve, weights in zip(networks, curves, of_epochs, strict=True):
        network.load_state_dict(weights[best])
        curve["best_epoch"] = best
    return networks, curves


def common_epoch(validation: Sequence[Sequence[float]], weights: Sequence[float]) -> int:
    """The epoch with the least weighted mean of validation losses, of those that all networks have."""
    n_epochs = min(len(losses) for losses in validation)
    return int(np.argmin(np.average([losses[:n_epochs] for losses in validation], axis=0, weights=weights)))


def said(network: Any, sequences: Any, device: Any) -> Float[np.ndarray, "trials bins outputs"]:
    """What one network says of whole series beyond its offset."""
    from neurodecode.nn.training import outputs_at_rest

    found: np.ndarray = outputs_at_rest(network, sequences, choose_device(device)) - sequences.offset
    network.cpu()
    return found


def as_arrays(networks: Sequence[Any]) -> dict[str, np.ndarray]:
    """The weights of networks, by number and name."""
    return {
        f"{number}.{name}": values.detach().cpu().numpy().copy()
        for number, network in enumerate(networks)
        for name, values in network.state_dict().items()
    }


def from_arrays(shape: Any, n_networks: int, arrays: dict[str, np.ndarray]) -> list[Any]:
    """The networks that ``as_arrays`` took apart."""
    import torch

    from neurodecode.nn.decoding_network import DecodingNetwork

    networks = []
    for number in range(n_networks):
        network, prefix = DecodingNetwork(shape), f"{number}."
        state = {
            k.removeprefix(prefix): torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith(prefix)
        }
        network.load_state_dict(state)
        networks.append(network.eval())
    return networks
