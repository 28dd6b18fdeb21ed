"""The GLM of all units at once is, unit by unit, the regression that it says it is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.errors import ConvergenceError
from neurodecode.features.bsplines import bspline_basis
from neurodecode.models import _glm_blocks, _glm_fit, _glm_newton
from neurodecode.models._glm_smoothness import START, smoothed
from neurodecode.models._glm_weights import Penalties, UnitWeights
from neurodecode.models._newton import Design, fit_poisson_regression
from neurodecode.models.glm import SpikeHistoryGLM

BIN_S = 0.005
ATOL = 2e-4  # both stop below 1e-7 nats, at curvatures of 10 and more: |error| < sqrt(2e-7 / 10) = 1.4e-4
PENALTIES = [
    Penalties(1.0, shared=30.0, deviating=100.0, size=3.0, coupling=100.0),
    Penalties(100.0, coupling=30.0),
    Penalties(1.0, shared=10.0, deviating=20.0, size=1.0, beside=0.0),
]


def population(n_conditions: int = 3, *, n_bins: int = 80) -> Trials:
    """30 trials of three refracting units, the first driving the second; holes in single units, a covariate."""
    rng = np.random.default_rng(5)
    n_steps = 20 + n_bins
    condition = np.arange(30) % n_conditions
    drive = rng.normal(size=(30, n_steps))
    rate = 0.15 * np.exp(0.3 * drive + 0.6 * np.sin(np.arange(n_steps) / 9.0) * (1 + condition[:, None]) / 3)
    counts = np.zeros((30, n_steps, 3), int)
    for t in range(n_steps):
        last = counts[:, t - 1] if t else np.zeros((30, 3))
        mean = rate[:, t, None] * np.where(last, 0.1, 1.0) * np.exp(0.8 * last[:, [2, 0, 2]] * [0, 1, 0])
        counts[:, t] = rng.poisson(mean)
    mask = np.ones(counts.shape, bool)
    mask[4, 30:60, 0] = mask[7, :25, 2] = mask[9] = False
    return Trials.from_counts(
        counts, BIN_S, lead=20, mask=mask, condition=condition, covariates={"drive": 1e3 * drive}
    )


def written_out(design, trials: Trials, unit: int, penalties: Penalties) -> tuple[np.ndarray, np.ndarray]:
    """Weights and log mean of one unit, all columns written out, standardised, and fitted in float64."""
    seen = np.broadcast_to(trials.window_mask, trials.window_counts.shape)[..., unit]
    sources = design.source_history(trials).astype(float)
    sources[:, :, unit] = 0.0
    n_splines = design_splines(trials)
    basis = bspline_basis(trials.n_bins, n_splines)
    differences = np.diff(np.eye(n_splines), n=2, axis=0)
    roughness, turn = np.linalg.eigh(differences.T @ differences)
    basis = basis @ turn
    of_condition = np.eye(trials.n_conditions)[trials.condition][:, None, :, None] * basis[:, None]
    curves = np.concatenate(
        [np.broadcast_to(basis[:, None], (trials.n_trials, *basis[:, None].shape)), of_condition], axis=2
    )
    if trials.n_conditions == 1:
        curves = of_condition
    parts = [
        np.ones((*seen.shape, 1)),
        design.log_aggregate(trials, leave_out=True)[:, trials.lead :, [unit]],
        trials.covariates["drive"][:, trials.lead :, None],
        design.own_history(trials, [unit])[:, :, 0],
        sources.reshape(*seen.shape, -1),
        curves.reshape(*seen.shape, -1),
    ]
    alone = np.isinf(penalties.shared)
    curve_ridges = np.full(curves.shape[2:], np.inf)
    if not alone:
        curve_ridges[0] = penalties.shared * roughness + 1e-3
        curve_ridges[1:] = penalties.deviating * roughness + penalties.size
    ridges = (0.0, 1.0 if alone else 1e6, 1.0, penalties.history, penalties.coupling, curve_ridges.ravel())
    target = 1.0 if alone else penalties.beside
    columns, ridge, center, scale = [], [], [], []
    for number, (part, strength) in enumerate(zip(parts, ridges, strict=True)):
        if np.isfinite(strength).all():
            seen_part = part.astype(float)[seen]
            columns.append(seen_part)
            ridge.append(np.broadcast_to(strength, seen_part.shape[1]))
            center.append(np.full(seen_part.shape[1], target * (number == 1)))
            sd = seen_part.std(axis=0)
            scale.append(np.where((sd > 0) & (number in (2, 3, 4)), sd, 1.0))
    design_matrix, ridge, center, scale = (np.concatenate(v, axis=-1) for v in (columns, ridge, center, scale))
    counts = trials.window_counts[..., unit][seen].astype(float)
    plain = Design.plain(design_matrix / scale)
    weights = fit_poisson_regression(plain, counts, ridge, center, center, tolerance=1e-12) / scale
    return weights, design_matrix @ weights


def design_splines(trials: Trials) -> int:
    return max(4, round(trials.n_bins * trials.bin_size_s / 0.03) + 3)


def fitted(trials: Trials, penalties=PENALTIES):
    """The design, and the weights at given penalties, from a start that is not theirs."""
    design = SpikeHistoryGLM(coupling="units", longest_s=0.08)._design(trials)
    n_own, n_bins = design.own.n_features, trials.n_bins
    start = UnitWeights(
        bias=np.zeros(3),
        aggregate=np.ones(3),
        covariates=np.zeros((3, 1)),
        own=np.zeros((3, n_own)),
        sources=np.zeros((3, 3, design.sources.n_features)),
        time_course=np.zeros((3, trials.n_conditions, n_bins)),
        penalties=np.array(penalties),
    )
    return design, _glm_fit.refit(design, trials, start)


@pytest.mark.parametrize("n_conditions", [1, 3])
def test_every_unit_reaches_the_optimum_of_its_own_regression(n_conditions, monkeypatch):
    monkeypatch.setattr(_glm_blocks, "_ROWS", 70)  # trials in pieces, the last one shorter
    trials = population(n_conditions)
    design, weights = fitted(trials)
    for unit, penalties in enumerate(PENALTIES):
        expected, log_mean = written_out(design, trials, unit, penalties)
        n_own = design.own.n_features
        ours = np.r_[weights.bias[unit], weights.aggregate[unit], weights.covariates[unit], weights.own[unit]]
        assert_allclose(ours, expected[: 3 + n_own], atol=ATOL, rtol=0)
        seen = trials.window_mask[..., unit]
        mine = log_mean_of(design, trials, weights)[..., unit][seen]
        assert_allclose(mine, log_mean, atol=1e-3)
        n = trials.window_counts[..., unit][seen]
        # The penalised sum is stationary here, the likelihood by itself is not: it moves with the weights.
        assert (n @ mine - np.exp(mine).sum()) == pytest.approx(n @ log_mean - np.exp(log_mean).sum(), abs=1e-2)


def log_mean_of(design, trials: Trials, weights: UnitWeights) -> np.ndarray:
    log_mean = weights.bias + weights.aggregate * design.log_aggregate(trials, leave_out=True)[:, trials.lead :]
    log_mean += trials.covariates["drive"][:, trials.lead :, None] @ weights.covariates.T
    log_mean += np.einsum("tbuf,uf->tbu", design.own_history(trials, [0, 1, 2]), weights.own)
    log_mean += np.einsum("tbsf,usf->tbu", design.source_history(trials), weights.sources)
    return log_mean + np.moveaxis(weights.time_course, 0, 2)[trials.condition]


def test_a_unit_is_no_source_of_its_own():
    _, weights = fitted(population())
    assert (weights.sources[[0, 1, 2], [0, 1, 2]] == 0).all()
    assert (weights.sources[1, 0] != 0).all()


def test_units_are_fitted_alike_in_batches_and_together(monkeypatch):
    trials = population()
    _, together = fitted(trials)
    monkeypatch.setattr(_glm_fit, "_MOST_VALUES", 1.0)  # one unit at a time
    _, one_by_one = fitted(trials)
    for name, values in together.arrays().items():
        assert_allclose(one_by_one.arrays()[name], values, atol=ATOL, err_msg=name)


def test_a_warm_start_changes_where_it_starts_and_not_where_it_ends():
    trials = population()
    design, cold = fitted(trials)
    warm = _glm_fit.refit(design, trials, cold)
    for name, values in cold.arrays().items():
        assert_allclose(warm.arrays()[name], values, atol=ATOL, err_msg=name)


def test_a_warm_start_is_the_fit_that_it_was_taken_from():
    trials = population()
    design, weights = fitted(trials, [PENALTIES[0]] * 3)
    aggregate = _glm_fit.window_log_aggregate(design, trials, leave_out=True)
    batch = _glm_fit._Batch.of(design, trials, np.arange(3), aggregate)
    again = batch.gathered(batch.near(weights), [PENALTIES[0]] * 3)
    for name, values in weights.arrays().items():
        assert_allclose(again.arrays()[name], values, atol=1e-8, err_msg=name)


def test_what_was_not_observed_does_not_matter():
    trials = population()
    counts = np.where(trials.mask, trials.counts, 7)
    other = Trials(**{**trials.__dict__, "counts": counts.astype(np.uint8)})
    design, weights = fitted(trials)
    for name, values in _glm_fit.refit(design, other, weights).arrays().items():
        assert_allclose(_glm_fit.refit(design, trials, weights).arrays()[name], values, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("n_conditions", [1, 3])
def test_smoothness_is_where_the_marginal_likelihood_of_the_training_trials_is_largest(n_conditions):
    trials = population(n_conditions)
    design = SpikeHistoryGLM(coupling="own", longest_s=0.08)._design(trials)
    aggregate = _glm_fit.window_log_aggregate(design, trials, leave_out=True)
    batch = _glm_fit._Batch.of(design, trials, np.arange(3), aggregate)
    start = np.zeros((3, batch.rows.columns.n_all))
    start[:, 0] = batch.mean_log_rate()
    alone = [Penalties(30.0, beside=0.0)] * 3
    _, found = smoothed(batch.newton, batch.objective, alone, start, 1e-6)
    for unit in range(3):
        best = evidence(batch, start, found, unit)
        assert best > evidence(batch, start, [p._replace(**START) for p in alone], unit)
        for name in ("shared", "deviating", "size") if n_conditions > 1 else ("shared",):
            for factor in (0.2, 5.0):
                moved = list(found)
                moved[unit] = found[unit]._replace(**{name: factor * getattr(found[unit], name)})
                # Where it is flat, rounds end a little short of the top.
                assert evidence(batch, start, moved, unit) < best + 0.2, f"{name} times {factor}"


def evidence(batch, start: np.ndarray, penalties: list[Penalties], unit: int) -> float:
    """Laplace's approximation of the marginal likelihood (nats, up to a constant), all written out."""
    weights = batch.fit(penalties, start, 1e-9, exact=True)
    asked = batch.objective(penalties)
    used = np.flatnonzero(asked.used[unit])
    ridge = asked.ridge[unit, used]
    curvature = batch.rows.curvature(weights[unit], unit, asked.parts)[np.ix_(used, used)]
    value = -asked.at(weights, np.arange(3), np.float64)[0][unit]
    prior = 0.5 * np.log(ridge[ridge > 0]).sum()
    return value + prior - 0.5 * np.linalg.slogdet(curvature + np.diag(ridge))[1]


