"""The figure of forecasts: one line a model, dashed where trained by scheduled sampling, bands from intervals."""

from dataclasses import replace

import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.evaluation._score_rows import COLUMNS
from neurodecode.report.figures import forecasts
from neurodecode.report.scoretable import forecast_table
from neurodecode.report.style import drawing

STEPS = (1, 4, 16)
BITS = {"psth": (0.1, 0.1, 0.1), "glm": (0.35, 0.2, 0.11), "lstm": (0.45, 0.27, 0.12)}


def rows(model: str) -> pd.DataFrame:
    """What a forecast writes of one model, its steps out of order, with a unit's rows among those of all."""
    given = []
    for at in (2, 0, 1):
        for unit, more in (("all", 0.0), ("0", 5.0)):
            for metric, value in (("bits_per_spike", BITS[model][at]), ("gain_over_psth", BITS[model][at] - 0.1)):
                numbers = (value + more, value - 0.02, value + 0.03)
                given.append((1, "toy", "", "forecast", str(STEPS[at]), model, "all", unit, metric, *numbers))
    return pd.DataFrame(given, columns=list(COLUMNS))


@pytest.fixture
def results(fabricate):
    plain = fabricate(models=("psth", "glm", "lstm", "oracle")).results()
    fits = {**plain.fits, "lstm": {**plain.fits["lstm"], "hyperparameters": {"scheduled_sampling": 0.5}}}
    return replace(plain, fits=fits, forecasts={model: forecast_table(rows(model)) for model in BITS})


def test_a_table_holds_all_units_by_steps_fewest_first():
    table = forecast_table(rows("glm"))
    assert list(table) == [1, 4, 16]
    assert table[4]["bits_per_spike"].value == 0.2
    assert table[4]["gain_over_psth"].low == pytest.approx(0.08)
    assert forecast_table(rows("glm").assign(task="encode")) == {}


def test_each_model_is_a_line_of_its_colour_dashed_where_scheduled(results):
    with drawing():
        drawn = forecasts.draw(results)
    (axes,) = drawn.figure.axes
    lines = {line.get_color(): line for line in axes.lines if line.get_marker() == "o"}
    assert set(lines) == {results.colours[model] for model in BITS}
    for model, bits in BITS.items():
        line = lines[results.colours[model]]
        assert_array_equal(line.get_xdata(), STEPS)
        assert_allclose(line.get_ydata(), bits)
        assert line.is_dashed() == (model == "lstm")
    assert axes.get_xscale() == "log"
    assert [tick.get_text().split("\n")[0] for tick in axes.get_xticklabels()] == ["1", "4", "16"]
    assert "bins" in axes.get_xlabel()
    assert axes.get_ylabel() == "bits/spike"


def test_the_title_says_what_is_left_of_the_best_models_gain(results):
    with drawing():
        drawn = forecasts.draw(results)
    assert drawn.title == (
        "Of 0.35 bits/spike over the PSTH one bin ahead, lstm keeps 0.17 at 4 steps and 0.02 at 16 free of the "
        "recording"
    )


def test_without_forecasts_there_is_a_reason(results):
    drawn = forecasts.draw(replace(results, forecasts={}))
    assert drawn.figure is None
    assert "`forecast`" in drawn.absent
