"""The Bayesian decoder against summing over every path of the signal, and tuning curves against loops."""

from itertools import pairwise, product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from neurodecode.data.trials import Trials
from neurodecode.decoders._series import Series
from neurodecode.decoders._signal_grid import Continuity, SignalGrid
from neurodecode.decoders._signal_parts import SignalPart
from neurodecode.decoders._state_filter import StateFilter, decoded
from neurodecode.decoders._tuning import Tuning, Visits
from neurodecode.decoders.bayesian import BayesianDecoder
from neurodecode.errors import ConfigError, DataError
from neurodecode.metrics.regression import angles, angular_distances, distances, median_error

FEW = {"n_points": 60, "smoothing": (0.02, 0.06), "steps": (1.0, 3.0), "powers": (1.0,)}


def enumerated(rates, occupancy, transition, counts, seen, power) -> np.ndarray:
    """p(point now | counts so far) at every step, by summing over all paths of points."""
    n, found = rates.shape[1], []
    for t in range(len(counts)):
        probability = np.zeros(n)
        for path in product(range(n), repeat=t + 1):
            p = occupancy[path[0]]
            for a, b in pairwise(path):
                p *= transition[a, b]
            for step, place in enumerate(path):
                for unit in np.flatnonzero(seen[step]):
                    mu = rates[unit, place]
                    p *= (mu ** counts[step, unit] * np.exp(-mu)) ** power
            probability[path[-1]] += p
        found.append(probability / probability.sum())
    return np.array(found)


@pytest.mark.parametrize("circular", [False, True])
def test_the_filter_is_a_sum_over_all_paths(circular):
    rng = np.random.default_rng(0)
    line = np.linspace(0.0, 3.0, 40)
    values = np.column_stack([np.sin(line), np.cos(line)]) if circular else line[:, None]
    grid = SignalGrid.over(values, 5, circular=circular)
    rates = rng.gamma(2.0, 0.5, (3, 5))
    visited = np.array([True, True, True, False, True])
    occupancy = np.where(visited, rng.random(5), 0.0)
    occupancy /= occupancy.sum()
    apart = np.abs(grid.points[0][:, None] - grid.points[0])
    apart = np.minimum(apart, 2 * np.pi - apart) if circular else apart
    transition = np.exp(-0.5 * (apart / 0.9) ** 2) * visited
    transition /= transition.sum(axis=1, keepdims=True)
    counts, seen = rng.poisson(1.0, (5, 3)), np.ones((5, 3), bool)
    seen[1] = seen[3, 2] = False
    continuity = Continuity.of(grid, np.array([0.9]), visited, np.ones((1, 1)))
    posterior = StateFilter(Tuning(rates, occupancy, visited), continuity, 0.5, grid.signals)
    series = Series(np.where(seen, counts, 0)[None].astype(np.float32), seen[None])
    expected = enumerated(rates, occupancy, transition, counts, seen, 0.5)
    found = decoded([posterior], series, ["mean", "mode"])[0]
    assert_allclose(found["mean"][0], expected @ grid.signals, atol=1e-12)
    assert_allclose(found["mode"][0], grid.signals[expected.argmax(axis=1)])


