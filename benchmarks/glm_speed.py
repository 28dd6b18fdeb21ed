"""The GLM of a whole population against nemos and statsmodels, which fit it unit by unit.

    python -m benchmarks.glm_speed               (--record to keep the rows, --trials 40 for a quick look)

A simulated population (12 units, trials of 1 s at 1 ms, the lead is history). Each unit's columns are its log
aggregate, its own history and every other unit's history; `--time-course` adds the splines of time. One ridge
on all columns, histories standardised, the bias unpenalised; every fit starts from weights of 0 and the mean
rate. Ours fits all units to their optimum (to 1e-7 nats, in float64). nemos' L-BFGS is float64, compiled and
warm, and takes the fewest steps that bring the penalised log-likelihood within `--close` of ours, relative to
it: 1e-6 of it is some 0.01 nats, 1e-8 the likelihood that ours reached to four digits after the point; each is
measured. statsmodels stops of itself, and what it reached is printed. Columns are made, converted and moved
before the clock starts. Both sides run in turn on one core of one process, and seconds are the processor's, so
that other work on the machine counts for neither: a ratio is the median over repeats [quartiles].
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks._clock import interleaved, ratio
from benchmarks._glm_references import Reference, Regression, nemos_fits, statsmodels_fits
from benchmarks._rows import RESULTS, Rows, commit, machine
from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.trials import Trials
from neurodecode.models._glm_newton import KeptNewton, Objective
from neurodecode.models._glm_rows import Rows as DesignRows
from neurodecode.models._glm_rows import window_log_aggregate
from neurodecode.models.glm import SpikeHistoryGLM
from neurodecode.simulate import simulate

BAR = 20.0
CLOSE = (1e-6, 1e-8)  # of the penalised log-likelihood
TOLERANCE = 1e-7  # nats
REFERENCES = {"nemos": nemos_fits, "statsmodels": statsmodels_fits}
COLUMNS = (
    *("commit", "machine", "reference", "units", "rows", "columns", "ridge", "close", "repeats"),
    *("ours_s", "theirs_s", "ratio", "low", "high", "worst_loss_above_ours"),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """All units' regressions: our rows, standardised, and the penalty; the same written out for each unit."""

    rows: DesignRows
    penalty: np.ndarray
    start: np.ndarray
    ridge: float

    @classmethod
    def of(cls, trials: Trials, ridge: float, *, time_course: bool) -> Problem:
        """Of the GLM's own design of these trials."""
        design = SpikeHistoryGLM(coupling="units")._design(trials)
        aggregate = window_log_aggregate(design, trials, leave_out=True)
        rows = standardised(DesignRows.of(design, trials, np.arange(trials.n_units), aggregate))
        c = rows.columns
        penalty = np.full((trials.n_units, c.n_all), ridge)
        penalty[:, 0] = 0.0
        sources = c.n_alone + np.arange(trials.n_units * c.n_source_features).reshape(trials.n_units, -1)
        np.put_along_axis(penalty, sources, np.inf, axis=1)  # a unit is no source of its own
        if not time_course:
            penalty[:, c.n_rows :] = np.inf
        start = np.zeros(penalty.shape)
        counts = trials.window_counts.mean(axis=(0, 1))
        start[:, 0] = np.log(counts)
        return cls(rows, penalty, start, ridge)

    def fit(self) -> np.ndarray:
        """Ours: nothing is kept from one call to the next."""
        rows = replace(self.rows)
        objective = Objective(rows, self.penalty, np.zeros(self.penalty.shape))
        return KeptNewton(rows).fit(objective, self.start, TOLERANCE, exact=True)

    def written_out(self, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """Columns in use (rows, columns) and counts of a unit, float64."""
        c, blocks = self.rows.columns, self.rows.blocks
        every = np.zeros((sum(b.counts.shape[1] for b in blocks), c.n_all))
        counts, row = np.zeros(len(every)), 0
        for block in blocks:
            here = slice(row, row + block.counts.shape[1])
            every[here, c.of_unit], every[here, c.of_all] = block.own[unit].T, block.shared.T
            every[here, c.n_rows :] = self._splines(block.condition, block.bins, block.counts.shape[1])
            counts[here] = block.counts[unit]
            row = here.stop
        used = np.isfinite(self.penalty[unit])
        used[0] = False
        return np.ascontiguousarray(every[:, used]), counts

    def _splines(self, condition: int, bins: slice, n_rows: int) -> np.ndarray:
        basis = self.rows.basis[bins]
        own = np.zeros((basis.shape[0], self.rows.columns.n_profiles // basis.shape[1], basis.shape[1]))
        own[:, 0] = basis
        if self.rows.n_conditions > 1:
            own[:, 1 + condition] = basis
        return np.tile(own.reshape(len(basis), -1), (n_rows // len(basis), 1))

    def regression(self, unit: int, ours: np.ndarray, close: float) -> Regression:
        """A unit's, for a reference; it may stop ``close`` to what ``ours`` (columns,) reached."""
        columns, counts = self.written_out(unit)
        plain = Regression(columns, counts, self.ridge, np.inf)
        reached = plain.loss(ours[0], ours[1:][np.isfinite(self.penalty[unit, 1:])])
        return replace(plain, enough=reached + close * abs(reached))


def standardised(rows: DesignRows) -> DesignRows:
    """The same with columns of mean 0, histories of standard deviation 1, so that one ridge suits all of them."""
    c, scales = rows.columns, rows.scales
    n = sum(block.counts.shape[1] for block in rows.blocks)
    own_mean = sum(block.own.sum(axis=2, dtype=np.float64) for block in rows.blocks) / n
    shared_mean = sum(block.shared.sum(axis=1, dtype=np.float64) for block in rows.blocks) / n
    blocks = []
    for block in rows.blocks:
        own = (block.own - own_mean[..., None]) / scales[:, c.of_unit][..., None]
        shared = (block.shared - shared_mean[:, None]) / scales[0, c.of_all][:, None]
        blocks.append(replace(block, own=own.astype(np.float32), shared=shared.astype(np.float32)))
    return replace(rows, blocks=blocks)


def simulated(n_trials: int, n_units: int) -> Trials:
    """The refractory, adapting population, or the first of its units."""
    known = simulate("refractory_adapting", n_trials=n_trials, rng=np.random.default_rng(0))
    window = Window(
        bin_size_s=known.bin_size_s,
        window_s=known.window_s,
        lead_s=known.lead_s,
        align=known.align,
        condition=known.condition,
    )
    trials = trials_from_session(known.session, window)
    return trials.select_units(np.arange(min(n_units, trials.n_units)))


def measured(problem: Problem, name: str, close: float, repeats: int) -> dict[str, object]:
    """Seconds of all units by ours and by a reference, its units one after the other."""
    ours = problem.fit()
    regressions = [problem.regression(unit, ours[unit], close) for unit in range(len(ours))]
    references = REFERENCES[name](regressions)
    seconds = interleaved(
        {"ours": problem.fit, "theirs": lambda: [reference.run() for reference in references]},
        repeats,
        time.process_time,
    )
    found = ratio(seconds, "theirs", "ours")
    n_columns = regressions[0].columns.shape[1]
    worst = above(regressions, references, close)
    print(f"{mark(name, found.median)} {name} over ours: {found}", flush=True)
    print(
        f"       {len(ours)} units, {len(regressions[0].counts)} rows, {n_columns} columns, {steps(references)}",
        end="",
    )
    print(f"ours {np.median(seconds['ours']):.3g} s, {name} {np.median(seconds['theirs']):.3g} s, ", end="")
    print(f"stopping within {close:g}: its loss above ours by at most {worst:.1e} of it", flush=True)
    return {
        "reference": name,
        "units": len(ours),
        "rows": len(regressions[0].counts),
        "columns": n_columns,
        "close": close,
        "ours_s": float(np.median(seconds["ours"])),
        "theirs_s": float(np.median(seconds["theirs"])),
        "ratio": found.median,
        "low": found.low,
        "high": found.high,
        "worst_loss_above_ours": worst,
    }


def above(regressions: Sequence[Regression], references: Sequence[Reference], close: float) -> float:
    """How far the worst unit of a reference stayed above our loss, relative to it."""
    ours = [r.enough / (1 + close * np.sign(r.enough)) for r in regressions]
    return float(max((ref.reached - own) / abs(own) for ref, own in zip(references, ours, strict=True)))


def steps(references: Sequence[Reference]) -> str:
    """How many iterations a reference took."""
    taken = [reference.steps for reference in references]
    return f"{min(taken)} to {max(taken)} steps; " if any(taken) else ""


def mark(name: str, value: float) -> str:
    """Only nemos has a bar."""
    return "      " if name != "nemos" else f"{'ok    ' if value >= BAR else 'MISSED'} (bar {BAR:g})"


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.glm_speed", description=__doc__.split("\n")[0])
    parser.add_argument("--references", nargs="+", choices=list(REFERENCES), default=list(REFERENCES))
    parser.add_argument("--trials", type=int, default=160)
    parser.add_argument("--units", type=int, default=12)
    parser.add_argument("--ridge", type=float, default=10.0)
    parser.add_argument("--time-course", action="store_true", help="splines of time beside the aggregate")
    parser.add_argument("--close", type=float, nargs="+", default=CLOSE, help="of its loss to ours, relative")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="append what was measured to --csv")
    parser.add_argument("--csv", type=Path, default=RESULTS / "glm_speed.csv")
    arguments = parser.parse_args(given)
    described = machine("nemos", "jax", "statsmodels", "scipy")
    # jax takes all cores that it sees when it is first imported.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"{described}; one core in use")
    problem = Problem.of(
        simulated(arguments.trials, arguments.units), arguments.ridge, time_course=arguments.time_course
    )
    for name, close in product(arguments.references, arguments.close):
        if name != "nemos" and close != arguments.close[0]:
            continue  # where statsmodels stops is its own affair
        row = measured(problem, name, close, arguments.repeats)
        if arguments.record:
            given_row = {"commit": commit(), "machine": described, "ridge": arguments.ridge}
            Rows(arguments.csv, COLUMNS).append({**row, **given_row, "repeats": arguments.repeats})


if __name__ == "__main__":
    main()
