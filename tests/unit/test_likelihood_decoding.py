"""Classes read out of encoding models: Bayes' rule, nothing of a trial's class, nothing of what was held out."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.decoders import load_decoder
from neurodecode.decoders._encoding import before_validation, bin_log_likelihood
from neurodecode.decoders.likelihood import LikelihoodDecoder
from neurodecode.errors import ConfigError, DataError
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.metrics.classification import log_loss
from neurodecode.models import cell_names, example, family_names

TRAIN, VALIDATION, TEST = np.arange(30), np.arange(30, 40), np.arange(40, 60)


@pytest.fixture(scope="module")
def refractory() -> Trials:
    """60 trials of two units that rest after a spike; in one class they fire early, in the other late."""
    rng = np.random.default_rng(5)
    condition = np.arange(60) % 2
    steps = np.arange(70)
    drive = np.where(
        condition[:, None] == 0, np.exp(-0.5 * ((steps - 30) / 10) ** 2), np.exp(-0.5 * ((steps - 50) / 10) ** 2)
    )
    counts = np.zeros((60, 70, 2), np.uint8)
    for step in steps:
        resting = counts[:, step - 1] if step else np.zeros((60, 2))
        counts[:, step] = rng.random((60, 2)) < (0.05 + 0.3 * drive[:, step, None]) * (1 - resting)
    mask = np.ones((60, 70, 1), bool)
    mask[45, 25:35] = False
    return Trials.from_counts(
        counts,
        0.005,
        lead=10,
        mask=mask,
        condition=condition,
        condition_names=["early", "late"],
        columns={"when": np.array(["early", "late"])[condition]},
    )


@pytest.fixture(scope="module", params=family_names())
def encoded(request, refractory):
    """A family's EXAMPLE fitted by the decoder itself."""
    model = {"family": request.param, **vars(example(request.param))}
    decoder = LikelihoodDecoder(model=model)
    return decoder.fit(refractory.select(TRAIN), validation=(refractory.select(VALIDATION), None))


def test_a_trials_own_class_reaches_nothing(encoded, refractory):
    """Neither the condition, nor the names of conditions, nor the columns of the table."""
    test = refractory.select(TEST)
    order = np.random.default_rng(0).permutation(TEST.size)
    other = replace(
        test,
        condition=test.condition[order],
        condition_names=("late", "early"),
        columns={"when": test.columns["when"][order]},
    )
    assert (other.condition != test.condition).any()
    assert_array_equal(encoded.predict_proba_bins(other), encoded.predict_proba_bins(test))


def test_it_is_bayes_rule_on_the_likelihood_of_every_class(encoded, refractory):
    """Class after class, trials told to be of it, by the formula that scores models."""
    test = refractory.select(TEST)
    log_p = np.empty((TEST.size, 2))
    for code in range(2):
        told = replace(test, condition=np.full(TEST.size, code))
        rate_hz = encoded.encoding.intensity(told)
        log_p[:, code] = trial_log_likelihood(told.window_counts, rate_hz, 0.005, told.window_mask).sum(axis=1)
    expected = np.exp(encoded.beta_ * log_p + encoded.log_prior_)
    expected /= expected.sum(axis=1, keepdims=True)
    assert_allclose(encoded.predict_proba(test), expected, rtol=1e-4, atol=1e-7)  # float32 of networks
    raw = encoded.probabilities(encoded.log_likelihood_bins(test)[:, -1], tempered=False)
    assert_allclose(raw, np.exp(log_p - np.logaddexp(*log_p.T)[:, None]), rtol=1e-4, atol=1e-7)


def test_evidence_gathers_bin_by_bin_and_stands_still_where_nothing_was_observed(encoded, refractory):
    evidence = encoded.log_likelihood_bins(refractory.select(TEST))
    hole = evidence[45 - 40, 15:25]
    assert_allclose(hole, np.broadcast_to(hole[:1], hole.shape))
    assert (np.diff(evidence[0], axis=0) <= 0).all(), "each bin's probability is at most 1"


def test_a_stream_says_what_the_batch_says(encoded, refractory):
    trials = refractory.select(np.array([41, 45]))  # the second has a hole
    batch = encoded.predict_proba_bins(trials)
    # A Markov chain reads holes off the mask of its trials, which a stream does not know beforehand.
    for trial in range(1 if encoded.encoding.model.family == "markov" else 2):
        stream = encoded.stream()
        told = np.where(trials.mask[trial], trials.counts[trial], np.nan)
        streamed = np.stack([stream.step(counts) for counts in told])
        assert_allclose(streamed[10:], batch[trial], atol=1e-5)


def test_a_saved_decoder_decodes_the_same(encoded, refractory, tmp_path):
    encoded.save(tmp_path / "decoder.safetensors")
    loaded = load_decoder(tmp_path / "decoder.safetensors")
    assert_array_equal(loaded.predict_proba_bins(refractory), encoded.predict_proba_bins(refractory))


