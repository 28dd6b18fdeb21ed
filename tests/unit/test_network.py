"""The network: its loss is the likelihood, it starts as the GLM, segments and dropout do what they say."""

import platform
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models import build_model, cell_names
from neurodecode.models._network_share import best_share
from neurodecode.nn.cells import cell_type
from neurodecode.nn.loss import poisson_loss
from neurodecode.nn.memory import keep_freed_memory
from neurodecode.nn.network import RateNetwork
from neurodecode.nn.readout import read_each
from neurodecode.nn.sequences import Sequences
from neurodecode.nn.training import TrainingPlan, detached, log_means, train

torch.set_num_threads(1)


def test_loss_is_the_twin_of_the_likelihood():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 2, (4, 30, 3)).astype(np.uint8)  # 0/1: log n! is 0
    log_mean = rng.normal(-2, 1, counts.shape)
    mask = rng.random((4, 30, 1)) < 0.8
    twin = poisson_loss(torch.from_numpy(log_mean), torch.from_numpy(counts.astype(float)), torch.from_numpy(mask))
    ours = trial_log_likelihood(counts, np.exp(log_mean) / 0.01, 0.01, mask).sum()
    assert_allclose(-twin.item(), ours, rtol=1e-12)


def test_masked_bins_give_no_gradient_even_if_infinite():
    log_mean = torch.tensor([[[0.0], [200.0]]], requires_grad=True)
    mask = torch.tensor([[[True], [False]]])
    poisson_loss(log_mean, torch.ones(1, 2, 1), mask).backward()
    assert_allclose(log_mean.grad.numpy().ravel(), [0.0, 0.0])


# Columns of the inputs that each of three units' own cell sees: two of its own, one that all share.
OWN = torch.tensor([[0, 1, 6], [2, 3, 6], [4, 5, 6]])


def _network(cell: str, *, hidden: int = 8, dropout: float = 0.3) -> RateNetwork:
    """Three units, a cell for the population and one for each unit, readouts that are not zero."""
    torch.manual_seed(3)
    network = RateNetwork(cell_type(cell)(), 7, hidden, 3, dropout, bin_size_s=0.005, own_inputs=OWN, own_hidden=4)
    torch.nn.init.normal_(network.own.readout)
    if hidden:
        torch.nn.init.normal_(network.population.readout.weight)
    return network.eval()


@pytest.mark.parametrize("cell", cell_names())
@pytest.mark.parametrize("own_inputs", [None, OWN])
def test_untrained_network_is_its_offset(cell, own_inputs):
    network = RateNetwork(
        cell_type(cell)(), 7, 8, 3, dropout=0.3, bin_size_s=0.005, own_inputs=own_inputs, own_hidden=4
    )
    offset = torch.randn(3, 20, 3)
    out, _ = network(torch.randn(3, 25, 7), offset)
    assert_array_equal(out.detach().numpy(), offset.numpy())


@pytest.mark.parametrize("cell", cell_names())
def test_steps_equal_the_whole(cell):
    network = _network(cell)
    inputs, offset = torch.randn(3, 40, 7), torch.randn(3, 40, 3)
    whole, _ = network(inputs, offset)
    state, steps = None, []
    for t in range(40):
        out, state = network(inputs[:, t : t + 1], offset[:, t : t + 1], state)
        steps.append(out)
    # float32 through 40 steps of a contracting cell
    assert_allclose(torch.cat(steps, 1).detach().numpy(), whole.detach().numpy(), atol=1e-5)


def test_own_cell_hears_its_unit_alone():
    network = _network("lstm", hidden=0)
    inputs, offset = torch.randn(2, 30, 7), torch.zeros(2, 30, 3)
    before, _ = network(inputs, offset)
    inputs[:, 10, 2] += 3.0  # of the second unit alone
    after, _ = network(inputs, offset)
    changed = (after != before).any(dim=0)
    assert not changed[:, [0, 2]].any()
    assert changed[10:, 1].all()
    assert not changed[:10].any()


@pytest.mark.parametrize("cell", cell_names())
def test_some_units_are_predicted_as_among_all(cell):
    network = _network(cell)
    inputs, offset = torch.randn(2, 30, 7), torch.randn(2, 30, 3)
    units = torch.tensor([2, 0])
    some, _ = network(inputs, offset[..., units], units=units)
    assert_allclose(some.detach().numpy(), network(inputs, offset)[0][..., units].detach().numpy(), atol=1e-6)


def test_units_at_rest_run_in_parts_that_make_no_difference(monkeypatch):
    network = _network("lstm")
    inputs, offset = torch.randn(2, 30, 7), torch.zeros(2, 30, 3)
    whole, state = network(inputs, offset)
    monkeypatch.setattr("neurodecode.nn.network._UNITS_AT_REST", 2)
    parts, same = network(inputs, offset)
    assert_allclose(parts.detach().numpy(), whole.detach().numpy(), atol=1e-6)
    assert_allclose(same[1][0].detach().numpy(), state[1][0].detach().numpy(), atol=1e-6)


