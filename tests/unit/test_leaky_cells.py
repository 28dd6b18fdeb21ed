"""Leaky units: the rate model, echo states, Dale's law, low rank, synapses."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
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
from neurodecode.nn.cells._synapse_module import synapses_by_steps
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.sequences import Sequences
from neurodecode.nn.training import TrainingPlan, mean_loss, train

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


@pytest.mark.parametrize("learn_tau", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rate_whose_time_constant_is_a_bin_is_the_rnn(dtype, learn_tau):
    rnn, rate = built("rnn").to(dtype), built("rate", tau_s=BIN_S, learn_tau=learn_tau).to(dtype)
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


@pytest.mark.parametrize("name", ["rate", "excitatory_inhibitory", "low_rank", "short_term_plasticity"])
def test_a_trained_cell_runs_in_bins_of_another_size(name):
    """Activity under a smooth input differs by Euler's error, which is of first order."""
    given = {"tau_s": 0.05}
    cell = trained(name, learning_rate=0.02, **given).double()
    found = {}
    for bin_size_s in (2 * BIN_S, BIN_S, BIN_S / 2, BIN_S / 32):
        other = cell_type(name)(**given).rebinned(cell, bin_size_s)
        every = round(2 * BIN_S / bin_size_s)
        found[bin_size_s] = other(waves_of(bin_size_s))[0][0, every - 1 :: every].detach()
        assert_close(other.leak.taus_s(), cell.leak.taus_s())
    exact = found.pop(BIN_S / 32)
    coarse, as_fitted, fine = (float((some - exact).abs().max()) for some in found.values())
    assert exact.std() > 0.05
    assert coarse < 0.1
    assert 1.6 < coarse / as_fitted < 2.6
    assert 1.6 < as_fitted / fine < 2.6
    assert_close(found[BIN_S], cell(waves_of(BIN_S))[0][0, 1::2].detach())


def waves_of(bin_size_s: float) -> torch.Tensor:
    """Three slow inputs over 0.8 s."""
    time_s = torch.arange(round(0.8 / bin_size_s)).double() * bin_size_s
    return torch.stack([(2 * np.pi * hz * time_s + hz).sin() for hz in (1.0, 1.7, 2.3)], dim=1)[None]


def test_cells_whose_steps_are_bins_run_in_no_others():
    for name in ("rnn", "lstm", "gru", "reservoir"):
        with pytest.raises(ConfigError, match="a step of this cell is a bin"):
            cell_type(name)().rebinned(built(name), 0.01)


def test_the_leak_of_a_reservoir_is_that_of_its_time_constant():
    told = built("reservoir", leak=0.25)
    timed = built("reservoir", tau_s=4 * BIN_S)
    inputs = torch.randn(2, 30, 3).double()
    assert_close(timed(inputs)[0], told(inputs)[0], rtol=1e-6, atol=1e-7)  # tau is kept in single precision
    finer = cell_type("reservoir")(tau_s=4 * BIN_S).rebinned(timed, BIN_S / 2)
    assert_close(finer.leak(), timed.leak() / 2)
    with pytest.raises(ConfigError, match="bin_size_s"):
        cell_type("reservoir")(tau_s=0.02).build(3, 4, None)


def test_spectral_radius_of_a_random_matrix_is_its_gain():
    # At this size the largest eigenvalue lies 2.5 percent beyond, give or take 1.8 (Rider & Sinclair 2014): the
    # median of three draws lies within 3 percent, single ones need not.
    torch.manual_seed(0)
    found = [spectral_radius(random_weights(1000, 1.3)) / 1.3 - 1 for _ in range(3)]
    assert abs(np.median(found)) < 0.03
    assert np.abs(found).max() < 0.1


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


