"""Simulated sessions as tasks that one network learns in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.trials import Trials
from neurodecode.evaluation.seeds import seed_sequence
from neurodecode.features.history import HistoryBasis, mean_count, observed_counts
from neurodecode.models.psth import FittedPSTH, fit_psth
from neurodecode.nn.sequences import Sequences
from neurodecode.simulate import simulate

BIN_SIZE_S, LEAD_S, LONGEST_S = 0.008, 0.2, 0.2
N_TRAIN, N_VALIDATION, N_TEST = 40, 10, 40


@dataclass(frozen=True, eq=False)
class Task:
    """One population's trials as a network sees them: past spikes in, the log PSTH as what it starts from."""

    name: str
    train: Sequences
    validation: Sequences
    test: Sequences


@dataclass(frozen=True, eq=False)
class Inputs:
    """The last bin's count and exponential traces of every unit, standardised by the first task's trials."""

    basis: HistoryBasis
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def measured(cls, trials: Trials) -> Inputs:
        """Scaled by these trials."""
        basis = HistoryBasis.log_spaced(BIN_SIZE_S, n_lags=1, longest_s=LONGEST_S)
        raw = cls(basis, np.zeros(1, np.float32), np.ones(1, np.float32))
        made = raw.of(trials)
        return cls(basis, made.mean(axis=(0, 1)), made.std(axis=(0, 1)))

    def of(self, trials: Trials) -> np.ndarray:
        """(trials, lead and window steps, units x features) float32."""
        fill = mean_count(trials)
        history = self.basis.transform(observed_counts(trials, fill), fill)
        made = history.reshape(*history.shape[:2], -1).astype(np.float32)
        return (made - self.mean) / self.sd


def together(parts: list[Sequences]) -> Sequences:
    """The trials of several tasks as one."""
    numbers = np.concatenate(
        [np.stack([np.full(p.n_trials, n), np.arange(p.n_trials)], 1) for n, p in enumerate(parts)]
    )

    def make_inputs(which: np.ndarray) -> np.ndarray:
        return np.concatenate([parts[n].make_inputs(np.array([trial])) for n, trial in numbers[which]])

    stacked = (np.concatenate([getattr(p, name) for p in parts]) for name in ("counts", "mask", "offset"))
    return Sequences(make_inputs, parts[0].burn_in, *stacked).cached()


def tasks_in_turn(populations: tuple[str, ...], repeat: int) -> tuple[list[Task], Inputs]:
    """A task for each population, on spikes drawn for this repeat."""
    found: list[Task] = []
    inputs = None
    for name in populations:
        trials = _simulated(name, repeat)
        ends = np.cumsum([N_TRAIN, N_VALIDATION, N_TEST])
        train, validation, test = (
            trials.select(np.arange(end - n, end))
            for n, end in zip((N_TRAIN, N_VALIDATION, N_TEST), ends, strict=True)
        )
        inputs = Inputs.measured(train) if inputs is None else inputs
        psth = fit_psth(train)
        parts = [_sequences(inputs, psth, part, leave_out=part is train) for part in (train, validation, test)]
        found.append(Task(name, *parts))
    return found, inputs


def _simulated(name: str, repeat: int) -> Trials:
    rng = np.random.default_rng(seed_sequence(repeat, name, "tasks in turn"))
    made = simulate(name, n_trials=N_TRAIN + N_VALIDATION + N_TEST, rng=rng)
    window = Window(
        bin_size_s=BIN_SIZE_S, window_s=made.window_s, lead_s=LEAD_S, align=made.align, condition=made.condition
    )
    return trials_from_session(made.session, window)


def _sequences(inputs: Inputs, psth: FittedPSTH, trials: Trials, *, leave_out: bool) -> Sequences:
    offset = psth.log_expected_count(trials, leave_out=leave_out)[:, trials.lead :].astype(np.float32)
    made = inputs.of(trials)
    return Sequences(
        lambda which: made[which], trials.lead, trials.window_counts, trials.window_mask, offset
    ).cached()