def test_a_fitted_encoding_model_is_read_as_it_is(encoded, refractory):
    train, validation = refractory.select(TRAIN), refractory.select(VALIDATION)
    again = LikelihoodDecoder(model="nothing of this name")
    again.fit(train, "when", validation=(validation, "when"), encoding=encoded.encoding)
    assert again.encoding is encoded.encoding
    assert_array_equal(again.log_likelihood_bins(refractory), encoded.log_likelihood_bins(refractory))
    assert again.diagnostics() == encoded.diagnostics()


def test_the_exponent_is_chosen_by_a_model_that_has_not_seen_validation(encoded, refractory):
    """Spikes of validation trials move what is averaged over them, and nothing of what judges them."""
    train, validation = refractory.select(TRAIN), refractory.select(VALIDATION)
    counts = np.random.default_rng(1).random(validation.counts.shape) < 0.4
    other = replace(validation, counts=np.where(validation.mask, counts, 0).astype(np.uint8))
    test = refractory.select(TEST)
    judge = before_validation(encoded.encoding, train, validation, np.random.default_rng(0))
    model = encoded.encoding.model
    if model.family in ("glm", *cell_names()):
        # Penalties and stopping were chosen on validation trials; weights and averages were not made of them.
        psth = (judge if model.family == "glm" else judge.inputs.glm).design.psth
        assert_array_equal(psth.counts.sum(axis=0), train.counts.sum(axis=0, dtype=np.int64))
        return
    again = before_validation(encoded.encoding, train, other, np.random.default_rng(0))
    assert_array_equal(again.intensity(test), judge.intensity(test))
    refitted = model.fit(train, other, np.random.default_rng(0))
    assert (refitted.intensity(test) != encoded.encoding.intensity(test)).any()


# -- what history adds --------------------------------------------------------------------------------------------


def test_bins_add_up_to_the_likelihood_of_the_trial(refractory):
    fitted = example("psth").fit(refractory.select(TRAIN), refractory.select(VALIDATION), np.random.default_rng(0))
    test = refractory.select(TEST)
    each = bin_log_likelihood(fitted, test)
    assert each.shape == (TEST.size, 60)
    whole = trial_log_likelihood(test.window_counts, fitted.intensity(test), 0.005, test.window_mask).sum(axis=1)
    assert_allclose(each.sum(axis=1), whole)


def test_history_keeps_a_burst_from_counting_as_many_witnesses():
    """One class has more bursts. A PSTH takes each spike of a burst for news, a GLM only the first."""
    rng = np.random.default_rng(6)
    condition = np.arange(240) % 2
    counts = np.zeros((240, 120, 1), np.uint8)
    for step in range(1, 120):
        begins = np.where(condition == 0, 0.02, 0.045)[:, None]
        counts[:, step] = rng.random((240, 1)) < np.where(counts[:, step - 1] > 0, 0.8, begins)
    trials = Trials.from_counts(counts, 0.005, condition=condition, condition_names=["few", "many"])
    train, held, test = (trials.select(np.arange(*part)) for part in ((0, 100), (100, 120), (120, 240)))
    raw, beta = {}, {}
    for family in ("psth", "glm"):
        fitted = LikelihoodDecoder(model={"family": family, **vars(example(family))}, tempered=False)
        fitted.fit(train, validation=(held, None))
        raw[family] = float(log_loss(fitted.predict_proba(test), test.condition))
        beta[family] = fitted.beta_
    assert raw["glm"] < 0.9 * np.log(2) < np.log(2) < raw["psth"]
    assert beta["psth"] < beta["glm"]


# -- refusals -----------------------------------------------------------------------------------------------------


def test_an_encoding_model_needs_the_validation_trials_it_was_chosen_on(refractory):
    fitted = example("psth").fit(refractory.select(TRAIN), refractory.select(VALIDATION), np.random.default_rng(0))
    with pytest.raises(ConfigError, match="validation"):
        LikelihoodDecoder().fit(refractory, encoding=fitted)


def test_an_encoding_model_of_other_conditions_is_refused(refractory):
    trials = replace(refractory, columns={"other": np.arange(60) // 2 % 2})
    train, validation = trials.select(TRAIN), trials.select(VALIDATION)
    fitted = example("psth").fit(train, validation, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"early, late.*not the classes"):
        LikelihoodDecoder().fit(train, "other", validation=(validation, "other"), encoding=fitted)


def test_arrays_do_not_say_how_long_a_bin_is(refractory):
    with pytest.raises(ConfigError, match="bin_size_s"):
        LikelihoodDecoder().fit(refractory.window_counts, refractory.condition)


@pytest.mark.parametrize("model", [3, {"n_groups": 4}, "no_such_family", {"family": "psth", "no_such": 1}])
def test_models_that_do_not_exist_are_refused(refractory, model):
    with pytest.raises(ConfigError, match=r"model|no_such"):
        LikelihoodDecoder(model=model).fit(refractory)


def test_covariates_cannot_be_streamed(refractory):
    trials = replace(
        refractory, covariates={"drive": np.random.default_rng(0).normal(size=(60, 70)).astype(np.float32)}
    )
    model = {"family": "poisson", **vars(example("poisson"))}
    fitted = LikelihoodDecoder(model=model).fit(trials)
    assert np.isfinite(fitted.predict_proba(trials)).all()
    with pytest.raises(ConfigError, match="drive"):
        fitted.stream()
