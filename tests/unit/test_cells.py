"""Every cell: one step is the whole sequence's, gradients are right, hyper-parameters reach every family."""

import numpy as np
import pytest
import torch
from torch.func import functional_call, jacrev, vmap
from torch.testing import assert_close

from neurodecode.decoders import decoder_types
from neurodecode.errors import ConfigError
from neurodecode.models import build_model, cell_names
from neurodecode.nn.cells import cell_type, extended, taken_from
from neurodecode.nn.cells.lstm import LSTMCell

BIN_S = 0.005


def built(name: str, n_inputs: int = 3, hidden: int = 5, **hyperparameters: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return cell_type(name)(**hyperparameters).build(n_inputs, hidden, BIN_S).double()


def parts(state: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("name", cell_names())
def test_steps_are_the_whole_sequence(name):
    cell, inputs = built(name), torch.randn(2, 12, 3).double()
    whole, last = cell(inputs)
    state, each = cell.initial_state(2), []
    for step in range(12):
        state = cell.step(inputs[:, step], state)
        each.append(cell.hidden_of(state))
    assert_close(torch.stack(each, dim=1), whole, rtol=1e-9, atol=1e-11)  # float64, sums in another order
    for stepped, run in zip(parts(state), parts(last), strict=True):
        assert stepped.shape[:2] == (1, 2)
        assert_close(stepped, run, rtol=1e-9, atol=1e-11)
    again, _ = cell(inputs[:, 5:], cell(inputs[:, :5])[1])
    assert_close(again, whole[:, 5:], rtol=1e-9, atol=1e-11)
    assert whole.shape[2] == cell.hidden_size


@pytest.mark.parametrize("name", cell_names())
def test_gradients_of_the_sequence_are_those_of_the_steps(name):
    """Where the sequence runs in a loop of its own, its backward pass is held to plain torch's."""
    cell, inputs = built(name), torch.randn(9, 7, 3).double()
    start = cell(torch.randn(9, 4, 3).double())[1]
    found = []
    for steps in (False, True):
        cell.zero_grad()
        x = inputs.clone().requires_grad_()
        begun = tuple(part.detach().clone().requires_grad_() for part in parts(start))
        state = begun if isinstance(start, tuple) else begun[0]
        if steps:
            each = []
            for step in range(7):
                state = cell.step(x[:, step], state)
                each.append(cell.hidden_of(state))
            hidden = torch.stack(each, dim=1)
        else:
            hidden, state = cell(x, state)
        ((hidden * hidden.cos()).sum() + sum((2 * part).sin().sum() for part in parts(state))).backward()
        found.append([x.grad, *(b.grad for b in begun), *(w.grad for w in cell.parameters() if w.requires_grad)])
    for whole, stepped in zip(*found, strict=True):
        assert_close(whole, stepped, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", cell_names())
def test_gradients_match_finite_differences(name):
    cell, inputs = built(name, 2, 3), torch.randn(2, 5, 2).double().requires_grad_()
    free = {key: w.detach().clone().requires_grad_() for key, w in cell.named_parameters() if w.requires_grad}

    def hidden(x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return functional_call(cell, dict(zip(free, weights, strict=True)), (x,))[0]

    assert torch.autograd.gradcheck(hidden, (inputs, *free.values()))


@pytest.mark.parametrize("name", cell_names())
def test_a_step_goes_through_vmap_and_has_second_derivatives(name):
    cell = built(name, 3, 4)
    state, inputs = cell(torch.randn(6, 5, 3).double())[1], torch.randn(6, 3).double()

    def after(x: torch.Tensor, *begun: torch.Tensor) -> torch.Tensor:
        one = tuple(part[:, None] for part in begun)
        return cell.hidden_of(cell.step(x[None], one if isinstance(state, tuple) else one[0]))[0]

    def energy(*given: torch.Tensor) -> torch.Tensor:
        return after(*given).square().sum()

    given = (inputs, *(part[0][:, None] for part in parts(state)))  # rows first; a layer of one is kept
    jacobians = vmap(jacrev(after, argnums=1))(*given)
    assert jacobians.shape[:2] == (6, 4)
    curvature = jacrev(jacrev(energy))(*(values[0] for values in given))
    step = 1e-5 * torch.eye(3).double()
    first = jacrev(energy)
    for k in range(3):
        ahead, behind = (first(given[0][0] + s * step[k], *(v[0] for v in given[1:])) for s in (1, -1))
        assert_close(curvature[k], (ahead - behind) / 2e-5, rtol=1e-5, atol=1e-7)


def test_chrono_biases_keep_states_for_the_times_that_were_asked_for():
    lstm = built("lstm", hidden=4000, chrono_s=0.5)
    forget = lstm.bias_ih_l0[4000:8000]
    times = 1 + forget.exp()  # bins; drawn evenly between 2 and 0.5 s / 5 ms
    assert 2 <= times.min() < 3
    assert 99 < times.max() <= 100
    assert abs(times.mean() - 51) < 1.5  # 28 / sqrt(4000) is the standard error
    assert_close(lstm.bias_ih_l0[:4000], -forget)
    assert not lstm.bias_hh_l0[:8000].any()
    gru = built("gru", hidden=50, chrono_s=0.5)
    assert ((1 + gru.bias_ih_l0[50:100].exp()).min() >= 2).item()


def test_forget_bias_is_that_of_the_forget_gate():
    lstm = built("lstm", hidden=4, forget_bias=2.5)
    assert ((lstm.bias_ih_l0 + lstm.bias_hh_l0)[4:8] == 2.5).all()


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_steps_and_whole_sequences_are_those_of_torch_s_single_cell(name):
    """torch.nn.LSTMCell and GRUCell share no loop with what is tested."""
    ours = built(name)
    theirs = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}[name](3, 5).double()
    theirs.load_state_dict({key.removesuffix("_l0"): w for key, w in ours.state_dict().items()})
    inputs, start = torch.randn(4, 9, 3).double(), tuple(torch.randn(4, 5).double() for _ in range(2))
    begun = tuple(part[None] for part in start) if name == "lstm" else start[0][None]
    state, their_state, each = begun, start if name == "lstm" else start[0], []
    for step in range(9):
        state, their_state = ours.step(inputs[:, step], state), theirs(inputs[:, step], their_state)
        for mine, other in zip(parts(state), parts(their_state), strict=True):
            assert_close(mine[0], other, rtol=1e-9, atol=1e-12)
        each.append(parts(their_state)[0])
    whole, last = ours(inputs, begun)
    assert_close(whole, torch.stack(each, dim=1), rtol=1e-9, atol=1e-12)
    for mine, other in zip(parts(last), parts(their_state), strict=True):
        assert_close(mine[0], other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", cell_names())
def test_no_encoding_model_reads_the_future(name):
    with pytest.raises(ConfigError, match=rf"{name}: bidirectional cells read the future"):
        build_model(name, bidirectional=True)


def test_hyperparameters_of_a_cell_are_those_of_every_family_built_on_it():
    model = build_model("lstm", forget_bias=0.5, chrono_s=0.2)
    assert model.cell() == LSTMCell(forget_bias=0.5, chrono_s=0.2)
    for kind in decoder_types("lstm"):
        assert kind(forget_bias=0.5).cell() == LSTMCell(forget_bias=0.5)
    with pytest.raises(TypeError, match=r"both have .*forget_bias"):
        extended(type(model), LSTMCell, "twice", namespace={})
    assert taken_from(LSTMCell, model) == model.cell()
    names = [kind.__name__ for kind in decoder_types("low_rank")]
    assert names == ["LowRankDecoder", "LowRankClassDecoder", "LowRankValueDecoder"]


@pytest.mark.parametrize(
    ("family", "given", "why"),
    [
        ("lstm", {"chrono_s": -1.0}, "chrono_s must be positive"),
        ("lstm", {"forget_bias": np.inf}, "forget_bias must be finite"),
        ("gru", {"chrono_s": 0.0}, "chrono_s must be positive"),
    ],
)
def test_values_that_cannot_be_are_refused(family, given, why):
    with pytest.raises(ConfigError, match=why):
        build_model(family, **given)


def test_times_in_seconds_need_bins_of_a_size():
    with pytest.raises(ConfigError, match="give bin_size_s, or Trials"):
        LSTMCell(chrono_s=1.0).build(2, 3, None)
    with pytest.raises(ConfigError, match="2 bins"):
        LSTMCell(chrono_s=0.01).build(2, 3, 0.005)
