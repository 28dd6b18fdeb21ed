"""The synthetic tasks depend on what they say they depend on."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from benchmarks._synthetic_sequences import (
    CUE_BINS,
    EMG_BIN_S,
    GAIT_BIN_S,
    LATE_BINS,
    TASKS,
    TWITCH_S,
    Sequences,
    _through_twitch,
    emg,
    gait,
    limb_angle,
    rectified_reference,
)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_seed_makes_the_same_sequences_and_another_others(name):
    one, same, other = (TASKS[name].make(3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert_array_equal(one.inputs, same.inputs)
    assert_array_equal(one.target, same.target)
    assert not np.isclose(one.target, other.target).any(axis=1).all()


def test_the_cue_alone_tells_the_gaits_apart_and_is_long_over():
    made = gait(400, np.random.default_rng(0))
    cue, sign = made.inputs[..., 1], made.inputs[..., 1].sum(axis=1) / CUE_BINS
    assert set(sign) == {-1.0, 1.0}
    assert not cue[made.since >= 0].any()
    late = made.judged
    assert made.since[late].min() == LATE_BINS
    # The hind limb swings with the fore limb or against it, as the cue said; the fore limb itself does not know.
    together = np.array(
        [
            np.corrcoef(x[where], y[where])[0, 1]
            for x, y, where in zip(made.inputs[..., 0], made.target[..., 0], late, strict=True)
        ]
    )
    assert_array_equal(np.sign(together), sign)
    spread = made.inputs[..., 0].std(axis=1)
    assert abs(spread[sign > 0].mean() - spread[sign < 0].mean()) < 0.02
    without = np.corrcoef(made.inputs[..., 0][late], made.target[..., 0][late])[0, 1]
    assert without**2 < 0.03


def test_strides_last_about_a_second_and_no_clock_foretells_them():
    made = gait(300, np.random.default_rng(1))
    fore = made.inputs[..., 0]

    def likeness(lag: int) -> float:
        return float(np.mean([np.corrcoef(x[:-lag], x[lag:])[0, 1] for x in fore]))

    each = np.array([likeness(round(s / GAIT_BIN_S)) for s in (0.5, 1.0, 3.5, 4.0)])
    assert each[0] < -0.3
    assert each[1] > 0.5
    assert np.abs(each[2:]).max() < 0.25


def test_limbs_half_a_cycle_apart_differ_in_all_but_the_second_harmonic():
    phase = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    both = 0.5 * (limb_angle(phase) + limb_angle(phase + np.pi))
    assert_allclose(both, 0.3 * np.sin(2 * phase + 0.5), atol=1e-12)


def test_a_twitch_peaks_after_its_time_and_keeps_the_drive_s_mean():
    pulse = np.zeros((1, 500, 1))
    pulse[0, 0] = 1.0
    twitch = _through_twitch(pulse)[0, :, 0]
    assert twitch.argmax() * EMG_BIN_S == pytest.approx(TWITCH_S, abs=2 * EMG_BIN_S)
    assert twitch.sum() == pytest.approx(1.0, abs=1e-3)
    assert pulse.sum() == 1.0  # what is given stays


def test_torque_is_read_from_the_size_of_the_emg_and_not_from_its_sign():
    train, validation, test = (emg(n, np.random.default_rng(n)) for n in (60, 10, 30))
    long = test.r2(rectified_reference(train, validation, test, 150), test.judged)
    short = test.r2(rectified_reference(train, validation, test, 10), test.judged)
    assert long > 0.9
    assert short < long - 0.3  # tens of steps are needed
    signs = [np.corrcoef(test.inputs[..., muscle].ravel(), test.target[..., 0].ravel())[0, 1] for muscle in (0, 1)]
    assert np.abs(signs).max() < 0.02


def test_r2_is_that_of_the_steps_that_are_asked_for():
    target = np.arange(8.0).reshape(1, 8, 1)
    where = np.arange(8)[None] >= 4
    made = Sequences(target, target, where, where, np.zeros((1, 8)))
    said = target.copy()
    said[0, :4] = 100.0  # outside
    assert made.r2(said, where) == 1.0
    assert made.r2(np.full_like(target, 5.5), where) == 0.0


def test_sequences_reach_the_training_loop_as_they_are():
    made = emg(4, np.random.default_rng(0))
    batch = next(iter(made.to_decode().whole(4, torch.device("cpu"))))
    assert_allclose(batch.inputs.numpy(), made.inputs, rtol=1e-6)
    assert_allclose(batch.weight.numpy(), made.scored)
