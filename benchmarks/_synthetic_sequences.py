"""Sequences whose dependencies are known: a quasi-periodic gait with a long one, noisy muscles with short ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from neurodecode.nn.decoding_sequences import DecodingSequences


@dataclass(frozen=True, eq=False)
class Sequences:
    """``inputs`` and ``target`` of every step; ``scored``: steps that count in training, ``judged``: those that
    the task is about. ``since``: steps since what the target depends on was shown, negative before."""

    inputs: Float[np.ndarray, "sequences steps inputs"]
    target: Float[np.ndarray, "sequences steps outputs"]
    scored: Bool[np.ndarray, "sequences steps"]
    judged: Bool[np.ndarray, "sequences steps"]
    since: Float[np.ndarray, "sequences steps"] = field(repr=False)

    def to_decode(self) -> DecodingSequences:
        """As the training loop takes them; an untrained network says 0."""
        inputs = self.inputs.astype(np.float32)
        return DecodingSequences(
            make_inputs=lambda which, steps: inputs[which[:, None], steps],
            targets=self.target,
            weights=self.scored.astype(np.float64),
            offset=np.zeros_like(self.target),
            kind="squares",
        )

    def r2(self, said: Float[np.ndarray, "sequences steps outputs"], where: Bool[np.ndarray, "..."]) -> float:
        """Share of the target's variance that is explained at the steps of ``where``."""
        true, found = self.target[where], said[where]
        return float(1.0 - ((true - found) ** 2).sum() / ((true - true.mean(axis=0)) ** 2).sum())


@dataclass(frozen=True)
class Task:
    """``make(n_sequences, rng)``. ``longest_s``: how far back a target depends on inputs, at most."""

    name: str
    bin_size_s: float
    longest_s: float
    make: Callable[[int, np.random.Generator], Sequences]


GAIT_BIN_S, GAIT_BINS, CUE_BINS, LATE_BINS = 0.01, 500, 10, 300
EMG_BIN_S, EMG_BINS, EMG_BURN_IN, TWITCH_S = 0.001, 500, 150, 0.03


def gait(n_sequences: int, rng: np.random.Generator) -> Sequences:
    """The hind limb's angle from the fore limb's and a cue at the start, which of two gaits the animal walks in.

    Ipsilateral limbs swing together in a pace and half a cycle apart in a trot (Hildebrand 1965, Science 150:701).
    Strides last about a second and their phase diffuses (0.05 rad a step of 10 ms), so that no clock foretells
    it. Inputs: the fore limb's angle under noise, and the cue, +1 (pace) or -1 (trot) for 100 ms within the first
    250 ms, 0 ever after. Judged: steps 300 and more after the cue, where nothing else tells the gaits apart.
    """
    shape = (n_sequences, GAIT_BINS)
    cycle_hz = rng.uniform(0.8, 1.2, (n_sequences, 1))
    turned = 2 * np.pi * cycle_hz * GAIT_BIN_S + 0.05 * rng.normal(size=shape)
    phase = rng.uniform(0, 2 * np.pi, (n_sequences, 1)) + np.cumsum(turned, axis=1)
    pace = rng.random((n_sequences, 1)) < 0.5
    shown = rng.integers(5, 15, (n_sequences, 1))
    since = np.arange(GAIT_BINS) - shown - CUE_BINS
    cue = np.where((since >= -CUE_BINS) & (since < 0), np.where(pace, 1.0, -1.0), 0.0)
    seen = limb_angle(phase) + 0.1 * rng.normal(size=shape)
    target = limb_angle(phase + np.where(pace, 0.0, np.pi))
    return Sequences(
        np.stack([seen, cue], axis=2), target[..., None], since >= 0, since >= LATE_BINS, since.astype(float)
    )


def gait_late(n_sequences: int, rng: np.random.Generator) -> Sequences:
    """`gait`, asked for at the judged steps alone: no shorter dependency leads up to the long one."""
    made = gait(n_sequences, rng)
    return replace(made, scored=made.judged)


