"""Nothing reaches a prediction that must not: the future, test trials, their labels, a trial's own average.

Each kind of leak has one check, which every family must pass; families are found by their files. Each check is
also shown a model that leaks in just that way, and must catch it. Units that are predicted from other units:
``test_leakage_of_units.py``; which trials are in which fold: ``tests/unit/test_splits.py``; searched
hyper-parameters: ``tests/unit/test_search.py``.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import Split
from neurodecode.data.trials import Trials
from neurodecode.evaluation.folds import out_of_fold_intensity
from neurodecode.likelihood import mean_rate_hz
from neurodecode.models import FittedModel, PointProcessModel, build_model, cell_names, example, family_names
from neurodecode.models.psth import fit_psth

SPLIT = Split(0, np.arange(14), np.arange(14, 18), np.arange(18, 24))
FITTED_TO = (SPLIT.train, np.concatenate([SPLIT.train, SPLIT.validation]))
SEED = np.random.SeedSequence(5)
LABEL_FREE = {"constant": build_model("constant"), "psth, pooled": build_model("psth", pooled=True)}


def fitted_fold(model: PointProcessModel, trials: Trials) -> FittedModel:
    return model.fit_folds(trials, [SPLIT], [SEED])[0]


def rtol(model: PointProcessModel) -> float:
    """float32 sums of a network depend on how trials are batched; numpy families are exact."""
    return 2e-5 if model.family in cell_names() else 0.0


def replaced(trials: Trials, which: np.ndarray) -> Trials:
    """Everything that a trial is, spikes, label, covariates and time, made another's for ``which`` trials."""
    counts, condition, t0_s = (np.array(v) for v in (trials.counts, trials.condition, trials.t0_s))
    counts[which] = np.where(trials.mask[which], 1 - counts[which], 0)
    condition[which] = 1 - condition[which]
    t0_s[which] += 100.0
    covariates = {name: np.array(values) for name, values in trials.covariates.items()}
    for values in covariates.values():
        values[which] = 3.0 - 2.0 * values[which]
    return replace(trials, counts=counts, condition=condition, t0_s=t0_s, covariates=covariates)


# -- the checks ---------------------------------------------------------------------------------------------------


def check_future(model: PointProcessModel, fitted: FittedModel, trials: Trials) -> None:
    """Spikes of bin t and later change no intensity up to t."""
    test = trials.select(SPLIT.test)
    before = fitted.intensity(test)
    for first in (0, 1, 30, 59):
        counts = np.array(test.counts)
        counts[:, test.lead + first :] = 1 - counts[:, test.lead + first :]
        after = fitted.intensity(replace(test, counts=counts))
        past = np.s_[:, : first + 1]  # the bin itself belongs to the past: it sees earlier bins only
        assert_allclose(after[past], before[past], rtol=rtol(model))


def check_test_trials_of_the_fit(model: PointProcessModel, fitted: FittedModel, trials: Trials) -> None:
    """Whatever the test trials are, the parameters stay the same, bit for bit."""
    again = fitted_fold(model, replaced(trials, SPLIT.test)).parameters()
    own = fitted.parameters()
    assert own.keys() == again.keys()
    for name, values in own.items():
        assert_array_equal(again[name], values, err_msg=name)


def check_test_trials_of_each_other(model: PointProcessModel, fitted: FittedModel, trials: Trials) -> None:
    """A test trial changes no other test trial's prediction."""
    before, after = (
        out_of_fold_intensity([fitted], one, [SPLIT]) for one in (trials, replaced(trials, SPLIT.test[:1]))
    )
    assert_allclose(after[SPLIT.test[1:]], before[SPLIT.test[1:]], rtol=rtol(model))


def check_labels(fitted: FittedModel, trials: Trials) -> None:
    """What must not know the condition predicts the same whatever it is said to be."""
    test = trials.select(SPLIT.test)
    swapped = replace(test, condition=1 - test.condition)
    assert_array_equal(fitted.intensity(swapped), fitted.intensity(test))


def check_masked(model: PointProcessModel, fitted: FittedModel, trials: Trials) -> None:
    """What stands where nothing was recorded changes no number."""
    edited = replace(trials, counts=np.where(trials.mask, trials.counts, 1).astype(np.uint8))
    assert (edited.counts != trials.counts).any()
    assert_array_equal(fitted.intensity(edited), fitted.intensity(trials))
    assert_array_equal(fitted.log_likelihood(edited), fitted.log_likelihood(trials))
    for name, values in fitted_fold(model, edited).parameters().items():
        assert_array_equal(values, fitted.parameters()[name], err_msg=name)


def check_scale(model: PointProcessModel, fitted: FittedModel, trials: Trials) -> None:
    """Inputs are standardised by training trials: validation trials change no mean and no standard deviation."""
    again = fitted_fold(model, replaced(trials, SPLIT.validation)).parameters()
    for name in ("mean", "sd"):
        assert_array_equal(again[name], fitted.parameters()[name], err_msg=name)


