"""The PSTH: rates that are recovered, choices that fit the rates, and trials that are left out exactly."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.models.constant import Constant
from neurodecode.models.psth import PSTH, FittedPSTH, fit_psth

BIN = 0.005
TIME = np.arange(200)
SMOOTH = 30 + 25 * np.sin(TIME / 20.0)
BURST = SMOOTH + 170.0 * np.exp(-0.5 * ((TIME - 100) / 4.0) ** 2)
STEP = np.where(TIME < 80, 10.0, 40.0)


def simulated(rates_hz: np.ndarray, n_trials: int, seed: int = 0, **options: object) -> Trials:
    """Trials of one unit; ``rates_hz`` (conditions, steps)."""
    condition = np.arange(n_trials) % len(rates_hz)
    counts = np.random.default_rng(seed).poisson(rates_hz[condition] * BIN)[..., None]
    names = [str(code) for code in range(len(rates_hz))]
    return Trials.from_counts(counts, BIN, condition=condition, condition_names=names, **options)


def bandwidth_s(fitted: FittedPSTH) -> float:
    return fitted.diagnostics()["grand_bandwidth_s"][0]


def test_a_known_rate_is_recovered():
    found = fit_psth(simulated(SMOOTH[None], 400)).condition_rates_hz[0, :, 0]
    # 400 trials x 10 bins of a kernel x 0.15 spikes = 600 spikes: 4 percent, three times that.
    assert_allclose(found[10:-10], SMOOTH[10:-10], rtol=0.15, atol=1.0)
    assert_allclose(found, SMOOTH, rtol=0.3, atol=1.0)  # at a slope, an average leans inwards from the edge


def test_the_bandwidth_is_narrow_for_what_is_fast_and_wide_for_what_is_slow():
    fast = 30 + 25 * np.sin(TIME / 2.0)
    assert bandwidth_s(fit_psth(simulated(fast[None], 60))) < 0.01
    assert 0.01 < bandwidth_s(fit_psth(simulated(SMOOTH[None], 60))) < 0.1
    assert bandwidth_s(fit_psth(simulated(np.full((1, 200), 30.0), 60))) > 0.3


def test_a_brief_response_on_a_slow_background_gets_a_bandwidth_of_its_own(monkeypatch):
    def loss(fitted: FittedPSTH) -> float:
        """Nats per trial that the estimate costs against the true rate."""
        mu, truth = fitted.condition_rates_hz[0, :, 0] * BIN, BURST * BIN
        return float((mu - truth - truth * np.log(mu / truth)).sum())

    trials = simulated(BURST[None], 200)
    over_time = loss(fit_psth(trials))
    monkeypatch.setattr("neurodecode.models._psth_choice.WIDTHS", (np.inf,))
    assert over_time < 0.7 * loss(fit_psth(trials))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_flat_rate_is_the_constant(seed):
    trials = simulated(np.full((3, 200), 20.0), 90, seed)
    rates = fit_psth(trials).condition_rates_hz
    constant = Constant().fit(
        trials.select(np.arange(70)), trials.select(np.arange(70, 90)), np.random.default_rng()
    )
    # 90 x 200 bins x 0.1 spikes = 1800 spikes: 2 percent; what is left of wider kernels may add as much.
    assert_allclose(rates, constant.rate_hz[0], rtol=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_equal_conditions_share_one_rate(seed):
    fitted = fit_psth(simulated(np.stack([SMOOTH] * 4), 80, seed))
    assert np.isinf(fitted.shrinkage_trials[0])
    assert_array_equal(fitted.condition_rates_hz[0], fitted.condition_rates_hz[3])
    assert fitted.diagnostics()["shrinkage_trials"] == [None]


def test_different_conditions_are_told_apart():
    fitted = fit_psth(simulated(np.stack([SMOOTH, SMOOTH[::-1]]), 100))
    assert fitted.shrinkage_trials[0] < 8
    assert_allclose(fitted.condition_rates_hz[1, :, 0], SMOOTH[::-1], rtol=0.4, atol=3.0)


def test_few_trials_of_a_condition_lean_on_the_others():
    """Conditions of 5 trials that differ a little: themselves and the grand mean together are best."""
    shapes = np.stack([SMOOTH * gain for gain in (0.6, 0.9, 1.1, 1.4)])
    fitted = fit_psth(simulated(shapes, 20))
    assert 0 < fitted.shrinkage_trials[0] < np.inf
    error, *others = (
        np.square(f.condition_rates_hz[..., 0] - shapes).mean()
        for f in (fitted, *(replace(fitted, shrinkage_trials=np.array([k])) for k in (0.0, np.inf)))
    )
    assert error < min(others)


def test_the_rate_may_jump_at_the_event_only_where_it_does():
    jumping = fit_psth(simulated(STEP[None], 60, window_start_s=-80 * BIN))
    assert jumping.jumps.tolist() == [True]
    rates = jumping.condition_rates_hz[0, :, 0]
    assert rates[79] < 15 < 30 < rates[80]
    assert not fit_psth(simulated(SMOOTH[None], 60, window_start_s=-80 * BIN)).jumps.any()
    assert not fit_psth(simulated(STEP[None], 60)).jumps.any()  # no event within the window


def test_unobserved_steps_do_not_lower_the_rate():
    mask = np.ones((60, 200, 1), bool)
    mask[:45, 90:130] = False
    fitted = fit_psth(simulated(np.full((1, 200), 30.0), 60, mask=mask))
    assert_allclose(fitted.condition_rates_hz, 30.0, rtol=0.1)  # 1600 spikes: 2.5 percent


def test_a_condition_without_trials_has_the_grand_mean():
    trials = simulated(np.stack([SMOOTH, SMOOTH[::-1]]), 60)
    fitted = fit_psth(replace(trials, condition_names=("0", "1", "none")))
    both = fitted.condition_rates_hz[:2].mean(axis=0)
    assert_allclose(fitted.condition_rates_hz[2], both, rtol=0.25, atol=2.0)


def test_the_lead_has_a_rate_that_continues_the_window():
    fitted = fit_psth(simulated(SMOOTH[None], 300, lead=50))
    assert fitted.condition_rates_hz.shape == (1, 200, 1)
    assert_allclose(fitted.condition_rates_hz[0, :, 0], SMOOTH, rtol=0.2, atol=2.0)
    unobserved = np.ones((300, 200, 1), bool)
    unobserved[:, :50] = False
    blind = fit_psth(simulated(SMOOTH[None], 300, lead=50, mask=unobserved))
    assert np.isfinite(blind.condition_rates_hz).all()
    assert (blind.condition_rates_hz > 0).all()


def refitted_sums(fitted: FittedPSTH, trials: Trials, left_out: int) -> FittedPSTH:
    """The same choices on sums that never held the trial."""
    rest = trials.select(np.delete(np.arange(trials.n_trials), left_out))
    counts, observed = np.zeros_like(fitted.counts), np.zeros_like(fitted.observed)
    for trial in range(rest.n_trials):
        counts[rest.condition[trial]] += np.where(rest.mask[trial], rest.counts[trial], 0)
        observed[rest.condition[trial]] += rest.mask[trial]
    return replace(fitted, counts=counts, observed=observed)


def test_leaving_a_trial_out_equals_never_having_seen_it(toy_trials):
    fitted = fit_psth(toy_trials, PSTH(n_bandwidths=4, n_groups=4))
    chosen = np.array([5, 3, 23, 0])
    rates = fitted.leave_one_out(toy_trials.select(chosen))
    for row, trial in enumerate(chosen):
        without = refitted_sums(fitted, toy_trials, trial)
        alone = without.intensity_with_lead(toy_trials.select(chosen[row : row + 1]))[0]
        assert_allclose(rates[row], alone, rtol=1e-10)  # sums of 24 trials in another order


@pytest.mark.parametrize("shrinkage", [0.0, 8.0])
def test_leaving_out_the_only_trial_of_a_condition_leaves_the_grand_mean(shrinkage):
    trials = simulated(np.stack([SMOOTH, SMOOTH[::-1]]), 60)
    trials = replace(trials, condition=np.r_[2, trials.condition[1:]], condition_names=("0", "1", "one"))
    fitted = fit_psth(trials)
    assert np.isfinite(fitted.shrinkage_trials[0])
    fitted = replace(fitted, shrinkage_trials=np.array([shrinkage]))
    left = fitted.leave_one_out(trials.select(np.array([0])))
    without = refitted_sums(fitted, trials, 0)
    assert_allclose(left[0], without.condition_rates_hz[2], rtol=1e-10)
    grand = replace(without, shrinkage_trials=np.array([np.inf])).condition_rates_hz[2]
    assert_allclose(left[0], grand, rtol=1e-10)


def test_a_trial_that_was_not_fitted_cannot_be_left_out():
    trials = simulated(SMOOTH[None], 3, seed=1)
    other = replace(trials, counts=np.full_like(trials.counts, 3))
    with pytest.raises(DataError, match="not fitted to"):
        fit_psth(trials).leave_one_out(other)


def test_other_windows_and_conditions_are_refused():
    trials = simulated(np.stack([SMOOTH, SMOOTH]), 20)
    fitted = fit_psth(trials)
    with pytest.raises(DataError, match="window of 200 bins"):
        fitted.intensity(simulated(SMOOTH[None, :150].repeat(2, axis=0), 20))
    with pytest.raises(DataError, match="conditions"):
        fitted.intensity(replace(trials, condition_names=("0", "other")))
    with pytest.raises(DataError, match="lead of 0 steps"):
        fitted.intensity_with_lead(simulated(np.stack([np.r_[SMOOTH, SMOOTH[:5]]] * 2), 20, lead=5))


def test_no_trials_are_refused():
    with pytest.raises(DataError, match="at least one trial"):
        fit_psth(simulated(SMOOTH[None], 3).select(np.zeros(0, int)))


@pytest.mark.parametrize("n_trials", [1, 2, 3])
def test_hardly_any_trials_still_give_rates(n_trials):
    trials = simulated(np.stack([SMOOTH, STEP]), n_trials)
    fitted = fit_psth(trials)
    for rates in (fitted.condition_rates_hz, fitted.leave_one_out(trials)):
        assert np.isfinite(rates).all()
        assert (rates > 0).all()


def test_units_do_not_depend_on_each_other():
    one, two = simulated(SMOOTH[None], 40), simulated(BURST[None], 40, seed=1)
    both = Trials.from_counts(np.concatenate([one.counts, two.counts], axis=2), BIN)
    rates = fit_psth(both).condition_rates_hz
    assert_allclose(rates[..., 0], fit_psth(one).condition_rates_hz[..., 0], rtol=1e-12)
    assert_allclose(rates[..., 1], fit_psth(two).condition_rates_hz[..., 0], rtol=1e-12)


def test_pooled_ignores_conditions(toy_trials):
    pooled = fit_psth(toy_trials, PSTH(pooled=True))
    relabelled = replace(toy_trials, condition=1 - toy_trials.condition)
    assert_array_equal(pooled.intensity(toy_trials), pooled.intensity(relabelled))
    assert_array_equal(pooled.leave_one_out(toy_trials), pooled.leave_one_out(relabelled))
    assert not np.allclose(pooled.intensity(toy_trials), fit_psth(toy_trials).intensity(toy_trials))
