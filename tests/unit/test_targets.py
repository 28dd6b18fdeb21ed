"""What is decoded from a session: labels, values, signals, and what cannot be."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import TypeAdapter

from neurodecode.config.target import TargetConfig
from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.evaluation.recordings import _strata
from neurodecode.evaluation.targets import Target


def target(**given: object) -> TargetConfig:
    return TypeAdapter(TargetConfig).validate_python(given)


@pytest.fixture
def trials() -> Trials:
    rng = np.random.default_rng(0)
    return Trials.from_counts(
        rng.poisson(1.0, (6, 12, 2)),
        0.1,
        lead=2,
        columns={
            "odour": np.array(["mint", "rose", "mint", "rose", "mint", "rose"]),
            "delay_ms": np.array([300.0, 600.0, 300.0, 600.5, 300.0, 600.0]),
            "reaction_time": np.array([0.2, 0.3, np.nan, 0.25, 0.4, np.nan]),
            "spoken": np.array(["a", "", "b", "a", "b", "b"]),
        },
        covariates={"head": rng.uniform(-3, 3, (6, 12)), "hand": rng.normal(size=(6, 12, 2))},
    )


def test_labels_are_text_as_conditions_are_named(trials):
    numbers = Target.of(trials, target(**{"class": "delay_ms"})).values
    assert numbers.tolist() == ["300", "600", "300", "600.5", "300", "600"]
    chosen, labels = Target.of(trials, target(**{"class": "odour"})).of_trials(np.array([3, 0]))
    assert chosen.n_trials == 2
    assert_array_equal(labels, ["rose", "mint"])


def test_values_are_numbers(trials):
    found = Target.of(trials.select(np.array([0, 1, 3, 4])), target(value="reaction_time"))
    assert_array_equal(found.values, [0.2, 0.3, 0.25, 0.4])


def test_an_angle_becomes_its_sine_and_cosine(trials):
    found = Target.of(trials, target(signal="head", circular=True))
    turned, values = found.of_trials(np.arange(6))
    assert_array_equal(values, turned.covariates["head"][:, 2:])
    angle = trials.covariates["head"]
    assert_allclose(turned.covariates["head"][..., 0], np.sin(angle), rtol=1e-6)
    assert_allclose(turned.covariates["head"][..., 1], np.cos(angle), rtol=1e-6)
    assert_array_equal(turned.covariates["hand"], trials.covariates["hand"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"class": "odor"}, "no column 'odor'; it has: delay_ms, odour, reaction_time, spoken"),
        ({"signal": "eye"}, "no signal 'eye'; it has: hand, head"),
        ({"value": "reaction_time"}, "2 of 6 trials have no reaction_time; leave them out with `where:`"),
        ({"class": "spoken"}, "1 of 6 trials have no spoken"),
        ({"value": "odour"}, "'odour' holds text, a value is a number; or is it {class: odour}?"),
        ({"signal": "hand", "circular": True}, "'hand' has 2 dims, an angle has one"),
    ],
)
def test_a_target_that_the_trials_lack_is_named(trials, given, words):
    with pytest.raises(DataError) as error:
        Target.of(trials, target(**given))
    assert words in str(error.value)


def test_folds_get_their_share_of_what_is_decoded_where_there_is_one_condition(trials):
    strata, names = _strata(trials, target(**{"class": "odour"}))
    assert names == ("mint", "rose")
    assert strata.tolist() == [0, 1, 0, 1, 0, 1]
    assert _strata(trials, target(signal="hand"))[1] == trials.condition_names
    assert _strata(trials, None)[1] == trials.condition_names
