"""The Wiener filter against least squares on columns written out one by one, and the choices that it makes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from neurodecode.data.trials import Trials
from neurodecode.decoders.wiener import WienerDecoder
from neurodecode.errors import ConfigError, DataError
from neurodecode.metrics.regression import r2_variance_weighted


def columns_of(counts: np.ndarray, n_lags: int, fill: np.ndarray) -> np.ndarray:
    """One row a bin, one column for each unit at each lag; what lies before the recording is ``fill``."""
    rows = []
    for t in range(len(counts)):
        row: list[float] = []
        for lag in range(n_lags):
            row += list(counts[t - lag]) if t >= lag else list(fill)
        rows.append(row)
    return np.array(rows)


@pytest.fixture(scope="module")
def recording() -> tuple[np.ndarray, np.ndarray]:
    """Counts (400 bins, 3 units) and a signal of 2 dims that is a sum of counts up to 2 bins old, and noise."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(2.0, (400, 3))
    weights = rng.normal(size=(3, 3, 2))
    signal = sum(np.roll(counts, lag, axis=0) @ weights[lag] for lag in range(3))
    return counts, signal + 0.3 * rng.normal(size=(400, 2)) + 5.0


def test_without_a_penalty_it_is_least_squares_on_lagged_columns(recording):
    counts, signal = recording
    fitted = WienerDecoder(n_lags=(3,), penalties=(0.0,), square_root=False).fit(counts, signal)
    design = np.column_stack([columns_of(counts, 3, fitted.mean_counts_), np.ones(len(counts))])
    solution = np.linalg.lstsq(design, signal, rcond=None)[0]
    assert_allclose(fitted.predict(counts), design @ solution, atol=1e-8)


@pytest.mark.parametrize("root", [False, True])
def test_with_a_penalty_it_is_scikit_learns_ridge(recording, root):
    counts, signal = recording
    fitted = WienerDecoder(n_lags=(4,), penalties=(0.1,), square_root=root).fit(counts, signal)
    used = np.sqrt(counts) if root else counts
    design = columns_of(used, 4, fitted.mean_counts_)
    alpha = 0.1 * design.var(axis=0).mean() * len(design)
    by_sklearn = Ridge(alpha=alpha).fit(design, signal)
    assert_allclose(fitted.predict(counts), by_sklearn.predict(design), atol=1e-8)


def test_the_error_from_the_sums_is_the_error_of_the_predictions(recording):
    counts, signal = recording
    given = (counts[300:], signal[300:])
    once = WienerDecoder(n_lags=(2,), penalties=(0.01,), square_root=False).fit(
        counts[:300], signal[:300], validation=given
    )
    alone = columns_of(counts[:300], 2, once.mean_counts_)
    ridge = Ridge(alpha=0.01 * alone.var(axis=0).mean() * 300).fit(alone, signal[:300])
    wrong = ridge.predict(columns_of(counts[300:], 2, once.mean_counts_)) - signal[300:]
    expected = (np.square(wrong).mean(axis=0) / signal[:300].var(axis=0)).mean()
    assert once.choice_["validation_error"] == pytest.approx(expected, rel=1e-6)


def test_it_chooses_as_many_lags_as_there_are_and_the_transform(recording):
    counts, signal = recording
    assert WienerDecoder().fit(counts, signal).choice_["n_lags"] == 5, "3 are there, 2 are too few"
    assert not WienerDecoder().fit(counts, signal).choice_["square_root"]
    of_roots = np.sqrt(counts) @ np.array([[1.0], [-2.0], [0.5]])
    assert WienerDecoder().fit(counts, of_roots).choice_["square_root"]


def test_a_penalty_is_chosen_where_there_is_more_noise_than_data():
    rng = np.random.default_rng(1)
    counts = rng.poisson(1.0, (150, 40))
    signal = counts[:, :1] + 3.0 * rng.normal(size=(150, 1))
    free = WienerDecoder(n_lags=(5,), penalties=(0.0,))
    chosen = WienerDecoder(n_lags=(1, 5))
    new = rng.poisson(1.0, (2000, 40))
    errors = [np.square(d.fit(counts, signal).predict(new) - new[:, :1]).mean() for d in (free, chosen)]
    assert chosen.choice_["penalty"] > 0.1
    assert errors[1] < 0.2 * errors[0]


def test_history_reaches_into_the_lead(recording):
    counts, signal = recording
    whole = WienerDecoder(n_lags=(3,), penalties=(0.01,)).fit(counts, signal)
    cut = Trials.from_counts(
        np.stack([counts[start : start + 60] for start in (0, 50, 100)]),
        0.05,
        lead=10,
        covariates={"hand": np.stack([signal[start : start + 60] for start in (0, 50, 100)])},
    )
    decoded = whole.predict(cut)
    assert decoded.shape == (3, 50, 2)
    assert_allclose(decoded[1], whole.predict(counts)[60:110], atol=1e-6)
    assert whole.score(cut, "hand") > 0.9


