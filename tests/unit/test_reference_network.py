"""The reference network: what its description asks for, and the past only."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.reference_network import Network, ReferenceNetwork, sequences, trace, train
from neurodecode.data.trials import Trials
from neurodecode.models.psth import fit_psth

SMALL = ReferenceNetwork(hidden=4, epochs=3, batches_per_epoch=3)


@pytest.fixture(scope="module")
def halves(toy_trials) -> tuple[Trials, Trials]:
    return toy_trials.select(np.arange(16)), toy_trials.select(np.arange(16, 24))


@pytest.fixture(scope="module")
def fitted(halves):
    return SMALL.fit(*halves, np.random.default_rng(0))


def test_a_trace_is_a_weighted_mean_of_the_bins_before():
    counts = np.random.default_rng(0).poisson(0.3, 50).astype(float)
    before = np.concatenate([[0.0], counts[:-1]])
    decay = np.exp(-1 / 4.0)
    expected = [(1 - decay) * sum(decay**j * counts[t - 1 - j] for j in range(t)) for t in range(50)]
    np.testing.assert_allclose(trace(before[None, :, None], 4.0)[0, :, 0], expected, rtol=1e-5, atol=1e-7)


def test_inputs_are_last_bin_traces_and_a_third_of_the_log_psth(halves):
    trials, psth = halves[1], fit_psth(halves[0])
    seen = sequences(SMALL, trials, psth, leave_out=False)
    n_units, lead = trials.n_units, trials.lead
    assert seen.inputs.shape == (trials.n_trials, trials.n_steps, n_units * (1 + 5 + 1))
    np.testing.assert_array_equal(seen.inputs[:, 1:, :n_units], trials.counts[:, :-1])
    np.testing.assert_array_equal(seen.inputs[:, lead:, n_units : 6 * n_units], seen.traces)
    expected = np.log(psth.intensity(trials) * trials.bin_size_s)
    np.testing.assert_allclose(seen.log_psth, expected, rtol=1e-5)
    np.testing.assert_allclose(seen.inputs[:, lead:, 6 * n_units :] * 3, expected, rtol=1e-5)


def test_a_training_trial_is_left_out_of_its_psth(halves):
    psth = fit_psth(halves[0])
    own = sequences(SMALL, halves[0], psth, leave_out=True).log_psth
    assert not np.allclose(own, sequences(SMALL, halves[0], psth, leave_out=False).log_psth)


def test_the_future_does_not_matter(fitted, halves):
    trials = halves[1]
    at = 25
    counts = trials.window_counts.copy()
    counts[:, at:] = 1 - np.minimum(counts[:, at:], 1)
    changed = fitted.intensity(trials.with_window_counts(counts))
    before = fitted.intensity(trials)
    np.testing.assert_allclose(changed[:, : at + 1], before[:, : at + 1], rtol=1e-6)
    assert not np.allclose(changed[:, at + 1 :], before[:, at + 1 :], rtol=1e-3)


def test_masked_bins_teach_nothing(halves):
    trials, validation = halves
    psth = fit_psth(trials)
    mask = torch.ones_like(sequences(SMALL, trials, psth, leave_out=True).mask)
    mask[:, 40:] = False

    def trained(counts_after: float) -> list[torch.Tensor]:
        training = sequences(SMALL, trials, psth, leave_out=True)
        counts = training.counts.clone()
        counts[:, 40:] = counts_after
        torch.manual_seed(0)
        network = Network(training.inputs.shape[2], training.traces.shape[2], trials.n_units, SMALL)
        held_out = sequences(SMALL, validation, psth, leave_out=False)
        train(network, replace(training, counts=counts, mask=mask), held_out, SMALL, np.random.default_rng(0))
        return [values.clone() for values in network.state_dict().values()]

    for one, other in zip(trained(0.0), trained(9.0), strict=True):
        assert torch.equal(one, other)


def test_one_dropout_mask_per_sequence(halves):
    psth = fit_psth(halves[0])
    batch = sequences(SMALL, halves[0], psth, leave_out=True)
    network = Network(batch.inputs.shape[2], batch.traces.shape[2], 2, replace(SMALL, dropout=0.999))
    torch.nn.init.zeros_(network.readout.weight)
    with torch.no_grad():
        network.readout.weight[:, :4] = 1.0
        network.readout.bias.zero_()
    torch.manual_seed(0)
    added = (network(batch) - batch.log_psth).detach().numpy()
    assert np.all(added == 0), "every unit of the hidden state is dropped over the whole sequence"
    assert not np.allclose((network.eval()(batch) - batch.log_psth).detach().numpy(), 0)


def test_seeds_are_averaged_and_repeat(fitted, halves):
    again = SMALL.fit(*halves, np.random.default_rng(0))
    np.testing.assert_array_equal(fitted.intensity(halves[1]), again.intensity(halves[1]))
    alone = [replace(fitted, networks=(n,)).intensity(halves[1]) for n in fitted.networks]
    np.testing.assert_allclose(fitted.intensity(halves[1]), np.sqrt(alone[0] * alone[1]), rtol=1e-5)


def test_it_learns_a_refractory_unit():
    """A unit that rests for ten bins after each spike: the PSTH cannot know, the network must."""
    rng = np.random.default_rng(1)
    counts = np.zeros((60, 200, 1), np.uint8)
    since = np.full(60, 99)
    for step in range(200):
        spike = rng.random(60) < np.where(since > 10, 0.2, 0.0)
        counts[:, step, 0] = spike
        since = np.where(spike, 0, since + 1)
    trials = Trials.from_counts(counts, 0.001, lead=20)
    train_, validation, test = (trials.select(np.arange(a, b)) for a, b in ((0, 40), (40, 50), (50, 60)))
    fitted = replace(SMALL, hidden=8, epochs=20, batches_per_epoch=10, seeds=1).fit(
        train_, validation, np.random.default_rng(0)
    )
    n, mu = test.window_counts, fitted.intensity(test) * 0.001
    flat = n.mean()
    gain = (n * np.log(mu) - mu).sum() - (n * np.log(flat) - flat).sum()
    assert gain / n.sum() / np.log(2) > 0.3
