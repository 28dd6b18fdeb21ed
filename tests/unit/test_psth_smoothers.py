"""The usual ways to smooth a PSTH, beside which the family is measured."""

import numpy as np
import pytest
from elephant.statistics import optimal_kernel_bandwidth
from numpy.testing import assert_allclose

from benchmarks._psth_smoothers import (
    FIXED_TRIALS,
    UnitSums,
    kernel_psth,
    likeliest,
    shimazaki_shinomoto,
    spline_psth,
)
from neurodecode.data.trials import Trials
from neurodecode.models._smoothing import gaussian_kernel

BIN = 0.005


def drawn(mu: np.ndarray, condition: np.ndarray, seed: int = 0, **options: object) -> Trials:
    """``mu`` (conditions, steps): expected counts."""
    counts = np.random.default_rng(seed).poisson(mu[condition])[..., None]
    return Trials.from_counts(counts, BIN, condition=condition, **options)


STEPS = np.arange(120)
SHARP = 0.02 + 1.5 * np.exp(-0.5 * ((STEPS - 60) / 3.0) ** 2)
FLAT = np.full(120, 0.1)
BOTH = drawn(np.stack([SHARP, FLAT]), np.arange(40) % 2)


def test_a_sharp_response_has_a_narrow_kernel_and_a_flat_one_a_wide_one():
    for choose in (likeliest, shimazaki_shinomoto):
        sharp, flat = choose(UnitSums(BOTH, 0), by_condition=True)
        assert sharp < 6 < flat
        assert len(set(choose(UnitSums(BOTH, 0), by_condition=False))) == 1


def test_shimazaki_and_shinomotos_bandwidth_is_elephants():
    spikes = BOTH.counts[BOTH.condition == 0, :, 0].sum(axis=0)
    times = np.repeat(STEPS + 0.5, spikes.astype(int))
    found = shimazaki_shinomoto(UnitSums(BOTH, 0), by_condition=True)[0]
    assert_allclose(found, optimal_kernel_bandwidth(times)["optw"])


def test_a_silent_condition_is_smoothed_flat():
    silent = drawn(np.stack([SHARP, np.zeros(120)]), np.arange(20) % 2)
    assert np.isinf(shimazaki_shinomoto(UnitSums(silent, 0), by_condition=True)[1])
    assert (kernel_psth(silent, lambda s: shimazaki_shinomoto(s, by_condition=True), "none") > 0).all()


def test_a_kernel_without_shrinkage_is_the_smoothed_average():
    """By hand, away from the edges; a twentieth of a trial of the mean rate stands in every rate."""
    rates = kernel_psth(BOTH, lambda sums: np.full(2, 4.0), "none")
    mean = BOTH.counts[BOTH.condition == 0, :, 0].mean(axis=0) / BIN
    weights = gaussian_kernel(np.arange(-20.0, 21.0), 4.0)
    by_hand = np.convolve(mean, weights, mode="same")
    total = (BOTH.counts.sum() + 0.5) / (BOTH.counts.size * BIN)
    assert_allclose(rates[0, 25:95, 0], (20 * by_hand + 0.05 * total)[25:95] / 20.05, rtol=1e-4)


@pytest.mark.parametrize("smoothed", [lambda t, s: kernel_psth(t, lambda sums: np.full(2, 5.0), s), spline_psth])
def test_shrinkage_draws_conditions_together(smoothed):
    apart = {s: np.abs(np.diff(smoothed(BOTH, s)[:, 40:80, 0], axis=0)).mean() for s in ("none", "fixed")}
    # 20 trials of a condition against FIXED_TRIALS of the mean of both.
    assert_allclose(apart["fixed"] / apart["none"], 20 / (20 + FIXED_TRIALS), rtol=0.02)


def test_estimated_shrinkage_joins_conditions_that_do_not_differ():
    alike = drawn(np.stack([SHARP, SHARP]), np.arange(16) % 2, seed=3)
    for rates in (
        kernel_psth(alike, lambda s: likeliest(s, by_condition=False), "estimated"),
        spline_psth(alike, "estimated"),
    ):
        difference = np.abs(np.diff(rates[..., 0], axis=0)).mean() / rates.mean()
        assert difference < 0.1


def test_what_was_not_observed_is_not_silence():
    mask = np.ones((40, 120, 1), bool)
    mask[:20, 50:70] = False
    holes = drawn(np.stack([FLAT, FLAT]), np.arange(40) % 2, mask=mask)
    for rates in (kernel_psth(holes, lambda s: np.full(2, 4.0), "none"), spline_psth(holes, "none")):
        assert_allclose(
            rates[:, 50:70].mean(), 0.1 / BIN, rtol=0.15
        )  # 80 spikes: 11 percent, less with neighbours
