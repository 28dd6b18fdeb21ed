"""Dropout, truncation and checkpointing of backpropagation through time."""

from itertools import pairwise

import pytest
import torch

from neurodecode.models import cell_names
from neurodecode.nn import recomputed
from neurodecode.nn.cells import cell_type
from neurodecode.nn.dropout import Dropout
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.training import detached

OWN = torch.tensor([[0, 1, 6], [2, 3, 6], [4, 5, 6]])  # columns of the inputs that each of three units sees


def _network(cell: str, **options: object) -> RateNetwork:
    """Three units, a cell for the population and one for each unit, readouts that are not zero."""
    torch.manual_seed(3)
    network = RateNetwork(cell_type(cell)(), 7, 8, 3, bin_size_s=0.005, own_inputs=OWN, own_hidden=4, **options)
    torch.nn.init.normal_(network.own.readout)
    torch.nn.init.normal_(network.population.readout.weight)
    return network.eval()


def test_dropout_keeps_one_mask_for_a_whole_sequence():
    values = Dropout(0.5)(torch.ones(6, 50, 5), training=True)
    assert torch.equal(values, values[:, :1].expand_as(values))
    assert set(values.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(Dropout(0.5)(torch.ones(2, 3, 5), training=False), torch.ones(2, 3, 5))


def test_dropout_per_step_has_a_mask_for_each_step():
    torch.manual_seed(0)
    values = Dropout(0.25, "per_step")(torch.ones(6, 50, 5), training=True)
    assert values.mean().item() == pytest.approx(1.0, abs=0.06)  # 1500 values of standard deviation 0.58
    assert all(values[:, :, k].std(dim=1).min() > 0 for k in range(5))


@pytest.mark.parametrize("masks", ["per_sequence", "per_step"])
def test_dropout_reaches_both_paths_in_training_alone(masks):
    torch.manual_seed(0)
    network = _network("lstm", dropout=0.5, dropout_masks=masks)
    inputs, offset = torch.randn(2, 30, 7), torch.zeros(2, 30, 3)
    assert torch.equal(network(inputs, offset)[0], network(inputs, offset)[0])
    network.train()
    for path in (network.population, network.own):
        one, other = path(inputs, 30)[0], path(inputs, 30)[0]
        assert (one != other).any()


def _loss_gradients(network: RateNetwork, inputs: torch.Tensor, bounds: list[int]) -> list[torch.Tensor]:
    """Gradients of a squared sum over all bins but what is lost where the state is cut, at ``bounds``."""
    network.zero_grad()
    state = None
    for first, end in pairwise(bounds):
        part = inputs[:, first:end]
        out, state = network(part, torch.zeros(len(part), end - first, 3, dtype=part.dtype), detached(state))
        out.square().sum().backward()
    return [w.grad.clone() for w in network.parameters() if w.grad is not None]


@pytest.mark.parametrize("cell", cell_names())
def test_gradient_checkpointing_changes_no_gradient(cell):
    inputs = torch.randn(2, 23, 7).double()
    found = []
    for checkpoint_bins in (0, 5):
        network = _network(cell, dropout=0.0, checkpoint_bins=checkpoint_bins).double().train()
        found.append(_loss_gradients(network, inputs, [0, 23]))
    for plain, again in zip(*found, strict=True):
        torch.testing.assert_close(again, plain, rtol=1e-9, atol=1e-12)  # sums in another order


def test_a_batch_too_large_for_memory_is_recomputed_unasked(monkeypatch):
    inputs, sizes, checkpoint = torch.randn(2, 23, 7).double(), [], recomputed.checkpoint
    network = _network("lstm", dropout=0.0).double().train()
    plain = _loss_gradients(network, inputs, [0, 23])

    def watched(cell, part, *others, **options):
        sizes.append(tuple(part.shape[:2]))
        return checkpoint(cell, part, *others, **options)

    monkeypatch.setattr(recomputed, "checkpoint", watched)
    monkeypatch.setattr(recomputed, "_MOST_KEPT", 400)  # two trials of three units: 6 x 23 steps x 4 is more
    for one, other in zip(_loss_gradients(network, inputs, [0, 23]), plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)  # sums in another order
    assert sizes == [(6, 2)] * 11 + [(6, 1)]  # and 2 x 23 x 8 of the population is less
    sizes.clear()
    with torch.no_grad():
        network(inputs, torch.zeros(2, 23, 3).double())
    assert not sizes


def test_truncation_loses_the_gradient_through_the_cut_and_nothing_else():
    """Where a cell forgets within a bin nothing passes the cut: truncated and whole gradients are one."""
    inputs = torch.randn(2, 24, 7).double()
    network = _network("lstm", dropout=0.0).double()
    whole, cut = (_loss_gradients(network, inputs, bounds) for bounds in ([0, 24], [0, 8, 16, 24]))
    assert any(not torch.allclose(a, b, rtol=1e-3) for a, b in zip(whole, cut, strict=True))
    with torch.no_grad():
        for path in (network.population, network.own):
            size = path.cell.hidden_size
            path.cell.weight_hh_l0.zero_()  # gates hear inputs alone ...
            path.cell.bias_ih_l0[size : 2 * size] = -1e4  # ... and the forget gate is shut
    # Of what is left, only the weights from hidden to hidden have a gradient that needs the state before the cut,
    # and that state is carried over.
    whole, cut = (_loss_gradients(network, inputs, bounds) for bounds in ([0, 24], [0, 8, 16, 24]))
    for a, b in zip(whole, cut, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
