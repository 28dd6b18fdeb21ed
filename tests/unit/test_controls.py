"""Null controls: each destroys one thing and leaves the rest as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import make_splits
from neurodecode.data.store import load_splits, load_trials, save_splits, save_trials
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.evaluation.controls import control_names, control_of, derive_control
from neurodecode.evaluation.controls.poisson_surrogate import poisson_surrogate
from neurodecode.evaluation.controls.shuffled_labels import shuffled_labels
from neurodecode.evaluation.controls.shuffled_trials import shuffled_trials
from neurodecode.models.psth import fit_psth


def refractory_trials(*, binary: bool = True) -> Trials:
    """120 trials, 2 units of about 60 Hz in 2 conditions at 2 ms, 10 lead steps and 90 bins, each spike
    followed by 3 silent bins; the last 10 trials were observed in their first half only."""
    rng = np.random.default_rng(3)
    condition = np.arange(120) % 2
    chance = 0.12 + 0.1 * np.sin(np.arange(100) / 12.0)[None, :, None] * np.where(condition, 1, -1)[:, None, None]
    counts = np.zeros((120, 100, 2), int)
    for step in range(100):
        silent = counts[:, max(step - 3, 0) : step].any(axis=1)
        fires = (rng.random((120, 2)) < 2.0 * chance[:, step]) & ~silent
        counts[:, step] = fires if binary else fires * rng.integers(1, 4, (120, 2))
    mask = np.ones((120, 100, 1), bool)
    mask[110:, 50:] = False
    return Trials.from_counts(
        counts,
        0.002,
        lead=10,
        mask=mask,
        condition=condition,
        condition_names=["left", "right"],
        columns={
            "side": np.array(["left", "right"])[condition],
            "angle": np.where(condition, 90.0, -90.0),
            "trial_number": np.arange(120),
            "block": np.arange(120) // 60,
        },
    )


def n_pairs_at_lag(trials: Trials, lag: int) -> int:
    return int(np.sum(trials.counts[:, lag:].astype(bool) & trials.counts[:, :-lag].astype(bool)))


@pytest.mark.parametrize("binary", [True, False])
def test_surrogate_has_the_rates_of_the_psth_in_every_bin(binary):
    trials = refractory_trials(binary=binary)
    expected = fit_psth(trials).intensity_with_lead(trials) * trials.bin_size_s * trials.mask
    draws = [poisson_surrogate(trials, np.random.default_rng(seed)).counts for seed in range(30)]
    for code in (0, 1):
        members = trials.condition == code
        seen = np.mean([d[members].sum(axis=0) for d in draws], axis=0)
        wanted = expected[members].sum(axis=0)
        # 200 bins and units a condition; sums are Poisson or narrower: 5 standard errors of 30 draws.
        assert np.all(np.abs(seen - wanted) < 5.0 * np.sqrt(wanted / 30))
    total = np.mean([d.sum() for d in draws])
    assert_allclose(total, expected.sum(), rtol=5.0 / np.sqrt(30 * expected.sum()))


def test_surrogate_forgets_refractoriness():
    trials = refractory_trials()
    surrogate = poisson_surrogate(trials, np.random.default_rng(0))
    mu = fit_psth(trials).intensity_with_lead(trials) * trials.bin_size_s * trials.mask
    for lag in (1, 2, 3):
        assert n_pairs_at_lag(trials, lag) == 0
        independent = (mu[:, lag:] * mu[:, :-lag]).sum()
        assert abs(n_pairs_at_lag(surrogate, lag) - independent) < 5.0 * np.sqrt(independent)


def test_surrogate_keeps_the_grid_of_counts():
    assert poisson_surrogate(refractory_trials(), np.random.default_rng(0)).binary
    coarse = refractory_trials(binary=False)
    surrogate = poisson_surrogate(coarse, np.random.default_rng(0))
    assert surrogate.counts.max() > 1
    window = surrogate.counts[:100]
    mean = fit_psth(coarse).intensity_with_lead(coarse)[:100] * coarse.bin_size_s
    # Poisson: the variance about the mean is the mean; within 10 percent over 20,000 bins.
    assert_allclose(((window - mean) ** 2).mean(), mean.mean(), rtol=0.1)


def test_surrogate_of_a_unit_that_fires_in_every_bin_and_of_a_silent_one():
    counts = np.zeros((12, 30, 2), int)
    counts[..., 0] = 1
    surrogate = poisson_surrogate(Trials.from_counts(counts, 0.01, lead=5), np.random.default_rng(0))
    assert surrogate.counts[..., 0].mean() > 0.95
    assert surrogate.counts[..., 1].mean() < 0.05


@pytest.mark.parametrize("name", control_names())
def test_what_was_masked_stays_masked_and_empty(name):
    trials = refractory_trials()
    derived = control_of(name)(trials, np.random.default_rng(0))
    assert derived.mask.sum() * trials.n_units / derived.mask.shape[2] == trials.mask.sum() * trials.n_units
    assert not derived.counts[~np.broadcast_to(derived.mask, derived.counts.shape)].any()
    if name != "shuffled_trials":
        assert_array_equal(derived.mask, trials.mask)


@pytest.mark.parametrize("name", control_names())
def test_seed_decides_and_the_recording_is_left_alone(name):
    trials = refractory_trials()
    before = trials.counts.copy(), trials.condition.copy()
    first, again, other = (control_of(name)(trials, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert_array_equal(first.counts, again.counts)
    assert_array_equal(first.condition, again.condition)
    assert not (np.array_equal(first.counts, other.counts) and np.array_equal(first.condition, other.condition))
    assert_array_equal(trials.counts, before[0])
    assert_array_equal(trials.condition, before[1])


def test_surrogate_leaves_the_global_generator_alone():
    state = np.random.get_state()[1].copy()  # noqa: NPY002  (the very thing that is tested)
    poisson_surrogate(refractory_trials(), np.random.default_rng(0))
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_masked_counts_change_no_surrogate():
    trials = refractory_trials()
    counts = trials.counts.copy()
    counts[110:, 50:] = 1
    for name in ("poisson_surrogate", "shuffled_trials"):
        same = control_of(name)(trials, np.random.default_rng(4))
        edited = control_of(name)(replace(trials, counts=counts), np.random.default_rng(4))
        shown = np.broadcast_to(same.mask, same.counts.shape)
        assert_array_equal(same.counts[shown], edited.counts[shown])


def test_shuffled_trials_keep_trains_whole_and_break_pairs():
    trials = refractory_trials()
    derived = shuffled_trials(trials, np.random.default_rng(0))
    assert derived.mask.shape == trials.counts.shape
    source = np.empty((120, 2), int)
    for unit in range(2):
        known = {trials.counts[i, :, unit].tobytes(): i for i in range(120)}
        assert len(known) == 120
        source[:, unit] = [known[derived.counts[i, :, unit].tobytes()] for i in range(120)]
        assert sorted(source[:, unit]) == list(range(120))
        assert_array_equal(trials.condition[source[:, unit]], trials.condition)
        assert_array_equal(derived.mask[:, :, unit], trials.mask[source[:, unit], :, 0])
    assert np.mean(source[:, 0] == source[:, 1]) < 0.1


def test_shuffled_trials_of_one_mask_keep_one_mask():
    trials = refractory_trials().select(np.arange(100))
    assert shuffled_trials(trials, np.random.default_rng(0)).mask.shape == (100, 100, 1)


def test_shuffled_trials_say_which_conditions_cannot_be_shuffled(caplog):
    trials = refractory_trials().select(np.array([0, 2, 4, 1]))
    derived = shuffled_trials(trials, np.random.default_rng(0))
    assert_array_equal(derived.counts[3], trials.counts[3])
    assert "1 conditions have a single trial" in caplog.text


def test_shuffled_labels_permute_conditions_and_what_tells_the_same():
    trials = refractory_trials()
    derived = shuffled_labels(trials, np.random.default_rng(0))
    assert_array_equal(derived.counts, trials.counts)
    assert_array_equal(np.bincount(derived.condition), np.bincount(trials.condition))
    assert 0.3 < np.mean(derived.condition == trials.condition) < 0.7
    assert_array_equal(derived.columns["side"], np.array(["left", "right"])[derived.condition])
    assert_array_equal(derived.columns["angle"], np.where(derived.condition, 90.0, -90.0))
    for name in ("trial_number", "block"):
        assert_array_equal(derived.columns[name], trials.columns[name])


def test_shuffled_labels_need_two_conditions():
    with pytest.raises(DataError, match="at least two conditions"):
        shuffled_labels(refractory_trials().select(np.arange(0, 120, 2)), np.random.default_rng(0))


@pytest.fixture
def ingested(tmp_path):
    """Paths of what the ingest wrote, and of what a control shall write."""
    trials = refractory_trials()
    given = {name: tmp_path / "rec" / file for name, file in FILES.items()}
    save_trials(given["trials"], trials)
    splits = make_splits(trials.condition, trials.condition_names, 4, np.random.default_rng(0))
    save_splits(given["splits"], splits)
    given["quality"].write_text(json.dumps({"units": [{"unit": "0", "rate_hz": 50.0}]}))
    return given, {name: tmp_path / "rec.control" / file for name, file in FILES.items()}


FILES = {"trials": "trials.npz", "splits": "splits.csv", "quality": "quality.json"}


@pytest.mark.parametrize("control", ["poisson_surrogate", "shuffled_trials"])
def test_derived_session_keeps_the_folds(ingested, control):
    given, outputs = ingested
    derive_control(**given, control=control, session="rec", seed=1, outputs=outputs)
    assert (load_trials(outputs["trials"]).counts != load_trials(given["trials"]).counts).any()
    assert outputs["splits"].read_bytes() == given["splits"].read_bytes()
    quality = json.loads(outputs["quality"].read_text())
    assert quality["control"] == control
    assert quality["derived_from"] == "rec"
    assert quality["units"] == [{"unit": "0", "rate_hz": 50.0}]


def test_shuffled_labels_are_dealt_anew_over_as_many_folds(ingested):
    given, outputs = ingested
    derive_control(**given, control="shuffled_labels", session="rec", seed=1, outputs=outputs)
    derived, folds = load_trials(outputs["trials"]), load_splits(outputs["splits"])
    assert len(folds) == 4
    for fold in folds:
        assert_array_equal(np.bincount(derived.condition[fold.test]), [15, 15])


def test_blocks_stay_blocks(ingested):
    given, outputs = ingested
    trials = load_trials(given["trials"])
    blocks = make_splits(trials.condition, trials.condition_names, 4, np.random.default_rng(0), kind="blocks")
    save_splits(given["splits"], blocks)
    derive_control(**given, control="shuffled_labels", session="rec", seed=1, outputs=outputs)
    assert outputs["splits"].read_bytes() == given["splits"].read_bytes()


def test_same_seed_same_files_and_each_session_its_own(ingested, tmp_path):
    given, outputs = ingested
    counts = []
    for folder, session in (("a", "rec"), ("b", "rec"), ("c", "other")):
        written = {name: tmp_path / folder / path.name for name, path in outputs.items()}
        derive_control(**given, control="poisson_surrogate", session=session, seed=1, outputs=written)
        counts.append(load_trials(written["trials"]).counts)
    assert_array_equal(counts[0], counts[1])
    assert (counts[0] != counts[2]).any()


def test_bad_input_of_a_derived_session(ingested):
    given, outputs = ingested
    with pytest.raises(ConfigError, match="unknown control 'jittered'; known: poisson_surrogate"):
        derive_control(**given, control="jittered", session="rec", seed=1, outputs=outputs)
    given["quality"].write_text("[1, 2")
    with pytest.raises(DataError, match=r"quality\.json: not readable JSON .*run the ingest again"):
        derive_control(**given, control="shuffled_trials", session="rec", seed=1, outputs=outputs)
    given["quality"].write_text("[1, 2]")
    with pytest.raises(DataError, match="expected a JSON object, got list"):
        derive_control(**given, control="shuffled_trials", session="rec", seed=1, outputs=outputs)
    assert not outputs["trials"].exists()
