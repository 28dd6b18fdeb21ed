"""Time-courses of conditions as penalised splines, fitted to sums over trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from neurodecode.data.trials import Trials
from neurodecode.features.bsplines import roughness_basis
from neurodecode.models._groups import deal_groups
from neurodecode.models._newton import fit_poisson_regression
from neurodecode.models._spline_columns import SplineColumns

MOST_COLUMNS = 400  # of all conditions together: the Hessian grows with their square
_BLOCKS_PER_SPLINE = 4
_FLAT = 1e-6  # a straight line is not rough; its coefficients still need a bound where a unit was not observed
HALF_A_SPIKE = 0.5  # is added, spread over all that was observed: a silent unit may still fire
_SIZES = (100.0, 10.0, 1.0, 0.1)  # ridges on the coefficients of deviations
_USUAL_SIZE = 1.0  # while their smoothness is chosen
MARGIN = 2.0  # nats
_NO_DEVIATION = 1e8  # at this penalty conditions are not told apart


@dataclass(frozen=True, eq=False)
class TimeCourse:
    """log expected count = profiles . coefficients, per unit; ``penalty`` of each coefficient.

    ``profiles``: the columns of ``SplineColumns`` written out; its rows run over the bins of the first condition,
    then the second, ...
    """

    profiles: Float[np.ndarray, "conditions_and_bins profiles"]
    coefficients: Float[np.ndarray, "units profiles"]
    penalty: Float[np.ndarray, "units profiles"]
    n_conditions: int

    @property
    def log_rate(self) -> Float[np.ndarray, "conditions bins units"]:
        """Log expected count of each condition and bin."""
        flat: np.ndarray = self.profiles @ self.coefficients.T
        return flat.reshape(self.n_conditions, -1, self.coefficients.shape[0])

    def with_coefficients(self, coefficients: Float[np.ndarray, "units profiles"]) -> TimeCourse:
        """The same splines with other coefficients."""
        return replace(self, coefficients=coefficients)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Spikes and observed trials of one unit: (groups of trials, conditions x bins)."""

    counts: Float[np.ndarray, "groups places"]
    observed: Float[np.ndarray, "groups places"]

    def in_blocks(self, starts: np.ndarray, n_bins: int) -> _Sums:
        """The same over blocks of bins that begin at ``starts``."""
        return self._summed(n_bins, lambda values: np.add.reduceat(values, starts, axis=2))

    def pooled(self, n_bins: int) -> _Sums:
        """The same over conditions: what they have in common is fitted to their sums."""
        return self._summed(n_bins, lambda values: values.sum(axis=1))

    def _summed(self, n_bins: int, sums: Callable[[np.ndarray], np.ndarray]) -> _Sums:
        """``sums`` of (groups, conditions, bins)."""
        n = len(self.counts)
        return _Sums(*(sums(v.reshape(n, -1, n_bins)).reshape(n, -1) for v in (self.counts, self.observed)))

    def fit(self, keep: np.ndarray, basis: np.ndarray, penalty: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Coefficients of ``SplineColumns`` for the groups to keep."""
        counts, observed = self.counts[keep].sum(axis=0), self.observed[keep].sum(axis=0)
        seen = observed > 0
        counts = counts + HALF_A_SPIKE * observed / max(observed.sum(), 1.0)
        return fit_poisson_regression(
            SplineColumns.of(basis, seen),
            counts[seen],
            penalty,
            np.zeros_like(penalty),
            start,
            log_exposure=np.log(observed[seen]),
        )

    def score(self, group: int, basis: np.ndarray, coefficients: np.ndarray) -> float:
        """Log-likelihood (nats, up to log n!) of one group."""
        everywhere = np.ones(self.counts.shape[1], bool)
        log_rate = SplineColumns.of(basis, everywhere).product(coefficients)
        return float(self.counts[group] @ log_rate - self.observed[group] @ np.exp(log_rate))

    def cross_validated(self, basis: np.ndarray, penalties: list[np.ndarray], start: np.ndarray) -> int:
        """Which of the penalties, from strong to weak, predicts left-out groups best.

        The first stands unless another wins MARGIN: chance alone often prefers one of the many others.
        """
        scores = np.zeros(len(penalties))
        for group in range(len(self.counts)):
            coefficients = start
            for number, penalty in enumerate(penalties):
                coefficients = self.fit(np.arange(len(self.counts)) != group, basis, penalty, coefficients)
                scores[number] += self.score(group, basis, coefficients)
        scores[0] += MARGIN
        return int(np.argmax(scores))


def fit_time_course(trials: Trials, n_splines: int, penalties: tuple[float, ...], n_groups: int) -> TimeCourse:
    """Time-courses of all conditions and units: a shared spline, and each condition's deviation from it.

    The penalty on the shared spline is chosen first, conditions pooled, then that on the deviations.
    """
    n_conditions, strong_first = trials.n_conditions, sorted(penalties, reverse=True)
    most = max(4, MOST_COLUMNS // (n_conditions + 1))
    basis, roughness = roughness_basis(trials.n_bins, min(n_splines, most, trials.n_bins + 2))
    # Penalties are chosen on blocks of bins far shorter than a spline, and used on the bins themselves.
    width = max(1, trials.n_bins // (_BLOCKS_PER_SPLINE * basis.shape[1]))
    starts = np.arange(0, trials.n_bins, width)
    sizes = np.diff(np.append(starts, trials.n_bins))
    blocks = np.add.reduceat(basis, starts, axis=0) / sizes[:, None]
    coefficients, chosen = [], []
    for sums in _sums(trials, n_groups):
        coarse = sums.in_blocks(starts, trials.n_bins)
        start = _flat_start(sums, basis)
        grids = [p * roughness + _FLAT for p in strong_first]
        penalty = grids[coarse.pooled(len(blocks)).cross_validated(blocks, grids, start)]
        if n_conditions > 1:
            start = np.concatenate([start, np.zeros(n_conditions * basis.shape[1])])
            penalty = _with_deviations(coarse, penalty, roughness, strong_first, blocks, start)
        coefficients.append(sums.fit(np.arange(len(sums.counts)), basis, penalty, start))
        chosen.append(penalty)
    return TimeCourse(_profiles(basis, n_conditions), np.stack(coefficients), np.stack(chosen), n_conditions)


def _with_deviations(
    sums: _Sums,
    shared: np.ndarray,
    roughness: np.ndarray,
    penalties: list[float],
    blocks: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """The shared penalty followed by that of each condition: on roughness first, then on size."""
    n_conditions = sums.counts.shape[1] // len(blocks)

    def best(deviations: list[np.ndarray]) -> np.ndarray:
        full = [np.concatenate([shared, np.tile(d, n_conditions)]) for d in deviations]
        return deviations[sums.cross_validated(blocks, full, start)]

    smooth = best([np.full(roughness.size, _NO_DEVIATION), *(p * roughness + _USUAL_SIZE for p in penalties)])
    if smooth[0] < _NO_DEVIATION:
        smooth = best([smooth - _USUAL_SIZE + size for size in _SIZES])
    return np.concatenate([shared, np.tile(smooth, n_conditions)])


def _profiles(basis: np.ndarray, n_conditions: int) -> np.ndarray:
    """The shared spline's columns, then each condition's; with one condition, the shared ones only."""
    shared = np.tile(basis, (n_conditions, 1))
    return shared if n_conditions == 1 else np.hstack([shared, np.kron(np.eye(n_conditions), basis)])


def _sums(trials: Trials, n_groups: int) -> Iterator[_Sums]:
    """Of one unit after the other."""
    groups = deal_groups(trials.condition, n_groups)
    n_places = trials.n_conditions * trials.n_bins
    shape = (int(groups.max()) + 1, trials.n_conditions, trials.n_bins)
    counts, observed = (np.zeros((*shape, n)) for n in (trials.n_units, trials.mask.shape[2]))
    for trial, (group, code) in enumerate(zip(groups, trials.condition, strict=True)):
        counts[group, code] += np.where(trials.window_mask[trial], trials.window_counts[trial], 0)
        observed[group, code] += trials.window_mask[trial]
    for unit in range(trials.n_units):
        seen = observed[..., unit if trials.mask.shape[2] > 1 else 0]
        yield _Sums(counts[..., unit].reshape(-1, n_places), seen.reshape(-1, n_places))


def _flat_start(sums: _Sums, basis: np.ndarray) -> np.ndarray:
    """Coefficients of the mean rate: half a spike is added, so that a silent unit has one."""
    log_mean = np.log((sums.counts.sum() + 0.5) / max(sums.observed.sum(), 1.0))
    found: np.ndarray = np.linalg.lstsq(basis, np.full(basis.shape[0], log_mean), rcond=None)[0]
    return found