def test_what_was_not_observed_counts_as_the_mean_and_not_as_silence(recording):
    counts, signal = recording
    fitted = WienerDecoder(n_lags=(3,), penalties=(0.01,), square_root=False).fit(counts, signal)
    mask = np.ones((1, 400, 3), bool)
    mask[0, 200, 1] = False
    holed = fitted.predict(Trials.from_counts(counts[None], 0.05, mask=mask))[0]
    filled = counts.astype(float)
    filled[200, 1] = fitted.mean_counts_[1]
    by_hand = columns_of(filled - fitted.mean_counts_, 3, np.zeros(3)) @ fitted.weights_.reshape(9, 2)
    by_hand += fitted.intercept_
    assert_allclose(holed, by_hand, atol=1e-5)  # counts are held in single precision
    stream = fitted.stream()
    told = counts.astype(float)
    told[200, 1] = np.nan
    assert_allclose([stream.step(one) for one in told], holed, atol=1e-5)


def test_bins_without_a_signal_are_left_out_of_the_fit(recording):
    counts, signal = recording
    unknown = signal.copy()
    unknown[100:150, 0] = np.nan
    wrong = np.where(np.isnan(unknown), 1e6, unknown)
    fitted = WienerDecoder(n_lags=(3,), penalties=(0.01,)).fit(counts, unknown)
    assert r2_variance_weighted(signal, fitted.predict(counts)) > 0.9
    assert WienerDecoder(n_lags=(3,), penalties=(0.01,)).fit(counts, wrong).score(counts, signal) < 0


def test_trials_held_out_are_the_last_ones(recording):
    counts, signal = recording
    X, y = counts.reshape(20, 20, 3), signal.reshape(20, 20, 2)
    alone = WienerDecoder(n_lags=(1, 3)).fit(X, y)
    given = WienerDecoder(n_lags=(1, 3)).fit(X[:18], y[:18], validation=(X[18:], y[18:]))
    assert alone.choice_ == given.choice_
    assert_allclose(alone.predict(X), given.predict(X))


@pytest.mark.parametrize(
    "bad",
    [{"n_lags": ()}, {"n_lags": (0,)}, {"n_lags": (1.5,)}, {"penalties": (-1.0,)}, {"penalties": (float("nan"),)}],
)
def test_hyper_parameters_that_cannot_work_are_refused(recording, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        WienerDecoder(**bad).fit(*recording)


def test_data_that_do_not_fit_are_refused(recording):
    counts, signal = recording
    with pytest.raises(DataError, match="units"):
        WienerDecoder().fit(counts, signal, validation=(counts[:, :2], signal))
    with pytest.raises(DataError, match="dims"):
        WienerDecoder().fit(counts, signal, validation=(counts, signal[:, 0]))
    with pytest.raises(DataError, match="NaN everywhere"):
        WienerDecoder().fit(counts, signal, validation=(counts, signal * np.nan))
    fitted = WienerDecoder(n_lags=(1,)).fit(counts, signal)
    with pytest.raises(DataError, match="units"):
        fitted.predict(counts[:, :2])
    for wrong in (np.ones(2), np.array([1.0, -1.0, 0.0]), np.array([np.inf, 0.0, 0.0])):
        with pytest.raises(DataError):
            fitted.stream().step(wrong)


def test_m1_ten_lags_of_root_counts(recordings):
    """R2 0.80 / 0.71 and 0.81 / 0.76 on the first two of five contiguous folds, as an independent ridge has it."""
    from neurodecode.metrics.regression import r2

    held = np.load(recordings / "m1_reaching_binned.npz")
    counts, velocity = held["counts"], held["velocity"]
    n, gap = len(counts), 40
    for fold, expected in enumerate([(0.80, 0.71), (0.81, 0.76)]):
        start, stop = fold * n // 5, (fold + 1) * n // 5
        place = np.arange(n)
        away = (place < start - gap) | (place >= stop + gap)
        held_out = away & (place >= stop + gap) & (place < stop + gap + 1000)
        parts = [(counts, np.where(own[:, None], velocity, np.nan)) for own in (away & ~held_out, held_out)]
        decoder = WienerDecoder(n_lags=(10,), penalties=(0.3,), square_root=True)
        decoder.fit(*parts[0], validation=parts[1])
        found = r2(velocity[start:stop], decoder.predict(counts[: stop + 1])[start:stop])
        assert_allclose(found, expected, atol=0.012)
