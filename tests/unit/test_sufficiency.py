"""What history still adds to a model: nothing to the truth, much to an average, and never by chance."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import Split, make_splits
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.sufficiency import (
    parts_of_trials,
    remaining_gains,
    sufficiency_scores,
    write_sufficiency,
)
from neurodecode.simulate import simulate

N_UNITS = 3


def simulated(population, n_trials=48):
    """Trials of the first units of a population, folds, and two models: the truth, and its average."""
    made = simulate(population, n_trials=n_trials, rng=np.random.default_rng(2))
    names, condition = np.unique(made.session.trials[made.condition].to_numpy(str), return_inverse=True)
    lead = round(made.lead_s / made.bin_size_s)
    trials = Trials.from_counts(
        made.counts, made.bin_size_s, lead=lead, condition=condition, condition_names=names.tolist()
    )
    oracle = made.oracle_hz.astype(np.float64)
    means = np.stack([oracle[condition == c].mean(axis=0) for c in range(names.size)])
    splits = make_splits(condition, tuple(names), 2, np.random.default_rng(0))
    units = np.arange(N_UNITS)
    rates = {"oracle": oracle[..., units], "psth": means[condition][..., units]}
    return trials.select_units(units), splits, rates


def scores_of(population):
    trials, splits, rates = simulated(population)
    half_way = {"half_way": np.sqrt(np.maximum(rates["oracle"], 1e-3) * rates["psth"])}
    frame = sufficiency_scores(trials, splits, rates | half_way, session="s", n_bootstrap=200, seed=4)
    assert set(frame["task"]) == {"sufficiency"}
    assert set(frame["metric"]) == {"remaining_gain"}
    return frame.set_index(["model", "unit"])[["value", "low", "high"]]


def test_on_refractory_units_the_truth_is_sufficient_and_the_average_is_not():
    found = scores_of("refractory_adapting")
    assert (found.loc["oracle", "low"] <= 0).all()
    assert_allclose(found.loc["oracle", "value"], 0.0, atol=0.015)
    assert (found.loc["psth", "low"] > 0.05).all()
    # Half of what the past says, on the scale of logs, leaves something to be said, and less than all of it.
    half, whole = found.loc[("half_way", "all"), "value"], found.loc[("psth", "all"), "value"]
    assert 0.02 < half < 0.6 * whole


def test_on_poisson_units_nothing_remains_for_any_model():
    found = scores_of("poisson")
    for model in ("oracle", "psth", "half_way"):
        assert (found.loc[model, "low"] <= 0).all()
        assert_allclose(found.loc[model, "value"], 0.0, atol=0.015)


def test_a_mere_miscalibration_is_not_credited_to_history():
    trials, splits, rates = simulated("poisson", 24)
    wrong = {"too_high": 1.5 * rates["oracle"], "oracle": rates["oracle"]}
    gains = remaining_gains(trials, splits, wrong, np.random.default_rng(0))
    assert_allclose(gains["too_high"], gains["oracle"], atol=1e-6)


@pytest.fixture(scope="module")
def refractory():
    """24 trials of 3 units that never fire twice in a row, 10 lead steps and 150 bins of 4 ms; a flat model."""
    rng = np.random.default_rng(5)
    counts = np.zeros((24, 160, 3), np.uint8)
    for step in range(1, 160):
        counts[:, step] = (rng.random((24, 3)) < 0.25) & (counts[:, step - 1] == 0)
    mask = np.ones((24, 160, 1), bool)
    mask[2, 60:] = mask[5, :20] = False
    trials = Trials.from_counts(counts, 0.004, lead=10, mask=mask, condition=np.arange(24) % 2)
    splits = make_splits(trials.condition, trials.condition_names, 3, rng)
    return trials, splits, {"flat": np.where(trials.window_mask, 50.0, np.nan) * np.ones(3)}


def gains_of(trials, splits, rates):
    return remaining_gains(trials, splits, rates, np.random.default_rng(1))["flat"]


def test_a_correction_never_sees_the_trials_that_it_scores(refractory):
    trials, splits, rates = refractory
    before = gains_of(trials, splits, rates)
    part = parts_of_trials(trials.condition, np.ones(24, bool), np.random.default_rng(1))
    changed = int(np.flatnonzero(part == 1)[0])
    counts = trials.counts.copy()
    counts[changed] = np.random.default_rng(9).random(counts[changed].shape) < 0.4
    after = gains_of(replace(trials, counts=np.where(trials.mask, counts, 0).astype(np.uint8)), splits, rates)
    same_half = (part % 2 == 1) & (np.arange(24) != changed)
    assert_array_equal(after[same_half], before[same_half])
    assert not np.array_equal(after[part % 2 == 0], before[part % 2 == 0]), "the other half was fitted to it"


def test_what_was_not_observed_changes_no_number(refractory):
    trials, splits, rates = refractory
    noise = np.random.default_rng(3).integers(0, 2, trials.counts.shape).astype(np.uint8)
    garbled = replace(trials, counts=np.where(trials.mask, trials.counts, noise).astype(np.uint8))
    assert_array_equal(gains_of(garbled, splits, rates), gains_of(trials, splits, rates))


def test_untested_trials_have_no_gain_and_each_condition_lies_in_both_halves(refractory):
    trials, splits, rates = refractory
    kept = [Split(s.fold, s.train, s.validation, s.test) for s in splits[:2]]
    gains = gains_of(trials, kept, rates)
    tested = np.concatenate([s.test for s in kept])
    assert np.isfinite(gains[tested]).all()
    assert np.isnan(np.delete(gains, tested, axis=0)).all()
    part = parts_of_trials(trials.condition, np.ones(24, bool), np.random.default_rng(1))
    for condition in (0, 1):
        assert [int(((part == p) & (trials.condition == condition)).sum()) for p in range(6)] == [2] * 6


def test_a_rate_of_zero_is_no_error_unless_a_spike_comes_there(refractory):
    trials, splits, rates = refractory
    fired = np.zeros(trials.window_counts.shape, bool)
    fired[:, 1:] = trials.window_counts[:, :-1] > 0
    exact = {"flat": np.where(fired & trials.window_mask, 0.0, rates["flat"])}  # knows the refractory bin
    gains = gains_of(trials, splits, exact)
    assert np.isfinite(gains).all()
    assert gains.sum() < 0.05 * gains_of(trials, splits, rates).sum()
    trial, step, unit = (int(index[0]) for index in np.nonzero(trials.window_counts))
    exact["flat"][trial, step, unit] = 0.0
    assert np.isnan(gains_of(trials, splits, exact)[trial, unit])


def test_too_few_trials_are_refused_with_the_way_out(refractory):
    trials, splits, rates = refractory
    few = [replace(splits[0], test=splits[0].test[:7])]
    with pytest.raises(DataError, match=r"7 tested trials.*evaluation\.sufficiency to false"):
        gains_of(trials, few, rates)


def test_the_rule_writes_the_same_rows_again(refractory, tmp_path):
    from neurodecode.data.store import save_splits, save_trials
    from neurodecode.evaluation.scores import read_scores

    trials, splits, rates = refractory
    save_trials(tmp_path / "trials.npz", trials)
    save_splits(tmp_path / "splits.csv", splits)
    np.save(tmp_path / "flat.npy", rates["flat"].astype(np.float32))
    for name in ("one", "two"):
        write_sufficiency(
            trials=tmp_path / "trials.npz",
            splits=tmp_path / "splits.csv",
            predictions={"flat": tmp_path / "flat.npy"},
            session="s",
            n_bootstrap=20,
            seed=1,
            threads=1,
            output=tmp_path / f"{name}.csv",
        )
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert list(read_scores(tmp_path / "one.csv")["unit"]) == ["0", "1", "2", "all"]