def _sequences(n_trials: int, n_bins: int, burn_in: int) -> Sequences:
    steps = np.arange(n_bins + burn_in, dtype=np.float32) - burn_in
    inputs = np.broadcast_to(steps[None, :, None], (n_trials, len(steps), 1))
    bins = np.broadcast_to(np.arange(n_bins)[None, :, None], (n_trials, n_bins, 1))
    mask = np.ones((n_trials, n_bins, 1), bool)
    return Sequences(lambda t: inputs[t], burn_in, bins.astype(np.uint8), mask, bins.astype(np.float32))


def test_a_trial_s_segments_follow_one_another():
    sequences = _sequences(5, 25, burn_in=4)
    batches = list(sequences.shuffled(10, 6, np.random.default_rng(0), torch.device("cpu")))
    assert len(batches) == sequences.n_batches(10, 6) == 6  # two groups of trials, three segments each
    covered = sorted(
        (int(t), int(b))
        for batch in batches
        for t, row in zip(batch.segments[:, 0], batch.counts[..., 0], strict=True)
        for b in row
    )
    assert covered == [(t, b) for t in range(5) for b in range(25)]
    for group in (batches[:3], batches[3:]):
        assert [batch.carried for batch in group] == [False, True, True]
        # inputs hold the bin's number: the burn-in comes before the first segment, and nothing twice
        seen = torch.cat([batch.inputs[0, :, 0] for batch in group])
        assert seen.tolist() == list(range(-4, 25))
        for batch in group:
            assert torch.equal(batch.inputs[:, -batch.counts.shape[1] :], batch.counts)
            assert torch.equal(batch.counts, batch.offset)


def test_carried_state_makes_segments_equal_the_whole_trial():
    network = _network("gru", dropout=0.0)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(4, 33, 7)).astype(np.float32)
    zeros = np.zeros((4, 30, 3), np.float32)
    sequences = Sequences(lambda t: inputs[t], 3, zeros.astype(np.uint8), zeros == 0, zeros)
    whole = log_means(network, sequences, torch.device("cpu"))
    state, found = None, np.zeros_like(whole)
    for batch in sequences.shuffled(8, 4, rng, torch.device("cpu")):
        with torch.no_grad():
            out, state = network(batch.inputs, batch.offset, detached(state) if batch.carried else None)
        trials, first = batch.segments.T
        found[trials, first[0] : first[0] + out.shape[1]] = out.numpy()
    assert_allclose(found, whole, atol=1e-6)


def test_a_population_beyond_one_batch_is_trained_on_units_in_turn(monkeypatch):
    monkeypatch.setattr("neurodecode.nn.training.UNITS_PER_BATCH", 2)
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(6, 23, 7)).astype(np.float32)
    counts = (rng.random((6, 20, 3)) < 0.3).astype(np.uint8)
    zeros = np.full(counts.shape, -1.0, np.float32)
    sequences = Sequences(lambda t: inputs[t], 3, counts, np.ones((6, 20, 1), bool), zeros)
    plan = TrainingPlan(3, 4, 20, 1e-2, 0.0, 1.0, patience=3)
    torch.manual_seed(0)
    lstm = cell_type("lstm")()
    network = RateNetwork(lstm, 7, 8, 3, 0.0, bin_size_s=0.005, own_inputs=OWN, own_hidden=4)
    device = torch.device("cpu")
    curve = train(network, sequences, sequences, plan, np.random.default_rng(0), device, "toy")
    assert curve.validation[-1] < curve.validation[0]
    assert (network.own.readout.detach().abs().sum(dim=1) > 0).all()  # each unit had its turn


def test_share_is_what_validation_gains_by():
    rng = np.random.default_rng(1)
    log_mean = np.full((40, 100, 2), np.log(0.1))
    added = rng.normal(0, 1.0, log_mean.shape)
    counts = rng.poisson(np.exp(log_mean + 0.5 * added)).astype(np.uint8)
    share = best_share(counts, np.ones((40, 100, 1), bool), log_mean, added)
    assert share.value == 0.5
    assert 0.5 * share.gain < share.low < share.gain


def test_what_gains_by_chance_alone_is_left_out():
    rng = np.random.default_rng(2)
    log_mean = np.full((6, 200, 2), np.log(0.1))
    kept = []
    for _ in range(60):
        counts = rng.poisson(np.exp(log_mean)).astype(np.uint8)
        added = rng.normal(0, 0.02, (1, 1, 2)) + rng.normal(0, 0.02, (6, 200, 2))
        share = best_share(counts, np.ones((6, 200, 1), bool), log_mean, added)
        kept.append(not share.fallback)
        assert share.fallback == (share.low <= 0.0)
    # The best of four shares, all but proportional here: above a 95 percent interval in some 3 % of draws.
    assert np.mean(kept) < 0.15


