"""Co-smoothing: a unit's own spikes, the future and test trials reach no prediction. A planted leak is caught."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import Split
from neurodecode.data.trials import Trials
from neurodecode.evaluation.co_smoothing import co_smoothed_intensity
from neurodecode.models import cell_names, example
from neurodecode.models.co_smoothing import (
    CoSmoother,
    DividedTrials,
    FittedCoSmoother,
    co_smoothers,
    co_smoothing_families,
)

SPLIT = Split(0, np.arange(14), np.arange(14, 18), np.arange(18, 24))
GROUPS = [np.array([0]), np.array([1, 2])]
SEEDS = [[np.random.SeedSequence(1)], [np.random.SeedSequence(2)]]
CO_SMOOTHERS = {
    name: one for family in co_smoothing_families() for name, one in co_smoothers(family, example(family)).items()
}


@pytest.fixture(scope="module")
def trials(toy_trials) -> Trials:
    """The toy session with a third unit that fires where the others do, and a hole in one unit alone."""
    rng = np.random.default_rng(3)
    third = toy_trials.counts.max(axis=2) & (rng.random(toy_trials.counts.shape[:2]) < 0.7)
    counts = np.concatenate([toy_trials.counts, third[..., None].astype(np.uint8)], axis=2)
    mask = np.repeat(toy_trials.mask, 3, axis=2)
    mask[20, 30:40, 1] = False
    options = {"lead": toy_trials.lead, "mask": mask, "condition": toy_trials.condition}
    names = toy_trials.condition_names
    return Trials.from_counts(counts, 0.005, condition_names=names, covariates=toy_trials.covariates, **options)


def predicted(one: CoSmoother, trials: Trials) -> tuple[np.ndarray, list[list[FittedCoSmoother]]]:
    return co_smoothed_intensity(one, trials, [SPLIT], GROUPS, SEEDS)


@pytest.fixture(scope="module", params=CO_SMOOTHERS)
def fit(request, trials):
    """Name, co-smoother, its out-of-fold rates and its fits."""
    one = CO_SMOOTHERS[request.param]
    return request.param, one, *predicted(one, trials)


def with_test_spikes(trials: Trials, units: list[int], steps: slice = np.s_[:]) -> Trials:
    """Other spikes of these units in the test trials."""
    counts = np.array(trials.counts)
    at = np.ix_(SPLIT.test, np.arange(trials.n_steps)[steps], units)
    counts[at] = np.where(trials.mask[at], 1 - counts[at], 0)
    return replace(trials, counts=counts)


def by_same_fits(fits: list[list[FittedCoSmoother]], trials: Trials) -> np.ndarray:
    rates = np.full(trials.window_counts.shape, np.nan)
    for held_out, (fit,) in zip(GROUPS, fits, strict=True):
        test = DividedTrials.of(trials, held_out).select(SPLIT.test)
        rates[np.ix_(SPLIT.test, np.arange(trials.n_bins), held_out)] = fit.intensity(test.held_in)
    return rates[SPLIT.test]


def check_own_spikes(one: CoSmoother, trials: Trials) -> None:
    """Through everything from trials to rates: a group's test spikes change none of its rates."""
    before, fits = predicted(one, trials)
    for group in GROUPS:
        after, again = predicted(one, with_test_spikes(trials, group.tolist()))
        assert_array_equal(after[..., group], before[..., group])
        for own, other in zip(fits, again, strict=True):
            for name, values in own[0].parameters().items():
                assert_array_equal(other[0].parameters()[name], values, err_msg=name)


def test_a_units_own_spikes_do_not_reach_its_prediction(fit, trials):
    name, one, before, _ = fit
    check_own_spikes(one, trials)
    if name != "psth":
        heard, _ = predicted(one, with_test_spikes(trials, [0]))
        assert (heard[SPLIT.test][..., 1:] != before[SPLIT.test][..., 1:]).any(), "nothing was listened to"


def test_the_future_of_the_other_units_reaches_only_who_says_so(fit, trials):
    _, one, _, fits = fit
    rtol = 2e-5 if hasattr(fits[0][0], "networks") else 0.0
    first = 30
    edited = with_test_spikes(trials, [0, 1, 2], np.s_[trials.lead + first :])
    before, after = (by_same_fits(fits, each)[:, : first + 1] for each in (trials, edited))
    if one.causal:
        assert_allclose(after, before, rtol=rtol)
    else:
        assert (np.abs(after / before - 1.0) > 1e-6).any(), "it says that it sees the future, and does not"


def test_masked_counts_of_the_other_units_change_no_number(fit, trials):
    _, one, before, _ = fit
    edited = replace(trials, counts=np.where(trials.mask, trials.counts, 1).astype(np.uint8))
    assert (edited.counts != trials.counts).any()
    assert_array_equal(predicted(one, edited)[0], before)


def test_a_trials_own_spikes_do_not_reach_the_average_that_it_is_fitted_under(fit, trials, averages_asked):
    name, one, _, _ = fit

    def fit_both_groups(numbered: Trials) -> None:
        for held_out in GROUPS:
            divided = DividedTrials.of(numbered, held_out)
            parts = divided.select(SPLIT.train), divided.select(SPLIT.validation)
            one.fit(*parts, np.random.default_rng(0))

    both = np.concatenate([SPLIT.train, SPLIT.validation])
    asked = averages_asked(fit_both_groups, trials, [SPLIT.train, both])
    assert asked.whole == 0
    if name != "psth":
        assert asked.left_out > 0, "nothing was watched"


def test_a_unit_that_is_left_among_those_that_are_heard_is_caught(trials, monkeypatch):
    def of(trials: Trials, held_out: np.ndarray) -> DividedTrials:
        return DividedTrials(trials, trials.select_units(held_out))

    monkeypatch.setattr(DividedTrials, "of", of)
    with pytest.raises(AssertionError):
        check_own_spikes(CO_SMOOTHERS["glm"], trials)


def test_every_family_that_can_is_among_those_tested():
    assert {"psth", "psth_gain", "glm", "glm_acausal", *cell_names()} == set(CO_SMOOTHERS)
