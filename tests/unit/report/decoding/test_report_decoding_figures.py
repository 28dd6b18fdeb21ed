"""Every figure of decoding is drawn for its kind of target, marks who sees the future, and says what it shows."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from numpy.testing import assert_allclose, assert_array_equal

from neurodecode.errors import DataError
from neurodecode.report.colours import FAMILY_COLOURS, RECORDING
from neurodecode.report.decoding.figures import (
    confusion,
    decoded_traces,
    decoded_values,
    decoders,
    reliability,
    unfolding,
)
from neurodecode.report.decoding.session_figures import FIGURES, OF_KIND, draw_decoding
from neurodecode.report.style import DOTS_PER_INCH, WIDTH_IN, drawing
from neurodecode.report.wording import NONE

WORKFLOW = Path(__file__).resolve().parents[4] / "workflow"
FRUIT = {"class": "fruit", "pre_stimulus_s": [-1.0, -0.5]}
TARGETS = {
    "class": {"target": FRUIT, "before": 0.0},
    "one decoder": {"target": {"class": "fruit"}, "families": {"logistic": "logistic"}},
    "aggregates alone": {"target": {"class": "fruit"}, "families": {"naive_bayes": "naive_bayes"}},
    "signal": {"target": {"signal": "hand", "unit": "cm/s"}},
    "one dim": {"target": {"signal": "hand"}, "n_dims": 1},
    "angle": {"target": {"signal": "head", "circular": True}},
    "value": {"target": {"value": "reaction_s", "unit": "s"}},
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, fabricated_decoding):
    """Draws each kind of session once; gives what it made, its section and the folder of its figures."""
    made = {}

    def get(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp("decoding")
            one = fabricated_decoding(folder, **TARGETS[kind])
            draw_decoding(**one.paths(), output=folder / "figures.json")
            made[kind] = one, json.loads((folder / "figures.json").read_text()), folder
        return made[kind]

    return get


@pytest.mark.parametrize("kind", TARGETS)
def test_figures_of_the_kind_are_drawn_and_all_files_are_there(drawn, kind):
    one, section, folder = drawn(kind)
    assert tuple(figure["name"] for figure in section["figures"]) == OF_KIND[one.kind]
    for name in FIGURES:
        assert imread(folder / f"{name}.png").shape[1] == WIDTH_IN * DOTS_PER_INCH
    for figure in section["figures"]:
        if kind in ("class", "signal", "angle", "value"):
            assert not figure["absent"]
        if not figure["absent"]:
            assert figure["caption"]
            assert len(figure["alt"]) > 20
            assert "nan" not in re.findall(r"\w+", f"{figure['title']} {figure['caption']} {figure['alt']}")
            assert NONE not in figure["title"].split()


def test_the_rule_declares_every_figure_in_order_and_each_has_a_caption():
    text = (WORKFLOW / "rules" / "report.smk").read_text()
    (declared,) = re.findall(r"^DECODING_FIGURES = \((.*?)\)", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r'"(\w+)"', declared) == list(FIGURES)
    for name in FIGURES:
        assert (WORKFLOW / "report" / f"{name}.rst").read_text().strip()


def test_drawing_again_gives_the_same_bytes(drawn, fabricated_decoding, tmp_path):
    _, _, folder = drawn("class")
    draw_decoding(**fabricated_decoding(tmp_path, **TARGETS["class"]).paths(), output=tmp_path / "figures.json")
    for name in FIGURES:
        assert (tmp_path / f"{name}.png").read_bytes() == (folder / f"{name}.png").read_bytes(), name


def test_accuracy_unfolds_over_causal_decoders_alone(drawn):
    results = drawn("class")[0].results()
    with drawing():
        (axes,) = unfolding.draw(results).figure.axes
    lines = {to_hex(line.get_color()).upper(): line for line in axes.lines if len(line.get_xdata()) > 2}
    causal = ["naive_bayes", "likelihood_psth", "likelihood_glm", "lstm"]
    found = {name: lines[results.colours[name]] for name in causal if name != "naive_bayes"}
    assert len([line for line in axes.lines if len(line.get_xdata()) > 2]) == len(causal)
    assert_allclose(found["lstm"].get_xdata()[[0, -1]], [-0.4, 1.5], atol=1e-9)
    probabilities = results.decoded["lstm"].bin_probabilities
    assert_allclose(found["lstm"].get_ydata(), (probabilities.argmax(-1) == results.codes[:, None]).mean(axis=0))
    assert found["likelihood_glm"].is_dashed()
    assert not found["lstm"].is_dashed()
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == 2, "logistic and the network that sees the future decide once"


def test_permuted_labels_bound_what_chance_reaches():
    rng = np.random.default_rng(0)
    codes, fold = np.arange(300) % 3, np.arange(300) % 5
    guessed = np.stack([rng.integers(0, 3, 300), np.zeros(300, int), codes], axis=1)
    low, high = unfolding.chance_band(guessed, codes, fold, rng)
    half_width = 1.96 * np.sqrt(2 / 9 / 300)
    assert_allclose([low[0], high[0]], [1 / 3 - half_width, 1 / 3 + half_width], atol=0.015)
    assert_allclose([low[1], high[1]], 1 / 3, atol=1e-9, err_msg="one class for all is right in a third")
    assert high[2] < 0.45, "what knows the labels is no more likely to be right once they are permuted"


def test_reliability_says_its_error_and_hollow_marks_see_the_future(drawn):
    results = drawn("class")[0].results()
    with drawing():
        panels = reliability.draw(results).figure.axes
    titled = {axes.get_title(loc="left").split("\n")[0]: axes for axes in panels if axes.get_title(loc="left")}
    assert "lstm_both_ways (not causal)" in titled
    assert (
        titled["lstm"]
        .get_title(loc="left")
        .endswith(f"ECE {results.scores.get('lstm', 'expected_calibration_error').value:.2f}")
    )
    (of_lstm,), (both_ways,) = (
        [c for c in titled[name].collections if len(c.get_offsets()) > 1 and hasattr(c, "get_sizes")]
        for name in ("lstm", "lstm_both_ways (not causal)")
    )
    assert to_hex(both_ways.get_facecolor()[0]) == "#ffffff"
    assert to_hex(of_lstm.get_facecolor()[0]).upper() == FAMILY_COLOURS["lstm"]


def test_confusions_show_the_baseline_beside_the_best(drawn):
    results = drawn("class")[0].results()
    with drawing():
        found = confusion.draw(results)
    best, baseline = results.comparison.best, results.comparison.baseline
    titles = [axes.get_title(loc="left") for axes in found.figure.axes[:2]]
    assert titles[0].startswith(f"{baseline}, aggregate")
    assert titles[1].split(",")[0].removesuffix(" (not causal)") == best
    numbers = [int(text.get_text()) for text in found.figure.axes[1].texts]
    right = np.trace(np.reshape(numbers, (3, 3)))
    assert_allclose(right / sum(numbers), results.scores.get(best, "accuracy").value)


def test_compared_classes_show_the_window_before_the_stimulus(drawn):
    one = drawn("class")[0]
    with drawing():
        with_before = decoders.draw(one.results())
        without = decoders.draw(replace(one.results(), before=type(one.results().scores)({})))
    assert "before the stimulus" in with_before.caption
    assert "before the stimulus" not in without.caption
    names = with_before.figure.axes[0].get_yticklabels()
    assert names[0].get_text() == "lstm_both_ways\n(not causal)"


def test_raw_losses_that_would_squeeze_the_axis_are_written_beside_it(drawn):
    results = drawn("class")[0].results()
    held = dict(results.scores.held)
    raw = ("likelihood_glm", "log_loss_raw", "all", "all")
    held[raw] = replace(held[raw], value=41.3, low=40.0, high=42.0)
    with drawing():
        found = decoders.draw(replace(results, tables={"fruit": type(results.scores)(held)}))
    axes = found.figure.axes[1]
    assert axes.get_xlim()[1] < 5
    assert any("raw 41" in text.get_text() for text in axes.texts)
    assert re.search(r"Beyond the axis before tempering: .*likelihood_glm", found.caption)


def test_traces_show_the_recorded_signal_the_aggregate_and_the_best_causal_decoder(drawn):
    results = drawn("signal")[0].results()
    with drawing():
        found = decoded_traces.draw(results)
    axes = found.figure.axes[0]
    colours = [to_hex(line.get_color()).upper() for line in axes.lines]
    best = results.comparison.best
    assert results.causal[best]
    assert sorted(colours) == sorted(
        [FAMILY_COLOURS[RECORDING], results.colours["bayesian"], results.colours[best]]
    )
    trial = int(axes.get_title(loc="left").removeprefix("window ")) - 1
    recorded = axes.lines[colours.index(FAMILY_COLOURS[RECORDING])]
    assert_array_equal(recorded.get_ydata(), results.target.values[trial, :, 0])
    assert axes.get_ylabel() == "hand[0] (cm/s)"


def test_an_angle_is_drawn_in_radians_and_not_as_its_sine(drawn):
    results = drawn("angle")[0].results()
    with drawing():
        found = decoded_traces.draw(results)
    axes = found.figure.axes[0]
    assert axes.get_ylabel() == "head (rad)"
    assert len(found.figure.axes) == 3, "one row for the angle"
    trial = int(axes.get_title(loc="left").removeprefix("window ")) - 1
    drawn_angles = np.concatenate([line.get_ydata() for line in axes.lines])
    assert any(np.allclose(line.get_ydata(), results_angles(results)[trial], atol=1e-5) for line in axes.lines), (
        drawn_angles
    )


def results_angles(results):
    return np.arctan2(results.target.values[..., 0], results.target.values[..., 1])


def test_values_stand_against_the_true_ones(drawn):
    results = drawn("value")[0].results()
    with drawing():
        found = decoded_values.draw(results)
    panels = {axes.get_title(loc="left").split("\n")[0]: axes for axes in found.figure.axes}
    assert set(panels) == {"mean", "ridge (not causal)", "gru"}
    (dots,) = panels["gru"].collections
    assert_allclose(dots.get_offsets()[:, 1], results.decoded["gru"].values, rtol=1e-6)
    assert "correlated with the true reaction_s" in found.title


def test_predictions_of_other_classes_are_refused(fabricate_decoding):
    one = fabricate_decoding(target={"class": "fruit"})
    results = one.results()
    odd = replace(results.decoded["lstm"], classes=np.array(["x", "y", "z"]))
    with drawing(), pytest.raises(DataError, match="lstm"):
        unfolding.draw(replace(results, decoded={**results.decoded, "lstm": odd}))


def test_a_fit_that_says_nothing_of_causality_is_refused(fabricate_decoding, tmp_path):
    one = fabricate_decoding(target={"class": "fruit"})
    (one.folder / "decoders" / "lstm" / "fit.json").write_text("{}")
    with pytest.raises(DataError, match=r"lstm.fit\.json: not what the fit of a decoder says"):
        draw_decoding(**one.paths(), output=tmp_path / "figures.json")
