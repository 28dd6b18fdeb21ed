"""Every model family running free of the recording: forecasts of several steps, and rates that stay bounded."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.data.trials import Trials
from neurodecode.errors import ConfigError
from neurodecode.models import FittedModel, cell_names, example, family_names

TRAIN, VALIDATION, TEST = np.arange(14), np.arange(14, 18), np.arange(18, 24)
BLOCK = 8  # bins; the toy session has 60, so that the last block is cut short
NO_HISTORY = ("constant", "psth", "poisson")


@dataclass(frozen=True)
class Free:
    """A family's EXAMPLE fitted to part of the toy session, and its forecasts of the rest."""

    family: str
    fitted: FittedModel
    test: Trials

    def forecast(self, trials: Trials, n_steps: int, seed: int = 0, n_samples: int = 4) -> np.ndarray:
        return self.fitted.forecast(trials, n_steps, np.random.default_rng(seed), n_samples=n_samples)

    @property
    def rtol(self) -> float:
        """A network's float32 sums, and a GLM's float32 features, against their step-by-step doubles."""
        return 1e-4 if self.family in cell_names() else 1e-5


@pytest.fixture(scope="module")
def session() -> Trials:
    """24 trials of 2 units that refract and share a gain, 20 lead steps and 60 bins of 5 ms, with a hole."""
    rng = np.random.default_rng(7)
    gain = rng.gamma(2.0, 0.5, 24)
    counts = np.zeros((24, 80, 2), np.uint8)
    for step in range(80):
        mu = np.array([0.25, 0.35]) * gain[:, None] * (1.0 + 0.5 * np.sin(step / 9.0))
        recent = counts[:, step - 1] if step else 0
        counts[:, step] = rng.random((24, 2)) < mu * (1.0 - 0.9 * recent)
    mask = np.ones((24, 80, 1), bool)
    mask[3, :10] = mask[20, 50:60] = False
    return Trials.from_counts(counts, 0.005, lead=20, mask=mask, condition=np.arange(24) % 2)


@pytest.fixture(scope="module", params=family_names())
def free(request, session) -> Free:
    fitted = example(request.param).fit(
        session.select(TRAIN), session.select(VALIDATION), np.random.default_rng(5)
    )
    return Free(request.param, fitted, session.select(TEST))


def edited(trials: Trials, bins: slice) -> Trials:
    """The same trials with every 0/1 count of these bins of the window turned over."""
    counts = trials.window_counts.copy()
    counts[:, bins] = 1 - counts[:, bins]
    return trials.with_window_counts(counts)


# -- what a forecast is -------------------------------------------------------------------------------------------


def test_one_step_is_the_prediction_itself(free):
    assert_array_equal(free.forecast(free.test, 1), free.fitted.intensity(free.test))


def test_a_block_begins_with_the_prediction(free):
    """A block's first bin knows the recorded past and needs no draw; so the futures start where they should."""
    starts = slice(None, None, BLOCK)
    forecast, predicted = free.forecast(free.test, BLOCK), free.fitted.intensity(free.test)
    assert_allclose(forecast[:, starts], predicted[:, starts], rtol=free.rtol)


def test_forecasts_are_rates(free):
    forecast = free.forecast(free.test, BLOCK)
    assert forecast.shape == free.test.window_counts.shape
    assert np.isfinite(forecast).all()
    assert (forecast > 0).all()


def test_without_history_every_horizon_is_the_same(free):
    if free.family not in NO_HISTORY:
        forecast, predicted = free.forecast(free.test, BLOCK), free.fitted.intensity(free.test)
        assert np.abs(forecast / predicted - 1.0).max() > 1e-3, "a family that remembers must feel the blocks"
        return
    predicted = free.fitted.intensity(free.test)
    for n_steps in (2, BLOCK, 60, 500):
        assert_allclose(free.forecast(free.test, n_steps), predicted, rtol=1e-12)  # a mean of equal numbers


def test_nonsense_is_refused(free):
    with pytest.raises(ConfigError, match="0 steps"):
        free.forecast(free.test, 0)
    with pytest.raises(ConfigError, match="0 samples"):
        free.forecast(free.test, 2, n_samples=0)


