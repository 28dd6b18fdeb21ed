"""Tables mark what is best, set the truth apart, and leave out what is not known."""

import math

from neurodecode.report.colours import model_colours
from neurodecode.report.quality_table import drifting_units, quality_table
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.tables import generation_rows, model_rows, units_passed
from neurodecode.report.wording import NONE

FAMILIES = {name: name for name in ("oracle", "lstm", "glm", "psth")}
COLOURS = model_colours(FAMILIES)
SCORES = ScoreTable(
    {
        ("psth", "bits_per_spike", "all", "all"): Estimate(0.1, 0.05, 0.15),
        ("psth", "gain_over_psth", "all", "all"): Estimate(0.0, 0.0, 0.0),
        ("glm", "gain_over_psth", "all", "all"): Estimate(0.2, 0.1, 0.3),
        ("lstm", "gain_over_psth", "all", "all"): Estimate(0.1, 0.0, 0.2),
        ("oracle", "gain_over_psth", "all", "all"): Estimate(0.3, 0.2, 0.4),
        ("glm", "ks_passed", "a", "all"): Estimate(1.0),
        ("glm", "ks_passed", "b", "all"): Estimate(0.0),
        ("glm", "ks_passed", "silent", "all"): Estimate(math.nan),
        ("recording", "fano_100ms", "all", "all"): Estimate(0.8),
        ("glm", "fano_100ms", "all", "all"): Estimate(0.9),
    }
)


def test_the_best_fitted_model_is_marked_and_the_oracle_stands_last():
    rows = model_rows(SCORES, FAMILIES, COLOURS)
    assert [row.model for row in rows] == ["psth", "glm", "lstm", "oracle"]
    assert [row.model for row in rows if any(cell.best for cell in row.cells)] == ["glm"]
    assert rows[-1].kind == "oracle"


def test_cells_hold_numbers_with_their_intervals_and_dashes_where_nothing_is_known():
    glm = {row.model: row for row in model_rows(SCORES, FAMILIES, COLOURS)}["glm"]
    assert (glm.cells[1].text, glm.cells[1].interval) == ("+0.200", "0.100 to 0.300")
    assert glm.cells[0].text == NONE
    assert glm.cells[4].text == "1 of 2"


def test_the_psth_gains_nothing_over_itself():
    psth = model_rows(SCORES, FAMILIES, COLOURS)[0]
    assert psth.cells[1].text == NONE


def test_a_silent_unit_is_neither_passed_nor_failed():
    assert units_passed(SCORES, "glm") == (1, 2)


def test_generative_columns_and_rows_without_numbers_are_left_out():
    columns, rows = generation_rows(SCORES, FAMILIES, COLOURS, {"glm": 1.02})
    assert [column.heading for column in columns] == ["rate", "Fano, 100 ms"]
    assert [(row.model, [cell.text for cell in row.cells]) for row in rows] == [
        ("recording", [NONE, "0.80"]),
        ("glm", ["1.02", "0.90"]),
    ]


UNIT = {
    "unit": "u1",
    "n_spikes": 1200,
    "rate_hz": 12.0,
    "rate_in_window_hz": 14.5,
    "isi_below_1ms": 1,
    "isi_below_1ms_fraction": 0.001,
    "isi_below_2ms": 3,
    "isi_below_2ms_fraction": 0.003,
    "duplicates": 0,
    "unsorted": 4,
    "silent_trials": 2,
    "drift_sd": -0.5,
    "drift_rho": -0.4,
    "drift_p": 0.0,
    "silent_in_training": [1],
}


def test_quality_tells_what_was_mended_and_what_drifts():
    table = quality_table(
        {
            "span_s": [10.0, 110.0],
            "observed_s": 90.0,
            "n_spikes": 1200,
            "n_spikes_in_window": 800,
            "trials_left_out": {"outside the recording": 3},
            "unobserved_bins": 0.02,
            "bins_above_one_spike": 0.0,
            "isi_reason": None,
            "units": [UNIT, UNIT | {"unit": "u2", "drift_p": None, "silent_in_training": [], "unsorted": None}],
        }
    )
    text = " ".join(table.notes)
    for words in (
        "100.0 s, of which 90.0 s were observed",
        "Trials left out: 3 (outside the recording).",
        "2.00% of the windows' bins were not observed",
        "4 spike times were out of order",
        "Silent in the training trials of a fold, and scored all the same: u1.",
        "in 1: u1.",
    ):
        assert words in text
    assert table.rows[0][1][:5] == ("1,200", "12.00", "14.50", "1 (0.10%)", "3 (0.30%)")
    assert table.rows[0][1][-1] == "\N{MINUS SIGN}0.40*"


def test_a_p_value_of_0_is_drift_and_none_is_not():
    assert drifting_units([UNIT, UNIT | {"unit": "u2", "drift_p": None}]) == ["u1"]


def test_counts_have_no_intervals_and_an_empty_quality_no_table():
    counted = UNIT | {"isi_below_1ms": None, "isi_below_1ms_fraction": None, "duplicates": None}
    table = quality_table({"isi_reason": "the file holds binned counts", "units": [counted]})
    assert table.notes[0] == "Intervals are not counted: the file holds binned counts."
    assert table.rows[0][1][3] == NONE
    assert quality_table({}).rows == ()


def test_a_network_that_is_its_glm_says_so():
    told = {1.0: "the GLM in all folds", 0.4: "the GLM in 40% of folds", 0.0: "", math.nan: ""}
    for share, note in told.items():
        scores = ScoreTable({("lstm", "fallback", "all", "all"): Estimate(share)})
        assert {row.model: row.note for row in model_rows(scores, FAMILIES, COLOURS)}["lstm"] == note
