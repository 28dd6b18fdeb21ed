"""Every model family keeps the promises of its base class. Families and their EXAMPLE are found by themselves."""

import json
import time
from dataclasses import FrozenInstanceError, asdict, dataclass, fields, replace

import jaxtyping
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.splits import make_splits
from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError, DataError
from neurodecode.models import (
    FittedModel,
    PointProcessModel,
    build_model,
    cell_names,
    example,
    family_names,
    family_type,
    load_fitted,
)

TRAIN, VALIDATION, TEST = np.arange(14), np.arange(14, 18), np.arange(18, 24)
SEED = 5


@dataclass(frozen=True)
class Fit:
    """A family's EXAMPLE fitted to part of the toy session."""

    family: str
    model: PointProcessModel
    fitted: FittedModel
    trials: Trials

    @property
    def rtol(self) -> float:
        """float32 sums of a network depend on how trials are batched; numpy families are exact."""
        return 2e-5 if self.family in cell_names() else 0.0

    @property
    def test(self) -> Trials:
        return self.trials.select(TEST)

    def again(self, trials: Trials, seed: int = SEED) -> FittedModel:
        return fit(self.model, trials, seed)


def fit(model: PointProcessModel, trials: Trials, seed: int = SEED) -> FittedModel:
    return model.fit(trials.select(TRAIN), trials.select(VALIDATION), np.random.default_rng(seed))


@pytest.fixture(scope="module", params=family_names())
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def toy(family, toy_trials) -> Fit:
    model = example(family)
    return Fit(family, model, fit(model, toy_trials), toy_trials)


def with_counts(trials: Trials, counts: np.ndarray) -> Trials:
    return replace(trials, counts=counts.astype(np.uint8))


def rebuilt(trials: Trials, counts: np.ndarray, **changes: object) -> Trials:
    """The toy session with other counts, and nothing but what is named."""
    options: dict = {"lead": trials.lead, "mask": trials.mask, "condition": trials.condition}
    options |= {"condition_names": trials.condition_names, "covariates": trials.covariates}
    return Trials.from_counts(counts, trials.bin_size_s, **(options | changes))


# -- what is tested -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", cell_names(), indirect=True, scope="module")
def test_networks_are_among_what_is_tested(toy):
    glm = toy.fitted.inputs.glm.intensity(toy.test)
    assert toy.fitted.share.value == 0.75
    assert toy.fitted.paths.name == "population and own"
    assert np.abs(toy.fitted.intensity(toy.test) / glm - 1.0).max() > 0.01, "they say something"


# -- one trial at a time; what must not reach a prediction at all is in test_leakage.py --------------------------


def test_trials_do_not_see_each_other(toy):
    together = toy.fitted.intensity(toy.test)
    alone = toy.fitted.intensity(toy.test.select(np.array([2])))
    assert_allclose(alone[0], together[2], rtol=toy.rtol)


# -- numbers ------------------------------------------------------------------------------------------------------


def test_intensity_is_positive_and_has_a_number_for_every_bin(toy):
    rate = toy.fitted.intensity(toy.test)
    assert rate.shape == toy.test.window_counts.shape
    assert rate.dtype == np.float64
    assert np.isfinite(rate).all()
    assert (rate > 0).all()


def test_fitting_beats_a_wrong_rate_and_gives_about_the_right_number_of_spikes(toy):
    expected = toy.fitted.intensity(toy.trials).mean(axis=(0, 1))
    observed = toy.trials.window_counts.mean(axis=(0, 1)) / toy.trials.bin_size_s
    # 24 trials x 60 bins x 0.12 spikes = 170 spikes: 8 percent; three times that.
    assert_allclose(expected, observed, rtol=0.24)


