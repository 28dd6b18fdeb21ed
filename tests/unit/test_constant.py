"""The constant rate, and what trials must share with those of a fit."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.errors import DataError
from neurodecode.likelihood import rate_of_totals
from neurodecode.models._grid import Grid
from neurodecode.models.constant import Constant


def test_rate_counts_the_observed_window_of_all_trials(toy_trials):
    train, validation = toy_trials.select(np.arange(10)), toy_trials.select(np.arange(10, 12))
    fitted = Constant().fit(train, validation, np.random.default_rng(0))
    both = toy_trials.select(np.arange(12))
    observed_s = both.window_mask[..., 0].sum() * 0.005
    assert observed_s == pytest.approx((12 * 60 - 10) * 0.005)
    assert_allclose(fitted.rate_hz, (both.window_counts.sum(axis=(0, 1)) + 0.5) / observed_s)


def test_a_rate_of_nothing_observed_is_finite():
    assert_allclose(rate_of_totals(np.array([0.0, 4.0]), np.array([0.0, 9.0])), [0.5, 0.5])


def test_trials_stand_together_only_if_cut_alike(toy_trials):
    both = toy_trials.select(np.arange(3)).concatenate(toy_trials.select(np.arange(3, 8)))
    assert_allclose(both.counts, toy_trials.counts[:8])
    assert_allclose(both.covariates["drive"], toy_trials.covariates["drive"][:8])
    per_unit = replace(toy_trials, mask=np.repeat(toy_trials.mask, 2, axis=2))
    assert toy_trials.concatenate(per_unit).mask.shape == (48, 80, 2)
    for changes in ({"bin_size_s": 0.01}, {"condition_names": ("a", "b")}, {"covariates": {}}, {"lead": 3}):
        with pytest.raises(DataError, match=next(iter(changes))):
            toy_trials.concatenate(replace(toy_trials, **changes))


def test_a_grid_comes_back_from_its_description(toy_trials):
    grid = Grid.of(toy_trials)
    assert Grid.from_description(grid.describe()) == grid
    assert grid.covariate_dims == {"drive": 1}
    assert grid.binary


def test_masked_counts_do_not_make_a_grid_of_counts():
    mask = np.ones((2, 5, 1), bool)
    mask[0, 0] = False
    trials = Trials.from_counts(np.ones((2, 5, 1), int), 0.01, mask=mask)
    counts = trials.counts.copy()
    counts[0, 0] = 9
    assert Grid.of(replace(trials, counts=counts)).binary


def test_other_covariates_are_refused(toy_trials):
    with pytest.raises(DataError, match="drive"):
        Grid.of(toy_trials).check_covariates(replace(toy_trials, covariates={}), family="poisson")