def test_coupling_by_chance_is_not_taken_and_coupling_that_is_there_is():
    trials = population()
    train, validation = trials.select(np.arange(22)), trials.select(np.arange(22, 30))
    fit = SpikeHistoryGLM(coupling="units", longest_s=0.08).fit_training(train, validation)
    coupled = np.isfinite(fit.weights.penalties[:, Penalties._fields.index("coupling")])
    assert coupled[1], "the first unit drives the second"
    gain = np.array([[0.5, -0.4, 0.3, -0.2]])
    none, some = (
        _glm_fit._Best(score, np.zeros((1, 1)), [Penalties(p)]) for score, p in ((0 * gain, 1), (gain, 2))
    )
    assert none.unless(some).penalties == none.penalties
    assert none.unless(_glm_fit._Best(gain + 1.0, some.weights, some.penalties)).penalties == some.penalties


def test_a_curvature_that_rounding_took_below_zero_is_held_up():
    columns = np.random.default_rng(0).normal(size=(200, 4))
    columns = np.c_[columns, columns @ [1.0, -1.0, 0.5, 0.0]]  # collinear
    curvature = columns.T @ columns
    rounded = curvature - 1e-6 * np.diag(np.diag(curvature))  # what single precision may leave of it
    assert np.linalg.eigvalsh(rounded)[0] < 0
    lower = np.tril(_glm_newton._lower_factor(rounded))
    assert_allclose(lower @ lower.T, curvature, rtol=1e-4, atol=1e-4 * np.diag(curvature).max())
    with pytest.raises(ConvergenceError, match="collinear"):
        _glm_newton._lower_factor(-curvature)


def test_a_fit_that_does_not_end_says_so(monkeypatch):
    monkeypatch.setattr(_glm_newton, "_MAX_FLOAT32", 1)
    monkeypatch.setattr(_glm_newton, "_MAX_ITERATIONS", 1)
    with pytest.raises(ConvergenceError, match="still gains"):
        fitted(population())