def test_a_unit_silent_in_training_has_a_finite_score(toy):
    counts = toy.trials.counts.copy()
    counts[np.concatenate([TRAIN, VALIDATION]), :, 0] = 0
    trials = with_counts(toy.trials, counts)
    assert trials.select(TEST).window_counts[..., 0].any()
    fitted = toy.again(trials)
    assert np.isfinite(fitted.log_likelihood(trials.select(TEST))).all()
    assert fitted.intensity(trials.select(TEST))[..., 0].mean() < 5.0


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": np.zeros(24, int), "condition_names": ["only"]},
        {"condition_names": ["left", "right", "absent"]},
        {"covariates": {}},
        {"mask": None},
        {"mask": np.random.default_rng(0).random((24, 80, 2)) < 0.9},
    ],
    ids=["one condition", "a condition without trials", "no covariates", "all observed", "a mask for each unit"],
)
def test_every_kind_of_trials_can_be_fitted(toy, changes):
    trials = rebuilt(toy.trials, toy.trials.counts, **changes)
    fitted = toy.again(trials)
    assert np.isfinite(fitted.log_likelihood(trials.select(TEST))).all()
    drawn = fitted.sample(trials.select(TEST), np.random.default_rng(0))
    assert drawn.window_counts.any()


def test_no_lead_and_a_condition_seen_only_in_testing(toy):
    condition = np.zeros(24, int)
    condition[TEST[0]] = 1
    window = np.s_[:, toy.trials.lead :]
    covariates = {name: values[window] for name, values in toy.trials.covariates.items()}
    trials = rebuilt(
        toy.trials,
        toy.trials.window_counts,
        lead=0,
        mask=toy.trials.window_mask,
        condition=condition,
        covariates=covariates,
    )
    assert np.isfinite(toy.again(trials).log_likelihood(trials.select(TEST))).all()


def test_counts_above_one(toy):
    rng = np.random.default_rng(3)
    trials = rebuilt(toy.trials, rng.poisson(1.5, toy.trials.counts.shape))
    fitted = toy.again(trials)
    expected = fitted.intensity(trials).mean() * trials.bin_size_s
    assert_allclose(expected, 1.5, rtol=0.1)  # 24 x 60 x 2 bins: 1.6 percent, and what the model adds
    drawn = fitted.sample(trials, rng)
    assert drawn.window_counts.max() > 1
    assert_allclose(
        drawn.window_counts[np.broadcast_to(drawn.window_mask, drawn.window_counts.shape)].mean(), 1.5, rtol=0.15
    )


# -- sampling -----------------------------------------------------------------------------------------------------


def test_samples_are_new_windows_of_the_same_trials(toy):
    drawn = toy.fitted.sample(toy.trials, np.random.default_rng(0))
    lead = toy.trials.lead
    assert_array_equal(drawn.counts[:, :lead], toy.trials.counts[:, :lead])
    assert_array_equal(drawn.mask, toy.trials.mask)
    assert_array_equal(drawn.condition, toy.trials.condition)
    assert drawn.counts.shape == toy.trials.counts.shape
    assert drawn.counts.max() == 1, "0/1 counts in training, so 0/1 counts drawn"
    assert not drawn.window_counts[~np.broadcast_to(drawn.window_mask, drawn.window_counts.shape)].any()
    assert (drawn.window_counts != toy.trials.window_counts).any()


def test_samples_follow_the_model(toy):
    """The expected and the drawn number of spikes agree: over many draws their difference is a martingale."""
    many = toy.trials.select(np.repeat(np.arange(24), 8))
    drawn = toy.fitted.sample(many, np.random.default_rng(1))
    seen = np.broadcast_to(many.window_mask, drawn.window_counts.shape)
    expected = toy.fitted.intensity(drawn) * many.bin_size_s
    difference = (drawn.window_counts - expected).sum(where=seen)
    assert abs(difference) < 4 * np.sqrt(expected.sum(where=seen))


def test_sampling_does_not_read_the_window(toy):
    empty = toy.test.with_window_counts(np.zeros_like(toy.test.window_counts))
    a, b = (toy.fitted.sample(trials, np.random.default_rng(2)) for trials in (toy.test, empty))
    assert_array_equal(a.counts, b.counts)


