"""The readout of a reservoir in closed form."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from neurodecode.decoders import build_decoder
from neurodecode.nn.cells.reservoir import ReservoirCell
from neurodecode.nn.cells.rnn import RNNCell
from neurodecode.nn.decoding_network import DecodingNetwork, Shape
from neurodecode.nn.decoding_sequences import DecodingSequences
from neurodecode.nn.ridge_readout import Moments, fit_ridge, has_closed_form
from neurodecode.nn.training import mean_loss

CPU = torch.device("cpu")


def _network(*, accumulates: bool = False, cell: object = None) -> DecodingNetwork:
    torch.manual_seed(0)
    cell = cell or ReservoirCell()
    return DecodingNetwork(Shape(cell, 3, 6, 2, 0.005, accumulates=accumulates, n_bins=12))


def _sequences(seed: int, kind: str = "squares") -> DecodingSequences:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(40, 15, 3)).astype(np.float32)
    targets = np.stack([inputs[:, 2:-1, 0] * 2 + 1, np.tanh(inputs[:, 3:, 1])], axis=2)  # one bin before; now
    weights = (rng.random((40, 12)) < 0.8).astype(np.float32)
    offset = np.full((40, 12, 2), 0.3)
    made = lambda series, steps: inputs[series[:, None], steps]  # noqa: E731
    return DecodingSequences(made, targets, weights, offset, kind, lead=3)


@pytest.mark.parametrize("accumulates", [False, True])
def test_losses_are_those_of_the_network_and_fall(accumulates):
    network, of_epochs = _network(accumulates=accumulates), []
    curve = fit_ridge(network, _sequences(0), _sequences(1), CPU, of_epochs)
    assert curve.best_epoch == 1
    assert curve.train[1] < curve.train[0]
    assert mean_loss(network, _sequences(1), CPU) == pytest.approx(curve.validation[1], rel=1e-4)
    network.load_state_dict(of_epochs[0])
    assert mean_loss(network, _sequences(1), CPU) == pytest.approx(curve.validation[0], rel=1e-4)


def test_weights_are_scikit_learn_s():
    network, sequences = _network().eval(), _sequences(0)
    moments = Moments.of(network, sequences, CPU)
    ours = moments.ridge(0.01)
    (batch,) = sequences.whole(40, CPU)
    features = network.linear_features(batch.inputs, 12).flatten(0, 1).double().detach().numpy()
    penalty = 0.01 * float(moments.features.diagonal().mean())
    theirs = Ridge(alpha=penalty, solver="cholesky").fit(
        features[:, 1:], (batch.target - batch.offset).flatten(0, 1).numpy(), batch.weight.flatten().numpy()
    )
    assert_allclose(ours[1:].numpy().T, theirs.coef_, atol=1e-5)  # the targets are float32
    assert_allclose(ours[0].numpy(), theirs.intercept_, atol=1e-5)


def test_only_linear_problems_have_a_closed_form():
    assert has_closed_form(_network(), _sequences(0))
    assert not has_closed_form(_network(), _sequences(0, kind="cross-entropy"))
    assert not has_closed_form(_network(cell=RNNCell()), _sequences(0))


def test_a_reservoir_decodes_a_signal_at_once():
    rng = np.random.default_rng(0)
    phase = np.arange(1500) / 8.0
    X = rng.poisson(np.exp(0.5 + np.stack([np.cos(phase), np.sin(phase), -np.cos(phase)], axis=1)))
    y = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    decoder = build_decoder("reservoir", "ReservoirDecoder", hidden=40, seeds=1).fit(X[:1000], y[:1000])
    assert [len(curve["validation"]) for curve in decoder.curves_] == [2]
    left = np.square(decoder.predict(X[1000:]) - y[1000:]).mean() / y[1000:].var()
    assert left < 0.3
