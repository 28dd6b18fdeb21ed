"""Gradients that the benchmarks of tasks and of recall follow back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from benchmarks import recall, synthetic_tasks
from benchmarks._flow import gradient_flow, singular_values
from benchmarks._synthetic_sequences import TASKS, gait
from neurodecode.errors import DataError
from neurodecode.nn.cells import cell_type
from neurodecode.nn.decoding_network import DecodingNetwork, Shape

torch.set_num_threads(1)


def linear_network(shrink: float) -> DecodingNetwork:
    """A tanh cell so near rest that it is linear, and forgets a share of its state in each step."""
    network = DecodingNetwork(Shape(cell_type("rnn")(), 2, 3, 1, 0.01))
    with torch.no_grad():
        for name, weights in network.named_parameters():
            weights.zero_()
            if weights.shape == (3, 3):
                weights.copy_(shrink * torch.eye(3))
            elif name == "readout.weight":
                weights.fill_(1.0)
    return network


def test_a_shrinking_cell_discounts():
    network = linear_network(0.8)
    norms = gradient_flow(network, np.zeros((2, 30, 2)), np.ones((2, 1)), n_lags=20)
    assert_allclose(norms, 0.8 ** np.arange(20), rtol=1e-5)  # weights are of single precision
    found = singular_values(network.cell, np.zeros((2, 30, 2)), [1, 5, 20])
    assert_allclose(found, 0.8 ** np.array([[1.0] * 3, [5.0] * 3, [20.0] * 3]), rtol=1e-5)


def test_a_network_that_says_nothing_has_no_gradients():
    network = DecodingNetwork(Shape(cell_type("rnn")(), 2, 3, 1, 0.01))
    with pytest.raises(DataError, match="the readout is 0"):
        gradient_flow(network, np.zeros((2, 30, 2)), np.ones((2, 1)), n_lags=20)


def test_gradients_are_of_the_network_s_own_loss():
    torch.manual_seed(0)
    network = DecodingNetwork(Shape(cell_type("gru")(), 2, 4, 1, 0.01)).double()
    torch.nn.init.normal_(network.readout.weight)
    torch.nn.init.normal_(network.skip.weight)
    made = gait(3, np.random.default_rng(0))
    inputs, target = made.inputs[:, :12], made.target[:, 11]

    def loss_after(state: torch.Tensor, first: int) -> torch.Tensor:
        said, _ = network(torch.from_numpy(inputs[:, first:]), torch.zeros(3, 1, 1), (state, None))
        return (said[:, -1] - torch.from_numpy(target)).square().sum(1)

    def size(lag: int) -> float:
        _, state = network.cell(torch.from_numpy(inputs[:, : 12 - lag]), None)
        held = state.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss_after(held, 12 - lag).sum(), held)
        return float(gradient[0].square().sum(1).mean().sqrt())

    norms = gradient_flow(network, inputs, target, n_lags=8)
    assert_allclose(norms[[3, 7]], [size(4) / size(1), size(8) / size(1)], rtol=1e-8)


def test_weights_that_are_kept_are_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_tasks, "PLAN", replace(synthetic_tasks.PLAN, epochs=2))
    monkeypatch.setattr(synthetic_tasks, "RATES", (3e-2, 1e-2))
    monkeypatch.setattr(synthetic_tasks, "N_SEQUENCES", (24, 24, 8))
    parts = synthetic_tasks.parts_of(TASKS["emg"], 0)
    row = synthetic_tasks.measured(TASKS["emg"], "gru", 0, parts, tmp_path)
    network = synthetic_tasks.fitted(TASKS["emg"], "gru", 0, tmp_path)
    said = synthetic_tasks.outputs_at_rest(network, parts[2].to_decode(), torch.device("cpu"))
    assert parts[2].r2(said, parts[2].judged) == pytest.approx(row["r2"], rel=1e-6)
    assert row["learning_rate"] in synthetic_tasks.RATES


def test_no_sequence_is_in_two_parts_and_repeats_differ(monkeypatch):
    monkeypatch.setattr(synthetic_tasks, "N_SEQUENCES", (5, 5, 5))
    drawn = [part.inputs[0, :, 0] for repeat in (0, 1) for part in synthetic_tasks.parts_of(TASKS["gait"], repeat)]
    assert len({values.tobytes() for values in drawn}) == 6


def test_the_first_token_is_the_class_and_two_ends_reach_it_at_once():
    to_decode, first = recall.sequences(50, 40, np.random.default_rng(0))
    batch = next(iter(to_decode.whole(50, torch.device("cpu"))))
    assert (batch.inputs[:, 0].argmax(1).numpy() == first).all()
    assert (batch.target[:, 0].argmax(1).numpy() == first).all()
    assert batch.target.shape[1] == 1
    ratios = {}
    for both in (False, True):
        torch.manual_seed(0)
        gradients = recall.input_gradients(recall.Reader("gru", 40, both=both), to_decode)
        assert gradients.shape == (40,)
        ratios[both] = gradients[0] / gradients[-1]
    assert ratios[False] < 1e-4
    assert 0.2 < ratios[True] < 5


def test_a_forward_reader_s_gradient_is_that_of_finite_differences():
    to_decode, _ = recall.sequences(6, 5, np.random.default_rng(1))
    batch = next(iter(to_decode.whole(6, torch.device("cpu"))))
    torch.manual_seed(1)
    reader = recall.Reader("rnn", 5, both=True).double()
    found = recall.input_gradients(reader, to_decode)
    steps, offset = batch.inputs.double(), batch.offset.double()
    squares = np.zeros(5)
    for row in range(6):
        for step in range(5):
            for token in range(recall.N_TOKENS):
                nudge = torch.zeros_like(steps)
                nudge[row, step, token] = 1e-5
                with torch.no_grad():
                    up, down = (batch.loss(reader(steps + sign * nudge, offset)[0]) for sign in (1, -1))
                squares[step] += float((up - down) / 2e-5) ** 2 / 6
    assert_allclose(found, np.sqrt(squares), rtol=1e-4)


def test_tables_hold_means_of_whole_rows():
    row = dict.fromkeys(synthetic_tasks.COLUMNS, "1") | {
        "task": "gait",
        "model": "gru",
        "repeat": "0",
        "r2": "0.4",
        "horizon_ms": "100",
        "horizon_beyond": "0",
    }
    other = row | {"repeat": "1", "r2": "0.6", "horizon_ms": "300", "left_fitted": "0.01", "left_fresh": "1e-4"}
    rows = [row | {"r2": "0.1"}, row, other]  # the last of a repeat counts; what is left has a geometric mean
    begins = "| gait | gru | 0.500 [0.400, 0.600] |"
    ends = "1e-01 [1e-02, 1e+00] | 1e-02 [1e-04, 1e+00] |"
    assert list(synthetic_tasks.lines(rows))[-1] == f"{begins} 200 [100, 300] | {ends}"
    rows[-1] = other | {"horizon_beyond": "1"}  # of this repeat the horizon was not seen
    assert list(synthetic_tasks.lines(rows))[-1] == f"{begins} >200 [100, >300] | {ends}"
    row = {"cell": "gru", "direction": "both", "length": "30", "accuracy": "0.5", "first_over_last": "0.01"}
    rows = [row, row | {"accuracy": "1", "first_over_last": "1"}]
    assert list(recall.lines(rows))[-1] == "| gru | both | 0.75 [0.50, 1.00] | 0.1 |"