# -- seeds and files ----------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_numbers(toy):
    again = toy.again(toy.trials)
    assert_array_equal(again.intensity(toy.test), toy.fitted.intensity(toy.test))
    draws = [fitted.sample(toy.test, np.random.default_rng(4)).counts for fitted in (toy.fitted, again)]
    assert_array_equal(*draws)


def test_a_saved_model_predicts_the_same(toy, tmp_path):
    toy.fitted.save(tmp_path / "fit.safetensors")
    (loaded,) = load_fitted(tmp_path / "fit.safetensors", tmp_path / "fit.safetensors.json")
    assert loaded.model == toy.model
    told, before = (json.dumps(one.diagnostics(), sort_keys=True) for one in (loaded, toy.fitted))
    assert told == before
    assert_array_equal(loaded.intensity(toy.test), toy.fitted.intensity(toy.test))
    draws = [fitted.sample(toy.test, np.random.default_rng(4)).counts for fitted in (toy.fitted, loaded)]
    assert_array_equal(*draws)


def test_description_and_diagnostics_are_json_and_parameters_arrays(toy):
    json.dumps([toy.fitted.description(), toy.fitted.diagnostics()], allow_nan=False)
    for values in toy.fitted.parameters().values():
        assert isinstance(values, np.ndarray)
        assert values.dtype.kind in "fiub"


def test_a_fitted_model_is_immutable(toy):
    with pytest.raises(FrozenInstanceError):
        toy.fitted.model = None


def test_folds_are_fitted_one_by_one(toy):
    splits = make_splits(toy.trials.condition, toy.trials.condition_names, 2, np.random.default_rng(0))
    seeds = np.random.SeedSequence(3).spawn(2)
    fitted = toy.model.fit_folds(toy.trials, splits, seeds)
    assert len(fitted) == 2
    for one, split in zip(fitted, splits, strict=True):
        assert np.isfinite(one.log_likelihood(toy.trials.select(split.test))).all()


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["intensity", "sample"])
def test_trials_of_another_bin_size_or_number_of_units_are_refused(toy, do):
    arguments = (np.random.default_rng(0),) if do == "sample" else ()
    with pytest.raises(DataError, match=r"0\.005.*0\.01"):
        getattr(toy.fitted, do)(replace(toy.test, bin_size_s=0.01), *arguments)
    wide = rebuilt(toy.test, np.repeat(toy.test.counts, 2, axis=2))
    with pytest.raises(DataError, match=r"2 units.*4 units"):
        getattr(toy.fitted, do)(wide, *arguments)


def nonsense(value: object) -> list[object]:
    """What no hyper-parameter of this kind may be."""
    if isinstance(value, tuple):
        return [(-1.0,), (float("nan"),)]
    if isinstance(value, str):
        return ["nonsense"]
    if isinstance(value, float):
        return [-1.0, float("nan")]
    return [-1]


@pytest.fixture
def as_at_run_time():
    """Without the checks of annotations that only tests have."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def test_hyperparameters_reject_nonsense(family, as_at_run_time):
    for field in fields(example(family)):
        for value in nonsense(getattr(example(family), field.name)):
            with pytest.raises(ConfigError, match=field.name):
                build_model(family, **{field.name: value})


def test_unknown_names_are_refused(family):
    with pytest.raises(ConfigError, match="no_such_thing"):
        build_model(family, no_such_thing=1)
    with pytest.raises(ConfigError, match=r"known: .*constant"):
        build_model(family + "_")


# -- the class itself ---------------------------------------------------------------------------------------------


def test_family_is_the_name_of_its_file(family):
    assert family_type(family).family == family
    assert type(example(family)) is family_type(family)
    assert build_model(family) == family_type(family)()


def test_hyperparameters_are_plain_and_cloneable(family):
    model = example(family)
    assert type(model)(**asdict(model)) == model
    assert build_model(family, **json.loads(json.dumps(asdict(model)))) == model
    assert hash(model) == hash(type(model)(**asdict(model)))


def test_the_example_is_quick(toy):
    started = time.process_time()
    toy.again(toy.trials)
    assert time.process_time() - started < 2.0