# -- the past only ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [0, 16, 21, 59])
def test_spikes_change_no_forecast_of_their_own_block_or_before(free, changed):
    block_end = (changed // BLOCK + 1) * BLOCK
    before = free.forecast(free.test, BLOCK)
    after = free.forecast(edited(free.test, slice(changed, None)), BLOCK)
    assert_allclose(after[:, :block_end], before[:, :block_end], rtol=free.rtol)


def test_spikes_before_a_block_change_its_forecast(free):
    before = free.forecast(free.test, BLOCK)
    after = free.forecast(edited(free.test, slice(0, BLOCK)), BLOCK)
    moved = np.abs(after[:, BLOCK] / before[:, BLOCK] - 1.0).max()
    assert moved == 0.0 if free.family in NO_HISTORY else moved > 1e-3


def test_a_window_long_forecast_does_not_read_the_window(free):
    empty = free.test.with_window_counts(np.zeros_like(free.test.window_counts))
    assert_array_equal(free.forecast(free.test, 60), free.forecast(empty, 60))
    assert_array_equal(free.forecast(free.test, 60), free.forecast(free.test, 10_000))


def test_masked_counts_change_no_forecast(free, session):
    flipped = np.where(session.mask, session.counts, 1).astype(np.uint8)
    assert (flipped != session.counts).any()
    again = free.forecast(replace(session, counts=flipped), BLOCK)
    assert_array_equal(again, free.forecast(session, BLOCK))


def test_trials_do_not_see_each_other(free):
    """One trial's spikes move no other's forecast: each trial has draws of its own."""
    before = free.forecast(free.test, BLOCK)
    counts = free.test.window_counts.copy()
    counts[2] = 1 - counts[2]
    after = free.forecast(free.test.with_window_counts(counts), BLOCK)
    others = np.arange(len(TEST)) != 2
    assert_allclose(after[others], before[others], rtol=free.rtol)


# -- what it is worth ---------------------------------------------------------------------------------------------


def test_forecasts_expect_as_many_spikes_as_the_model_draws(free, session):
    """On trains of the model itself every horizon is calibrated: drawn less expected is 0 within its spread."""
    many = session.select(np.repeat(np.arange(24), 6))
    drawn = free.fitted.sample(many, np.random.default_rng(1))
    seen = np.broadcast_to(many.window_mask, drawn.window_counts.shape)
    expected = free.forecast(drawn, BLOCK, n_samples=8) * many.bin_size_s
    # Poisson spread, times 2: counts of a block are correlated once its own spikes are not given, and the mean is
    # one of 8 futures.
    difference = (drawn.window_counts - expected).sum(where=seen)
    assert abs(difference) < 2 * 3 * np.sqrt(expected.sum(where=seen))


def test_more_futures_make_a_steadier_forecast(free):
    last = slice(BLOCK - 1, None, BLOCK)
    spread = [
        np.std([free.forecast(free.test, BLOCK, seed, n)[:, last] for seed in range(6)], axis=0).mean()
        for n in (2, 32)
    ]
    if free.family in NO_HISTORY:
        assert_allclose(spread, 0.0, atol=1e-12)
        return
    # A mean of 16 times as many futures spreads a quarter as much; from six seeds each, somewhere below a half.
    assert spread[1] < 0.5 * spread[0]


# -- no divergence ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def excited() -> Trials:
    """Counts that excite themselves (70 percent of them are offspring), 20 lead steps and 300 bins of 5 ms."""
    rng = np.random.default_rng(11)
    counts = np.zeros((24, 320, 2), int)
    for step in range(2, 320):
        counts[:, step] = rng.poisson(0.06 + 0.5 * counts[:, step - 1] + 0.2 * counts[:, step - 2])
    return Trials.from_counts(counts, 0.005, lead=20)


@pytest.mark.parametrize("binary", [False, True])
def test_sampled_rates_stay_bounded(free, excited, binary):
    trials = replace(excited, counts=np.minimum(excited.counts, 1)) if binary else excited
    fitted = example(free.family).fit(trials.select(TRAIN), trials.select(VALIDATION), np.random.default_rng(5))
    recorded = trials.window_counts.sum(axis=1)
    drawn = fitted.sample(trials, np.random.default_rng(6)).window_counts.sum(axis=1)
    assert 0.7 < drawn.sum() / recorded.sum() < 1.5
    # A network that validation did not choose excites itself more than the recording does; running away would be
    # some hundred counts more in every trial.
    assert drawn.max() < (3 if free.family in cell_names() else 2) * recorded.max()

    # After a lead in which all units fired at their most in every bin: it may take time, but it calms down.
    storm = trials.counts.copy()
    storm[:, : trials.lead] = trials.counts.max()
    after = fitted.sample(replace(trials, counts=storm), np.random.default_rng(6)).window_counts
    first, last, usual = after[:, :100].sum(), after[:, -100:].sum(), trials.window_counts[:, -100:].sum()
    assert last < 1.5 * usual or last < 0.5 * first
