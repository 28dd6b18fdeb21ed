"""Leaky units: the rate model, echo states, Dale's law, low rank, synapses."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from neurodecode.errors import ConfigError
from neurodecode.models import build_model
from neurodecode.models._network_share import Share
from neurodecode.nn.cells import cell_type
from neurodecode.nn.cells._leaky_module import _Recurrence, recurrence_by_steps
from neurodecode.nn.cells._recurrent_weights import (
    SignedWeights,
    random_weights,
    sparse_weights,
    spectral_radius,
)
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.sequences import Sequences
from neurodecode.nn.training import TrainingPlan, train

BIN_S = 0.005


def built(name: str, n_inputs: int = 3, hidden: int = 12, bin_size_s: float = BIN_S, **given: object):
    torch.manual_seed(0)
    return cell_type(name)(**given).build(n_inputs, hidden, bin_size_s).double()


def test_rnn_is_torch_s():
    ours, theirs = built("rnn"), torch.nn.RNN(3, 12, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.weight_in)
        theirs.weight_hh_l0.copy_(ours.recurrent.weight)
        theirs.bias_ih_l0.copy_(ours.bias)
        theirs.bias_hh_l0.zero_()
    inputs = torch.randn(4, 30, 3).double()
    assert_close(ours(inputs)[0], theirs(inputs)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rate_whose_time_constant_is_a_bin_is_the_rnn(dtype):
    rnn, rate = built("rnn").to(dtype), built("rate", tau_s=BIN_S).to(dtype)
    inputs = torch.randn(4, 50, 3).to(dtype)
    assert_close(rate(inputs)[0], rnn(inputs)[0], rtol=0, atol=1e-6)  # the same draws from the same seed


def test_rate_fitted_at_one_bin_size_runs_at_another_by_the_same_equation():
    """Euler's error is of first order: with bins of a half and a quarter it halves."""
    inputs, found = torch.randn(2, 20, 3).double(), []
    coarse = built("rate", tau_s=0.04, longest_tau_s=0.1)
    for parts in (1, 2, 4, 64):
        fine = built("rate", bin_size_s=BIN_S / parts, tau_s=0.02, longest_tau_s=0.2)
        fine.load_state_dict(coarse.state_dict())  # time constants are weights in seconds
        hidden, _ = fine(inputs.repeat_interleave(parts, dim=1))
        found.append(hidden[:, parts - 1 :: parts])
    errors = [float((some - found[-1]).detach().abs().max()) for some in found[:3]]
    assert errors[0] < 0.05
    assert 1.7 < errors[0] / errors[1] < 2.5
    assert 1.7 < errors[1] / errors[2] < 2.5


def test_time_constants_are_spread_in_seconds_and_learnt_on_request():
    cell = built("rate", tau_s=0.01, longest_tau_s=1.0, hidden=3)
    assert_close(cell.leak.taus_s(), torch.tensor([0.01, 0.1, 1.0]).double(), rtol=1e-5, atol=0)
    assert cell.leak.moved.requires_grad
    assert built("rate", learn_tau=False).leak.moved is None


def test_bins_longer_than_time_constants_are_said_and_those_that_diverge_refused(caplog):
    built("rate", tau_s=0.003)
    assert "activity swings" in caplog.text
    with pytest.raises(ConfigError, match="diverge"):
        built("rate", tau_s=0.0025)
    with pytest.raises(ConfigError, match="longest_tau_s must not be below"):
        build_model("rate", tau_s=0.1, longest_tau_s=0.05)


def test_spectral_radius_of_a_random_matrix_is_its_gain():
    # At this size the largest eigenvalue lies 2.5 percent beyond, give or take 1.8 (Rider & Sinclair 2014).
    torch.manual_seed(0)
    assert abs(spectral_radius(random_weights(1000, 1.3)) / 1.3 - 1) < 0.03


def test_sparse_weights_have_their_density_and_radius():
    torch.manual_seed(2)
    weights = sparse_weights(200, 0.1, 0.7)
    assert abs(spectral_radius(weights) - 0.7) < 1e-4
    assert abs(float((weights != 0).double().mean()) - 0.1) < 0.01


def test_what_runs_on_a_gpu_is_what_runs_on_the_cpu():
    cell, driven, start = built("rate"), torch.randn(9, 4, 12).double(), torch.randn(4, 12).double()
    weight, leak = cell.recurrent(), cell.leak()
    compiled = _Recurrence.apply(driven, start, weight, leak)
    for ours, plain in zip(compiled, recurrence_by_steps(driven, start, weight, leak), strict=True):
        assert_close(ours, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("radius", "forgets"), [(0.8, True), (1.8, False)])
def test_echo_states_forget_where_they_started_below_radius_one(radius, forgets):
    cell = built("reservoir", hidden=100, radius=radius, leak=1.0, input_scale=0.1)
    inputs = torch.randn(1, 400, 3).double().expand(2, -1, -1)
    start = torch.randn(1, 2, 100).double()
    hidden, _ = cell(inputs, start)
    apart = (hidden[0] - hidden[1]).norm(dim=1)
    assert bool(apart[-1] < 1e-6 * apart[0]) == forgets
    if not forgets:
        assert apart[-50:].mean() > 0.5


def test_only_the_readout_of_a_reservoir_is_learnt():
    own = torch.tensor([[0, 1], [1, 2]])
    network = RateNetwork(cell_type("reservoir")(), 3, 6, 2, 0.0, bin_size_s=BIN_S, own_inputs=own, own_hidden=4)
    learnt = {name for name, w in network.named_parameters() if w.requires_grad}
    readouts = {"population.readout.weight", "population.readout.bias", "population.skip.weight"}
    assert learnt == readouts | {"own.readout", "own.bias"}