def test_synapses_that_run_on_a_gpu_are_those_that_run_on_the_cpu():
    cell, inputs = built("short_term_plasticity"), torch.randn(4, 9, 3).double()
    start = cell(torch.randn(4, 6, 3).double())[1]
    compiled, last = cell(inputs, start)
    plain, plain_last = synapses_by_steps(cell, inputs, start)
    assert_close(compiled, plain, rtol=1e-9, atol=1e-12)
    for ours, other in zip(last, plain_last, strict=True):
        assert_close(ours, other, rtol=1e-9, atol=1e-12)


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


def test_the_loss_of_a_reservoir_is_convex_in_all_that_is_learnt():
    """Half way between any two readouts it is below the mean of their losses."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(8, 43, 2)).astype(np.float32)
    counts = (rng.random((8, 40, 2)) < 0.3).astype(np.uint8)
    offset = np.full(counts.shape, -1.0, np.float32)
    sequences = Sequences(lambda t: inputs[t], 3, counts, np.ones((8, 40, 1), bool), offset)
    network = RateNetwork(cell_type("reservoir")(), 2, 6, 2, 0.0, bin_size_s=BIN_S)
    learnt = [weights for weights in network.parameters() if weights.requires_grad]
    torch.manual_seed(0)
    for _ in range(10):
        one, other = ([torch.randn_like(weights) for weights in learnt] for _ in range(2))
        losses = []
        for share in (0.0, 0.5, 1.0):
            with torch.no_grad():
                for weights, begin, end in zip(learnt, one, other, strict=True):
                    weights.copy_(torch.lerp(begin, end, share))
            losses.append(mean_loss(network, sequences, torch.device("cpu")))
        assert losses[1] < (losses[0] + losses[2]) / 2


def trained(
    name: str,
    *,
    learning_rate: float = 0.2,
    watch: Callable[[torch.nn.Module], None] | None = None,
    **given: object,
) -> torch.nn.Module:
    """The population's cell after a few epochs, of large steps; ``watch`` is shown it after every step."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(6, 23, 3)).astype(np.float32)
    counts = (rng.random((6, 20, 2)) < 0.3).astype(np.uint8)
    offset = np.full(counts.shape, -1.0, np.float32)
    sequences = Sequences(lambda t: inputs[t], 3, counts, np.ones((6, 20, 1), bool), offset)
    network = RateNetwork(cell_type(name)(**given), 3, 10, 2, 0.0, bin_size_s=BIN_S)
    before = {key: w.clone() for key, w in network.state_dict().items()}
    plan = TrainingPlan(5, 3, 20, learning_rate, 0.0, 10.0, patience=5)
    seen = [] if watch is None else [register_optimizer_step_post_hook(lambda *_: watch(network.population.cell))]
    train(network, sequences, sequences, plan, rng, torch.device("cpu"), name)
    for hook in seen:
        hook.remove()
    moved = _recurrent(network, network.state_dict()) - _recurrent(network, before)
    assert moved.abs().max() > learning_rate / 4
    return network.population.cell


def _recurrent(network: RateNetwork, state: dict[str, torch.Tensor]) -> torch.Tensor:
    after = {key: w.clone() for key, w in network.state_dict().items()}
    network.load_state_dict(state)
    cell = network.population.cell
    found = (cell.recurrent() if hasattr(cell, "recurrent") else cell.weight).detach().clone()
    network.load_state_dict(after)
    return found


def test_signs_of_weights_are_those_of_their_senders_after_every_step_of_training():
    crossed = []

    def watch(cell: torch.nn.Module) -> None:
        weights = cell.recurrent().detach()
        assert (weights[:, :8] >= 0).all()
        assert (weights[:, 8:] <= 0).all()
        assert (weights[:, :8] > 0).any()
        assert (weights[:, 8:] < 0).any()
        crossed.append(bool((cell.recurrent.magnitude < 0).any()))

    trained("excitatory_inhibitory", watch=watch)
    assert len(crossed) >= 15
    assert any(crossed), "what is learnt went through zero, and the weights did not"


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
