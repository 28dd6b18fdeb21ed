"""Verdicts on null controls follow what should hold."""

import math

import pytest

from neurodecode.report.controls import NOT_OK, OK, OPEN, control_rows
from neurodecode.report.scoretable import Estimate, ScoreTable

MODELS = {
    "psth": {"family": "psth"},
    "poisson": {"family": "poisson"},
    "glm": {"family": "glm", "coupling": "units"},
    "alone": {"family": "glm", "coupling": "own"},
}


def table(gains=None, bits=None):
    held = {(model, "gain_over_psth", "all", "all"): Estimate(*e) for model, e in (gains or {}).items()}
    held |= {(model, "bits_per_spike", "all", "all"): Estimate(*e) for model, e in (bits or {}).items()}
    return ScoreTable(held)


def verdicts(control, scores, recording):
    return {row.model: row.verdict for row in control_rows(control, scores, recording, MODELS)}


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        ((0.0, -0.01, 0.01), OK),
        ((-0.02, -0.03, -0.01), OK),  # a loss is no artefact of gain
        ((0.004, 0.001, 0.007), OK),  # within what estimation may win
        ((0.02, 0.01, 0.03), NOT_OK),
        ((0.02, -0.01, 0.05), OK),
        ((0.02, math.nan, math.nan), NOT_OK),
        ((math.nan, math.nan, math.nan), OPEN),
    ],
)
def test_history_must_gain_nothing_on_a_poisson_surrogate(gain, verdict):
    found = verdicts("poisson_surrogate", table({"glm": gain, "poisson": (0.5, 0.4, 0.6)}), table())
    assert found == {"glm": verdict}


def test_own_history_must_keep_its_gain_when_trials_are_shuffled():
    before = table({"glm": (0.2, 0.1, 0.3)})
    assert verdicts("shuffled_trials", table({"glm": (0.18, 0.1, 0.26)}), before) == {"glm": OK}
    assert verdicts("shuffled_trials", table({"glm": (0.01, -0.02, 0.04)}), before) == {"glm": NOT_OK}
    nothing = table({"glm": (0.0, -0.1, 0.1)})
    assert verdicts("shuffled_trials", nothing, nothing) == {"glm": OPEN}


def test_other_units_must_add_nothing_when_trials_are_shuffled():
    recording = table(bits={"glm": (0.30,), "alone": (0.25,)})
    shuffled = table(bits={"glm": (0.29,), "alone": (0.25,)})
    (row,) = control_rows("shuffled_trials", shuffled, recording, MODELS)
    assert (row.model, row.verdict, row.found.text, row.recorded.text) == ("glm", NOT_OK, "+0.040", "+0.050")
    even = table(bits={"glm": (0.251,), "alone": (0.25,)})
    assert verdicts("shuffled_trials", even, recording) == {"glm": OK}


def test_shuffled_labels_must_not_help_the_average():
    recording = table(bits={"psth": (0.2, 0.1, 0.3)})
    assert verdicts("shuffled_labels", table(bits={"psth": (0.1, 0.0, 0.2)}), recording) == {"psth": OK}
    assert verdicts("shuffled_labels", table(bits={"psth": (0.25, 0.1, 0.3)}), recording) == {"psth": NOT_OK}
    both = table(bits={"psth": (0.1,), "poisson": (0.1,), "glm": (0.3,)})
    assert verdicts("shuffled_labels", both, both) == {"psth": OK, "poisson": OK}


def test_an_unknown_control_has_no_claims():
    assert control_rows("time_reversed", table(), table(), MODELS) == []