def trained(name: str, **given: object) -> torch.nn.Module:
    """The population's cell after a few epochs of large steps."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(6, 23, 3)).astype(np.float32)
    counts = (rng.random((6, 20, 2)) < 0.3).astype(np.uint8)
    offset = np.full(counts.shape, -1.0, np.float32)
    sequences = Sequences(lambda t: inputs[t], 3, counts, np.ones((6, 20, 1), bool), offset)
    network = RateNetwork(cell_type(name)(**given), 3, 10, 2, 0.0, bin_size_s=BIN_S)
    before = {key: w.clone() for key, w in network.state_dict().items()}
    plan = TrainingPlan(5, 3, 20, 0.2, 0.0, 10.0, patience=5)
    train(network, sequences, sequences, plan, rng, torch.device("cpu"), name)
    moved = network.population.cell.recurrent().detach() - _recurrent(network, before)
    assert moved.abs().max() > 0.05
    return network.population.cell


def _recurrent(network: RateNetwork, state: dict[str, torch.Tensor]) -> torch.Tensor:
    after = {key: w.clone() for key, w in network.state_dict().items()}
    network.load_state_dict(state)
    found = network.population.cell.recurrent().detach().clone()
    network.load_state_dict(after)
    return found


def test_signs_of_weights_are_those_of_their_senders_after_training():
    cell = trained("excitatory_inhibitory")
    weights = cell.recurrent().detach()
    assert (weights[:, :8] >= 0).all()
    assert (weights[:, 8:] <= 0).all()
    assert (weights[:, :8] > 0).any()
    assert (weights[:, 8:] < 0).any()


def test_excitation_and_inhibition_balance_at_the_start():
    torch.manual_seed(0)
    weights = SignedWeights(500, 100, 1.2)
    assert weights.resting().abs().max() < 1e-4 * weights().abs().sum(1).max()
    assert abs(spectral_radius(weights().detach()) / 1.2 - 1) < 0.1
    state = {f"recurrent.{key}": w.detach().numpy() for key, w in weights.state_dict().items()}
    told = cell_type("excitatory_inhibitory")().diagnostics(state)
    assert abs(told["balance"]) < 1e-6
    assert told["excitation"] == pytest.approx(told["inhibition"], rel=1e-5)
    state["recurrent.magnitude"] = np.abs(state["recurrent.magnitude"]) * np.where(np.arange(500) < 400, 3.0, 1.0)
    assert cell_type("excitatory_inhibitory")().diagnostics(state)["balance"] == pytest.approx(0.5, abs=1e-5)


def test_outliers_of_low_rank_weights_are_found():
    cell = cell_type("low_rank")(rank=1, gain=0.5)
    torch.manual_seed(3)
    module = cell.build(3, 200, BIN_S)
    with torch.no_grad():
        module.recurrent.left.fill_(2.0)
        module.recurrent.right.fill_(1.0)  # M N^T / N has the eigenvalue 2, and that of W is near it
    told = cell.diagnostics({key: w.detach().numpy() for key, w in module.state_dict().items()})
    assert told["bulk_radius"] == pytest.approx(0.5, rel=0.15)
    ((real, imaginary),) = told["outliers"]
    assert real == pytest.approx(2.0, abs=0.1)
    assert imaginary == 0


def test_only_the_low_rank_part_is_learnt():
    cell = trained("low_rank", rank=2)
    change = cell.recurrent().detach() - cell.recurrent.random
    assert torch.linalg.matrix_rank(change.double(), rtol=1e-5) == 2


def test_synapses_reach_tsodyks_and_markrams_steady_state_under_a_regular_train():
    """u = U / (1 - (1 - U) e^(-T/tau_f)); x = (1 - e^(-T/tau_d)) / (1 - (1 - u) e^(-T/tau_d)) at each spike."""
    release, tau_f, tau_d, n_between = 0.3, 0.12, 0.2, 15
    module = built(
        "short_term_plasticity",
        n_inputs=1,
        hidden=1,
        bin_size_s=0.001,
        release=release,
        facilitation_s=tau_f,
        depression_s=tau_d,
        highest_rate_hz=1000.0,
        tau_s=0.001,
    )
    with torch.no_grad():
        module.weight.zero_()
        module.weight_in.fill_(50.0)  # tanh is 1 or -1: a spike in the bin, or none
        module.bias.zero_()
    train = torch.full((1, 3000, 1), -1.0).double()
    train[:, ::n_between] = 1.0
    # The input of a bin makes the spike that the next one sends.
    _, (hidden, used, left) = module(train[:, :2986])
    assert hidden.item() == pytest.approx(1.0)
    per_train = np.exp(-n_between * 0.001 / np.array([tau_f, tau_d]))
    u = release / (1 - (1 - release) * per_train[0])
    x = (1 - per_train[1]) / (1 - (1 - u) * per_train[1])
    assert used.item() + release * (1 - used.item()) == pytest.approx(u, rel=1e-6)
    assert left.item() == pytest.approx(x, rel=1e-6)


def test_diagnostics_of_cells_reach_those_of_the_fit(toy_trials, monkeypatch):
    monkeypatch.setattr("neurodecode.models._recurrent.chosen_share", lambda *_: Share(1.0, 0.1, 0.05))
    model = build_model("excitatory_inhibitory", hidden=5, own_hidden=0, seeds=2, epochs=1, batches_per_epoch=2)
    some = toy_trials.select(np.arange(10)), toy_trials.select(np.arange(10, 14))
    told = model.fit(*some, np.random.default_rng(0)).diagnostics()["cells"]
    assert set(told) == {"seed0.population", "seed1.population"}
    assert set(told["seed0.population"]) == {"excitation", "inhibition", "balance"}
