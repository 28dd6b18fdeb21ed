"""Two coupled units, the columns of their regressions written out again."""

from dataclasses import dataclass

import numpy as np
import pytest

from neurodecode.data.trials import Trials
from neurodecode.models._glm_design import HistoryDesign
from neurodecode.models._glm_newton import KeptNewton, Objective
from neurodecode.models._glm_rows import Rows, window_log_aggregate
from neurodecode.models.glm import SpikeHistoryGLM


@dataclass(frozen=True, eq=False)
class Coupled:
    """Trials, our design of them, and per unit the observed rows of all columns but the bias, and their counts."""

    trials: Trials
    design: HistoryDesign
    columns: list[np.ndarray]
    counts: list[np.ndarray]

    def optimum(self, ridge: float) -> list[np.ndarray]:
        """Ours: per unit the bias, then a weight for each of ``columns``; every column under one ridge."""
        aggregate = window_log_aggregate(self.design, self.trials, leave_out=True)
        rows = Rows.of(self.design, self.trials, np.arange(2), aggregate)
        c = rows.columns
        penalty = np.full((2, c.n_all), ridge)
        penalty[:, 0], penalty[:, c.n_rows :] = 0.0, np.inf
        sources = c.n_alone + np.arange(2 * c.n_source_features).reshape(2, -1)
        for unit in range(2):
            penalty[unit, sources[unit]] = np.inf
        start = np.zeros(penalty.shape)
        weights = KeptNewton(rows).fit(Objective(rows, penalty, start), start, 1e-10, exact=True)
        return [w[np.isfinite(p)] for w, p in zip(weights, penalty, strict=True)]

    def log_likelihood(self, unit: int, weights: np.ndarray) -> float:
        """Nats of a unit's counts, up to log(n!)."""
        log_mean = weights[0] + self.columns[unit] @ weights[1:]
        return float(self.counts[unit] @ log_mean - np.exp(log_mean).sum())


def traces_of(relative: np.ndarray, decays: tuple[float, ...]) -> np.ndarray:
    """Logs of traces of the steps before, 1 before the first: (trials, steps) to (trials, steps, decays)."""
    out = np.zeros((*relative.shape, len(decays)))
    for k, decay in enumerate(decays):
        trace = np.ones(len(relative))
        for t in range(relative.shape[1]):
            out[:, t, k] = np.log1p(trace)
            trace = decay * trace + (1 - decay) * relative[:, t]
    return out


@pytest.fixture(scope="session")
def coupled() -> Coupled:
    """40 trials of 20 + 80 bins of 10 ms; the first unit drives the second; one trial unobserved in part."""
    rng = np.random.default_rng(11)
    drive = rng.normal(size=(40, 100))
    rate = 0.15 * np.exp(0.4 * drive + 0.5 * np.sin(np.arange(100) / 12.0))
    counts = np.zeros((40, 100, 2), int)
    for t in range(100):
        before = counts[:, t - 1] if t else np.zeros((40, 2))
        excited = np.exp(np.stack([-1.0 * before[:, 0], 0.9 * before[:, 0] - 0.7 * before[:, 1]], axis=1))
        counts[:, t] = rng.poisson(rate[:, t, None] * excited)
    mask = np.ones((40, 100, 1), bool)
    mask[3, 50:] = False
    trials = Trials.from_counts(counts, 0.01, lead=20, mask=mask, covariates={"drive": drive})
    design = SpikeHistoryGLM(coupling="units", n_lags=2, longest_s=0.16)._design(trials)

    fill = design.fill
    known = np.where(mask, counts, fill)
    history = [traces_of(known[..., u] / fill[u], design.own.decays) for u in range(2)]
    seen = mask[:, 20:, 0]
    columns, n = [], []
    for unit in range(2):
        # What stood before the first step was the mean; the window begins after it.
        lags = np.stack([np.log2(1 + np.roll(known[..., unit], lag, axis=1)) for lag in (1, 2)], axis=-1)
        aggregate = design.log_aggregate(trials, leave_out=True)[..., [unit]]
        other = history[1 - unit][..., ::2]
        all_columns = np.concatenate([aggregate, drive[..., None], lags, history[unit], other], axis=2)
        columns.append(all_columns[:, 20:][seen])
        n.append(counts[:, 20:, unit][seen].astype(float))
    return Coupled(trials, design, columns, n)
