"""What each choice in the PSTH is worth: bits per spike over the mean rate, on the test trials of the first folds.

    python -m benchmarks.psth_choices [NAME ...]        (recordings of examples/; all where none is named)

Two tables of Markdown. In the first every line takes one more of the choices of docs/decisions/0002-psth.md. The
second has the ways of smoothing side by side, each without shrinkage of conditions toward their grand mean, with
a fixed one and with an estimated one, and what is won by choosing between the family and splines.
"""

import argparse
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from unittest.mock import patch

import numpy as np

from benchmarks._psth_smoothers import kernel_psth, likeliest, shimazaki_shinomoto, spline_psth
from benchmarks._sessions import Recording, example_names, read_recording
from neurodecode.data.trials import Trials
from neurodecode.likelihood import mean_rate_hz, trial_log_likelihood
from neurodecode.models.psth import fit_psth

CHOICE = "neurodecode.models._psth_choice"
Changes = Mapping[str, object]


def only_best(evidence: np.ndarray) -> np.ndarray:
    """All weight on the likeliest bandwidth; none on what estimates are shrunk toward."""
    best = evidence[1:].argmax(axis=0) + 1
    return (np.arange(len(evidence)).reshape(-1, *[1] * best.ndim) == best).astype(float)


def fixed(trials: Trials, bandwidth_s: float = 0.025) -> Changes:
    """The textbook's: one bandwidth for all, each condition by itself."""
    steps = bandwidth_s / trials.bin_size_s
    return by_bandwidth(trials) | {"neurodecode.models.psth.bandwidth_grid": lambda *_: (steps,)}


def by_bandwidth(trials: Trials) -> Changes:
    """One bandwidth for each unit."""
    nothing = {f"{CHOICE}.SHRINKAGE_TRIALS": (0.0,), f"{CHOICE}.MARGIN": -1e9}
    return shrunk(trials) | nothing


def shrunk(trials: Trials) -> Changes:
    """And shrinkage of conditions toward the grand mean, or no conditions."""
    return averaged(trials) | {f"{CHOICE}.weights_of": only_best}


def averaged(trials: Trials) -> Changes:
    """And an average of bandwidths in the place of the best."""
    return over_time(trials) | {f"{CHOICE}.WIDTHS": (np.inf,)}


def over_time(trials: Trials) -> Changes:
    """And weights that follow time."""
    return {"neurodecode.models.psth.event_step": lambda _: None}


def all_choices(trials: Trials) -> Changes:
    """And a jump at the event: the family as it is."""
    return {}


STEPS: Mapping[str, Callable[[Trials], Changes]] = {
    "25 ms Gaussian, each condition by itself": fixed,
    "bandwidth of each unit by cross-validation": by_bandwidth,
    "+ shrinkage toward the grand mean": shrunk,
    "+ bandwidths averaged": averaged,
    "+ weights that follow time": over_time,
    "+ jump at the event": all_choices,
}


Estimate = Callable[[Trials, Trials], np.ndarray]


def stepwise(step: Callable[[Trials], Changes], train: Trials, validation: Trials) -> np.ndarray:
    """Rates (conditions, bins, units) of the family with some of its choices undone."""
    both = train.concatenate(validation)
    with ExitStack() as stack:
        for name, value in step(both).items():
            stack.enter_context(patch(name, value))
        return fit_psth(both).condition_rates_hz[:, both.lead :]


def smoothed(smoother: Callable[[Trials], np.ndarray], train: Trials, validation: Trials) -> np.ndarray:
    """Rates by one of the usual ways."""
    return smoother(train.concatenate(validation))


def fixed_kernel(sums) -> np.ndarray:
    """25 ms for all."""
    return np.full(sums.trials.n_conditions, 0.025 / sums.trials.bin_size_s)


