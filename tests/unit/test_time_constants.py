"""Time constants in seconds: learnt at one bin or above, the same in bins of another size."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from neurodecode.errors import ConfigError
from neurodecode.models import build_model
from neurodecode.nn.cells import cell_type
from neurodecode.nn.cells._recurrent_weights import TimeConstants

BIN_S = 0.005


def built(name: str, n_inputs: int = 3, hidden: int = 12, bin_size_s: float = BIN_S, **given: object):
    torch.manual_seed(0)
    return cell_type(name)(**given).build(n_inputs, hidden, bin_size_s).double()


def test_time_constants_are_spread_in_seconds_and_learnt_on_request():
    cell = built("rate", tau_s=0.01, longest_tau_s=1.0, hidden=3)
    assert_close(cell.leak.taus_s(), torch.tensor([0.01, 0.1, 1.0]).double(), rtol=1e-5, atol=0)
    assert cell.leak.moved.requires_grad
    assert built("rate", learn_tau=False).leak.moved is None


def test_fixed_time_constants_shorter_than_bins_are_said_and_those_that_diverge_refused(caplog):
    built("rate", tau_s=0.003, learn_tau=False)
    assert "activity swings" in caplog.text
    with pytest.raises(ConfigError, match="diverge"):
        built("rate", tau_s=0.0025, learn_tau=False)
    with pytest.raises(ConfigError, match="longest_tau_s must not be below"):
        build_model("rate", tau_s=0.1, longest_tau_s=0.05)


def test_learning_of_time_constants_starts_at_one_bin_at_least(caplog):
    cell = built("rate", tau_s=0.002)
    assert "learning starts there" in caplog.text
    assert "swings" not in caplog.text
    assert_close(cell.leak.taus_s(), torch.full((12,), BIN_S).double(), rtol=1e-6, atol=0)
    caplog.clear()
    built("rate", tau_s=BIN_S)
    assert not caplog.text


@pytest.mark.parametrize("tau_s", [BIN_S, 0.02])
def test_leaks_stay_within_one_and_their_gradient_never_dies(tau_s):
    leak = TimeConstants(torch.full((201,), tau_s), BIN_S, learnt=True)
    with torch.no_grad():
        leak.moved.copy_(torch.linspace(-5, 5, 201))  # far beyond a bin on both sides
    shares = leak()
    assert (shares > 0).all()
    assert (shares <= 1).all()
    (gradient,) = torch.autograd.grad(leak.taus_s().log().sum(), leak.moved)
    assert_close(gradient.abs(), torch.ones(201))


def test_a_time_constant_that_learning_took_to_one_bin_is_learnt_back():
    leak = TimeConstants(torch.tensor([0.01]), BIN_S, learnt=True)
    optimizer = torch.optim.Adam(leak.parameters(), lr=0.02)

    def learn(wanted_s: float) -> float:
        for _ in range(200):
            optimizer.zero_grad()
            (leak.taus_s() / wanted_s).log().square().sum().backward()
            optimizer.step()
        return float(leak.taus_s().detach())

    assert learn(0.002) == pytest.approx(BIN_S, rel=0.05)
    assert learn(0.03) == pytest.approx(0.03, rel=0.01)


@pytest.mark.parametrize("bin_size_s", [0.002, 0.0125])
def test_learnt_time_constants_are_the_same_seconds_in_other_bins(bin_size_s):
    learnt = TimeConstants(torch.tensor([0.02, 0.02, 0.1]), BIN_S, learnt=True)
    with torch.no_grad():
        learnt.moved.copy_(torch.tensor([-2.5, 0.0, 0.5]))  # the first was mirrored at a bin
    other = TimeConstants(torch.full((3,), 0.02), bin_size_s, learnt=True)
    other.load_state_dict(learnt.state_dict())
    assert_close(other.taus_s(), learnt.taus_s())
    assert_close(other(), bin_size_s / learnt.taus_s())
    with torch.no_grad():
        other.moved.fill_(-9.0)
    assert (other() <= 1).all(), "they are mirrored at the bins of where they are learnt on"


def test_time_constants_that_were_kept_while_they_were_held_at_a_bin_are_what_they_were():
    kept = {"start_s": torch.tensor([0.02, 0.02]), "moved": torch.tensor([-2.0, 0.5])}
    leak = TimeConstants(torch.tensor([0.02, 0.02]), BIN_S, learnt=True)
    leak.load_state_dict(kept)
    assert_close(leak.taus_s(), torch.tensor([BIN_S, 0.02 * float(np.exp(0.5))]))
    assert kept["moved"][0] == -2.0


def test_loaded_time_constants_that_bins_cannot_have_are_refused(caplog):
    learnt = TimeConstants(torch.tensor([0.006, 0.02]), BIN_S, learnt=True).state_dict()
    with pytest.raises(ConfigError, match=r"down to 0.006 s .* use bins of at most 0.006 s"):
        TimeConstants(torch.full((2,), 0.02), 0.01, learnt=True).load_state_dict(learnt)
    fixed = TimeConstants(torch.tensor([0.006, 0.02]), BIN_S, learnt=False).state_dict()
    with pytest.raises(ConfigError, match="diverge"):
        TimeConstants(torch.full((2,), 0.02), 0.015, learnt=False).load_state_dict(fixed)
    assert not caplog.text
    TimeConstants(torch.full((2,), 0.02), 0.01, learnt=False).load_state_dict(fixed)
    assert "activity swings" in caplog.text
