"""A readout in closed form: ridge regression of values on what a cell that learns nothing makes of its inputs.

Echo state networks are trained so (Jaeger 2001, GMD report 148; Lukosevicius & Jaeger 2009, Comput Sci Rev 3:127).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from neurodecode.nn.checkpoint import Weights
from neurodecode.nn.decoding_network import DecodingNetwork
from neurodecode.nn.decoding_sequences import DecodingSequences
from neurodecode.nn.training import LearningCurve

PENALTIES = tuple(10.0**power for power in range(-7, 3))  # in units of the features' mean square
_SERIES_PER_RUN = 32


def has_closed_form(network: DecodingNetwork, sequences: DecodingSequences) -> bool:
    """Whether squared errors are to be small, and nothing but what is linear in its weights is learnt."""
    return sequences.kind == "squares" and not any(w.requires_grad for w in network.cell.parameters())


def fit_ridge(
    network: DecodingNetwork,
    sequences: DecodingSequences,
    validation: DecodingSequences,
    device: torch.device,
    of_epochs: list[Weights],
) -> LearningCurve:
    """Leave ``network`` with the readout of the penalty that is best on ``validation``.

    The curve has two entries, losses before and after, and ``of_epochs`` is given the weights of both.
    """
    started = time.perf_counter()
    network.to(device).eval()
    told, held_out = (Moments.of(network, some, device) for some in (sequences, validation))
    readouts = [told.ridge(penalty) for penalty in PENALTIES]
    chosen = min(readouts, key=held_out.loss)
    curve = LearningCurve()
    for weights in (torch.zeros_like(chosen), chosen):
        network.set_linear(weights)
        of_epochs.append({name: values.detach().cpu().clone() for name, values in network.state_dict().items()})
        curve.train.append(told.loss(weights))
        curve.validation.append(held_out.loss(weights))
    curve.best_epoch = int(curve.validation[1] < curve.validation[0])
    network.load_state_dict(of_epochs[curve.best_epoch])
    curve.seconds = time.perf_counter() - started
    return curve


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted sums over bins: of features times features, features times values, squared values (one number),
    and of the weights. Values are what is left of the targets by the offset."""

    features: torch.Tensor
    products: torch.Tensor
    squares: float
    weight: float

    @classmethod
    def of(cls, network: DecodingNetwork, sequences: DecodingSequences, device: torch.device) -> Moments:
        """Of all bins of whole series, in double precision."""
        n_values = sequences.targets.shape[2]
        n_features = network.readout.in_features + network.skip.in_features + 1
        products = torch.zeros(n_features, n_features + n_values, dtype=torch.float64, device=device)
        squares, weight = 0.0, 0.0
        with torch.inference_mode():
            for batch in sequences.whole(_SERIES_PER_RUN, device):
                features = network.linear_features(batch.inputs, batch.offset.shape[1]).flatten(0, 1).double()
                values = (batch.target - batch.offset).flatten(0, 1).double()
                each = batch.weight.flatten().double()
                products += (features * each[:, None]).t() @ torch.cat([features, values], dim=1)
                squares += float((each * values.square().sum(1)).sum())
                weight += float(each.sum())
        return cls(products[:, :n_features], products[:, n_features:], squares, weight)

    def ridge(self, penalty: float) -> torch.Tensor:
        """Weights (features, values); the first feature, which is constant in each bin, is not held down."""
        held = penalty * self.features.diagonal().mean() * torch.ones_like(self.features[0])
        held[0] = 1e-12 * self.features.diagonal().mean()
        found: torch.Tensor = torch.linalg.solve(self.features + torch.diag(held), self.products)
        return found

    def loss(self, weights: torch.Tensor) -> float:
        """Mean squared error, the mean over values."""
        wrong = self.squares - 2 * (weights * self.products).sum() + (weights * (self.features @ weights)).sum()
        return float(wrong) / max(self.weight, 1e-12) / weights.shape[1]
