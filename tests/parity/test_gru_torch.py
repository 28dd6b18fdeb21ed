"""Our GRU against torch's own: activity, state and every gradient."""

import pytest
import torch
from torch.testing import assert_close

from neurodecode.nn.cells._gru_module import GRU


@pytest.fixture
def two_threads():
    """More than one, so that a batch is shared out."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize("n_batch", [3, 18])  # in rows by four and the rest; in more than one thread
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [(torch.float64, 1e-9, 1e-11), (torch.float32, 1e-4, 2e-5)])
def test_activity_and_gradients_match(with_state, n_batch, dtype, rtol, atol, two_threads):
    torch.manual_seed(0)
    ours, theirs = GRU(5, 7).to(dtype), torch.nn.GRU(5, 7, batch_first=True).to(dtype)
    theirs.load_state_dict(ours.state_dict())
    inputs, start = torch.randn(n_batch, 20, 5).to(dtype), torch.randn(1, n_batch, 7).to(dtype)
    outcome = []
    for cell in (ours, theirs):
        x, s = inputs.clone().requires_grad_(), start.clone().requires_grad_()
        hidden, last = cell(x, s if with_state else None)
        (hidden.square().sum() + 3 * last.sin().sum()).backward()
        gradients = [p.grad for p in cell.parameters()] + [x.grad] + ([s.grad] if with_state else [])
        outcome.append([hidden, last, *gradients])
    for mine, other in zip(*outcome, strict=True):
        assert_close(mine, other, rtol=rtol, atol=atol)


def test_gradients_match_finite_differences():
    torch.manual_seed(1)
    cell = GRU(3, 4).double()
    inputs, start = torch.randn(2, 6, 3).double().requires_grad_(), torch.randn(1, 2, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, s: cell(x, s)[0], (inputs, start))


def test_gates_saturate_and_nan_stays_nan():
    cell = GRU(1, 4)
    with torch.no_grad():
        for weights in cell.parameters():
            weights.fill_(1.0)
    hidden, _ = cell(torch.tensor([[[-1e6], [1e6]], [[float("nan")], [0.0]]]))
    assert torch.isfinite(hidden[0]).all()
    assert torch.isnan(hidden[1]).all()