def test_headings_turn_and_move_as_one_chain_of_all_states():
    rng = np.random.default_rng(6)
    grid = SignalGrid.over(np.linspace(0.0, 3.0, 10)[:, None], 4, circular=False)
    turns = np.array([[0.9, 0.1], [0.3, 0.7]])
    visited = np.array([True, True, True, False, True, True, True, True])
    transition = np.zeros((8, 8))
    for i, j in product(range(8), repeat=2):
        near = np.exp(-0.5 * ((i % 4 - j % 4) / 0.8) ** 2)
        transition[i, j] = turns[i // 4, j // 4] * near * visited[j]
    transition /= transition.sum(axis=1, keepdims=True)
    rates, occupancy = rng.gamma(2.0, 0.5, (3, 8)), visited / visited.sum()
    counts, seen = rng.poisson(1.0, (4, 3)), np.ones((4, 3), bool)
    continuity = Continuity.of(grid, np.array([0.8]), visited, turns)
    posterior = StateFilter(Tuning(rates, occupancy, visited), continuity, 1.0, grid.signals)
    found = decoded([posterior], Series(counts[None].astype(np.float32), seen[None]), ["mean", "mode"])[0]
    expected = enumerated(rates, occupancy, transition, counts, seen, 1.0).reshape(4, 2, 4).sum(axis=1)
    assert_allclose(found["mean"][0], expected @ grid.signals, atol=1e-12)
    assert_allclose(found["mode"][0], grid.signals[expected.argmax(axis=1)])


def test_the_heading_is_the_sign_of_the_change():
    grid = SignalGrid.over(np.linspace(0.0, 9.0, 10)[:, None], 4, circular=False)
    values = np.array([[2.0, 3.0, 5.0, np.nan, 7.0, 6.0, 4.0, np.nan]])
    found = grid.heading(values[..., None])
    assert found[0, [0, 1, 2, 4, 5, 6]].tolist() == [1, 1, 1, 0, 0, 0]
    around = np.array([3.0, -3.0, -2.5])  # over the seam of the circle
    circle = SignalGrid.over(np.column_stack([np.sin(around), np.cos(around)]), 8, circular=True)
    assert circle.heading(np.stack([np.sin(around), np.cos(around)], axis=-1)[None]).tolist() == [[1, 1, 1]]


def test_two_dims_move_as_one_grid_of_all_points():
    rng = np.random.default_rng(1)
    grid = SignalGrid.over(rng.random((50, 2)) * [1.0, 10.0], 4, circular=False)
    visited = rng.random(16) < 0.7
    widths = np.array([0.4, 3.0])
    moved = Continuity.of(grid, widths, visited, np.ones((1, 1)))
    by_hand = np.zeros((16, 16))
    for i, j in product(range(16), repeat=2):
        apart = (grid.signals[i] - grid.signals[j]) / widths
        by_hand[i, j] = np.exp(-0.5 * (apart**2).sum()) * visited[j]
    by_hand /= by_hand.sum(axis=1, keepdims=True)
    start = rng.random((2, 16)) * visited
    assert_allclose(moved.move(start), start @ by_hand, rtol=1e-12)
    assert_allclose(moved.move(start).sum(axis=1), start.sum(axis=1), rtol=1e-12)


def test_tuning_is_smoothed_spikes_over_smoothed_occupancy():
    rng = np.random.default_rng(2)
    values = rng.random((2, 30, 1)) * 8.0
    counts, mask = rng.poisson(1.0, (2, 30, 2)), rng.random((2, 30, 2)) < 0.8
    known = rng.random((2, 30)) < 0.9
    counts = np.where(mask, counts, 0)
    part = SignalPart(Series(counts.astype(np.float32), mask), np.where(known[..., None], values, np.nan), known)
    grid = SignalGrid.over(part.rows, 9, circular=False)
    found = Tuning.of(grid, Visits.of(grid, [part], headings=False), 0.15)
    points = np.linspace(part.rows.min(), part.rows.max(), 9)
    width = 0.15 * np.ptp(part.rows)
    kernel = np.exp(-0.5 * ((points[:, None] - points) / width) ** 2)
    kernel /= kernel.sum(axis=1).max()
    top, bottom, bins = np.zeros((2, 9)), np.zeros((2, 9)), np.zeros(9)
    for trial, t in product(range(2), range(30)):
        if known[trial, t]:
            near = kernel[np.abs(points - values[trial, t, 0]).argmin()]
            top += counts[trial, t][:, None] * near
            bottom += mask[trial, t][:, None] * near
            bins += near
    own = mask & known[..., None]
    mean = ((counts * own).sum(axis=(0, 1)) + 0.5) / own.sum(axis=(0, 1))
    assert_allclose(found.counts, (top + mean[:, None]) / (bottom + 1.0), rtol=1e-10)
    assert_allclose(found.occupancy, bins / bins.sum(), rtol=1e-10)


def test_a_place_that_was_never_visited_is_never_decoded():
    rng = np.random.default_rng(3)
    values = np.concatenate([np.linspace(0, 1, 200), np.linspace(3, 4, 200)])[:, None]
    grid = SignalGrid.over(values, 60, circular=False)
    part = SignalPart(
        Series(np.ones((1, 400, 1), np.float32), np.ones((1, 400, 1), bool)), values[None], np.ones((1, 400), bool)
    )
    found = Tuning.of(grid, Visits.of(grid, [part], headings=False), 0.02)
    middle = (grid.points[0] > 1.4) & (grid.points[0] < 2.6)
    assert not found.visited[middle].any()
    assert found.visited[(grid.points[0] < 1) | (grid.points[0] > 3)].all()
    continuity = Continuity.of(grid, np.array([0.5]), found.visited, np.ones((1, 1)))
    posterior = StateFilter(found, continuity, 1.0, grid.signals)
    series = Series(rng.poisson(1.0, (1, 50, 1)).astype(np.float32), np.ones((1, 50, 1), bool))
    modes = decoded([posterior], series, ["mode"])[0]["mode"]
    assert not ((modes > 1.4) & (modes < 2.6)).any()


def place_cells(track: np.ndarray, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Counts of units with a place field each, on a track from 0 to 100."""
    centres = np.linspace(0.0, 100.0, n_units)
    return rng.poisson(0.02 + 0.8 * np.exp(-0.5 * ((track[:, None] - centres) / 8.0) ** 2))


@pytest.fixture(scope="module")
def laps() -> tuple[np.ndarray, np.ndarray]:
    """Counts (3000 bins, 12 units) and the place of a rat that runs to and fro."""
    rng = np.random.default_rng(4)
    track = 50.0 - 50.0 * np.cos(np.arange(3000) / 30.0) + rng.normal(0, 0.5, 3000)
    return place_cells(track, 12, rng), track[:, None]


def test_a_place_is_decoded_and_better_with_continuity_than_without(laps):
    counts, track = laps
    errors = []
    for steps in ((1.0, 2.0, 4.0), (1000.0,)):
        fitted = BayesianDecoder(**FEW | {"steps": steps}).fit(counts[:2400], track[:2400])
        decoded = fitted.predict(counts)[2400:]
        errors.append(median_error(distances(track[2400:], decoded), track[2400:]))
    assert errors[0] < 4.0
    assert errors[0] < 0.7 * errors[1]


def test_headings_are_told_apart_where_units_do():
    rng = np.random.default_rng(7)
    phase = np.arange(3000) / 30.0
    track = 50.0 - 50.0 * np.cos(phase)
    outward = np.sin(phase) > 0
    fields = np.where(outward, track, 100.0 - track)  # each unit has its other field at the other end
    counts = place_cells(fields, 12, rng)
    steps = {"steps": (1.0, 2.0, 4.0, 8.0), "lags": (0,)}
    apart = BayesianDecoder(**FEW | steps).fit(counts[:2400], track[:2400, None])
    alike = BayesianDecoder(**FEW | steps, headings=False).fit(counts[:2400], track[:2400, None])
    assert apart.choice_["headings"]
    errors = [np.median(np.abs(d.predict(counts)[2400:, 0] - track[2400:])) for d in (apart, alike)]
    assert errors[0] < 0.7 * errors[1]


def test_the_read_out_that_errs_least_is_chosen(laps):
    counts, track = laps
    counts, track = counts[:800], track[:800]
    alone = {r: BayesianDecoder(**FEW, readouts=(r,)).fit(counts, track).choice_ for r in ("mean", "mode")}
    both = BayesianDecoder(**FEW).fit(counts, track).choice_
    least = min(alone, key=lambda r: alone[r]["validation_median_error"])
    assert both["readout"] == least
    assert both["validation_median_error"] == alone[least]["validation_median_error"]


def test_an_angle_runs_around_its_circle():
    rng = np.random.default_rng(5)
    turned = np.cumsum(rng.normal(0.05, 0.1, 2500))
    preferred = np.arange(10) * 2 * np.pi / 10
    counts = rng.poisson(np.exp(1.5 * np.cos(turned[:, None] - preferred) - 0.5))
    signal = np.column_stack([np.sin(turned), np.cos(turned)])
    fitted = BayesianDecoder(**FEW).fit(counts[:2000], signal[:2000])
    assert fitted.choice_["circular"]
    assert fitted.points_.shape == (1, 60)
    errors = angular_distances(angles(signal[2000:]), angles(fitted.predict(counts)[2000:]))
    assert np.median(errors) < 0.25
    flat = BayesianDecoder(**FEW | {"n_points": 15}, circular=False).fit(counts[:500], signal[:500])
    assert flat.points_.shape == (2, 15)


def test_activity_that_leads_the_signal_is_read_as_such():
    rng = np.random.default_rng(8)
    track = 50.0 - 50.0 * np.cos(np.arange(2000) / 8.0 + np.cumsum(rng.normal(0, 0.02, 2000)))
    early = place_cells(np.roll(track, -3), 12, rng)
    fitted = BayesianDecoder(**FEW).fit(early[:1500], track[:1500, None])
    at_once = BayesianDecoder(**FEW, lags=(0,)).fit(early[:1500], track[:1500, None])
    assert fitted.choice_["lag"] >= 2
    errors = [np.median(np.abs(d.predict(early)[1500:, 0] - track[1500:])) for d in (fitted, at_once)]
    assert errors[0] < 0.85 * errors[1]


@pytest.mark.parametrize("lag", [0, 2])
def test_streamed_is_batch_also_through_holes(laps, lag):
    counts, track = laps
    fitted = BayesianDecoder(**FEW, lags=(lag,)).fit(counts[:1000], track[:1000])
    mask = np.ones((1, 150, 12), bool)
    mask[0, 40:50] = mask[0, 70, 3] = mask[0, 0] = False
    decoded = fitted.predict(Trials.from_counts(counts[None, :150], 0.05, lead=20, mask=mask))[0]
    stream = fitted.stream()
    streamed = np.array([stream.step(one) for one in np.where(mask[0], counts[:150], np.nan)])
    assert decoded.shape == (130, 1)
    assert_allclose(streamed[20:], decoded, atol=1e-9)


def test_counts_that_no_place_explains_are_survived(laps):
    counts, track = laps
    fitted = BayesianDecoder(**FEW).fit(counts[:500], track[:500])
    assert np.isfinite(fitted.predict(np.full((5, 12), 3000))).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"n_points": 1},
        {"smoothing": ()},
        {"steps": (0.0,)},
        {"powers": (-1.0,)},
        {"lags": (0.5,)},
        {"readouts": ("median",)},
    ],
)
def test_hyper_parameters_that_cannot_work_are_refused(laps, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        BayesianDecoder(**bad).fit(*laps)


def test_signals_that_a_grid_cannot_hold_are_refused(laps):
    counts, track = laps
    with pytest.raises(DataError, match="3 dims is too large"):
        BayesianDecoder().fit(counts, np.random.default_rng(0).random((3000, 3)))
    with pytest.raises(DataError, match="sine and cosine"):
        BayesianDecoder(circular=True).fit(counts, track)
    with pytest.raises(ConfigError, match="headings"):
        BayesianDecoder(headings=True).fit(counts, np.random.default_rng(0).random((3000, 2)))
    with pytest.raises(DataError, match="neighbouring"):
        BayesianDecoder().fit(counts, np.where((np.arange(3000) % 2 == 0)[:, None], track, np.nan))
