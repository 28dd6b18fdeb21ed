"""Every decoder, fitted to a toy of what it decodes. Families, classes and EXAMPLE are found by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from neurodecode.data.trials import Trials
from neurodecode.decoders import Decoder, build_decoder, decoder_families, decoder_types, example
from neurodecode.decoders._base import UnfoldingClassDecoder

BIN_S, LEAD, N_BINS, N_UNITS = 0.005, 6, 24, 5
N_TRAIN, N_TRIALS = 60, 160

Name = tuple[str, str]  # family, class


@pytest.fixture(scope="module", autouse=True)
def networks_are_kept() -> None:
    """Decoders have nothing to fall back to: their networks are trained and chosen as anywhere else."""


def make(family: str, name: str) -> Decoder:
    """The unfitted decoder of a family with those hyper-parameters of its EXAMPLE that it has."""
    known = next(kind for kind in decoder_types(family) if kind.__name__ == name)().get_params()
    return build_decoder(family, name, **{k: v for k, v in example(family).items() if k in known})


def unfolds(decoder: Any) -> bool:
    """Whether something is decoded in every bin."""
    return decoder.kind == "signal" or isinstance(decoder, UnfoldingClassDecoder)


@dataclass(frozen=True)
class Toy:
    """Counts (trials, bins, units) and what is decoded from them, as arrays and as ``Trials`` with a lead."""

    X: np.ndarray
    y: np.ndarray
    trials: Trials
    name: str

    def part(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.X[index], self.y[index]


@cache
def toys() -> dict[str, Toy]:
    """What every kind of decoder can read out: two classes, a gain of the trial, and a signal of two dims."""
    rng = np.random.default_rng(3)
    steps = np.arange(LEAD + N_BINS)
    phase = rng.uniform(0, 2 * np.pi, N_TRIALS)[:, None] + steps / 4.0
    signal = np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    code, gain = rng.integers(2, size=N_TRIALS), rng.normal(size=N_TRIALS)
    preferred = np.stack([np.cos(np.arange(N_UNITS)), np.sin(np.arange(N_UNITS))])
    # A signal is followed over time, a class has a time-course, a value is the level of the whole trial.
    bumps = np.stack([np.exp(-0.5 * ((steps - centre) / 4.0) ** 2) for centre in (12, 22)])
    log_mu = {
        "signal": 1.2 * signal @ preferred,
        "class": np.repeat(2.0 * bumps[code][:, :, None], N_UNITS, axis=2) - 0.7,
        "value": np.broadcast_to(0.6 * gain[:, None, None], (N_TRIALS, steps.size, N_UNITS)) - 0.3,
    }
    side = np.array(["left", "right"])[code]
    found = {}
    for kind, target in (("signal", signal), ("class", side), ("value", gain)):
        trials = Trials.from_counts(
            rng.poisson(np.exp(log_mu[kind])),
            BIN_S,
            lead=LEAD,
            condition=code,
            condition_names=["left", "right"],
            covariates={"signal": signal} if kind == "signal" else {},
            columns={"class": side, "value": gain},
        )
        X = trials.window_counts.copy()
        X.flags.writeable = False
        found[kind] = Toy(X, target[:, LEAD:] if kind == "signal" else target, trials, kind)
    return found


@dataclass(frozen=True)
class Fit:
    """A decoder with its family's EXAMPLE, fitted to the first trials of the toy of its kind."""

    family: str
    fitted: Any
    toy: Toy

    def fresh(self, **changes: Any) -> Any:
        return clone(self.fitted).set_params(**changes)

    @property
    def unfolds(self) -> bool:
        return unfolds(self.fitted)

    def outputs(self, X: Any, fitted: Any = None) -> np.ndarray:
        """What is decoded, bin by bin where the decoder does that."""
        fitted = self.fitted if fitted is None else fitted
        if fitted.kind != "class":
            return fitted.predict(X)
        return fitted.predict_proba_bins(X) if self.unfolds else fitted.predict_proba(X)

    @property
    def train(self) -> tuple[np.ndarray, np.ndarray]:
        return self.toy.part(np.arange(N_TRAIN))

    @property
    def test(self) -> tuple[np.ndarray, np.ndarray]:
        return self.toy.part(np.arange(N_TRAIN, N_TRIALS))

    @property
    def train_trials(self) -> Trials:
        return self.toy.trials.select(np.arange(N_TRAIN))

    @property
    def test_trials(self) -> Trials:
        return self.toy.trials.select(np.arange(N_TRAIN, N_TRIALS))


@cache
def fitted(name: Name) -> Fit:
    """To arrays."""
    unfitted = make(*name)
    toy = toys()[unfitted.kind]
    return Fit(name[0], unfitted.fit(*toy.part(np.arange(N_TRAIN))), toy)


@cache
def fitted_to_trials(name: Name) -> Fit:
    """The same fitted to ``Trials``, which name what is decoded, with holes and a unit lost in one trial."""
    on_arrays = fitted(name)
    trials = on_arrays.toy.trials
    mask = np.ones(trials.counts.shape, bool)
    mask[2, 10:20] = mask[4, :, 1] = mask[N_TRAIN, 12:18] = False
    toy = replace(on_arrays.toy, trials=replace(trials, mask=mask, counts=np.where(mask, trials.counts, 0)))
    return Fit(name[0], on_arrays.fresh().fit(toy.trials.select(np.arange(N_TRAIN)), toy.name), toy)


EVERY = [(family, kind.__name__) for family in decoder_families() for kind in decoder_types(family)]
UNFITTED = {name: make(*name) for name in EVERY}


def names(wanted: Any = lambda decoder: True) -> dict[str, Any]:
    """The parameters of a fixture: those decoders that are ``wanted``."""
    chosen: Sequence[Name] = [name for name, decoder in UNFITTED.items() if wanted(decoder)]
    return {"params": chosen, "ids": [name[1] for name in chosen]}


def streams(decoder: Decoder) -> bool:
    """Whether what is decoded bin by bin can be had from a stream."""
    return decoder.causal and unfolds(decoder)


@pytest.fixture(**names())
def name(request) -> Name:
    return request.param


@pytest.fixture
def decoder(name) -> Fit:
    return fitted(name)


@pytest.fixture
def on_trials(name) -> Fit:
    return fitted_to_trials(name)


@pytest.fixture(**names(lambda decoder: decoder.kind == "signal"))
def signal_decoder(request) -> Fit:
    return fitted(request.param)


@pytest.fixture(**names(lambda decoder: decoder.kind == "class"))
def class_decoder(request) -> Fit:
    return fitted(request.param)


@pytest.fixture(**names(lambda decoder: "bin_size_s" in decoder.get_params()))
def rebinning_decoder(request) -> Fit:
    return fitted(request.param)


@pytest.fixture(**names(streams))
def streaming_decoder(request) -> Fit:
    return fitted(request.param)


@pytest.fixture(**names(lambda decoder: streams(decoder) and decoder.kind == "class"))
def streaming_on_trials(request) -> Fit:
    return fitted_to_trials(request.param)


@pytest.fixture(**names(lambda decoder: not decoder.causal))
def whole_trial_decoder(request) -> Fit:
    return fitted(request.param)
