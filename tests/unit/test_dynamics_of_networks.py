"""Cells as steps, what is read off a fitted network, and what the report says of it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.cells import memory_figures
from neurodecode.data.splits import make_splits
from neurodecode.data.store import save_splits, save_trials
from neurodecode.dynamics.cells import cell_step, driven_steps, exact, flattened, hidden_activity, resting, shaped
from neurodecode.dynamics.gradient_flow import gradient_norms, product_singular_values
from neurodecode.dynamics.network_paths import network_paths
from neurodecode.dynamics.steps import jacobians, trajectory
from neurodecode.errors import DataError
from neurodecode.evaluation.dynamics import (
    KEPT,
    dynamics_of_folds,
    dynamics_scores,
    load_portraits,
    save_portraits,
    write_dynamics,
)
from neurodecode.evaluation.latents import Latents, gpfa_latents, load_latents
from neurodecode.evaluation.scores import write_scores
from neurodecode.models import build_model, cell_names, save_fitted
from neurodecode.models._network_share import Share
from neurodecode.nn.cells import cell_type
from neurodecode.report.dynamics.section import dynamics_section
from neurodecode.report.dynamics.session_figures import FIGURES, draw_dynamics

torch.set_num_threads(1)
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
OF_WEIGHTS = {
    "excitatory_inhibitory": ("excitation", "inhibition", "balance"),
    "low_rank": ("bulk_radius", "n_outliers", "largest_outlier"),
}
SMALL = {"hidden": 5, "own_hidden": 3, "seeds": 1, "epochs": 1, "batches_per_epoch": 2, "longest_s": 0.1}


def built(name: str, hidden: int = 5) -> torch.nn.Module:
    torch.manual_seed(0)
    return exact(cell_type(name)().build(3, hidden, 0.005))


@pytest.mark.parametrize("name", cell_names())
def test_a_cell_is_a_step_of_its_flattened_state(name):
    cell, inputs = built(name), torch.randn(2, 6, 3).double()
    states = trajectory(driven_steps(cell, inputs), resting(cell, 2))
    whole, last = cell(inputs)
    np.testing.assert_allclose(hidden_activity(cell, states[1:]).transpose(0, 1), whole, atol=1e-12)
    np.testing.assert_allclose(states[-1], flattened(last), atol=1e-12)
    np.testing.assert_array_equal(flattened(shaped(states[-1], cell)), states[-1])
    held = cell_step(cell, inputs[0, 0])
    found, moved = jacobians(held, states[2]), 1e-6
    ahead, behind = (held(states[2] + sign * moved * torch.eye(states.shape[2])[0]) for sign in (1, -1))
    np.testing.assert_allclose(found[:, :, 0], (ahead - behind) / (2 * moved), atol=1e-7)


def test_the_carousel_of_an_lstm_hands_gradients_on_whole():
    """With the forget gate at 1, d c(t) / d c(t - 1) along the direct path is 1, whatever the other weights."""
    cell = built("lstm")
    with torch.no_grad():
        cell.weight_ih_l0[5:10] = cell.weight_hh_l0[5:10] = 0.0
        cell.bias_ih_l0[5:10] = 60.0  # its sigmoid is 1 to the last bit
    inputs, states = torch.randn(4, 3).double(), torch.randn(4, 10).double()
    found = jacobians(cell_step(cell, inputs), states)
    np.testing.assert_array_equal(found[:, 5:, 5:], torch.eye(5).expand(4, -1, -1))
    with torch.no_grad():
        cell.weight_hh_l0.zero_()  # the direct path alone
    steps = driven_steps(cell, torch.randn(4, 200, 3).double())
    norms = gradient_norms(steps, states, lambda rows: rows[:, 5:].sum(1))
    np.testing.assert_array_equal(norms, np.full((201, 4), np.sqrt(5.0)))
    values = product_singular_values(steps, states, [200])
    np.testing.assert_array_equal((values[0] > 1 - 1e-12).sum(axis=1), 5)


@pytest.fixture(scope="module")
def session(toy_trials):
    return toy_trials, make_splits(toy_trials.condition, toy_trials.condition_names, 2, np.random.default_rng(0))


@pytest.fixture(scope="module")
def fitted(session, kept):
    trials, splits = session
    return [kept(build_model("lstm", **SMALL), trials, split) for split in splits]


@pytest.fixture(scope="module")
def found(session, fitted):
    trials, splits = session
    return dynamics_of_folds(fitted, trials, splits, names=("toy", "lstm"), seed=1)


def test_the_pull_on_a_state_is_the_gradient_of_the_networks_loss(session, kept):
    trials, splits = session
    one = kept(build_model("gru", **{**SMALL, "own_hidden": 0}), trials, splits[0])
    test = trials.select(splits[0].test)
    (path,) = network_paths(one, test)
    sequences, bin_, step = one.inputs.sequences(test, leave_out=False), 30, path.burn_in + 30
    before = path.states()[step].requires_grad_(True)
    network = exact(one.networks[0])
    offset = torch.from_numpy(sequences.offset[:, bin_ : bin_ + 1]).double()
    log_mean, _ = network(path.inputs[:, step : step + 1].double(), offset, (before[None], None))
    counts, mask = (torch.from_numpy(np.array(x[:, bin_])).double() for x in (sequences.counts, sequences.mask))
    loss = ((log_mean[:, 0].exp() - counts * log_mean[:, 0]) * mask).sum()
    (expected,) = torch.autograd.grad(loss, before)
    pull = path.pulls[:, bin_]
    steps = driven_steps(path.cell, path.inputs[:, step : step + 1])
    norms = gradient_norms(steps, before.detach(), lambda rows: (hidden_activity(path.cell, rows) * pull).sum(1))
    assert (norms[1] > 0).sum() > 2
    np.testing.assert_allclose(norms[1], expected.norm(dim=1), rtol=1e-9)
    torch.nn.init.zeros_(one.networks[0].population.readout.weight)
    assert network_paths(one, test) == [], "what speaks to no unit is not looked at"


def test_the_pull_is_that_of_the_fitted_model_with_its_share_and_all_its_networks(session, kept):
    trials, splits = session
    one = kept(build_model("gru", **{**SMALL, "own_hidden": 0, "seeds": 2}), trials, splits[0])
    one = replace(one, share=Share(0.5, 0.1, 0.05))
    torch.nn.init.normal_(one.networks[1].population.readout.weight, std=0.3)
    test = trials.select(splits[0].test)
    (path,) = network_paths(one, test)
    sequences = one.inputs.sequences(test, leave_out=False)
    offset, inputs = torch.from_numpy(sequences.offset).double(), path.inputs.double()
    first, other = (exact(network) for network in one.networks)
    hidden = torch.from_numpy(path.hidden(path.states())).requires_grad_(True)
    # What the first adds: its readout of the path's activity, and what does not depend on it.
    says = hidden @ first.population.readout.weight.T
    rest = first(inputs, offset)[0] - offset - says.detach()
    log_mean = offset + 0.5 * (says + rest + other(inputs, offset)[0] - offset) / 2
    np.testing.assert_allclose(log_mean.detach(), one.log_mean(test), atol=1e-4)  # which is of single precision
    counts, mask = (torch.from_numpy(np.array(x)).double() for x in (sequences.counts, sequences.mask))
    loss = ((log_mean.exp() - counts * log_mean) * mask).sum()
    (expected,) = torch.autograd.grad(loss, hidden)
    free = (log_mean.exp() < one.inputs.glm.cap).all(2).numpy()  # elsewhere the error is that of the capped mean
    assert free.mean() > 0.95
    np.testing.assert_allclose(path.pulls[free], expected[free], rtol=1e-9, atol=1e-12)


def test_every_path_of_every_fold_is_seen_and_scored(session, found, tmp_path):
    trials, splits = session
    assert [(one.fold, one.path) for one in found] == [(f, p) for f in (0, 1) for p in ("population", "own")]
    assert found[0].group_names == ("left", "right")
    assert found[1].group_names == trials.unit_names
    scores = dynamics_scores(found, splits, session="toy", model="lstm")
    assert set(scores["unit"]) == {"all"}
    pooled = scores[scores["fold"] == "all"].set_index(["target", "metric"])["value"]
    assert pooled["", KEPT] == 1.0
    each = [one.summary["lipschitz"] for one in found if one.path == "own"]
    assert pooled["own", "lipschitz"] == np.median(each)
    assert pooled["population", "lyapunov_driven_per_s"] < 0, "an LSTM that has hardly been trained forgets"
    save_portraits(tmp_path / "dynamics.npz", found)
    again = load_portraits(tmp_path / "dynamics.npz")
    assert [one.kinds for one in again] == [one.kinds for one in found]
    for one, other in zip(found, again, strict=True):
        assert one.arrays.keys() == other.arrays.keys()
        np.testing.assert_array_equal(one.arrays["norms"], other.arrays["norms"])
        np.testing.assert_array_equal(one.arrays["trial"][[0, -1]], splits[one.fold].test[[0, -1]])
    with pytest.raises(DataError, match="not a file of dynamics"):
        load_portraits(tmp_path / "absent.npz")


@pytest.mark.parametrize("cell", OF_WEIGHTS)
def test_what_a_cell_tells_of_its_weights_is_scored(cell, session, kept):
    trials, splits = session
    one = kept(build_model(cell, **{**SMALL, "own_hidden": 0}), trials, splits[0])
    (seen,) = dynamics_of_folds([one], trials, splits[:1], names=("toy", cell), seed=1)
    told = one.diagnostics()["cells"]["seed0.population"]
    for name in OF_WEIGHTS[cell]:
        np.testing.assert_equal(seen.summary[name], np.nan if told[name] is None else told[name])


def test_horizons_in_the_table_of_cells_are_those_of_the_report(session, fitted, found):
    trials, splits = session
    told = memory_figures(fitted[0], trials.select(splits[0].test))
    for one in found[:2]:
        shown = told[f"memory_{one.path}_ms"]
        assert shown.startswith(">") == bool(one.summary["horizon_beyond"])
        assert float(shown.lstrip(">")) == pytest.approx(
            one.summary["memory_horizon_ms"], rel=5e-3
        )  # three digits


def test_the_readme_lists_every_number(found):
    section = README.split("### What does a network do?")[1].split("\n## ")[0]
    listed = {
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    beyond = {"horizon_beyond"} & set(re.findall(r"`(\w+)`", section))
    of_weights = {name for names in OF_WEIGHTS.values() for name in names}
    assert listed | beyond == {KEPT, *found[0].summary, *of_weights}


def test_a_network_that_fell_back_has_no_dynamics(session, fitted):
    trials, splits = session
    fallen = [replace(one, share=Share(0.0, 0.0, None)) for one in fitted]
    found = dynamics_of_folds(fallen, trials, splits, names=("toy", "lstm"), seed=1)
    assert found == []
    scores = dynamics_scores(found, splits, session="toy", model="lstm")
    assert scores[["metric", "value"]].values.tolist() == [[KEPT, 0.0]]


def test_a_model_without_a_state_is_refused(session, tmp_path):
    trials, splits = session
    model = build_model("constant")
    fits = [
        model.fit(trials.select(s.train), trials.select(s.validation), np.random.default_rng(0)) for s in splits
    ]
    save_fitted(tmp_path / "parameters.safetensors", tmp_path / "fit.json", fits)
    save_trials(tmp_path / "trials.npz", trials)
    save_splits(tmp_path / "splits.csv", splits)
    with pytest.raises(DataError, match="flat is no recurrent network"):
        write_dynamics(
            trials=tmp_path / "trials.npz",
            splits=tmp_path / "splits.csv",
            parameters=tmp_path / "parameters.safetensors",
            fit=tmp_path / "fit.json",
            session="toy",
            name="flat",
            seed=0,
            threads=1,
            outputs={},
        )


def test_latents_are_of_whole_trials_or_say_why_there_are_none(session, tmp_path):
    trials, splits = session
    none = gpfa_latents(trials, splits)
    assert "3 units that fire" in none.reason, "the toy has two"
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.normal(size=(16, 50)), axis=1)[..., None]
    counts = rng.random((16, 50, 4)) < 0.3 / (1 + np.exp(-0.4 * slow * [1, -1, 1, -1]))
    several = replace(
        trials.select(np.arange(16)),
        counts=counts.astype(np.uint8),
        mask=np.ones((16, 50, 1), bool),
        lead=0,
        unit_names=tuple("abcd"),
        covariates={},
    )
    few = make_splits(several.condition, several.condition_names, 2, rng)
    found = gpfa_latents(several, few)
    found.save(tmp_path / "latents.npz")
    again = load_latents(tmp_path / "latents.npz")
    assert again.values.shape == (16, 12, 3)
    at = np.argsort(again.trial)
    first = again.values[at, :, 0].ravel()
    walk = slow[:, :48, 0].reshape(16, 12, 4).mean(axis=2).ravel()
    assert abs(np.corrcoef(first, walk)[0, 1]) > 0.6, "the one direction in which all units drift"


def test_the_figures_and_the_table_of_a_session(session, found, tmp_path):
    trials, splits = session
    save_trials(tmp_path / "trials.npz", trials)
    rng = np.random.default_rng(0)
    shown = np.concatenate([split.test for split in splits])
    Latents(shown, rng.normal(size=(shown.size, 15, 3)), 0.02).save(tmp_path / "latents.npz")
    save_portraits(tmp_path / "lstm.npz", found)
    save_portraits(tmp_path / "gru.npz", [])
    for model, held in (("lstm", found), ("gru", [])):
        write_scores(dynamics_scores(held, splits, session="toy", model=model), tmp_path / f"{model}.csv")
    draw_dynamics(
        session="toy",
        trials=tmp_path / "trials.npz",
        latents=tmp_path / "latents.npz",
        portraits={name: tmp_path / f"{name}.npz" for name in ("lstm", "gru")},
        scores=[tmp_path / f"{name}.csv" for name in ("lstm", "gru")],
        families={"psth": "psth", "lstm": "lstm", "gru": "gru"},
        output=tmp_path / "figures" / "figures.json",
    )
    section = dynamics_section(tmp_path / "figures" / "figures.json")
    assert [row.model for row in section.rows] == ["lstm, population", "lstm, own cells", "gru"]
    assert "the GLM in all folds" in section.rows[2].note
    horizon = np.median([one.summary["memory_horizon_ms"] for one in found if one.path == "population"])
    assert section.rows[0].cells[0].text.endswith(f"{horizon:.1f}")
    assert [figure["name"] for figure in section.figures] == list(FIGURES)
    for figure in section.figures:
        assert not figure["absent"], figure
        assert (tmp_path / "figures" / figure["file"]).stat().st_size > 10_000
    (tmp_path / "other.json").write_text(json.dumps({"session": "toy"}))
    with pytest.raises(DataError, match="draw it again"):
        dynamics_section(tmp_path / "other.json")
