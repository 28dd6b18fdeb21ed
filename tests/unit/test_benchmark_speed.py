"""The benchmarks of speed run, and measure what they say."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import _epochs, _workloads, cost_curves, speed
from benchmarks._clock import interleaved, ratio
from benchmarks._rows import Rows
from benchmarks._workloads import Size, optimisation, toy_trials

TINY = Size(n_trials=6, n_bins=60, n_units=2, hidden=4, own_hidden=3, n_batches=2)


def test_ways_take_turns_and_the_first_round_does_not_count():
    done = []
    seconds = interleaved({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, 3)
    assert "".join(done) == "abbaabba"
    assert [len(each) for each in seconds.values()] == [3, 3]


def test_a_ratio_is_paired_by_repeat():
    found = ratio({"ours": np.array([1.0, 2.0, 8.0]), "theirs": np.array([2.0, 4.0, 4.0])}, "theirs", "ours")
    assert (found.median, found.low, found.high) == (2.0, 1.25, 2.0)


@pytest.mark.parametrize("family", ["lstm", "gru"])
def test_an_epoch_trains_every_weight_as_often_as_one_likes(family):
    training = optimisation(family, toy_trials(TINY), TINY, "cpu")
    before = [values.detach().clone() for values in training.network.parameters()]
    for _ in range(3):
        training.epoch(1)
    assert all(not torch.equal(a, b) for a, b in zip(before, training.network.parameters(), strict=True))


def test_bare_layers_are_as_large_as_the_network_and_see_its_batches(monkeypatch):
    training = optimisation("lstm", toy_trials(TINY), TINY, "cpu")
    bare = _epochs.bare_epoch(training)
    seen = []
    forward = torch.nn.LSTM.forward

    def watched(layer, inputs):
        seen.append((layer.hidden_size, *inputs.shape[:2]))
        return forward(layer, inputs)

    monkeypatch.setattr(torch.nn.LSTM, "forward", watched)
    bare()
    n_steps = TINY.n_bins + training.sequences.burn_in
    assert sorted(seen) == [(3, 6, n_steps)] * 2 + [(4, 3, n_steps)] * 2  # hidden, sequences, steps


def test_parts_of_an_epoch_make_up_the_whole():
    shares = _epochs.parts("lstm", TINY, epochs=1)
    seconds = shares.pop("seconds")
    assert seconds > 0
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(shares[part] > 0 for part in ("batches", "forward", "backward", "clipping", "optimiser"))


def test_ratios_of_epochs_are_measured():
    assert set(_epochs.measured(TINY, 1)) == set(speed.SLOWER)


def test_memory_is_that_of_the_work(capsys):
    # In a process of its own, as benchmarks run: here earlier tests left memory that would be used again.
    lines = (
        "import numpy as np",
        "from benchmarks import _workloads",
        "with _workloads.peak_memory('cpu') as peak: held = np.ones(20_000_000)",
        "print(peak['bytes'] / held.nbytes)",
    )
    asked = [sys.executable, "-c", "\n".join(lines)]
    told = subprocess.run(asked, cwd=_workloads.ROOT, capture_output=True, text=True, check=True)
    assert 0.9 < float(told.stdout) < 1.5
    _workloads.main(json.dumps({"work": "psth", "n_trials": 8, "n_bins": 60, "n_units": 1}))
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"] > 0
    assert found["counts_bytes"] == 8 * (60 + _workloads.LEAD)
    with pytest.raises(ValueError, match="no work"):
        _workloads.work("nothing", TINY)


def test_an_exponent_is_the_slope_at_the_largest_sizes():
    assert cost_curves.exponent([1, 10, 20, 40], [50.0, 3.0, 12.0, 48.0]) == pytest.approx(2.0)
    assert np.isnan(cost_curves.exponent([10], [1.0]))


def test_curves_grow_one_thing_and_segments_keep_the_batch():
    for work, grows, size in cost_curves.points(["psth", "lstm_epoch"], None):
        base = cost_curves.LONG if grows == "n_bins" and work == "lstm_epoch" else cost_curves.BASE
        allowed = {grows, "segment_bins", "n_batches"} if size.segment_bins else {grows, "checkpoint_bins"}
        assert {f for f in vars(size) if getattr(size, f) != getattr(base, f)} <= allowed
        n_sequences = size.n_trials * -(-size.n_bins // size.segment)
        assert n_sequences / size.n_batches == base.n_trials / base.n_batches or grows == "n_trials"


def test_points_are_measured_once_and_tabled(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cost_curves, "GROWTH", {"n_trials": (8, 16)})
    monkeypatch.setattr(cost_curves, "BASE", Size(n_trials=8, n_bins=60, n_units=1))
    arguments = cost_curves.parsed(
        ["fit", "--work", "psth", "--repeats", "1", "--csv", str(tmp_path / "costs.csv")]
    )
    cost_curves.fit(arguments)
    rows = arguments.csv.read_text()
    assert rows.count("\n") == 3
    cost_curves.fit(arguments)
    assert arguments.csv.read_text() == rows
    capsys.readouterr()
    cost_curves.table(arguments)
    assert "| psth | n_trials | 8, 16 |" in capsys.readouterr().out


def test_checkpoints_hold_less_than_whole_trials_and_are_named_in_the_curves(tmp_path):
    size = Size(n_trials=16, n_bins=1500, n_units=2, hidden=32, own_hidden=16, n_batches=1)
    whole, pieces = (
        _workloads.in_a_process("lstm_epoch", one)["peak_bytes"]
        for one in (size, replace(size, checkpoint_bins=50))
    )
    assert pieces < 0.8 * whole
    arguments = cost_curves.parsed(["table", "--csv", str(tmp_path / "costs.csv")])
    rows = Rows(arguments.csv, cost_curves.COLUMNS)
    for checkpoint_bins, peak in ((0, 2e6), (50, 1e6)):
        row = dict.fromkeys(cost_curves.COLUMNS, 0) | {"device": "cpu", "work": "lstm_epoch", "grows": "n_bins"}
        rows.append(row | {"n_bins": 1500, "checkpoint_bins": checkpoint_bins, "peak_bytes": peak})
    found = cost_curves.curves(arguments)
    assert list(found) == [("lstm_epoch", "n_bins"), ("lstm_epoch, checkpoints every 50", "n_bins")]


def test_epochs_are_counted_by_the_second():
    training = optimisation("gru", toy_trials(TINY), TINY, "cpu")
    assert cost_curves.epochs_per_second(training, 0.0) > 0


def test_a_mute_gpu_has_no_utilisation(monkeypatch):
    monkeypatch.setattr(cost_curves, "ASK_GPU", ("no-such-program",))
    with cost_curves.utilisation() as busy:
        pass
    assert busy == []