def limb_angle(phase: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """A swing faster than the stance: the cycle and its second harmonic."""
    return np.asarray(np.sin(phase) + 0.3 * np.sin(2 * phase + 0.5))


def emg(n_sequences: int, rng: np.random.Generator) -> Sequences:
    """The torque of two opposed muscles from their surface EMG.

    Drives are bursts and pauses of 50 to 200 ms. Each step of 1 ms of an EMG is Gaussian noise whose standard
    deviation is the drive (Hogan & Mann 1980, IEEE Trans Biomed Eng 27:382) beside that of the electrode, so that
    a single step tells almost nothing. Force is the drive through a critically damped twitch that peaks after
    30 ms (Milner-Brown, Stein & Yemm 1973, J Physiol 230:359). Judged: all steps after the first 150.
    """
    drive = np.stack([_bursts(n_sequences, rng) for _ in range(2)], axis=2)
    noise = rng.normal(size=drive.shape), rng.normal(size=drive.shape)
    seen = drive * noise[0] + 0.1 * noise[1]
    force = _through_twitch(drive)
    since = np.broadcast_to(np.arange(EMG_BINS) - EMG_BURN_IN, drive.shape[:2])
    return Sequences(seen, force[..., :1] - force[..., 1:], since >= 0, since >= 0, since.astype(float))


def _bursts(n_sequences: int, rng: np.random.Generator) -> Float[np.ndarray, "sequences steps"]:
    """Drive of one muscle: levels of 0.3 to 1 and pauses at 0, in turn."""
    n_each = 1 + EMG_BINS // 50
    lengths = rng.integers(50, 201, (n_sequences, n_each))
    levels = rng.uniform(0.3, 1.0, (n_sequences, n_each))
    levels[np.arange(n_each) % 2 == rng.integers(0, 2, (n_sequences, 1))] = 0.0
    ends = np.cumsum(lengths, axis=1)
    which = (np.arange(EMG_BINS)[None, :, None] >= ends[:, None]).sum(axis=2)
    return np.asarray(np.take_along_axis(levels, which, axis=1))


def _through_twitch(drive: Float[np.ndarray, "sequences steps muscles"]) -> Float[np.ndarray, "..."]:
    """Two equal leaks one after the other: the twitch t exp(-t / T), of unit area."""
    kept, force = np.exp(-EMG_BIN_S / TWITCH_S), np.array(drive)
    for _ in range(2):
        state = np.zeros_like(force[:, 0])
        for step in range(force.shape[1]):
            state = kept * state + (1 - kept) * force[:, step]
            force[:, step] = state
    return force


TASKS: Mapping[str, Task] = {
    "gait": Task("gait", GAIT_BIN_S, GAIT_BIN_S * GAIT_BINS, gait),
    "gait_late": Task("gait_late", GAIT_BIN_S, GAIT_BIN_S * GAIT_BINS, gait_late),
    "emg": Task("emg", EMG_BIN_S, 5 * TWITCH_S, emg),
}


def rectified_reference(
    train: Sequences, validation: Sequences, test: Sequences, n_lags: int
) -> Float[np.ndarray, "sequences steps outputs"]:
    """What the usual linear reading says of ``test``: ridge on the rectified inputs of the last ``n_lags`` steps.

    The penalty is the best of a few on ``validation``.
    """
    columns, targets = _lagged(train, n_lags)[train.judged], train.target[train.judged]
    gram, cross = columns.T @ columns, columns.T @ targets
    penalties = np.trace(gram) / len(gram) * np.array([1e-4, 1e-3, 1e-2, 1e-1])
    weights = [np.linalg.solve(gram + penalty * np.eye(len(gram)), cross) for penalty in penalties]
    seen = _lagged(validation, n_lags)
    best = max(weights, key=lambda w: validation.r2(seen @ w, validation.judged))
    return np.asarray(_lagged(test, n_lags) @ best)


def _lagged(sequences: Sequences, n_lags: int) -> Float[np.ndarray, "sequences steps columns"]:
    """A constant and the rectified inputs of this step and of those before it, 0 before the first."""
    rectified = np.abs(sequences.inputs)
    padded = np.pad(rectified, ((0, 0), (n_lags - 1, 0), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, n_lags, axis=1)
    flat = windows.reshape(*rectified.shape[:2], -1)
    return np.concatenate([np.ones((*flat.shape[:2], 1)), flat], axis=2)
