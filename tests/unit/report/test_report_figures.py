"""Every figure is drawn for every kind of session, or says why it is not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from neurodecode.errors import DataError
from neurodecode.report import choice
from neurodecode.report.figures import decomposition, gains, rescaling, sufficiency, training
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.session_figures import FIGURES, draw_session
from neurodecode.report.style import DOTS_PER_INCH, WIDTH_IN, drawing
from neurodecode.report.wording import NONE

SESSIONS = {
    "plain": {},
    "one unit": {"n_units": 1, "models": ("constant", "psth", "glm", "lstm")},
    "40 units": {"n_units": 40, "n_bins": 120},
    "4 ms bins": {"bin_size_s": 0.004, "n_bins": 100},
    "no psth": {"models": ("constant", "glm")},
    "aggregates alone": {"models": ("constant", "psth", "poisson")},
    "counts": {"has_spike_times": False},
    "a silent unit": {"n_units": 4, "silent": (2,)},
    "few spikes": {"n_units": 2, "n_bins": 20, "n_trials": 12},
    "odd names": {"unit_names": ["<b>&", r"$\bad$ $x_", "ünit " + "long" * 12], "models": ("psth", "my-lstm.v2")},
}


def drawn(made, folder):
    output = folder / "figures.json"
    draw_session(**made.paths(), session=made.session, seed=1, output=output)
    return json.loads(output.read_text())


@pytest.fixture(scope="module")
def section_of(tmp_path_factory, fabricated):
    """Draws each kind of session once; gives its section and the folder of its figures."""
    made = {}

    def get(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp("figures")
            made[kind] = drawn(fabricated(folder, **SESSIONS[kind]), folder), folder
        return made[kind]

    return get


@pytest.mark.parametrize("kind", SESSIONS)
def test_every_figure_is_drawn_or_says_why_not(section_of, kind):
    section, folder = section_of(kind)
    assert [figure["name"] for figure in section["figures"]] == list(FIGURES)
    for figure in section["figures"]:
        assert imread(folder / figure["file"]).shape[1] == WIDTH_IN * DOTS_PER_INCH
        assert figure["alt"]
        if not figure["absent"]:
            assert figure["caption"]
            assert "nan" not in f"{figure['title']} {figure['caption']}".split()
            assert NONE not in figure["title"].split()


def absent(section):
    return {figure["name"]: figure["absent"] for figure in section["figures"] if figure["absent"]}


def test_a_plain_session_lacks_only_the_forecasts_that_nobody_asked_for(section_of):
    missing = absent(section_of("plain")[0])
    assert list(missing) == ["forecasts"]
    assert "`forecast`" in missing["forecasts"]


def test_counts_without_spike_times_have_no_intervals(section_of):
    missing = absent(section_of("counts")[0])
    assert list(missing) == ["intervals", "forecasts"]
    assert "counts, not spike times" in missing["intervals"]


def test_coarse_bins_say_why_violations_are_not_counted(section_of):
    section, _ = section_of("4 ms bins")
    (intervals,) = (figure for figure in section["figures"] if figure["name"] == "intervals")
    assert "too coarse" in intervals["caption"]
    assert "KS distance" in intervals["title"]


def test_without_psth_what_is_measured_against_it_is_absent(section_of):
    missing = absent(section_of("no psth")[0])
    assert {"gains", "hazard", "adaptation"} < set(missing)
    assert all("no model called psth" in missing[name] for name in ("gains", "hazard", "adaptation"))


def test_without_networks_there_are_no_training_curves(fabricate):
    found = training.draw(fabricate(models=("psth", "glm")).results())
    assert found.figure is None
    assert "trained by epochs" in found.absent


def test_training_curves_count_from_the_start_in_bits(fabricate):
    with drawing():
        found = training.draw(fabricate(models=("psth", "lstm")).results())
    lines = found.figure.axes[0].lines
    starts = [line.get_ydata()[0] for line in lines if len(line.get_ydata()) > 2]
    assert starts
    np.testing.assert_array_equal(starts, 0.0)


def test_all_of_few_units_are_shown_and_some_of_many(fabricate):
    few = choice.representative_units(fabricate(n_units=3).results(), 4)
    assert sorted(few.indices) == [0, 1, 2]
    many = choice.representative_units(fabricate(n_units=40, n_bins=120).results(), 4)
    assert len(set(many.indices)) == 4
    assert "4 of 40 units" in many.rule


def test_the_shown_unit_has_the_largest_gain_of_those_with_enough_spikes(fabricate):
    results = fabricate(n_units=6, n_bins=200).results()
    gain = {unit: e.value for unit, e in results.scores.units(results.best, "gain_over_psth").items()}
    (unit,) = choice.shown_unit(results).indices
    assert gain[results.trials.unit_names[unit]] == max(gain.values())


def test_a_silent_unit_is_never_shown(fabricate):
    results = fabricate(n_units=4, silent=(2,)).results()
    assert choice.shown_unit(results).indices != (2,)
    assert 2 not in choice.representative_units(results, 4).indices


def test_shown_trials_are_wholly_observed_and_of_one_condition(fabricate):
    results = fabricate().results()
    shown = choice.shown_trials(results, 0, 0, 100)
    assert 1 not in shown.indices  # its first bins were not observed
    assert len(set(results.trials.condition[list(shown.indices)])) == 1


def test_titles_tell_the_scores(fabricate):
    results = fabricate().results()
    with drawing():
        title = rescaling.draw(results).title
        assert gains.draw(results).title == f"{results.best} predicts 3 of 3 units better than the PSTH"
    passed = results.scores.units(results.best, "ks_passed").values()
    assert f"{results.best} in {sum(e.value == 1 for e in passed)} of 3 units" in title


def test_scores_that_are_nan_are_left_out(fabricate):
    results = fabricate(n_units=3).results()
    blank = {key: replace(e, value=np.nan, low=np.nan, high=np.nan) for key, e in results.scores.held.items()}
    blanked = replace(results, scores=replace(results.scores, held=blank))
    with drawing():
        for module in FIGURES.values():
            found = module.draw(blanked)
            assert found.figure is not None or found.absent


def test_drawing_again_gives_the_same_bytes(section_of, fabricated, tmp_path):
    _, folder = section_of("few spikes")
    drawn(fabricated(tmp_path, **SESSIONS["few spikes"]), tmp_path)
    for name in FIGURES:
        assert (tmp_path / f"{name}.png").read_bytes() == (folder / f"{name}.png").read_bytes(), name


def test_a_missing_prediction_is_named(fabricate, tmp_path):
    made = fabricate()
    (made.folder / "models" / "glm" / "predictions.npy").unlink()
    with pytest.raises(DataError, match=r"glm.*predictions\.npy|predictions\.npy.*glm"):
        drawn(made, tmp_path)


def test_a_decomposition_names_its_largest_term_and_its_share(fabricate):
    results = fabricate().results()
    with drawing():
        found = decomposition.draw(results)
    terms = results.tasks["decompose"]
    share = terms.get("lstm", "own_below_10ms").value / terms.get("lstm", "total").value
    assert found.title.startswith(f"Own spikes, last 10 ms: {share:.0%} of the ")
    assert "Order matters" in found.caption
    assert "lstm alone" in found.alt


def test_bars_of_a_unit_reach_from_its_losses_to_its_gains(fabricate):
    results = fabricate().results()
    with drawing():
        bars = decomposition.draw(results).figure.axes[1].patches
    table = results.tasks["decompose"]
    terms = [t for t in (*decomposition.TERMS, decomposition.REMAINDER) if table.get("lstm", t).known]
    drawn = sum(bar.get_height() for bar in bars)
    told = sum(e.value for e in table.units("lstm", "total").values())
    np.testing.assert_allclose(drawn, told, atol=1e-9)
    assert len(bars) == 2 * 3 * len(terms), "what is gained and what is lost of each term, for three units"


def test_what_stands_in_for_a_network_has_a_bar_of_its_own(fabricate):
    made = fabricate().results()
    frame = made.tasks["decompose"]
    with drawing():
        before = decomposition.draw(made)
        found = decomposition.draw(fabricate(fell_back={"lstm": [0]}).results())
    assert frame.get("lstm", decomposition.FALLEN_BACK).known is False
    labels = [label.get_text() for label in found.figure.axes[0].get_yticklabels()]
    assert "GLM in place of lstm" in labels
    assert len(labels) == len(before.figure.axes[0].get_yticklabels()) + 1
    assert "fell back to the GLM that it starts from in some folds" in found.caption


def test_without_a_decomposition_the_reason_names_the_key(fabricate):
    plain = replace(fabricate().results(), tasks={})
    assert "configuration: decomposition" in decomposition.draw(plain).absent
    assert "evaluation.sufficiency" in sufficiency.draw(plain).absent


def test_sufficiency_says_what_is_left_to_the_best_model_and_to_the_psth(fabricate):
    results = fabricate().results()
    held = dict(results.tasks["sufficiency"].held)
    held[results.best, "remaining_gain", "all", "all"] = Estimate(0.021, 0.011, 0.032)
    held["psth", "remaining_gain", "all", "all"] = Estimate(0.25, 0.2, 0.3)
    with drawing():
        found = sufficiency.draw(replace(results, tasks={"sufficiency": ScoreTable(held)}))
        held[results.best, "remaining_gain", "all", "all"] = Estimate(0.001, -0.001, 0.003)
        none = sufficiency.draw(replace(results, tasks={"sufficiency": ScoreTable(held)}))
    assert found.title.startswith(f"History still adds 0.021 bits/spike to {results.best}")
    assert found.title.endswith("0.250 to the PSTH")
    assert none.title.startswith(f"History adds nothing that is shown to {results.best} (+0.001")