@pytest.mark.parametrize("n_trials", [1, 3])
def test_few_trials_say_nothing_of_the_next(n_trials):
    log_mean, added = np.full((n_trials, 500, 1), np.log(0.1)), np.full((n_trials, 500, 1), np.log(5.0))
    counts = np.ones(log_mean.shape, np.uint8)  # however much is gained there
    counts[0, 400:] = 0
    share = best_share(counts, np.ones(log_mean.shape, bool), log_mean, added)
    gains = counts * added - np.exp(log_mean) * np.expm1(added)
    assert share.fallback
    assert share.gain == pytest.approx(gains.sum() / np.log(2) / counts.sum()), "of all trials together"
    assert share.low is None


def test_masked_bins_do_not_weigh_in_the_share():
    rng = np.random.default_rng(3)
    log_mean = np.full((10, 50, 1), np.log(0.1))
    added = rng.normal(0, 0.5, log_mean.shape)
    counts = rng.poisson(np.exp(log_mean + added)).astype(np.uint8)
    mask = rng.random(log_mean.shape) < 0.7
    other = np.where(mask, counts, 9).astype(np.uint8)
    assert best_share(counts, mask, log_mean, added) == best_share(other, mask, log_mean, added)


@pytest.mark.parametrize("cell", cell_names())
def test_a_network_that_adds_nothing_falls_back_to_the_glm_and_says_so(cell, toy_trials):
    """One epoch of steps too small to matter, on Poisson spikes."""
    model = build_model(
        cell, hidden=4, own_hidden=3, seeds=1, epochs=1, learning_rate=1e-9, longest_s=0.1, device="cpu"
    )
    train_on, held_out = toy_trials.select(np.arange(15)), toy_trials.select(np.arange(15, 20))
    fitted = model.fit(train_on, held_out, np.random.default_rng(0))
    told = fitted.diagnostics()
    assert told["fallback"]
    assert fitted.share.fallback
    assert_array_equal(fitted.intensity(held_out), fitted.inputs.glm.intensity(held_out))
    glm = build_model("glm", longest_s=0.1).fit(train_on, held_out, np.random.default_rng(0))
    assert_allclose(fitted.intensity(held_out), glm.intensity(held_out), rtol=1e-3)


@pytest.mark.parametrize("cell", cell_names())
def test_hidden_bursts_are_learnt_beyond_the_glm(cell):
    """A renewal train with a preferred interval: the nonlinear state beats log-linear history, on new trials."""
    rng = np.random.default_rng(5)
    counts = np.zeros((120, 150, 1), int)
    for trial in range(120):
        t = rng.integers(0, 12)
        while t < 150:
            counts[trial, t] = 1
            t += rng.choice([3, 11])  # two intervals only: nothing in between or after
    trials = Trials.from_counts(counts, 0.005, lead=50)
    model = build_model(cell, hidden=16, seeds=1, epochs=30, batches_per_epoch=8, longest_s=0.1, device="cpu")
    fitted = model.fit(trials.select(np.arange(80)), trials.select(np.arange(80, 100)), rng)
    test = trials.select(np.arange(100, 120))
    spikes = test.window_counts.sum()
    gain = (fitted.log_likelihood(test) - fitted.inputs.glm.log_likelihood(test)).sum() / np.log(2) / spikes
    # What a reservoir's states know was never trained to be of use: little, here.
    assert gain > (0.005 if cell == "reservoir" else 0.05)


def test_freed_memory_stays_where_the_c_library_is_asked():
    assert keep_freed_memory() is (sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc")


@pytest.mark.parametrize("n_sequences", [3, 20])
def test_each_sequence_is_read_by_its_own_weights(n_sequences):
    torch.manual_seed(0)
    hidden, weights = torch.randn(7, n_sequences, 5).double(), torch.randn(n_sequences, 5).double()
    torch.testing.assert_close(read_each(hidden, weights), torch.einsum("tsf,sf->ts", hidden, weights))
    assert torch.autograd.gradcheck(read_each, (hidden.requires_grad_(), weights.requires_grad_()))


def test_shared_gain_moves_all_units_alike_and_starts_at_nothing():
    torch.manual_seed(0)
    lstm = cell_type("lstm")()
    network = RateNetwork(lstm, 4, 0, 3, 0.0, bin_size_s=0.005, gain_inputs=torch.tensor([1, 3]))
    inputs, offset = torch.randn(2, 9, 4), torch.randn(2, 7, 3)
    log_mean, _ = network(inputs, offset)
    assert torch.equal(log_mean, offset)
    with torch.no_grad():
        network.gain.weights.copy_(torch.tensor([2.0, -1.0]))
    added = network(inputs, offset)[0] - offset
    expected = 2.0 * inputs[:, 2:, 1] - inputs[:, 2:, 3]
    torch.testing.assert_close(added, expected[..., None].expand(-1, -1, 3))
