"""Models against each other, from trial log-likelihoods and from scores."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from neurodecode.errors import DataError
from neurodecode.evaluation.comparison import (
    best_model,
    headline,
    paired_difference,
)
from neurodecode.evaluation.likelihoods import TrialLikelihoods


def likelihoods(models, n_spikes, fold):
    nothing = np.zeros(n_spikes.shape)
    return TrialLikelihoods(
        models=models,
        null=nothing,
        nlb_null=nothing,
        saturated=nothing,
        n_spikes=n_spikes,
        fold=fold,
        condition=np.zeros(len(fold), int),
        unit_names=("a", "b"),
    )


@pytest.fixture
def paired():
    """30 trials of 2 units: trials differ much, the two models by a little in every trial. One is untested."""
    rng = np.random.default_rng(0)
    common = rng.normal(-200, 80, (30, 2))
    n_spikes = rng.poisson(20, (30, 2)) + 1
    fold = np.arange(30) % 3
    fold[-1] = -1
    better = common + 0.2 * n_spikes + rng.normal(0, 0.5, (30, 2))
    for values in (common, better):
        values[-1] = np.nan
    n_spikes[-1] = 0
    return likelihoods({"psth": common, "lstm": better}, n_spikes, fold)


def test_paired_difference_sees_what_trials_share(paired):
    found = paired_difference(paired, "lstm", "psth", n_bootstrap=400, seed=0)
    value, low, high = found.pooled
    gain = (paired.of("lstm") - paired.of("psth"))[:-1]
    assert_allclose(value, gain.sum() / paired.n_spikes.sum() / np.log(2))
    assert low < value < high
    assert high - low < 0.05, "the spread between trials must cancel"
    frame = found.frame()
    assert list(frame.unit) == ["a", "b", "all"]
    assert set(frame.model) == {"lstm"}
    back = paired_difference(paired, "psth", "lstm", n_bootstrap=400, seed=0)
    assert_allclose(back.value, -found.value)


def test_a_model_that_was_not_scored_is_refused(paired):
    with pytest.raises(DataError, match=r"'gru'.*psth, lstm"):
        paired_difference(paired, "gru", "psth", n_bootstrap=10, seed=0)


def row(
    session, model, metric, value, low=np.nan, high=np.nan, *, control="", fold="all", unit="all", task="encode"
):
    return {
        "session": session,
        "control": control,
        "task": task,
        "model": model,
        "fold": fold,
        "unit": unit,
        "metric": metric,
        "value": value,
        "low": low,
        "high": high,
    }


@pytest.fixture
def scores():
    gain, bits = "gain_over_psth", "bits_per_spike"
    return pd.DataFrame(
        [
            row("x", "psth", bits, 0.5),
            row("x", "psth", gain, 0.0, 0.0, 0.0),
            row("x", "poisson", gain, 0.4, 0.3, 0.5),
            row("x", "glm", gain, 0.20, 0.15, 0.25),
            row("x", "lstm", gain, 0.27, 0.21, 0.33),
            row("x", "lstm", gain, 0.99, fold="0"),
            row("x", "lstm", gain, 0.99, unit="a"),
            row("x", "gru", gain, np.nan),
            row("x", "oracle", gain, 0.30, 0.24, 0.36),
            row("x", "recording", "fano_100ms", 0.8),
            row("x", "lstm", gain, -0.01, -0.02, 0.001, control="poisson_surrogate"),
            row("y", "constant", bits, 0.0),
            row("y", "poisson", bits, 0.1),
        ]
    )


def test_best_model_is_of_single_trials_and_not_the_truth(scores):
    assert best_model(scores, "x") == "lstm"
    assert best_model(scores, "x", exclude=("lstm", "poisson")) == "glm"
    assert best_model(scores, "y") == "poisson", "without others the best aggregate"
    assert best_model(scores, "z") is None


def test_headline(scores):
    found = headline(scores, "x")
    assert (found.model, found.gain, found.low, found.high, found.psth_bits) == ("lstm", 0.27, 0.21, 0.33, 0.5)
    assert found.clear
    assert found.recovered == pytest.approx(0.9)
    assert headline(scores, "y") is None


def test_units_predicted_from_other_units_are_not_taken_for_models_of_spikes():
    from_others = row("a", "glm", "gain_over_psth", 9.0, 8.0, 10.0, task="co_smooth")
    scores = pd.DataFrame([row("a", "lstm", "gain_over_psth", 0.1, 0.0, 0.2), from_others])
    assert best_model(scores, "a") == "lstm"
