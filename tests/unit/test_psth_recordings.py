"""The PSTH on real recordings: what it reached once, it must not fall below."""

import numpy as np
import pytest

from neurodecode.data.binning import Window, trials_from_session
from neurodecode.data.splits import make_splits
from neurodecode.likelihood import trial_log_likelihood
from neurodecode.models import build_model

# Bits per spike over the mean rate, the mean of five folds.
RECORDINGS = {
    "stn_joystick": (
        0.066,
        Window(align="go_time", window_s=(-1.0, 1.0), bin_size_s=0.001, condition="direction"),
    ),
    "motor_delay_winny": (
        0.191,
        Window(align="go_time", window_s=(-0.6, 0.6), bin_size_s=0.001, condition="delay_ms"),
    ),
    "roach_three_odours": (0.073, Window(window_s=(3.0, 12.0), bin_size_s=0.004, condition="odour")),
    "it_objects_1014": (0.003, Window(window_s=(0.0, 1.0), bin_size_s=0.001, condition="object")),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_bits_per_spike(recordings, name):
    pytest.importorskip("pynwb")
    from neurodecode.io import read_recording

    reference, window = RECORDINGS[name]
    trials = trials_from_session(read_recording(recordings / f"{name}.nwb"), window)
    splits = make_splits(trials.condition, trials.condition_names, 5, np.random.default_rng(0))
    gains = []
    for split in splits:
        test = trials.select(split.test)
        scores = []
        for family in ("psth", "constant"):
            fitted = build_model(family).fit(
                trials.select(split.train), trials.select(split.validation), np.random.default_rng(0)
            )
            rate = fitted.intensity(test)
            scores.append(trial_log_likelihood(test.window_counts, rate, test.bin_size_s, test.window_mask).sum())
        gains.append((scores[0] - scores[1]) / np.log(2.0) / test.window_counts.sum())
    assert np.mean(gains) > reference
