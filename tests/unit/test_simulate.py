"""Simulated populations: what they promise about rates, refractoriness, and the truth behind the spikes."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.ndimage import gaussian_filter1d

from neurodecode.data.binning import trials_from_session
from neurodecode.data.windows import Window
from neurodecode.errors import ConfigError
from neurodecode.io import read_recording, write_nwb
from neurodecode.simulate import POPULATIONS, Simulated, describe, population_names, simulate

NAMES = ("bursting", "poisson", "refractory_adapting", "shared_gain")
N_TRIALS = 400


@pytest.fixture(scope="module")
def simulated() -> dict[str, Simulated]:
    return {name: simulate(name, n_trials=N_TRIALS, rng=np.random.default_rng(11)) for name in NAMES}


def window_counts(one: Simulated) -> np.ndarray:
    return one.counts[:, one.population.n_lead :]


def true_mean(one: Simulated) -> np.ndarray:
    """Expected counts of the PSTH of endless data: the oracle averaged over the trials of a condition."""
    mu = one.oracle_hz.astype(float) * one.bin_size_s
    direction = one.session.trials[one.condition].to_numpy()
    mean = np.empty_like(mu)
    for name in np.unique(direction):
        # The true mean is smooth over 5 ms; what noise 100 trials leave in it would favour the oracle.
        mean[direction == name] = gaussian_filter1d(mu[direction == name].mean(axis=0), 5.0, axis=0)
    return mean


def bits_per_spike_over_true_mean(one: Simulated) -> float:
    mu, mean = one.oracle_hz.astype(float) * one.bin_size_s, true_mean(one)
    spikes = window_counts(one).astype(bool)
    log_ratio = np.log(np.where(spikes, mu, 1.0)) - np.log(np.where(spikes, mean, 1.0))
    return float((log_ratio - mu + mean).sum() / np.log(2.0) / spikes.sum())


def test_names_are_the_files():
    assert tuple(population_names()) == NAMES
    assert tuple(POPULATIONS) == NAMES
    assert "renewal" not in POPULATIONS


def test_unknown_population_and_too_few_trials():
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="unknown population 'refractory'; known: bursting"):
        simulate("refractory", n_trials=10, rng=rng)
    with pytest.raises(ConfigError, match="at least 4"):
        simulate("poisson", n_trials=3, rng=rng)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_conditions(simulated, name):
    one = simulated[name]
    assert one.counts.shape == (N_TRIALS, 1500, 12)
    assert one.oracle_hz.shape == one.samples.shape == (N_TRIALS, 1000, 12)
    assert one.oracle_hz.dtype == np.float32
    assert one.counts.max() == one.samples.max() == 1
    trials = one.session.trials
    assert trials[one.condition].value_counts().to_dict() == dict.fromkeys(one.population.condition_names, 100)
    assert not trials[one.condition].iloc[:100].is_monotonic_increasing


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_spikes_other_seed_other_spikes(name):
    first, again, other = (simulate(name, n_trials=6, rng=np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert_array_equal(first.counts, again.counts)
    assert_array_equal(first.samples, again.samples)
    assert_array_equal(first.session.spike_times_s[5], again.session.spike_times_s[5])
    assert (first.counts != other.counts).any()


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_physiological(simulated, name):
    rate_hz = window_counts(simulated[name]).mean(axis=(0, 1)) * 1000.0
    assert np.all((rate_hz > 5.0) & (rate_hz < 40.0)), rate_hz


@pytest.mark.parametrize("name", ["refractory_adapting", "bursting"])
def test_no_spike_within_two_milliseconds(simulated, name):
    one = simulated[name]
    for counts in (one.counts, one.samples):
        for lag in (1, 2):
            assert not np.any(counts[:, lag:] & counts[:, :-lag])
        assert np.any(counts[:, 3:] & counts[:, :-3])
    # Samples go on from the recorded lead: refractoriness holds across the window's start too.
    for lag in (1, 2):
        before = one.counts[:, one.population.n_lead - lag : one.population.n_lead]
        assert not np.any(before[:, :1] & one.samples[:, :1])
    intervals = np.concatenate([np.diff(times) for times in one.session.spike_times_s])
    assert intervals.min() > 0.002


@pytest.mark.parametrize("name", NAMES)
def test_oracle_is_calibrated(simulated, name):
    one = simulated[name]
    mu, spikes = one.oracle_hz.astype(float).ravel() * one.bin_size_s, window_counts(one).ravel()
    # Sums of Bernoulli draws: 4.5 standard errors over 11 comparisons and 4 populations.
    assert abs(spikes.sum() - mu.sum()) < 4.5 * np.sqrt(mu.sum())
    edges = np.quantile(mu, np.linspace(0.1, 0.9, 9))
    decile = np.searchsorted(edges, mu)
    expected, seen = np.bincount(decile, mu, 10), np.bincount(decile, spikes, 10)
    assert np.all(np.abs(seen - expected) < 4.5 * np.sqrt(expected) + 1e-9), (seen, expected)


def rescaling_p_values(spikes: np.ndarray, mu: np.ndarray) -> list[float]:
    """Kolmogorov-Smirnov of rescaled intervals, trials laid end to end, per unit (Haslinger et al. 2010)."""
    rng, p_values = np.random.default_rng(1), []
    for unit in range(12):
        chance, fired = mu[..., unit].ravel(), spikes[..., unit].ravel() > 0
        hazard = -np.log1p(-chance)
        passed = np.cumsum(hazard)
        # Where in its bin a spike fell is unknown: an exponential draw cut to the bin's hazard. What is left of
        # that hazard belongs to no interval, since a bin holds one spike at most.
        part = -np.log1p(-rng.random(fired.sum()) * chance[fired])
        start = np.concatenate([[0.0], passed[fired][:-1]])
        p_values.append(float(stats.kstest(passed[fired] - hazard[fired] + part - start, "expon").pvalue))
    return p_values


@pytest.mark.parametrize("name", NAMES)
def test_oracle_passes_time_rescaling(simulated, name):
    one = simulated[name]
    p_values = rescaling_p_values(window_counts(one), one.oracle_hz.astype(float) * one.bin_size_s)
    assert min(p_values) > 0.01 / 12, p_values


def test_the_mean_fails_time_rescaling_on_units_with_history(simulated):
    for name in ("refractory_adapting", "bursting"):
        one = simulated[name]
        assert max(rescaling_p_values(window_counts(one), true_mean(one))) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_another_draw_of_the_same_law(simulated, name):
    one = simulated[name]
    real, drawn = window_counts(one).astype(int), one.samples.astype(int)
    assert (real != drawn).any()
    # Trial sums of the population: same mean within 4.5 standard errors, same spread within a quarter.
    real_sums, drawn_sums = real.sum(axis=(1, 2)), drawn.sum(axis=(1, 2))
    error = np.sqrt((real_sums.var() + drawn_sums.var()) / N_TRIALS)
    assert abs(real_sums.mean() - drawn_sums.mean()) < 4.5 * error
    residual = [
        np.concatenate([s[d == c] - s[d == c].mean() for c in np.unique(d)])
        for s in (real_sums, drawn_sums)
        for d in [one.session.trials[one.condition].to_numpy()]
    ]
    assert_allclose(residual[0].std(), residual[1].std(), rtol=0.25)


def test_oracle_is_well_above_the_true_mean(simulated):
    assert 0.25 < bits_per_spike_over_true_mean(simulated["refractory_adapting"]) < 0.5
    assert bits_per_spike_over_true_mean(simulated["bursting"]) > 0.5
    assert bits_per_spike_over_true_mean(simulated["shared_gain"]) > 0.1
    assert abs(bits_per_spike_over_true_mean(simulated["poisson"])) < 1e-4


def test_poisson_has_no_memory(simulated):
    """Spikes against the true rate do not depend on a spike 1 to 20 bins before."""
    one = simulated["poisson"]
    surprise = window_counts(one) - one.oracle_hz.astype(float) * one.bin_size_s
    spread = surprise.std()
    for lag in range(1, 21):
        product = surprise[:, lag:] * surprise[:, :-lag]
        assert abs(product.mean()) < 4.5 * spread**2 / np.sqrt(product.size)


def test_adaptation_and_shared_gain_are_there(simulated):
    """Against the mean over trials: fewer spikes after many for adapting units; joint counts vary together."""

    def correlations(name: str) -> np.ndarray:
        one = simulated[name]
        direction = one.session.trials[one.condition].to_numpy()
        sums = window_counts(one).sum(axis=1).astype(float)
        sums -= np.stack([sums[direction == d].mean(axis=0) for d in direction])
        return np.corrcoef(sums.T)[np.triu_indices(12, 1)]

    fano = {}
    for name in ("poisson", "refractory_adapting"):
        one = simulated[name]
        one_way = one.session.trials[one.condition].to_numpy() == "up"
        sums = window_counts(one)[one_way].sum(axis=1)
        fano[name] = (sums.var(axis=0, ddof=1) / sums.mean(axis=0)).mean()
    assert_allclose(fano["poisson"], 1.0, atol=0.15)
    assert fano["refractory_adapting"] < 0.5
    assert correlations("shared_gain").mean() > 0.15
    assert abs(correlations("poisson").mean()) < 0.03


@pytest.mark.parametrize("door", ["memory", "nwb"])
@pytest.mark.parametrize("name", NAMES)
def test_binning_gives_back_the_simulated_counts(name, door, tmp_path):
    one = simulate(name, n_trials=40, rng=np.random.default_rng(5))
    session = one.session
    if door == "nwb":
        write_nwb(tmp_path / "simulated.nwb", session)
        session = read_recording(tmp_path / "simulated.nwb")
    window = Window(
        bin_size_s=one.bin_size_s,
        window_s=one.window_s,
        align=one.align,
        lead_s=one.lead_s,
        condition=one.condition,
    )
    trials = trials_from_session(session, window)
    assert_array_equal(trials.counts, one.counts)
    assert trials.mask.all()
    assert trials.lead == one.population.n_lead
    assert trials.unit_names == one.population.unit_names
    names = np.array(trials.condition_names)[trials.condition]
    assert_array_equal(names, one.session.trials[one.condition].to_numpy(dtype=str))


def test_only_lead_and_window_are_observed():
    one = simulate("refractory_adapting", n_trials=12, rng=np.random.default_rng(5))
    observed = one.session.observed_s[0]
    assert_allclose(observed[:, 1] - observed[:, 0], 1.5, atol=1e-9)
    for times in one.session.spike_times_s:
        place = np.searchsorted(observed[:, 0], times) - 1
        assert np.all(times < observed[place, 1])


@pytest.mark.parametrize("name", NAMES)
def test_description_is_json_with_a_value_for_each_unit(name):
    described = json.loads(json.dumps(describe(name)))
    per_unit = [v for part in ("responses", "parameters") for v in described[part].values() if isinstance(v, list)]
    assert described["population"] == name
    assert len(described["units"]) == 12
    assert per_unit
    assert all(len(values) == 12 for values in per_unit)


def test_parameters_stand_in_the_promised_ranges():
    fixed = describe("refractory_adapting")["parameters"]
    assert fixed["absolute_ms"] == 2.0
    assert 3.0 <= min(fixed["relative_ms"]) <= max(fixed["relative_ms"]) <= 6.0
    assert 50.0 <= min(fixed["adaptation_ms"]) <= max(fixed["adaptation_ms"]) <= 200.0