def kernels_or_splines(train: Trials, validation: Trials) -> np.ndarray:
    """Of each unit, the family or splines with estimated shrinkage: what validation trials prefer."""
    before = [stepwise(all_choices, train, train.select(np.arange(0))), spline_psth(train, "estimated")]
    scores = [log_likelihood(rates, validation) for rates in before]
    both = train.concatenate(validation)
    after = [stepwise(all_choices, train, validation), spline_psth(both, "estimated")]
    return np.where(scores[0] >= scores[1], *after)


def kernels_and_splines(train: Trials, validation: Trials) -> np.ndarray:
    """The mean of both rates."""
    both = train.concatenate(validation)
    return (stepwise(all_choices, train, validation) + spline_psth(both, "estimated")) / 2


def ways() -> dict[str, Estimate]:
    """Every line of both tables."""
    bandwidths = {
        "Gaussian of 25 ms": fixed_kernel,
        "Gaussian, left-out likelihood, each unit": partial(likeliest, by_condition=False),
        "Gaussian, left-out likelihood, each unit and condition": partial(likeliest, by_condition=True),
        "Gaussian, Shimazaki-Shinomoto (elephant), each unit": partial(shimazaki_shinomoto, by_condition=False),
        "Gaussian, Shimazaki-Shinomoto, each unit and condition": partial(shimazaki_shinomoto, by_condition=True),
    }
    smoothers: dict[str, Callable[[Trials], np.ndarray]] = {}
    for name, choose in bandwidths.items():
        for shrinkage in ("none", "fixed", "estimated"):
            smoothers[f"{name}; {shrinkage}"] = partial(kernel_psth, bandwidths=choose, shrinkage=shrinkage)
    for shrinkage in ("none", "fixed", "estimated"):
        smoothers[f"penalised splines; {shrinkage}"] = partial(spline_psth, shrinkage=shrinkage)
    return {
        **{name: partial(stepwise, step) for name, step in STEPS.items()},
        **{name: partial(smoothed, smoother) for name, smoother in smoothers.items()},
        "the family `psth`; estimated": partial(stepwise, all_choices),
        "`psth` or splines, each unit by validation; estimated": kernels_or_splines,
        "mean of `psth` and splines; estimated": kernels_and_splines,
    }


def log_likelihood(rates_hz: np.ndarray, trials: Trials) -> np.ndarray:
    """(units,) nats under rates of conditions."""
    expected = rates_hz[trials.condition]
    return trial_log_likelihood(trials.window_counts, expected, trials.bin_size_s, trials.window_mask).sum(axis=0)


def bits_per_spike(recording: Recording, n_folds: int, estimate: Estimate) -> float:
    """Summed gain over the mean rate by summed spikes."""
    gain, n_spikes = 0.0, 0
    for split in recording.splits[:n_folds]:
        train, validation, test = (
            recording.trials.select(getattr(split, role)) for role in ("train", "validation", "test")
        )
        both = train.concatenate(validation)
        mean = mean_rate_hz(both.window_counts, both.window_mask, both.bin_size_s)
        rates = estimate(train, validation)
        gain += float(
            (log_likelihood(rates, test) - log_likelihood(np.broadcast_to(mean, rates.shape), test)).sum()
        )
        n_spikes += int(test.window_counts.sum(where=test.window_mask))
    return gain / n_spikes / np.log(2.0)


def main() -> None:
    """Print one line a choice, one column a recording."""
    parser = argparse.ArgumentParser(description="what each choice in the PSTH is worth on held-out trials")
    parser.add_argument("names", nargs="*", metavar="NAME", help="recordings of examples/ (default: all)")
    parser.add_argument("--recordings", default="../shared/data", help="the folder that holds them")
    parser.add_argument("--folds", type=int, default=5, help="how many of the folds (default: all five)")
    given = parser.parse_args()
    names = given.names or example_names()
    recordings = [read_recording(name, given.recordings) for name in names]
    print(f"| bits/spike over the mean rate | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for line, estimate in ways().items():
        values = [bits_per_spike(recording, given.folds, estimate) for recording in recordings]
        print(f"| {line} | {' | '.join(f'{value:.4f}' for value in values)} |", flush=True)


if __name__ == "__main__":
    main()