def check_own_average(model: PointProcessModel, trials: Trials, averages_asked) -> int:
    """No trial is fitted under an average that it is part of; how often one was asked for that leaves it out."""
    asked = averages_asked(lambda numbered: fitted_fold(model, numbered), trials, FITTED_TO)
    assert asked.whole == 0
    return asked.left_out


# -- every family -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=family_names())
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def fit(family, toy_trials) -> tuple[PointProcessModel, FittedModel, Trials]:
    model = example(family)
    return model, fitted_fold(model, toy_trials), toy_trials


def test_future_spikes(fit):
    check_future(*fit)


def test_test_trials_do_not_reach_the_fit(fit):
    check_test_trials_of_the_fit(*fit)


def test_test_trials_do_not_reach_each_other(fit):
    check_test_trials_of_each_other(*fit)


def test_masked_counts(fit):
    check_masked(*fit)


@pytest.mark.parametrize("name", LABEL_FREE)
def test_labels_do_not_reach_models_that_must_not_have_them(name, toy_trials):
    check_labels(fitted_fold(LABEL_FREE[name], toy_trials), toy_trials)


@pytest.mark.parametrize("family", cell_names())
def test_validation_trials_do_not_reach_the_scale_of_the_inputs(family, toy_trials):
    model = example(family)
    check_scale(model, fitted_fold(model, toy_trials), toy_trials)


def test_a_trials_own_spikes_do_not_reach_the_average_that_it_is_fitted_under(family, toy_trials, averages_asked):
    left_out = check_own_average(example(family), toy_trials, averages_asked)
    if family in ("glm", "markov", "psth_gain", *cell_names()):
        assert left_out > 0, "nothing was watched"


def test_the_average_without_a_trial_does_not_hold_its_spikes(toy_trials):
    psth = fit_psth(toy_trials.select(SPLIT.train))
    one = toy_trials.select(np.array([2]))
    fuller = replace(one, counts=np.ones_like(one.counts))
    counts = np.array(psth.counts)
    counts[one.condition[0]] += (fuller.counts[0].astype(int) - one.counts[0]).astype(counts.dtype)
    assert_allclose(replace(psth, counts=counts).leave_one_out(fuller), psth.leave_one_out(one), rtol=1e-9)


# -- planted leaks ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Rate(FittedModel):
    """A rate per unit; ``leak`` names what else gets in."""

    model: PointProcessModel
    rate_hz: np.ndarray
    leak: str
    extra: dict

    def intensity(self, trials):
        rate = np.tile(self.rate_hz, (trials.n_trials, trials.n_bins, 1))
        window = trials.window_counts.astype(float)
        if self.leak == "future":
            rate[:, :-1] += window[:, 1:]
        if self.leak == "batch":
            rate *= 1.0 + window.mean()
        if self.leak == "labels":
            rate *= 1.0 + trials.condition[:, None, None]
        if self.leak == "masked":
            rate[:, 1:] += np.cumsum(window, axis=1)[:, :-1]
        return rate

    def sample(self, trials, rng):
        return trials

    def stepper(self, trials):
        raise NotImplementedError

    def parameters(self):
        return {"rate_hz": self.rate_hz, **self.extra}


@dataclass(frozen=True)
class Leaky(PointProcessModel):
    leak: str = ""

    def fit(self, trials, validation, rng):
        extra = {}
        if self.leak == "scale":
            both = trials.concatenate(validation).counts
            extra = {"mean": both.mean(axis=(0, 1)), "sd": both.std(axis=(0, 1))}
        if self.leak == "average":
            fit_psth(trials).intensity(trials)
        return Rate(
            self, mean_rate_hz(trials.window_counts, trials.window_mask, trials.bin_size_s), self.leak, extra
        )

    def fit_folds(self, trials, splits, seeds):
        if self.leak == "fit":
            return [self.fit(trials, trials, None) for _ in splits]
        return super().fit_folds(trials, splits, seeds)

    def rebuild(self, parameters, description):
        raise NotImplementedError


CHECKS = {
    "future": check_future,
    "fit": check_test_trials_of_the_fit,
    "batch": check_test_trials_of_each_other,
    "labels": lambda model, fitted, trials: check_labels(fitted, trials),
    "masked": check_masked,
    "scale": check_scale,
}


@pytest.mark.parametrize("leak", CHECKS)
def test_a_planted_leak_is_caught_by_its_check(leak, toy_trials):
    model = Leaky(leak)
    fitted = fitted_fold(model, toy_trials)
    with pytest.raises(AssertionError):
        CHECKS[leak](model, fitted, toy_trials)


@pytest.mark.parametrize("check", [name for name in CHECKS if name != "scale"])
def test_a_model_without_a_leak_passes(check, toy_trials):
    model = Leaky()
    CHECKS[check](model, fitted_fold(model, toy_trials), toy_trials)


def test_a_planted_average_of_itself_is_caught(toy_trials, averages_asked):
    with pytest.raises(AssertionError):
        check_own_average(Leaky("average"), toy_trials, averages_asked)
