"""The sentence on top says what the numbers allow, and no more."""

import numpy as np
import pandas as pd
import pytest

from neurodecode.report.headline import answer
from neurodecode.report.scoretable import score_tables

FAMILIES = {name: name for name in ("constant", "psth", "poisson", "glm", "lstm", "oracle")}


def scored(gains, bits=None):
    """Scores of session ``s`` with these gains (value, low, high) and bits/spike."""
    rows = [("gain_over_psth", model, *gain) for model, gain in gains.items()]
    rows += [("bits_per_spike", m, v, np.nan, np.nan) for m, v in (bits or {"psth": 0.12}).items()]
    frame = pd.DataFrame(rows, columns=["metric", "model", "value", "low", "high"])
    fixed = {"session": "s", "control": "", "task": "encode", "target": "", "fold": "all", "unit": "all"}
    return frame.assign(schema_version=1, **fixed)


def answered(gains, families=FAMILIES, bits=None):
    frame = scored(gains, bits)
    return answer(frame, score_tables(frame)["s", ""], "s", families)


def test_a_gain_names_the_best_model_with_its_interval():
    found = answered({"psth": (0, 0, 0), "glm": (0.2, 0.15, 0.25), "lstm": (0.243, 0.221, 0.266)})
    assert found.verdict == "gain"
    assert found.sentence == (
        "On single trials, the best model (lstm) predicts 0.243 bits/spike more than the PSTH "
        "(95% interval 0.221 to 0.266)."
    )
    assert "The PSTH itself tells 0.120 bits/spike" in found.details[0]


def test_an_interval_that_includes_0_shows_no_gain():
    found = answered({"glm": (0.003, -0.002, 0.008), "lstm": (-0.01, -0.02, 0.0)})
    assert found.verdict == "none"
    assert "no gain over the PSTH is shown" in found.sentence
    assert "+0.003" in found.sentence
    assert "includes 0" in found.sentence
    assert "more than the PSTH" not in found.sentence


def test_a_loss_is_called_a_loss():
    found = answered({"glm": (-0.03, -0.05, -0.01), "lstm": (-0.06, -0.08, -0.04)})
    assert found.verdict == "loss"
    assert "worse than the PSTH: even the best (glm) stands at \N{MINUS SIGN}0.030 bits/spike" in found.sentence


def test_one_model_is_not_called_the_best():
    assert "the model (glm) predicts 0.100" in answered({"glm": (0.1, 0.05, 0.15)}).sentence


def test_without_an_interval_a_gain_is_not_called_sure():
    found = answered({"glm": (0.1, np.nan, np.nan)})
    assert found.verdict == "open"
    assert "no interval was reckoned" in found.sentence


def test_the_oracle_puts_the_gain_in_proportion():
    found = answered({"glm": (0.23, 0.2, 0.26), "oracle": (0.25, 0.22, 0.28)})
    assert "That is 92% of what the true intensity gains (0.250)." in found.details


def test_no_share_is_taken_of_a_truth_that_gains_nothing():
    found = answered({"glm": (0.001, -0.002, 0.004), "oracle": (0.0001, -0.001, 0.001)})
    assert "The true intensity gains 0.000 bits/spike." in found.details


def test_the_oracle_and_aggregates_are_never_the_best_model():
    found = answered({"poisson": (0.3, 0.2, 0.4), "glm": (0.1, 0.05, 0.15), "oracle": (0.5, 0.4, 0.6)})
    assert "(glm)" in found.sentence
    assert any("poisson, which sees no spike of the trial, gains +0.300 already" in text for text in found.details)


def test_an_aggregate_is_known_by_its_family_not_its_name():
    families = {"psth": "psth", "splines": "poisson", "glm": "glm"}
    found = answered({"splines": (0.3, 0.2, 0.4), "glm": (0.1, 0.05, 0.15)}, families)
    assert "(glm)" in found.sentence


def test_slow_gain_is_not_sold_as_history():
    families = FAMILIES | {"psth_gain": "psth_gain"}
    found = answered({"psth_gain": (0.1, 0.05, 0.15), "glm": (0.02, 0.01, 0.03)}, families)
    assert "psth_gain follows only the trial's overall gain" in found.details[0]


@pytest.mark.parametrize("model", ["constant", "poisson"])
def test_without_single_trial_models_the_question_stays_open(model):
    found = answered({"psth": (0, 0, 0), model: (-0.1, -0.2, -0.05)}, {"psth": "psth", model: model})
    assert found.verdict == "open"
    assert "No model that sees single trials was scored" in found.sentence


def test_without_a_psth_the_best_bits_are_told():
    families = {"constant": "constant", "glm": "glm"}
    found = answered({}, families, bits={"constant": 0.0, "glm": 0.2})
    assert found.verdict == "open"
    assert "no model called psth" in found.sentence
    assert "(glm) tells 0.200 bits/spike" in found.sentence


def test_nothing_scored_is_said():
    frame = scored({}, {"x": 0.1}).iloc[:0]
    from neurodecode.report.scoretable import ScoreTable

    assert answer(frame, ScoreTable({}), "s", FAMILIES).sentence == "No model was scored on this session."
