"""Our GRU against torch's own: activity, state and every gradient."""

import pytest
import torch
from torch.testing import assert_close

from neurodecode.nn.cells.gru import GRU

torch.set_num_threads(1)


@pytest.mark.parametrize("with_state", [True, False])
def test_activity_and_gradients_match(with_state):
    torch.manual_seed(0)
    ours, theirs = GRU(5, 7).double(), torch.nn.GRU(5, 7, batch_first=True).double()
    theirs.load_state_dict(ours.state_dict())
    inputs, start = torch.randn(3, 20, 5).double(), torch.randn(1, 3, 7).double()
    outcome = []
    for cell in (ours, theirs):
        x, s = inputs.clone().requires_grad_(), start.clone().requires_grad_()
        hidden, last = cell(x, s if with_state else None)
        (hidden.square().sum() + 3 * last.sin().sum()).backward()
        gradients = [p.grad for p in cell.parameters()] + [x.grad] + ([s.grad] if with_state else [])
        outcome.append([hidden, last, *gradients])
    for mine, other in zip(*outcome, strict=True):
        assert_close(mine, other, rtol=1e-9, atol=1e-11)


def test_gradients_match_finite_differences():
    torch.manual_seed(1)
    cell = GRU(3, 4).double()
    inputs, start = torch.randn(2, 6, 3).double().requires_grad_(), torch.randn(1, 2, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, s: cell(x, s)[0], (inputs, start))
